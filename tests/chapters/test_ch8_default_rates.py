import pandas as pd
import pytest

from chapters.ch8 import default_rates as section


def trials(losses: dict, seeds=2) -> pd.DataFrame:
    """The same losses at every seed but for a little, on two data sets, by optimizer and rate."""
    rows = [
        {"data": data, "optimizer": name, "rate": rate, "seed": seed, "val_loss": loss + 0.001 * seed}
        for data in ("one", "two")
        for name, own in losses.items()
        for rate, loss in own.items()
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_the_tuned_rate_has_the_lowest_mean_and_the_border_is_said():
    found = section._chosen(
        trials({"SGD": {0.003: 2.0, 0.01: 1.0, 0.1: 0.5, 1.0: 3.0}, "Adam": {0.001: 0.2, 0.01: 0.9}})
    )
    rates = found.set_index(["data", "optimizer", "setting"]).rate.sort_index()
    assert rates["one", "SGD"].to_dict() == {section.DEFAULT: 0.01, section.TUNED: 0.1, section.WORST: 1.0}
    border = found[found.border].set_index(["data", "optimizer"])
    assert set(border.index) == {("one", "Adam"), ("two", "Adam")} and set(border.setting) == {section.TUNED}


def test_the_width_counts_half_a_decade_for_each_good_rate():
    losses = {"SGD": {0.01: 1.0, 0.03: 0.52, 0.1: 0.5, 0.3: 0.54, 1.0: 0.56}}
    found = section._width(trials(losses))
    assert found.decades.tolist() == [1.5, 1.5]


@pytest.mark.parametrize("name", section.GRIDS)
def test_every_grid_rises_and_holds_the_default_inside(name):
    grid = section.GRIDS[name]
    assert list(grid) == sorted(grid) and section._default_rate(name) in grid[:-1]
