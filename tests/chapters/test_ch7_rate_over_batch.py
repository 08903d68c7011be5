"""The rules for the rate, the stability limit read from curves, and the places on a line."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7.rate_over_batch import (
    BEYOND,
    FIRST,
    FOIL,
    HIGH,
    LAST,
    LINEAR,
    LOW,
    MIDDLE,
    ROOT,
    SAME,
    _limit,
    _places,
    _rates,
)  # fmt: skip

CHANCE = 2.3


def test_the_rules_meet_at_the_base():
    assert _rates(0.01, 32, 32) == pytest.approx({LINEAR: 0.32, ROOT: 0.32, SAME: 0.32})
    assert _rates(0.01, 128, 32) == pytest.approx({LINEAR: 1.28, ROOT: 0.64, SAME: 0.32})


def curves(losses: dict, *, diverged=()) -> pd.DataFrame:
    """Training losses after each epoch, by rate, of two seeds that do the same."""
    rows = [
        (seed, epoch, rate, loss, rate in diverged, CHANCE)
        for rate, values in losses.items()
        for seed in (0, 1)
        for epoch, loss in enumerate(values, 1)
    ]
    return pd.DataFrame(rows, columns=["seed", "epoch", "rate", "clean_loss", "diverged", "chance_loss"])


def test_a_rate_that_ends_worse_than_a_guess_once_is_unstable_and_so_are_all_above():
    assert _limit(curves({0.1: (2.0, 1.5), 0.4: (1.5, 1.0), 0.8: (2.4, 0.5), 1.6: (1.0, 0.4)})) == 0.4


def test_a_rate_that_is_merely_slow_is_stable():
    assert _limit(curves({0.1: (2.5, 2.2), 0.4: (2.4, 1.8), 0.8: (2.1, 1.5)})) == 0.8


def test_divergence_and_nan_are_unstable():
    assert _limit(curves({0.1: (2.0, 1.5), 0.4: (1.5, np.nan), 0.8: (1.0, 1.0)})) == 0.1
    assert _limit(curves({0.1: (2.0, 1.5), 0.4: (1.5, 1.0), 0.8: (1.0, 1.0)}, diverged=(0.8,))) == 0.4


def line(name: str, unstable_from: int) -> pd.DataFrame:
    table = pd.DataFrame({"line": name, "rule": LINEAR, "batch_size": [8, 16, 32, 64, 128], "seed": 1000})
    return table.assign(stable=table.batch_size < unstable_from, test_loss=table.batch_size / 1000)


def test_places_are_taken_below_the_first_unstable_size():
    low = line(LOW, 999)
    high = line(HIGH, 64)
    high.loc[high.batch_size == 128, "stable"] = True  # beyond the first unstable size nothing counts as stable
    foil = low.assign(rule=SAME, test_loss=9.0)
    places = _places(pd.concat([low, high, foil])).set_index(["line", "condition"])
    sizes = places.batch_size
    assert [sizes[HIGH, place] for place in (FIRST, MIDDLE, LAST, BEYOND)] == [8, 16, 32, 64]
    assert [sizes[LOW, place] for place in (FIRST, MIDDLE, LAST)] == [8, 32, 128] and (LOW, BEYOND) not in sizes
    assert places.test_loss[LOW, FOIL] == 9.0 and places.test_loss[HIGH, FOIL] == 0.032


def test_a_line_with_too_few_stable_sizes_is_refused():
    with pytest.raises(ValueError, match=r"expected three or more batch sizes .* high ratio, got \[8, 16\]"):
        _places(pd.concat([line(LOW, 999), line(HIGH, 32), line(LOW, 999).assign(rule=SAME)]))
