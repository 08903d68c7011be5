"""Reliability and its error against definitions, and on predictions whose calibration is known."""

import numpy as np
import pytest

from tests.calibration.predictions import calibrated_logits
from textbook.calibration import error_if_calibrated, expected_calibration_error, reliability_table
from textbook.ensembles import probabilities
from textbook.statistics import wilson_interval


def test_a_table_by_hand():
    predicted = [[0.55, 0.45], [0.6, 0.4], [0.95, 0.05], [0.05, 0.95]]
    table = reliability_table(predicted, [0, 1, 0, 1], bins=10)
    assert table["count"].tolist() == [2, 2]
    np.testing.assert_allclose(table[["low", "high"]], [[0.5, 0.6], [0.9, 1.0]])
    np.testing.assert_allclose(table.confidence, [0.575, 0.95])
    np.testing.assert_allclose(table.accuracy, [0.5, 1.0])
    np.testing.assert_allclose(table.gap, [0.075, -0.05])
    np.testing.assert_allclose(table[["accuracy_low", "accuracy_high"]].iloc[0], wilson_interval(1, 2))


@pytest.mark.parametrize("binning", ["width", "count"])
def test_the_error_is_the_weighted_gap_of_the_table(binning):
    logits, y = calibrated_logits(500)
    sure = probabilities(3 * logits, logits=True)
    table = reliability_table(sure, y, bins=12, binning=binning)
    wanted = (table["count"] * table.gap.abs()).sum() / 500
    assert expected_calibration_error(sure, y, bins=12, binning=binning) == pytest.approx(wanted, rel=1e-12)
    assert table["count"].sum() == 500


@pytest.mark.parametrize("binning", ["width", "count"])
def test_calibrated_predictions_err_as_chance_does_and_sharper_ones_more(binning):
    logits, y = calibrated_logits(2000)
    right, sharper = probabilities(logits, logits=True), probabilities(3 * logits, logits=True)
    chance = np.quantile(error_if_calibrated(right, binning=binning), [0.005, 0.995])
    assert chance[0] < expected_calibration_error(right, y, binning=binning) < chance[1] < 0.06
    assert expected_calibration_error(sharper, y, binning=binning) > 2 * chance[1]
    # all the predictions of a too sharp model that hold enough rows are surer than right
    table = reliability_table(sharper, y, binning=binning)
    assert (table[table["count"] > 50].gap > 0).all()


def test_chance_covers_as_often_as_it_says():
    found = []
    for seed in range(200):
        logits, y = calibrated_logits(150, seed=seed)
        predicted = probabilities(logits, logits=True)
        limit = np.quantile(error_if_calibrated(predicted, seed=seed), 0.95)
        found.append(expected_calibration_error(predicted, y) < limit)
    assert 0.9 <= np.mean(found) <= 0.99  # 95 % ± 3 standard errors of 200


def test_chance_alone_gives_small_samples_a_large_error():
    few, many = (error_if_calibrated(probabilities(calibrated_logits(rows)[0], logits=True)) for rows in (100, 10_000))
    assert few.mean() > 5 * many.mean()
    np.testing.assert_array_equal(few, error_if_calibrated(probabilities(calibrated_logits(100)[0], logits=True)))


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="expected draws as a whole number from 1 up"):
        error_if_calibrated([[0.5, 0.5]], draws=0)
