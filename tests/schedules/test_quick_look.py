"""Tables and plots of a schedule."""

import subprocess
import sys

import numpy as np
import pytest

from tests.schedules.test_base import families
from textbook.schedules import Constant, CosineDecay, OneCycle, StepDecay


@families
def test_a_row_is_an_update_as_in_steps_takes_it(schedule):
    table = schedule.table(12, steps_per_epoch=5)
    assert list(table) == ["update", "epoch", "learning_rate", *(["momentum"] if schedule.has_momentum else [])]
    assert table["update"].tolist() == list(range(60)) and table.epoch.tolist() == [k / 5 for k in range(60)]
    rate = schedule.in_steps(5)
    for k in (0, 7, 31, 59):
        assert table.learning_rate[k] == pytest.approx(float(rate(k)), rel=2e-5, abs=1e-8)


def test_without_epochs_it_is_as_long_as_the_schedule():
    assert len(OneCycle(1.0, total=10).table()) == 10
    assert len(CosineDecay(1.0, total=0.3).table(steps_per_epoch=10)) == 3
    assert len(Constant(0.1).table(0)) == 0
    with pytest.raises(ValueError, match=r"expected a number of epochs, since Constant\(rate=0\.1\) has no end"):
        Constant(0.1).table()


@pytest.mark.parametrize("arguments", ({"epochs": 2.5}, {"epochs": -1}, {"epochs": 2, "steps_per_epoch": 0}))
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=r"expected .* as a whole number from [01] up, got .*; mend by"):
        Constant(0.1).table(**arguments)


def test_the_plot_draws_the_table_and_returns_the_axes():
    from textbook import plots

    fig, ax = plots.figure()
    cycle = OneCycle(1.0, total=10)
    assert cycle.plot(ax, steps_per_epoch=3) is ax
    left, right = fig.axes
    table = cycle.table(steps_per_epoch=3)
    for axes, column in ((left, "learning_rate"), (right, "momentum")):
        (line,) = axes.get_lines()
        assert line.get_drawstyle() == "steps-post"
        np.testing.assert_array_equal(line.get_xdata(), [*table.epoch, 10])
        np.testing.assert_array_equal(line.get_ydata(), [*table[column], table[column].iloc[-1]])
    assert left.get_xlabel() == "epoch" and left.get_ylabel() == "learning rate"
    assert right.get_ylabel().startswith("momentum")


def test_without_axes_there_is_a_new_figure_and_without_a_momentum_one_axis():
    ax = StepDecay(0.1, factor=0.5, every=3).plot(epochs=9)
    assert ax.figure.axes == [ax]
    with pytest.raises(ValueError, match="expected at least one epoch to draw, got none; mend by"):
        Constant(0.1).plot(epochs=0)


def test_a_schedule_alone_loads_neither_pandas_nor_matplotlib():
    script = """
import sys
from textbook.schedules import OneCycle
OneCycle(1.0, total=10).budget()
assert not {"pandas", "matplotlib", "keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
