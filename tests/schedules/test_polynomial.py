"""Polynomial decay against its closed form, Keras's own and torch's."""

import numpy as np
import pytest

from tests.schedules.torch_oracle import torch_values
from textbook.schedules import PolynomialDecay


@pytest.mark.parametrize("power", (0.5, 1, 2, 3.7))
def test_the_whole_curve_is_the_formula(power):
    t = np.linspace(0, 30, 301)
    expected = [0.01 + 0.19 * (1 - min(one, 20) / 20) ** power for one in t]
    np.testing.assert_allclose(PolynomialDecay(0.2, total=20, final=0.01, power=power)(t), expected, rtol=1e-10)


@pytest.mark.parametrize("power", (0.5, 1, 2))
def test_it_is_keras_own(power):
    import keras

    steps = 33
    ours = PolynomialDecay(0.2, total=12, final=0.02, power=power)
    theirs = keras.optimizers.schedules.PolynomialDecay(0.2, 12 * steps, 0.02, power)
    for update in (0, 1, 100, 12 * steps - 1, 12 * steps, 12 * steps + 1, 20 * steps):
        assert ours(update / steps) == pytest.approx(float(theirs(update)), rel=1e-4)
        assert float(ours.in_steps(steps)(update)) == pytest.approx(float(theirs(update)), rel=1e-4)


@pytest.mark.parametrize("power", (1.0, 2.0))
def test_it_is_torchs_own(power):
    rates, _ = torch_values("PolynomialLR", 30, initial=0.3, total_iters=20, power=power)
    np.testing.assert_allclose(PolynomialDecay(0.3, total=20, power=power)(np.arange(30)), rates, rtol=1e-9, atol=1e-15)


def test_corners():
    decay = PolynomialDecay(0.2, total=10, final=0.05, power=2)
    assert decay(0) == 0.2 and decay(10) == decay(11) == 0.05 and decay(9.99) > 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial": 0}, "expected initial above 0"),
        ({"total": 0}, "expected total above 0"),
        ({"final": 0.3}, r"expected final from 0 to 0\.2"),
        ({"power": 0}, "expected power above 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message + ".*; mend by"):
        PolynomialDecay(**{"initial": 0.2, "total": 10, **arguments})
