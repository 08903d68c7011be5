"""Slopes along a hand-made response curve, and where a step against them leads."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import response_curves as section

RATE = section._RATE


@pytest.fixture
def response():
    values = section._AT[RATE]
    tables = [
        pd.DataFrame({
            "hyperparameter": RATE, "place": range(len(values)), "value": values, "seed": seed,
            "val_loss": np.log10(values / 0.03) ** 2, "test_loss": np.log10(values / 0.03) ** 2,
        })
        for seed in (1, 2)
    ]  # fmt: skip
    return pd.concat(tables)


def test_the_slope_of_a_parabola_is_twice_its_distance_whatever_the_spacing():
    places = np.arange(6)
    values = 10.0 ** (0.2 * places - 2)
    loss = np.log10(values / 0.03) ** 2
    table = pd.DataFrame({"hyperparameter": RATE, "place": places, "value": values, "seed": 1, "val_loss": loss})
    slopes = section._slopes(pd.concat([table, table.assign(seed=2)]).sample(frac=1, random_state=0))
    assert slopes.groupby("seed").place.apply(list).to_dict() == {1: [1, 2, 3, 4], 2: [1, 2, 3, 4]}
    assert slopes.slope.to_numpy() == pytest.approx(2 * np.log10(slopes.value / 0.03).to_numpy())


@pytest.mark.parametrize(("first", "factor"), [(1e-3, 10), (1.0, 0.1)])
def test_a_step_goes_downhill_by_a_factor_of_ten(response, first, factor):
    steps = section._steps(response, section._slopes(response), RATE, first).set_index(["seed", "when"])
    for seed in (1, 2):
        assert steps.value[seed, "after"] == pytest.approx(factor * steps.value[seed, "before"])
        assert steps.test_loss[seed, "after"] < steps.test_loss[seed, "before"]


def test_updates_change_the_weights_alone():
    kinds = section._kinds().set_index("number")
    assert kinds.changed.to_dict() == kinds.weight.to_dict()
    assert kinds.changed.sum() == 2
