"""The figure of a check: a row and a verdict for each tensor, dots where the errors are."""

import subprocess
import sys

import numpy as np
import pytest

from textbook import plots
from textbook.checks import gradient_check_function

AT = {"right": np.array([0.5, 1.5]), "wrong": np.array([0.5, 1.5]), "kinked": np.array([0.0])}


@pytest.fixture(scope="module")
def check():
    def value(p):
        return np.sin(p["right"]).sum() + np.sin(p["wrong"]).sum() + np.maximum(p["kinked"], 0).sum()

    def gradient(p):
        return {"right": np.cos(p["right"]), "wrong": 2 * np.cos(p["wrong"]), "kinked": np.zeros(1)}

    return gradient_check_function(value, AT, gradient=gradient)


def test_rows_verdicts_and_dots(check):
    ax = check.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["right", "wrong", "kinked"]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:3] == ["pass", "wrong", "not checked"]
    wrong = [line for line in ax.get_lines() if line.get_marker() == "X"]
    assert len(wrong) == 1
    np.testing.assert_allclose(wrong[0].get_xdata(), 0.5, rtol=1e-6)
    hollow = [line for line in ax.get_lines() if line.get_markerfacecolor() == "none" and len(line.get_xdata())]
    assert len(hollow) == 1  # the kink, set apart
    ax.figure.draw_without_rendering()


def test_it_draws_on_axes_that_are_given(check):
    _, ax = plots.figure()
    assert check.plot(ax) is ax


def test_what_passed_and_what_alarms(check):
    assert not check.passed
    assert check.alarms["tensor"].tolist() == ["wrong"]
    assert "kink" in check.tensors.set_index("tensor").loc["kinked", "note"]


def test_the_parts_in_numpy_load_no_keras():
    code = (
        "import sys; from textbook.checks import bug_zoo, gradient_check_function, relative_error; "
        "bug_zoo.WestonWatkins; sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
