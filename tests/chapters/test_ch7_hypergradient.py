"""Hypergradient: the data as they are said to be, and planted mistakes that the claims' tests see."""

import dataclasses

import numpy as np
import pytest

from chapters.ch7 import hypergradient as section

TESTS = {claim.id: claim.test for claim in section.CLAIMS}


def data(relevant: int = 6, seed: int = 3) -> dict:
    return section._drawn(seed, 40, 12, relevant, 1.0)


def test_data_have_the_weights_and_the_noise_that_are_said():
    drawn = section._drawn(0, 3000, 12, 3, 0.5)
    weights, *_ = np.linalg.lstsq(drawn["x"], drawn["y"], rcond=None)
    assert np.linalg.norm(weights) == pytest.approx(1, abs=0.02) and np.abs(weights[3:]).max() < 0.02
    assert np.std(drawn["y"] - drawn["x"] @ weights) == pytest.approx(0.5, rel=0.02)
    assert [len(drawn["fit"][name]) for name in ("x", "x_val", "y", "y_val")] == [3000] * 4 and len(
        drawn["y"]
    ) == 30_000


def test_a_slope_without_the_factor_of_the_logarithm_is_found_out(monkeypatch):
    assert TESTS["7.1-d/slope"].judge({"slopes": section._slopes(data()["fit"])}).verdict == "exact"
    right = section.ridge_hypergradient

    def forgotten(*, log_penalty, **fit):
        found = right(**fit, log_penalty=log_penalty)
        return dataclasses.replace(found, slope=found.slope / np.exp(log_penalty))

    monkeypatch.setattr(section, "ridge_hypergradient", forgotten)
    assert TESTS["7.1-d/slope"].judge({"slopes": section._slopes(data()["fit"])}).verdict == "violated"


def test_a_training_that_is_broken_off_is_found_out(monkeypatch):
    assert TESTS["7.1-d/ingredient"].judge({"response": section._response(data()["fit"])}).verdict == "exact"
    right = section.ridge_hypergradient

    def unfinished(*, log_penalty, **fit):
        weights = np.zeros(fit["x"].shape[1])
        for _ in range(5):
            gradient = 2 * fit["x"].T @ (fit["x"] @ weights - fit["y"]) / 40 + 2 * np.exp(log_penalty) * weights
            weights = weights - 0.02 * gradient
        return dataclasses.replace(right(**fit, log_penalty=log_penalty), weights=weights)

    monkeypatch.setattr(section, "ridge_hypergradient", unfinished)
    assert TESTS["7.1-d/ingredient"].judge({"response": section._response(data()["fit"])}).verdict == "violated"


def test_descent_goes_down_and_stays_in_the_range():
    path = section._descent(data()["fit"], 3.0, 11)
    assert len(path) == 11 and path.val_loss.iloc[-1] < path.val_loss.iloc[0]
    wild = section._descent(data()["fit"], 1e4, 11)
    assert wild.log_penalty.between(*section.RANGE).all()


def test_every_way_is_scored_with_its_trainings():
    scores = section._scores(data(), rate=3.0, trainings=5)
    errors = scores.set_index(["condition", "part"])
    assert errors.squared_error[section.EACH, "validation"] < errors.squared_error[section.GRID, "validation"]
    assert errors.trainings[section.GRID, "test"] == errors.trainings[section.DESCENT, "test"] == 5
    assert errors.trainings[section.BOTH, "test"] == 6 < errors.trainings[section.EACH, "test"]
    assert (section.BOTH, "validation") not in errors.index  # it has trained on those rows


def test_training_on_both_parts_is_ridge_of_all_rows_at_the_same_strength():
    from sklearn.linear_model import Ridge

    drawn = data()
    fit = drawn["fit"]
    grid = np.linspace(*section.RANGE, 5)
    common = min(grid, key=lambda at: section.ridge_hypergradient(**fit, log_penalty=at).loss)
    both = Ridge(alpha=40 * np.exp(common), fit_intercept=False)
    both.fit(np.concatenate([fit["x"], fit["x_val"]]), np.concatenate([fit["y"], fit["y_val"]]))
    wanted = np.mean((both.predict(drawn["x"]) - drawn["y"]) ** 2)
    scores = section._scores(drawn, rate=3.0, trainings=5).set_index(["condition", "part"])
    assert scores.squared_error[section.BOTH, "test"] == pytest.approx(wanted, rel=1e-9)
