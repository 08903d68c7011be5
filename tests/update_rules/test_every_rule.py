"""What every rule must do: follow a schedule, walk several paths at once, keep no memory, refuse bad arguments."""

import math

import numpy as np
import pytest

from tests.update_rules.course import BOWL, SECOND_ORDER, START, WITH_RATE, WITHOUT_RATE
from textbook import update_rules
from textbook.schedules import StepDecay
from textbook.surfaces import Rosenbrock, trajectory
from textbook.update_rules import (
    Adagrad,
    Adam,
    AveragedMomentum,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NesterovLookAhead,
    RMSprop,
    TorchMomentum,
    UpdateRule,
)

every_rule = pytest.mark.parametrize("rule", (*WITH_RATE, *WITHOUT_RATE, *SECOND_ORDER), ids=repr)


def test_no_rule_is_left_out():
    assert {type(rule).__name__ for rule in (*WITH_RATE, *WITHOUT_RATE, *SECOND_ORDER)} == set(update_rules.__all__) - {
        "UpdateRule"
    }


def test_a_rule_without_its_update_is_none():
    class Half(UpdateRule):
        def init(self, w):
            return ()

    with pytest.raises(TypeError, match="update"):
        Half()


@pytest.mark.parametrize("rule", WITH_RATE, ids=repr)
def test_a_schedule_is_read_at_the_number_of_updates_done(rule):
    schedule = StepDecay(0.04, factor=0.5, every=3)
    rates = [0.04] * 3 + [0.02] * 3 + [0.01] * 3
    w = np.array(START)
    state = type(rule)(schedule).init(w)
    held = type(rule)(schedule).init(w)
    for rate in rates:
        gradient = BOWL.gradient(w)
        change, state = type(rule)(schedule).update(gradient, state)
        expected, held = type(rule)(rate).update(gradient, held)
        assert np.array_equal(change, expected)
        w = w + change


@every_rule
def test_several_paths_at_once_are_the_single_paths(rule):
    starts = np.array([[1.0, 1.0], [-2.0, 0.5], [0.3, 3.0]])
    for surface, steps in ((BOWL, 25), (Rosenbrock(), 3)):
        together = trajectory(surface, rule, start=starts, steps=steps)
        for index, start in enumerate(starts):
            alone = trajectory(surface, rule, start=start, steps=steps)
            np.testing.assert_allclose(together[:, index], alone, rtol=1e-12, atol=1e-12)


@every_rule
def test_rules_keep_no_memory_and_change_no_argument(rule):
    w, hessian = np.array(START), np.diag([1.0, 25.0])
    gradient = BOWL.gradient(w)
    bend = {"hessian": hessian} if rule.needs_hessian else {}
    state = rule.init(w)
    first, after = rule.update(gradient, state, **bend)
    rule.update(gradient, after, **bend)
    again, _ = rule.update(gradient, state, **bend)
    assert np.array_equal(first, again) and np.array_equal(gradient, [1, 25])
    assert np.array_equal(hessian, np.diag([1.0, 25.0])) and np.array_equal(w, START)
    assert np.array_equal(rule.point(w, rule.init(w)), w)  # at rest there is nowhere to look ahead to


@pytest.mark.parametrize("build", [type(rule) for rule in WITH_RATE])
@pytest.mark.parametrize("rate", (0, -0.1, math.nan, "fast", True))
def test_a_rate_is_a_positive_number(build, rate):
    with pytest.raises(ValueError, match=r"expected learning_rate .*, got .*; mend by"):
        build(rate)


@pytest.mark.parametrize("past", (-0.1, 1, 1.5, math.nan))
def test_weights_of_the_past_stay_below_one(past):
    for build in (
        lambda: HeavyBall(0.1, momentum=past),
        lambda: TorchMomentum(0.1, momentum=past),
        lambda: Nesterov(0.1, momentum=past),
        lambda: NesterovLookAhead(0.1, momentum=past),
        lambda: AveragedMomentum(0.1, beta=past),
        lambda: RMSprop(0.1, rho=past),
        lambda: Adam(0.1, beta_1=past),
        lambda: Adam(0.1, beta_2=past),
    ):
        with pytest.raises(ValueError, match=r"expected (momentum|beta|rho|beta_1|beta_2) .*, got .*; mend by"):
            build()


def test_other_bad_arguments():
    for build in (lambda: RMSprop(0.1, epsilon=0), lambda: Adam(0.1, epsilon=-1), lambda: Adagrad(0.1, epsilon=0)):
        with pytest.raises(ValueError, match=r"expected epsilon above 0, got .*; mend by"):
            build()
    with pytest.raises(ValueError, match=r"expected initial_accumulator from 0 up, got -1; mend by"):
        Adagrad(0.1, initial_accumulator=-1)
    for rule in (GradientDescent, HeavyBall, Nesterov):
        with pytest.raises(ValueError, match=r"expected curvatures above 0, got \[1.0, -2.0\]; mend by"):
            rule.best_for((1, -2))
