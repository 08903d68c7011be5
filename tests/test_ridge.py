"""The ridge path against the normal equations and scikit-learn; effective parameters against the trace."""

import numpy as np
import pytest

from textbook.ridge import RidgePath, effective_parameters


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 6)) * [1, 2, 0.1, 1, 5, 0.01], rng.normal(size=(30, 2))


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
def test_weights_solve_the_normal_equations(data, penalty):
    x, y = data
    wanted = np.linalg.solve(x.T @ x + penalty * np.eye(6), x.T @ y)
    assert RidgePath(x, y).weights(penalty) == pytest.approx(wanted, rel=1e-9)
    assert RidgePath(x, y[:, 0]).weights(penalty) == pytest.approx(wanted[:, 0], rel=1e-9)


def test_weights_as_of_scikit_learn(data):
    from sklearn.linear_model import Ridge

    x, y = data
    assert pytest.approx(Ridge(0.7, fit_intercept=False).fit(x, y).coef_, rel=1e-8) == RidgePath(x, y).weights(0.7).T


@pytest.mark.parametrize("penalty", [0.0, 0.1, 10.0])
def test_effective_parameters_are_the_trace_of_the_hat_matrix(data, penalty):
    x, y = data
    hat = x @ np.linalg.solve(x.T @ x + penalty * np.eye(6), x.T)
    assert RidgePath(x, y).effective_parameters(penalty) == pytest.approx(np.trace(hat), rel=1e-9)


def test_without_a_penalty_the_smallest_of_all_solutions():
    x = np.random.default_rng(1).normal(size=(4, 9))
    y = np.arange(4.0)
    path = RidgePath(x, y)
    assert path.weights(0.0) == pytest.approx(np.linalg.pinv(x) @ y)
    assert path.effective_parameters(0.0) == pytest.approx(4)


def test_a_feature_that_is_constant_zero_is_no_parameter(data):
    x, y = data
    wider = np.hstack([x, np.zeros((30, 3))])
    assert RidgePath(wider, y).effective_parameters(0.0) == pytest.approx(6)
    assert RidgePath(wider, y).weights(0.5)[6:] == pytest.approx(0)


def test_bad_input_is_refused(data):
    x, y = data
    with pytest.raises(ValueError, match="as many rows"):
        RidgePath(x, y[:5])
    with pytest.raises(ValueError, match="finite x"):
        RidgePath(np.full((3, 2), np.nan), np.zeros(3))
    with pytest.raises(ValueError, match="penalty"):
        RidgePath(x, y).weights(-1.0)
    with pytest.raises(ValueError, match="curvatures"):
        effective_parameters([-1.0], 1.0)
    with pytest.raises(ValueError, match="penalty"):
        effective_parameters([1.0], -1.0)
