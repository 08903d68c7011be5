"""The temperature against known ones, a grid, and data that have none."""

import numpy as np
import pytest

from tests.calibration.predictions import calibrated_logits
from textbook.calibration import expected_calibration_error, fit_temperature
from textbook.ensembles import negative_log_likelihood, probabilities


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_a_factor_on_calibrated_logits_is_found_again(factor):
    logits, y = calibrated_logits(20_000)
    found = fit_temperature(factor * logits, y, logits=True)
    assert found.temperature == pytest.approx(factor, rel=0.03) and not found.at_limit
    again = fit_temperature(probabilities(factor * logits, logits=True), y, logits=False)
    assert again.temperature == pytest.approx(found.temperature, rel=1e-6)


def test_no_temperature_of_a_grid_has_a_lower_loss():
    logits, y = calibrated_logits(300, seed=1)
    logits *= 2.5
    found = fit_temperature(logits, y, logits=True)
    grid = [
        negative_log_likelihood(probabilities(logits, logits=True, temperature=t), y).mean()
        for t in np.geomspace(0.1, 10, 200)
    ]
    assert found.loss_after <= min(grid) + 1e-12
    assert found.loss_before == pytest.approx(negative_log_likelihood(probabilities(logits, logits=True), y).mean())
    assert found.loss_after == pytest.approx(negative_log_likelihood(found.probabilities(logits), y).mean())


def test_held_out_rows_gain_and_keep_their_classes():
    logits, y = calibrated_logits(4000)
    logits *= 3
    found = fit_temperature(logits[:2000], y[:2000], logits=True)
    before, after = probabilities(logits[2000:], logits=True), found.probabilities(logits[2000:])
    assert expected_calibration_error(after, y[2000:]) < 0.4 * expected_calibration_error(before, y[2000:])
    np.testing.assert_array_equal(before.argmax(-1), after.argmax(-1))


def test_one_column_agrees_with_two():
    logits, y = calibrated_logits(1000, classes=2)
    two = fit_temperature(3 * logits, y, logits=True)
    one = fit_temperature(3 * (logits[:, 1:] - logits[:, :1]), y, logits=True)
    assert one.temperature == pytest.approx(two.temperature, rel=1e-9)
    sigmoid = probabilities(3 * (logits[:, 1:] - logits[:, :1]), logits=True)
    assert fit_temperature(sigmoid, y, logits=False).temperature == pytest.approx(two.temperature, rel=1e-6)


def test_constants_in_a_row_and_leading_axes_do_not_matter():
    logits, y = calibrated_logits(600)
    wanted = fit_temperature(logits, y, logits=True)
    moved = logits + 1e3 * np.arange(600)[:, None]
    assert fit_temperature(moved, y, logits=True).temperature == pytest.approx(wanted.temperature, rel=1e-6)
    assert fit_temperature(logits.reshape(20, 30, 4), y.reshape(20, 30), logits=True) == wanted


def test_the_end_of_the_range_is_said():
    logits = 5 * np.eye(3)[[0, 1, 2, 0]]
    right = fit_temperature(logits, [0, 1, 2, 0], logits=True)
    assert right.at_limit and right.temperature == 0.05 and right.loss_after < right.loss_before
    wrong = fit_temperature(logits, [1, 2, 0, 1], logits=True, between=(0.1, 50.0))
    assert wrong.at_limit and wrong.temperature == 50.0


@pytest.mark.parametrize(
    ("outputs", "y", "settings", "words"),
    [
        ([[0.0, np.inf]], [0], {}, "expected finite outputs, got 1 rows"),
        ([[1.0, 1.0]], [0], {}, "expected outputs that differ between classes"),
        ([[0.2, 0.8], [0.5, 0.5]], [0, 1], {}, "probabilities; mend by logits=False"),
        ([[2.0, -1.0]], [0], {"logits": False}, "expected probabilities, got numbers from -1 to 2"),
        ([[2.0, -1.0]], [2], {}, "expected y as classes from 0 to 1"),
        ([[2.0, -1.0]], [0, 1], {}, "expected a class for each of 1 samples"),
        ([[2.0, -1.0], [1.0, 3.0]], [[1, 0], [0, 1]], {}, "y.argmax\\(axis=-1\\) of one-hot labels"),
        ([[0.2], [0.9]], [0, 1], {}, "one column between 0 and 1: probabilities"),
        ([[2.0, -1.0]], [0], {"logits": "no"}, "expected logits as True or False"),
        (np.empty((0, 3)), [], {}, "expected one sample or more"),
        ([[2.0, -1.0]], [0], {"between": (2.0, 5.0)}, "expected a range of temperatures around 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(outputs, y, settings, words):
    with pytest.raises(ValueError, match=words):
        fit_temperature(outputs, y, **{"logits": True, **settings})


def test_the_loss_of_surely_wrong_rows_is_not_cut_off():
    found = fit_temperature([[0.0, 1000.0], [0.0, 1000.0], [1000.0, 0.0]], [1, 0, 0], logits=True, between=(0.1, 1e4))
    assert found.loss_before == pytest.approx(1000 / 3)
    assert found.temperature == pytest.approx(1000 / np.log(2)) and found.loss_after < np.log(2)
