"""Accuracy or loss: scores of logits whose temperature is known, and diverged runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from chapters.ch7 import accuracy_or_loss as section
from tests.calibration.predictions import calibrated_logits
from textbook.ensembles import negative_log_likelihood, probabilities


def test_scores_find_the_factor_on_calibrated_logits():
    logits, y = calibrated_logits(6000)
    logits *= 3
    parts = (SimpleNamespace(x=logits[rows], y=y[rows]) for rows in (slice(3000), slice(3000, None)))
    split = SimpleNamespace(**dict(zip(("validation", "test"), parts, strict=True)))
    end = SimpleNamespace(diverged=False, chance_loss=1.4, chance_accuracy=0.25)
    found, predicted = section._scores(end, lambda x: x, split)
    assert found["temperature"] == pytest.approx(3, rel=0.06)
    wanted = negative_log_likelihood(probabilities(logits[3000:], logits=True), y[3000:]).mean()
    assert found["test_loss"] == pytest.approx(wanted) and found["scaled_loss"] < 0.8 * wanted
    assert found["error"] > 3 * found["scaled_error"] and found["scaled_error"] < 2 * found["chance_error"]
    assert found["confidence"] > found["test_accuracy"] + 0.05
    assert predicted.shape == (2, 3000, 4)


def test_a_diverged_network_is_not_asked():
    end = SimpleNamespace(diverged=True, chance_loss=1.4, chance_accuracy=0.25)
    found, predicted = section._scores(end, None, None)
    assert found == {"diverged": True, "chance_loss": 1.4, "chance_accuracy": 0.25} and not predicted.size


def test_reliability_leaves_diverged_runs_out():
    logits, y = calibrated_logits(400)
    p = probabilities(logits, logits=True)
    table = section._pooled([("noisy", 8, np.stack([p, p]), y), ("noisy", 8, np.empty((2, 0, 0)), y)])
    assert table.groupby("condition")["count"].sum().to_dict() == {"as trained": 400, "scaled": 400}
