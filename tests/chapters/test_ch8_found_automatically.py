import numpy as np
import pytest

from chapters.ch8 import found_automatically as section


@pytest.fixture(scope="module")
def data():
    return section._drawn(0, 60, 30, 1.0)


def test_the_descent_starts_at_the_default_and_goes_down(data):
    path = section._descent(data["fit"], 3.0, 8)
    assert path[0] == pytest.approx(np.log(1 / 60)) and len(path) == 8
    losses = section._loss(data["fit"], path)
    line = section._loss(data["fit"], np.linspace(*section.RANGE, 201))
    assert losses.min() < losses[0] and losses.min() < 1.02 * line.min()


def test_a_rate_of_zero_stays(data):
    assert np.ptp(section._descent(data["fit"], 0.0, 4)) == 0


def test_the_validation_error_is_that_of_the_weights(data):
    fit = data["fit"]
    x, y = fit["x"], fit["y"]
    weights = np.linalg.solve(x.T @ x / len(x) + 0.1 * np.eye(x.shape[1]), x.T @ y / len(x))
    expected = np.mean((fit["x_val"] @ weights - fit["y_val"]) ** 2)
    assert section._loss(fit, np.log(0.1))[0] == pytest.approx(expected)
    assert section._test_error(data, np.log(0.1)) == pytest.approx(np.mean((data["x"] @ weights - data["y"]) ** 2))
