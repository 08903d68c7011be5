import numpy as np
import pytest
from scipy import stats

from textbook.statistics import mean_interval, mean_p_value, overlapping_splits_interval, wilson_interval


def test_the_t_interval_is_scipys_paired_one():
    rng = np.random.default_rng(0)
    first, second = rng.normal(1, 2, (2, 16))
    expected = stats.ttest_rel(first, second)
    low, high = mean_interval(first - second)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()))
    assert mean_p_value(first - second) == pytest.approx(expected.pvalue)


def test_the_t_interval_by_hand():
    # mean 2, s = 1, t(2) at 97.5 % = 4.30265; 4.30265 / √3 = 2.48414
    assert mean_interval([1, 2, 3]) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-5)
    # t(2) at 95 % = 2.91999
    assert mean_interval([1, 2, 3], 0.9)[1] == pytest.approx(2 + 2.91999 / np.sqrt(3), abs=1e-5)


def test_many_series_at_once_are_judged_like_each_alone():
    series = np.random.default_rng(1).normal(size=(5, 12))
    low, high = mean_interval(series)
    assert low.shape == (5,)
    assert [(low[i], high[i]) for i in range(5)] == [pytest.approx(mean_interval(row)) for row in series]
    assert mean_interval(series.T, axis=0)[0] == pytest.approx(low)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3])
def test_equal_values_have_the_point_as_interval(value):
    assert mean_interval([value] * 12) == (value, value)
    assert mean_p_value([value] * 12) == (1.0 if value == 0 else 0.0)


@pytest.mark.parametrize(
    ("values", "message"), [([1.0], "at least two"), ([1.0, np.nan], "guess"), (3.0, "two values")]
)
def test_values_that_have_no_interval_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(values)


def test_a_confidence_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"between 0 and 1, got 95"):
        mean_interval([1, 2], 95)


def test_the_t_interval_covers_what_it_says():
    low, high = mean_interval(np.random.default_rng(2).normal(1, 3, (20_000, 12)))
    assert ((low < 1) & (high > 1)).mean() == pytest.approx(0.95, abs=0.006)  # four standard errors


def test_wilson_is_the_score_interval():
    # The ends solve |k/n − p| = z √(p(1−p)/n).
    z = stats.norm.ppf(0.975)
    for end in wilson_interval(12, 16):
        assert abs(12 / 16 - end) == pytest.approx(z * np.sqrt(end * (1 - end) / 16))
    assert wilson_interval(0, 10)[0] == pytest.approx(0, abs=1e-12)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="5 of 4"):
        wilson_interval(5, 4)


def test_overlapping_splits_widen_the_interval():
    # s² (1/n + n_test/n_train): with n = 10 and a third of the rows tested, (1/10 + 1/2) / (1/10) = 6
    differences = np.random.default_rng(3).normal(size=10)
    plain = np.diff(mean_interval(differences))[0]
    corrected = np.diff(overlapping_splits_interval(differences, training_rows=200, test_rows=100))[0]
    assert corrected / plain == pytest.approx(np.sqrt(6))
    with pytest.raises(ValueError, match="one training"):
        overlapping_splits_interval(differences, training_rows=0, test_rows=100)
