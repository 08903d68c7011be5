import numpy as np
import pandas as pd
import pytest

from textbook.borders import border_check


def check(table, names=("rate",), **settings):
    return border_check(table, target="loss", hyperparameters=names, **settings).set_index("hyperparameter")


def grid(best):
    rates = 10.0 ** np.arange(-5, 1)
    return pd.DataFrame({"rate": rates, "loss": np.abs(np.log10(rates) - np.log10(best))})


@pytest.mark.parametrize("best, side", [(1e-5, "low"), (1e-3, ""), (1.0, "high")])
def test_a_grid_has_its_first_and_last_value_as_borders(best, side):
    row = check(grid(best), log=["rate"]).loc["rate"]
    assert row.on_border == side
    assert row.best == pytest.approx(best)
    assert (row.low, row.high) == pytest.approx((1e-5, 1.0))


def test_the_next_range_is_as_wide_and_centred_on_the_best():
    row = check(grid(1.0), log=["rate"]).loc["rate"]
    assert row.next_low == pytest.approx(10**-2.5)
    assert row.next_high == pytest.approx(10**2.5)
    assert "try values above it" in row.advice
    assert check(grid(1e-3), log=["rate"]).next_low.isna().all()


def test_random_values_are_measured_on_the_log_scale_where_told():
    rng = np.random.default_rng(0)
    rates = 10 ** rng.uniform(-5, 0, 100)
    table = pd.DataFrame({"rate": rates, "loss": np.abs(np.log10(rates) - np.log10(0.01))})
    assert check(table, log=["rate"]).on_border["rate"] == ""
    assert check(table).on_border["rate"] == "low"
    outer = table.assign(loss=np.abs(np.log10(rates) + 0.3))
    assert check(outer, log=["rate"]).on_border["rate"] == "high"
    assert check(outer, log=["rate"], share=0.02).on_border["rate"] == ""


def test_trials_of_one_configuration_are_averaged_and_the_diverged_never_win():
    table = pd.DataFrame({"rate": [0.1, 0.1, 0.2, 0.2, 0.3, 0.3], "loss": [0.0, 9.0, 1.0, 1.0, np.nan, 0.0]})
    assert check(table).best["rate"] == 0.2


def test_higher_may_be_better():
    table = grid(1e-3)
    assert check(table, lower_is_better=False, log=["rate"]).on_border["rate"] == "high"


def test_limits_are_no_borders():
    table = pd.DataFrame({"momentum": [0.0, 0.5, 0.9], "loss": [1.0, 2.0, 3.0]})
    row = check(table, ["momentum"]).loc["momentum"]
    assert (row.on_border, row.advice) == ("", "best at a limit that cannot be passed")
    table["loss"] = [3.0, 2.0, 1.0]
    assert check(table, ["momentum"], limits={"momentum": (0, 1)}).next_high["momentum"] == 1.0


def test_categories_and_constants():
    table = grid(1e-3).assign(optimizer="sgd", depth=2)
    found = check(table, ["rate", "optimizer", "depth"], log=["rate"])
    assert found.advice["optimizer"] == "a category: it has no border"
    assert found.advice["depth"] == "was not varied: try other values"
    assert (found.on_border == "").all()


def test_a_declared_range_is_the_edge_whatever_was_tried():
    few = pd.DataFrame({"rate": [0.02, 0.05, 0.08], "loss": [3.0, 2.0, 1.0]})
    assert check(few, log=["rate"]).on_border["rate"] == "high"
    row = check(few, log=["rate"], ranges={"rate": (1e-4, 1.0)}).loc["rate"]
    assert (row.on_border, row.low, row.high) == ("", 1e-4, 1.0)
    assert row.advice == "inside the range: keep it"
    # 0.08 lies in the outer 8 % (of the logarithm) below 0.1, though only three values were tried
    row = check(few, log=["rate"], ranges={"rate": (1e-4, 0.1)}).loc["rate"]
    assert row.on_border == "high"
    assert (row.next_low, row.next_high) == pytest.approx((0.08 / 1000**0.5, 0.08 * 1000**0.5))


def test_an_end_of_a_declared_range_that_is_a_limit_is_not_open():
    table = pd.DataFrame({"dropout": [0.01, 0.3, 0.49], "loss": [1.0, 2.0, 3.0]})
    closed = check(table, ["dropout"], ranges={"dropout": (0.0, 0.5)}).loc["dropout"]
    assert (closed.on_border, closed.advice) == ("", "best at a limit that cannot be passed")
    table["loss"] = [3.0, 2.0, 1.0]
    row = check(table, ["dropout"], ranges={"dropout": (0.0, 0.5)}, limits={"dropout": (0.0, 0.6)}).loc["dropout"]
    assert (row.on_border, row.next_high) == ("high", 0.6)


def test_a_grid_ends_with_its_own_values_also_with_those_that_nobody_tried():
    table = pd.DataFrame({"batch": [16, 32, 64], "loss": [3.0, 2.0, 1.0]})
    assert check(table, ["batch"], grids={"batch": [16, 32, 64, 128]}).on_border["batch"] == ""
    assert check(table, ["batch"], grids={"batch": [16, 32, 64]}).on_border["batch"] == "high"


def test_whole_numbers_get_whole_next_ranges():
    table = pd.DataFrame({"units": [8, 30, 64], "loss": [3.0, 2.0, 1.0]})
    row = check(table, ["units"], ranges={"units": (8, 65)}, whole=["units"]).loc["units"]
    assert (row.next_low, row.next_high) == (35, 93)
    assert row.advice.endswith("from 35 to 93")
    row = check(table, ["units"], log=["units"], ranges={"units": (4, 64)}, whole=["units"]).loc["units"]
    assert (row.next_low, row.next_high) == (16, 256)
    table["loss"] = [1.0, 2.0, 3.0]
    settings = {"log": ["units"], "whole": ["units"]}
    row = check(table.assign(units=[2, 3, 32]), ["units"], ranges={"units": (2, 32)}, **settings).loc["units"]
    assert row.advice == "best 2 on the low border 2: try values below it, from 1 to 8"
    # in floats the upper end is 128.00000000000009
    row = check(table.assign(units=[16, 30, 900]), ["units"], ranges={"units": (16, 1024)}, **settings).loc["units"]
    assert (row.next_low, row.next_high) == (2, 128)
    row = check(table.assign(units=[1, 2, 9]), ["units"], ranges={"units": (1, 9)}, **settings).loc["units"]
    assert row.advice == "best at a limit that cannot be passed"


@pytest.mark.parametrize(
    "change, settings, message",
    [
        ({}, {"log": ["depth"]}, "expected columns depth, got rate, loss"),
        ({"loss": np.nan}, {}, "got none; mend by smaller learning rates"),
        ({"rate": [0, 1, 2, 3, 4, 5]}, {"log": ["rate"]}, "expected 'rate' above 0"),
        ({}, {"share": 0.5}, "expected a share between 0 and 0.5, got 0.5"),
    ],
)
def test_unusable_trials_are_refused(change, settings, message):
    with pytest.raises(ValueError, match=message):
        check(grid(1e-3).assign(**change), **settings)
