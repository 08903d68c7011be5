"""Hypergradients of ridge regression: against centred differences, scikit-learn, and planted mistakes."""

import numpy as np
import pytest

from textbook.checks import gradient_check_function, numerical_gradient
from textbook.hypergradient import ridge_hypergradient


def rows(seed: int = 0, *, n: int = 30, m: int = 20, features: int = 6) -> dict:
    random = np.random.default_rng(seed)
    x, true = random.normal(size=(n + m, features)), random.normal(size=features)
    y = x @ true + random.normal(size=n + m)
    return {"x": x[:n], "y": y[:n], "x_val": x[n:], "y_val": y[n:]}


@pytest.mark.parametrize("log_penalty", [-6.0, -1.0, 0.0, 2.0, 7.0])
def test_one_common_penalty_against_differences(log_penalty):
    data = rows()

    def loss(points):
        return np.array([ridge_hypergradient(**data, log_penalty=point).loss for point in points[:, 0]])

    wanted = numerical_gradient(loss, np.array([log_penalty]), h=1e-5)[0]
    assert ridge_hypergradient(**data, log_penalty=log_penalty).slope == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_a_penalty_each_passes_the_check_and_a_forgotten_factor_does_not():
    data, at = rows(), np.linspace(-3, 2, 6)

    def loss(log_penalty):
        return ridge_hypergradient(**data, log_penalty=log_penalty).loss

    def slope(log_penalty):
        return ridge_hypergradient(**data, log_penalty=log_penalty).slope

    assert gradient_check_function(loss, at, gradient=slope).passed
    # dV/dλ in the place of dV/d ln λ
    assert not gradient_check_function(loss, at, gradient=lambda each: slope(each) / np.exp(each)).passed


def test_slopes_of_equal_penalties_add_up_to_the_common_one():
    data = rows()
    common, each = (ridge_hypergradient(**data, log_penalty=at) for at in (0.5, np.full(6, 0.5)))
    assert common.slope == pytest.approx(each.slope.sum(), rel=1e-12)
    assert common.loss == each.loss


def test_weights_are_those_of_scikit_learn():
    from sklearn.linear_model import Ridge

    data = rows()
    known = Ridge(alpha=30 * 0.7, fit_intercept=False).fit(data["x"], data["y"])
    found = ridge_hypergradient(**data, log_penalty=np.log(0.7))
    np.testing.assert_allclose(found.weights, known.coef_, rtol=1e-10)
    assert found.loss == pytest.approx(np.mean((known.predict(data["x_val"]) - data["y_val"]) ** 2))


def test_more_features_than_rows():
    data = rows(n=5, features=40)
    found = ridge_hypergradient(**data, log_penalty=np.zeros(40))
    assert found.slope.shape == found.weights.shape == (40,) and np.isfinite(found.slope).all()


@pytest.mark.parametrize("log_penalty", [-36.0, -200.0])
def test_a_penalty_too_small_for_few_rows_is_refused(log_penalty):
    with pytest.raises(ValueError, match="expected weights that the rows and penalties determine"):
        ridge_hypergradient(**rows(n=5, features=20), log_penalty=log_penalty)
    assert np.isfinite(ridge_hypergradient(**rows(), log_penalty=log_penalty).slope)


def test_penalties_far_apart_leave_features_out():
    data = rows()
    found = ridge_hypergradient(**data, log_penalty=np.array([0.0, 0.0, 0.0, 300.0, 600.0, 690.0]))
    few = {name: part[:, :3] if part.ndim == 2 else part for name, part in data.items()}
    wanted = ridge_hypergradient(**few, log_penalty=np.zeros(3))
    np.testing.assert_allclose(found.weights, [*wanted.weights, 0, 0, 0], rtol=1e-9, atol=1e-100)
    np.testing.assert_allclose(found.slope, [*wanted.slope, 0, 0, 0], rtol=1e-9, atol=1e-100)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"y": np.zeros(29)}, "expected x as \\(rows, features\\) and a value for each row"),
        ({"x_val": np.zeros((20, 5))}, "expected x_val with 6 features, got 5"),
        ({"log_penalty": np.zeros(5)}, "expected log_penalty between −700 and 700, a number or \\(6,\\)"),
        ({"log_penalty": -np.inf}, "expected log_penalty between"),
        ({"y_val": np.full(20, np.nan)}, "expected finite numbers in x_val"),
        ({"x": np.zeros((30, 0))}, "expected x as \\(rows, features\\)"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        ridge_hypergradient(**{**rows(), "log_penalty": 0.0, **wrong})
