"""The momentum section's own computations against hand-made paths and planted faults."""

import numpy as np
import pytest

from chapters.ch4 import momentum
from textbook.experiment import exact
from textbook.surfaces import trajectory, updates_until
from textbook.update_rules import GradientDescent, HeavyBall


def test_sign_changes_stop_counting_where_the_steep_weight_has_settled():
    zigzag = np.column_stack([[1, 0.5, 1e-7, 0, 0], [1, -1, 1, -1e-7, 1e-7]])
    straight = np.column_stack([[1, 0.5, 0.5, 0.5, 0], [1, 0.5, 0.2, 0.1, 0]])
    table = momentum._zigzag(zigzag, straight)
    assert table["without"].tolist() == [2, 3]
    assert table["with"].tolist() == [0, 4]
    assert table.fewer.tolist() == [True, False]


def test_counts_catch_a_setting_that_is_not_the_best():
    best = {
        "descent": GradientDescent(2 / 26),
        "heavy ball": HeavyBall(1 / 9, momentum=4 / 9),
        "descent at 1/λmax": GradientDescent(1 / 25),
    }
    walks = {name: trajectory(momentum.BOWL, rule, start=momentum.START, steps=400) for name, rule in best.items()}
    assert {name: updates_until(walk, (0, 0)) for name, walk in walks.items()} == {
        "descent": 173, "heavy ball": 45, "descent at 1/λmax": 339,
    }  # fmt: skip
    planted = walks | {"Nesterov": walks["heavy ball"]}
    test = exact(measured="updates", expected="known")
    assert test.judge(momentum._counts(planted)).verdict == "violated"


def test_steps_of_the_sum_grow_tenfold_and_those_of_the_average_to_the_rate():
    steps = momentum._steps(0.1, 0.9)
    last = steps[steps["update"] == 60].set_index("velocity").step
    assert last.to_dict() == pytest.approx({"sum": 1 - 0.9**60, "average": 0.1 * (1 - 0.9**60)}, abs=1e-12)
    assert steps[steps["update"] == 1].step.tolist() == pytest.approx([0.1, 0.01], abs=1e-12)


def test_sum_and_average_part_where_the_rate_is_not_adapted():
    twins = momentum._twins(0.01, 0.9)
    np.testing.assert_allclose(twins["sum"], twins["average"], atol=1e-12)
    unadapted = trajectory(momentum.BOWL, HeavyBall(0.1, momentum=0.9), start=momentum.START, steps=100).ravel()
    assert np.abs(unadapted - twins["average"]).max() > 0.1
