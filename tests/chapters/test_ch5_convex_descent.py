"""Noise balls, growth on separable classes, and rates that arrive or do not."""

import numpy as np
import pytest

from chapters.ch5 import convex_descent
from textbook.experiment import Run
from textbook.surfaces import LogisticRegression

RUN = Run(seeds=(3, 4))


def test_the_walks_end_where_the_formula_says():
    noise = convex_descent._noise(RUN)
    assert noise["square"].to_numpy() == pytest.approx(noise.closed_form.to_numpy(), abs=1e-12)
    assert noise.groupby("rate").walked.mean().to_numpy() == pytest.approx(
        noise.groupby("rate").closed_form.mean().to_numpy(), rel=0.1
    )


def test_weights_grow_without_a_penalty_and_settle_with_one():
    surface = convex_descent._separable(3)
    assert surface.separable
    growth = convex_descent._growth(surface, 3, 600).groupby("condition").growth.first()
    assert growth["no penalty"] > 1.2 and growth["L2 penalty"] == pytest.approx(1, abs=1e-3)


def test_only_rates_below_the_bound_arrive(monkeypatch):
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 4))
    surface = LogisticRegression(x, x[:, 0] + random.normal(size=60) > 0, 0.1)
    monkeypatch.setattr(convex_descent, "_regression", lambda run, seed, l2: surface)
    table = convex_descent._descents(RUN, 3, 0.1, 600, 1.05)
    assert table[table.below].arrives.all() and not table[~table.below].arrives.any()
    assert table.groupby("condition").rate.first()["0.5 · 2/L"] == pytest.approx(1 / surface.smoothness)
    # a little below its own limit even the largest rate arrives
    assert convex_descent._descents(RUN, 3, 0.1, 600, 0.9).arrives.all()
