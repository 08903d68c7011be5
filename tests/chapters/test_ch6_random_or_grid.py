import numpy as np
import pandas as pd
import pytest

from chapters.ch6 import random_or_grid as section


def test_the_grid_has_two_values_of_each_and_all_their_combinations():
    points = section._points(0, 32)
    counts = points.groupby("design")[list(section.RANGES)].agg(lambda column: column.round(12).nunique())
    assert (counts.loc["grid"] == 2).all() and (counts.loc[["random", "sobol"]] == 32).all(axis=None)
    grid = points[points.design == "grid"]
    assert len(grid[list(section.RANGES)].round(12).drop_duplicates()) == 32
    assert points.number.is_unique and len(points) == 96


def test_values_stay_within_their_ranges_and_on_their_scales():
    unit = np.linspace(0, 1, 101)
    for low, high, kind in section.RANGES.values():
        values = section._value(unit, low, high, kind)
        assert values[0] == pytest.approx(low, abs=1e-12) and values[-1] == pytest.approx(high)
        assert (np.diff(values) > 0).all()
    # half-way to 0.99 on the scale of the distance from 1 is 0.9
    assert section._value(np.array([0.5]), 0.0, 0.99, "one minus")[0] == pytest.approx(0.9)


def test_growth_ends_at_the_best_of_all():
    table = pd.DataFrame({"seed": 0, "design": "grid", "val_loss": [0.5, 0.3, 0.9, 0.7]})
    found = section._growth(table).set_index("trials").val_loss
    assert found[4] == 0.3 and found[1] == pytest.approx(0.6)


def test_too_many_trials_are_refused():
    with pytest.raises(ValueError, match="expected 1 to 333 trials"):
        section._points(0, 400)
