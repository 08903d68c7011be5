import pytest

from textbook.experiment.pages.axes import Axis


def test_positions_run_from_margin_to_margin():
    axis = Axis.around([3.0, -1.0, 0.0])
    assert (axis.low, axis.high) == (-1.0, 3.0)
    assert [axis.position(value) for value in (-1, 1, 3)] == [4.0, 50.0, 96.0]


def test_a_logarithmic_axis_gives_equal_factors_equal_ways():
    axis = Axis.around([0.5, 2.0], log=True)
    assert axis.position(1) == 50.0


def test_one_value_alone_stands_in_the_middle():
    assert Axis.around([2.0]).position(2.0) == 50.0
    assert Axis.around([2.0], log=True).position(2.0) == 50.0


@pytest.mark.parametrize(
    ("low", "high", "log", "ticks"),
    [
        (-0.07, 0.07, False, [-0.05, 0.0, 0.05]),
        (0, 1, False, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-120, 31, False, [-100.0, -50.0, 0.0]),
        (0.9, 1.4, True, [0.9, 1.0, 1.1, 1.2, 1.3, 1.4]),
        (0.9, 7, True, [1.0, 2.0, 5.0]),
        (0.5, 40, True, [1.0, 3.0, 10.0, 30.0]),
        (1e-9, 1e9, True, [1e-9, 1e-5, 1e-1, 1e3, 1e7]),
    ],
)
def test_ticks_are_few_and_round(low, high, log, ticks):
    assert Axis(low, high, log).ticks() == ticks
