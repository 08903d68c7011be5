"""The Taylor section's own computations against hand-made curves and planted faults."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import taylor
from textbook.experiment import exact, slope


def test_derivatives_equal_differences():
    x, h = np.linspace(-3, 3, 13), 1e-4
    first, second = taylor.derivatives(x)
    assert first == pytest.approx((taylor.loss(x + h) - taylor.loss(x - h)) / (2 * h), abs=1e-7)
    assert second == pytest.approx((taylor.loss(x + h) - 2 * taylor.loss(x) + taylor.loss(x - h)) / h**2, abs=1e-6)


def test_only_the_line_does_not_bend():
    x = taylor.SHOWN
    curves = pd.DataFrame({"line": 1 + 2 * x, "parabola": x**2, "as_printed": np.sin(x)})
    bends = taylor._bends(curves).set_index("model").bend
    assert bends["line"] < 1e-9 and bends["parabola"] == pytest.approx(2) and bends["as_printed"] > 0.9


def test_the_orders_catch_a_wrong_curvature(monkeypatch):
    centres = dict(enumerate(np.linspace(0.8, 2.5, 6)))
    cubic = slope("remainder", over="distance", theory=3, where={"order": 2})
    assert cubic.judge(taylor._remainders(centres)).verdict == "holds"
    right = taylor.derivatives
    monkeypatch.setattr(taylor, "derivatives", lambda x: (right(x)[0], 0.9 * right(x)[1]))
    assert cubic.judge(taylor._remainders(centres)).verdict == "fails"


def test_the_printed_limit_is_what_is_left_at_zero():
    limits = taylor._limits({1000: 2.0})
    printed = limits[limits.limit == "as printed"].sort_values("distance").ratio.iloc[0]
    assert printed == pytest.approx(np.log(2) / 4, rel=1e-3)
    assert exact(measured="ratio", expected=0, tolerance=1e-3, where={"distance": 1e-4}).judge(limits).verdict == (
        "violated"
    )


def test_the_line_falls_and_the_parabola_is_least_at_its_vertex():
    steps = taylor._steps(1.0)
    assert steps.line_falls.all() and steps.line.iloc[-1] < -1000
    nearest = steps.rate.iloc[steps.parabola.argmin()]
    assert abs(np.log(nearest / steps.vertex_rate.iloc[0])) <= np.log(steps.rate[1] / steps.rate[0])
