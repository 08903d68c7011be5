"""Smith's procedure: what it returns, that it uses what it found, and that the model is left as it was."""

import keras
import numpy as np
import pytest

from textbook import schedules
from textbook.range_test import smith_recipe

pytestmark = pytest.mark.skipif(not hasattr(schedules, "OneCycle"), reason="the recipe ends in a OneCycle")


@pytest.fixture(scope="module")
def noisy():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(64, 1)).astype("float32")
    return x, 2 * x + draw.normal(size=(64, 1)).astype("float32")


def recipe(model, noisy, **arguments):
    small = {"epochs": 5, "momenta": (0.5, 0.9), "weight_decays": (0.0, 50.0), "batch_size": 16, "rates": 40}
    return smith_recipe(model, *noisy, **{**small, "start": 1e-3, **arguments})


def test_it_returns_a_configured_1cycle_with_the_values_found(linear, noisy):
    model = linear(keras.optimizers.SGD(0.1, momentum=0.9))
    before = model.get_weights()
    found = recipe(model, noisy)
    assert found.momentum in (0.5, 0.9)
    assert found.weight_decay == 0.0
    rates = found.steps.set_index("step")["found"]
    assert rates.to_dict() == {
        "momentum": found.momentum,
        "weight_decay": 0.0,
        "learning_rate": pytest.approx(found.schedule.maximum),
    }
    suggested = [one.rate for one in found.rate_test.suggestions.values()]
    assert found.schedule.maximum in suggested
    assert found.schedule.total == 5
    assert found.schedule.momentum(0) == pytest.approx(found.momentum)
    assert np.array_equal(before[0], model.get_weights()[0])
    assert model.optimizer.momentum == 0.9


def test_the_last_test_runs_with_the_momentum_and_the_decay_found(linear, noisy):
    one = recipe(linear(keras.optimizers.SGD(0.1)), noisy, momenta=(0.9,), weight_decays=(1e-3,))
    other = recipe(linear(keras.optimizers.SGD(0.1)), noisy, momenta=(0.0,), weight_decays=(1e-3,))
    assert one.rate_test.table["loss"].iat[20] != pytest.approx(other.rate_test.table["loss"].iat[20], rel=1e-3)
    among = one.weight_decay_test.tests[1e-3].table["loss"]
    n = min(len(among), len(one.rate_test.table))
    np.testing.assert_allclose(one.rate_test.table["loss"][:n], among[:n], rtol=1e-5)


def test_the_schedule_can_be_compiled_with(linear, noisy):
    found = recipe(linear(keras.optimizers.SGD(0.1, momentum=0.9)), noisy)
    model = linear(keras.optimizers.SGD(found.schedule.in_steps(4), momentum=found.momentum))
    history = model.fit(*noisy, batch_size=16, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_wrong_arguments_are_refused_in_words(linear, noisy):
    with pytest.raises(ValueError, match="expected epochs above 0"):
        recipe(linear(), noisy, epochs=0)
    with pytest.raises(ValueError, match="expected an optimizer with a momentum"):
        recipe(linear(keras.optimizers.Adagrad()), noisy)
