"""Tests over settings: against SciPy, against the rates they promise, and against what they must not be fooled by."""

import inspect

import numpy as np
import pytest
from scipy import stats

from textbook.statistics.heterogeneity import same_effect, same_sign, words_disagree

SPREADS, COUNTS = (0.5, 1.0, 1.0, 3.0, 6.0), (16, 16, 12, 16, 16)


def drawn(rng, effects):
    return [rng.normal(m, s, n) for m, s, n in zip(effects, SPREADS, COUNTS, strict=True)]


def rejections(test, effects, tables=800):
    rng = np.random.default_rng(0)
    return np.mean([test(drawn(rng, effects)).p < 0.05 for _ in range(tables)])


class TestSameEffect:
    def test_of_two_settings_it_is_welchs_t_test(self):
        rng = np.random.default_rng(1)
        a, b = rng.normal(0, 1, 12), rng.normal(1, 4, 20)
        t = stats.ttest_ind(a, b, equal_var=False)
        found = same_effect([a, b])
        assert (found.statistic, found.p) == pytest.approx((t.statistic**2, t.pvalue))

    @pytest.mark.parametrize("count", [2, 3, 5, 8])
    def test_of_several_settings_it_is_scipys(self, count):
        if "equal_var" not in inspect.signature(stats.f_oneway).parameters:
            pytest.skip("this SciPy has no Welch test for more than two samples")
        rng = np.random.default_rng(count)
        settings = [rng.normal(rng.normal(), rng.uniform(0.1, 5), rng.integers(2, 30)) for _ in range(count)]
        found, theirs = same_effect(settings), stats.f_oneway(*settings, equal_var=False)
        assert (found.statistic, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))

    def test_of_many_seeds_it_is_cochrans_q(self):
        rng = np.random.default_rng(2)
        settings = [rng.normal(0.02 * k, s, 20_000) for k, s in enumerate((1.0, 2.0, 3.0, 1.0))]
        weights = np.array([len(v) / v.var(ddof=1) for v in settings])
        means = np.array([v.mean() for v in settings])
        q = weights @ (means - np.average(means, weights=weights)) ** 2
        found = same_effect(settings)
        assert found.p == pytest.approx(stats.chi2.sf(q, 3), rel=0.02)
        assert found.effect == pytest.approx(np.average(means, weights=weights))

    def test_it_cries_wolf_once_in_twenty_times(self):
        assert rejections(same_effect, [2.0] * 5) == pytest.approx(0.05, abs=0.02)

    def test_the_test_for_equal_variances_would_not(self):
        """What makes Welch's test needed: the noisiest setting with the fewest seeds passes for an effect."""
        rng = np.random.default_rng(0)
        tables = [[rng.normal(0, s, n) for s, n in ((1, 16), (1, 16), (6, 4))] for _ in range(300)]
        assert np.mean([stats.f_oneway(*table).pvalue < 0.05 for table in tables]) > 0.15
        assert np.mean([same_effect(table).p < 0.05 for table in tables]) < 0.09

    def test_it_sees_a_setting_that_differs(self):
        assert rejections(same_effect, [0.0, 0.0, 2.0, 0.0, 0.0], 200) > 0.95


class TestSameSign:
    def test_effects_of_other_sizes_have_one_sign(self):
        effects = [0.5, 5.0, 1.0, 10.0, 3.0]
        assert rejections(same_effect, effects, 200) > 0.95
        assert rejections(same_sign, effects, 200) < 0.01

    def test_it_cries_wolf_once_in_twenty_times_in_the_hardest_case(self):
        assert rejections(same_sign, [20.0, 0.0, 0.0, 0.0, 0.0]) == pytest.approx(0.05, abs=0.02)

    def test_nothing_anywhere_is_easier(self):
        assert rejections(same_sign, [0.0] * 5) < 0.03

    def test_it_sees_a_crossing(self):
        assert rejections(same_sign, [1.0, -2.0, 0.0, 0.0, 0.0], 200) > 0.95

    def test_critical_values_of_the_paper(self):
        """Gail and Simon's table: 2.71, 4.23, 5.43 and 6.50 for two to five settings at 5 %."""
        for settings, critical in ((2, 2.71), (3, 4.23), (4, 5.43), (5, 6.50)):
            z = np.sqrt(critical)
            values = np.tile([1.0, -1.0], 50_000) * np.sqrt(1e5 - 1)  # a standard error of the mean of exactly 1
            table = [values - z] + [values + 50 * z] * (settings - 1)
            found = same_sign(table)
            assert found.statistic == pytest.approx(critical, rel=1e-3)
            assert found.p == pytest.approx(0.05, abs=5e-4)


class TestWords:
    def test_no_draws(self):
        with pytest.raises(ValueError, match="at least one draw"):
            words_disagree([[1.0, 2.0], [2.0, 4.0]], delta=1.0, draws=0)

    def test_one_effect_near_delta_is_given_several_words(self):
        rng = np.random.default_rng(3)
        settings = [rng.normal(1.0, 2.0, 16) for _ in range(5)]
        assert words_disagree(settings, delta=1.0, effect=1.0) > 0.9

    def test_a_large_effect_is_not(self):
        rng = np.random.default_rng(3)
        assert words_disagree([rng.normal(9.0, 1.0, 16) for _ in range(5)], delta=1.0) < 0.01

    def test_two_settings_by_hand(self):
        """An effect of exactly δ with little spread holds every other time: two settings differ every other time."""
        settings = [np.tile([1.01, 0.99], 8), np.tile([1.02, 0.98], 8)]
        assert words_disagree(settings, delta=1.0, effect=1.0, draws=4000) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([[1.0, 2.0]], "two or more settings"),
        ([[1.0, 2.0], [1.0]], "mend by more seeds"),
        ([[1.0, 2.0], [3.0, 3.0]], "every seed gives the same"),
        ([[1.0, 2.0], [0.1, 0.1, 0.1]], "every seed gives the same"),  # whose mean is rounded
        ([[1.0, 2.0], [3.0, np.nan]], "got 1 that are not"),
    ],
)
def test_settings_that_cannot_be_compared(settings, message):
    for test in (same_effect, same_sign):
        with pytest.raises(ValueError, match=message):
            test(settings)
