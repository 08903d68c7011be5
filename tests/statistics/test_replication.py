"""What fewer seeds would have said: against closed forms, and against the mistakes that resampling invites."""

import numpy as np
import pytest
from scipy import stats

from textbook.statistics import paired_verdict
from textbook.statistics.replication import (
    FIVE_WORDS,
    bare_words,
    contradicts,
    disjoint_groups,
    seeds_to_agree,
    word_shares,
    words_of,
)


def pool(effect, spread=1.0, n=400):
    """Normal quantiles: a pool whose mean and standard deviation are exactly these."""
    z = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return effect + spread * z / z.std(ddof=1)


class TestContradictions:
    def test_which_words_exclude_each_other(self):
        clashes = {frozenset((a, b)) for a in FIVE_WORDS for b in FIVE_WORDS if contradicts(a, b)}
        assert clashes == {
            frozenset(pair)
            for pair in [
                ("holds", "reversed"), ("holds", "no difference"), ("holds", "fails"), ("reversed", "no difference")
            ]
        }  # fmt: skip

    def test_inconclusive_contradicts_nothing_and_no_word_itself(self):
        assert not any(contradicts("inconclusive", word) or contradicts(word, word) for word in FIVE_WORDS)

    def test_a_word_that_is_none(self):
        with pytest.raises(ValueError, match="among holds"):
            contradicts("holds", "wins")


class TestGroups:
    def test_no_seed_is_in_two_groups_and_order_is_kept(self):
        groups = disjoint_groups(np.arange(100.0), 16)
        assert groups.shape == (6, 16)
        assert groups.ravel().tolist() == list(range(96))

    def test_a_group_larger_than_the_pool(self):
        with pytest.raises(ValueError, match="1 to 3 seeds"):
            disjoint_groups([1.0, 2.0, 3.0], 4)

    def test_words_are_those_of_the_rules(self):
        groups = np.random.default_rng(0).normal(0.8, 1, (60, 5))
        words = words_of(groups, 1.0)
        assert words.tolist() == [paired_verdict(group, 1.0).verdict for group in groups]
        assert len(set(words)) > 1

    def test_one_seed_has_no_interval(self):
        assert words_of(np.array([[50.0], [-50.0]]), 1.0).tolist() == ["inconclusive", "inconclusive"]


class TestShares:
    @pytest.mark.parametrize("seeds", [3, 16])
    def test_power_is_that_of_students_t(self, seeds):
        """Of an effect far above δ "holds" needs t > t*, whose probability is the noncentral t's."""
        effect, spread = 1.2, 1.0
        expected = stats.nct.sf(stats.t.ppf(0.975, seeds - 1), seeds - 1, effect / spread * np.sqrt(seeds))
        shares = word_shares(pool(effect, spread, 2000), seeds, delta=0.05, draws=20_000)
        assert shares["holds"] == pytest.approx(expected, abs=0.02)

    def test_a_bare_mean_has_the_normals_shares(self):
        shares = word_shares(pool(0.5), 4, delta=1.0, bare=True, draws=20_000)
        assert shares["holds"] == pytest.approx(stats.norm.sf(1.0), abs=0.015)
        assert shares["reversed"] == pytest.approx(stats.norm.cdf(-3.0), abs=0.005)
        assert shares["inconclusive"] == shares["fails"] == 0

    def test_as_many_seeds_as_the_pool_has_still_vary(self):
        """Drawn without replacement, every experiment would be the pool and agree with it."""
        values = pool(1.0, 3.0, 40)
        shares = word_shares(values, 40, delta=1.0)
        assert 0.3 < shares["holds"] < 0.7

    def test_shares_sum_to_one_and_repeat(self):
        first, again = (word_shares(pool(0.3), 5, delta=0.5, draws=500) for _ in range(2))
        assert first == again and sum(first.values()) == pytest.approx(1)
        assert first != word_shares(pool(0.3), 5, delta=0.5, draws=500, seed=1)

    @pytest.mark.parametrize(
        ("bad", "message"),
        [([1.0], "two or more"), ([[1.0, 2.0]], "two or more"), ([1.0, np.nan], "got 1 that are not")],
    )
    def test_a_pool_that_is_none(self, bad, message):
        with pytest.raises(ValueError, match=message):
            word_shares(bad, 3, delta=1.0)


class TestHowMany:
    def test_a_noisier_claim_needs_more(self):
        counts = [seeds_to_agree(pool(2.0, spread), delta=1.0, draws=800) for spread in (0.5, 1.0, 2.0)]
        assert counts == sorted(counts) and counts[0] < counts[2]

    def test_nothing_there_needs_an_interval_within_delta(self):
        """±δ must hold the interval: t(n−1)·s/√n is below 1 for s = 2 from 18 seeds on, and more leave room."""
        assert seeds_to_agree(pool(0.0, 2.0), delta=1.0, draws=800) > 18

    def test_an_effect_of_delta_is_never_settled(self):
        assert seeds_to_agree(pool(1.0, 1.0), delta=1.0, most=32, draws=800) is None

    def test_an_inconclusive_pool(self):
        with pytest.raises(ValueError, match="inconclusive; run more"):
            seeds_to_agree([-3.0, 4.0, 2.0], delta=1.0)

    @pytest.mark.parametrize("asked", [{"share": 1.2}, {"share": 0.0}, {"most": 1}])
    def test_a_question_without_an_answer(self, asked):
        with pytest.raises(ValueError, match="expected a share above 0"):
            seeds_to_agree(pool(2.0), delta=1.0, **asked)


def test_the_bare_border():
    assert bare_words([1.0, -1.0, 0.999], 1.0).tolist() == ["holds", "reversed", "no difference"]


def test_a_diverged_run_is_no_word():
    for judge, values in ((bare_words, [np.nan]), (words_of, [[np.inf]]), (words_of, [[1.0, np.nan]])):
        with pytest.raises(ValueError, match="got 1 that are not"):
            judge(values, 1.0)


def test_a_delta_that_is_none():
    with pytest.raises(ValueError, match="above 0, got -1"):
        bare_words([1.0], -1)
