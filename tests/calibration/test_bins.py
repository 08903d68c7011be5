"""Bins of confidence against the definition, and numbers that are no probabilities."""

import numpy as np
import pytest

from textbook.calibration.bins import bin_numbers, confidences


def test_bins_of_equal_width_hold_their_upper_edge():
    sure = np.array([1e-9, 0.2, 0.2000001, 0.4, 0.99, 1.0])
    number, edges = bin_numbers(sure, bins=5, binning="width")
    assert number.tolist() == [0, 0, 1, 1, 4, 4]
    np.testing.assert_allclose(edges, [0, 0.2, 0.4, 0.6, 0.8, 1.0])


@pytest.mark.parametrize("rows", [40, 41, 7, 3])
def test_bins_of_equal_count_differ_by_one_at_most(rows):
    sure = np.random.default_rng(rows).permutation(np.linspace(0.3, 0.9, rows))
    number, edges = bin_numbers(sure, bins=5, binning="count")
    counts = np.bincount(number)
    assert counts.max() - counts[counts > 0].min() <= 1
    assert (counts > 0).sum() == min(rows, 5)
    assert edges[0] == sure.min() and edges[-1] == sure.max()


def test_equal_confidences_stay_together_in_whatever_order():
    sure = np.array([0.5, 0.9, 0.9, 0.9, 0.9, 0.6])
    number, _ = bin_numbers(sure, bins=3, binning="count")
    assert len(set(number[sure == 0.9])) == 1
    np.testing.assert_array_equal(bin_numbers(sure[::-1], bins=3, binning="count")[0], number[::-1])


def test_one_column_names_both_classes():
    sure, right = confidences([[0.9], [0.2], [0.7]], [1, 0, 0])
    np.testing.assert_allclose(sure, [0.9, 0.8, 0.7])
    assert right.tolist() == [True, True, False]


def test_leading_axes_are_samples():
    sure, right = confidences(np.full((2, 3, 4), 0.25), np.zeros((2, 3), int))
    assert sure.shape == right.shape == (6,)


def test_rounding_above_one_is_certainty():
    assert confidences([[1 + 1e-7], [0.5]])[0].max() == confidences([[1 + 1e-7, 0.0]])[0].max() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([[2.0, -1.0]], "expected probabilities, got numbers from -1 to 2; mend logits"),
        ([[1.3]], "got numbers from 1.3 to 1.3"),
        ([[0.4, 0.4], [0.5, 0.5]], "got rows that sum to 0.8 … 1; mend by a softmax"),
        ([[np.nan, 1.0]], "expected finite outputs, got 1 rows"),
        (np.empty((0, 3)), "expected one sample or more, got an array \\(0, 3\\)"),
        (np.empty((3, 0)), "expected one sample or more, got an array \\(3, 0\\)"),
    ],
)
def test_what_is_no_probability_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        confidences(wrong)


def test_classes_in_other_axes_are_refused():
    with pytest.raises(
        ValueError, match="expected a class for each of 6 samples, got classes \\(3, 2\\) for outputs \\(2, 3\\)"
    ):
        confidences(np.full((2, 3, 4), 0.25), np.zeros((3, 2), int))
    with pytest.raises(ValueError, match="mend by the same rows, and by y\\.argmax"):
        confidences(np.full((5, 4), 0.25), np.eye(4)[[0, 1, 2, 3, 0]])


def test_labels_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="expected a class for each of 2 samples, got classes \\(3,\\)"):
        confidences([[0.5, 0.5], [0.1, 0.9]], [0, 1, 1])
    with pytest.raises(ValueError, match="expected y as classes from 0 to 1"):
        confidences([[0.5, 0.5]], [2])


@pytest.mark.parametrize(("wrong", "words"), [({"bins": 0}, "expected bins"), ({"binning": "log"}, "expected binning")])
def test_bins_out_of_range_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        bin_numbers(np.array([0.5]), **{"bins": 3, "binning": "width", **wrong})
