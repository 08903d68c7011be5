"""The Newton section's own computations against hand-made cases and planted faults."""

import numpy as np
import pytest

from chapters.ch5 import newton
from textbook.experiment import slope
from textbook.surfaces import Rosenbrock
from textbook.update_rules import GradientDescent, UpdateRule
from textbook.update_rules import Newton as NewtonRule


def test_the_readings_by_hand():
    left = newton._readings().set_index(["surface", "reading"]).left
    assert left["bowl", "Hessian"] == pytest.approx(0, abs=1e-12)
    assert left["bowl", "Laplacian"] == pytest.approx(25 / 26)
    assert left["saddle", "Laplacian"] == np.inf


def test_one_step_catches_a_step_that_is_a_little_short(monkeypatch):
    assert newton._one_step(3).left.iloc[0] < 1e-9

    class Short(NewtonRule):
        def update(self, gradient, state, *, hessian):
            change, state = super().update(gradient, state, hessian=hessian)
            return 0.999 * change, state

    monkeypatch.setattr(newton, "Newton", Short)
    assert newton._one_step(3).left.iloc[0] == pytest.approx(1e-3)


def test_the_order_catches_a_frozen_hessian(monkeypatch):
    test, valley = slope("after", over="before", theory=2), Rosenbrock(10.0)
    tables = [newton._orders(valley, seed) for seed in range(4)]
    assert test.judge(newton.pd.concat(tables)).verdict == "holds"

    class Stale(UpdateRule):
        """A Hessian that was taken elsewhere: linear convergence."""

        def init(self, w):
            return ()

        def update(self, gradient, state):
            return -np.linalg.solve(valley.hessian([1.1, 1.1]), gradient[..., None])[..., 0], state

    monkeypatch.setattr(newton, "Newton", Stale)
    tables = [newton._orders(valley, seed) for seed in range(4)]
    assert test.judge(newton.pd.concat(tables)).verdict == "fails"


def test_a_race_that_is_not_finished_counts_all_its_updates():
    starts = {1: np.array([1.5, 2.0]), 2: np.array([1.0, 1.0])}
    race = newton._race(Rosenbrock(10.0), {"Newton": NewtonRule(), "damped Newton": GradientDescent(1e-5)}, starts)
    counted = race.set_index(["condition", "seed"])
    assert counted.loc[("damped Newton", 1)].tolist() == [400, False]
    assert counted.loc[("damped Newton", 2)].tolist() == [1, True]
    assert counted.loc[("Newton", 1), "arrived"] and counted.loc[("Newton", 1), "updates"] < 15
