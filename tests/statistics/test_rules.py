import numpy as np
import pytest

from textbook.statistics import (
    EXACT,
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    NO_DIFFERENCE,
    REVERSED,
    VIOLATED,
    equivalence_verdict,
    exact_verdict,
    five_way,
    paired_verdict,
    seeds_for_share,
    share_verdict,
    slope_verdict,
    trend_verdict,
)


@pytest.mark.parametrize(
    ("mean", "low", "high", "word"),
    [
        (0.0, -0.9, 0.9, NO_DIFFERENCE),
        (0.5, 0.1, 0.9, NO_DIFFERENCE),  # surely above zero, and surely too small to matter
        (0.0, -1.0, 0.9, FAILS),  # −δ itself is not inside
        (0.0, -0.9, 1.0, INCONCLUSIVE),
        (1.0, 0.1, 1.9, HOLDS),  # a mean of exactly δ is enough
        (0.99, 0.1, 1.88, INCONCLUSIVE),
        (2.0, 0.0, 4.0, INCONCLUSIVE),  # zero itself is not ruled out
        (-1.0, -1.9, -0.1, REVERSED),
        (-0.99, -1.88, -0.1, FAILS),  # not reversed by δ, yet +δ is ruled out
        (-0.5, -2.0, 0.9, FAILS),
        (0.5, -2.0, 3.0, INCONCLUSIVE),
        (-2.0, -5.0, 1.0, INCONCLUSIVE),
    ],
)
def test_the_first_of_five_rules_that_applies(mean, low, high, word):
    assert five_way(mean, low, high, 1.0) == word
    assert five_way(mean * 0.01, low * 0.01, high * 0.01, 0.01) == word


def test_five_way_takes_arrays():
    assert five_way([2.0, 0.0], [1.0, -0.5], [3.0, 0.5], 1.0).tolist() == [HOLDS, NO_DIFFERENCE]


def test_paired_by_hand():
    # mean 2, interval 2 ± 2.484
    judgement = paired_verdict([1, 2, 3], 1, unit="points")
    assert judgement.verdict == INCONCLUSIVE
    assert judgement.effect == 2
    assert judgement.interval == pytest.approx((-0.484, 4.484), abs=1e-3)
    assert judgement.p == pytest.approx(0.0742, abs=1e-4)
    assert (judgement.n, judgement.unit, judgement.delta) == (3, "points", 1.0)
    assert paired_verdict([5, 6, 7], 1).verdict == HOLDS
    assert paired_verdict([-5, -6, -7], 1).verdict == REVERSED


@pytest.mark.parametrize(
    ("value", "word"), [(0.0, NO_DIFFERENCE), (0.5, NO_DIFFERENCE), (1.0, HOLDS), (-3.0, REVERSED)]
)
def test_equal_differences_are_judged_by_their_value(value, word):
    judgement = paired_verdict([value] * 16, 1)
    assert judgement.verdict == word
    assert judgement.interval == (value, value)


def test_one_seed_alone_gives_no_verdict():
    judgement = paired_verdict([100.0], 1)
    assert judgement.verdict == INCONCLUSIVE
    assert judgement.interval is None and judgement.n == 1 and "One seed" in judgement.note


@pytest.mark.parametrize(
    ("differences", "delta", "message"),
    [([], 1, "one value per seed"), ([1, np.nan], 1, "guess"), ([1, 2], 0, "above 0"), ([1, 2], np.nan, "above 0")],
)
def test_paired_refuses(differences, delta, message):
    with pytest.raises(ValueError, match=message):
        paired_verdict(differences, delta)


class TestTrend:
    changes = np.array([4.0, 4.1, 3.9, 4.0])
    steps = np.array([[1.0, 1.1, 0.9, 1.0]] * 4)

    def test_a_change_with_no_step_backwards_holds(self):
        assert trend_verdict(self.changes, self.steps, 1).verdict == HOLDS

    def test_a_reversed_step_contradicts_it(self):
        steps = self.steps.copy()
        steps[:, 2] = [-1.1, -1.2, -1.1, -1.3]
        judgement = trend_verdict(self.changes, steps, 1)
        assert judgement.verdict == FAILS
        assert "step 3 is reversed" in judgement.note
        assert judgement.effect == pytest.approx(4)

    def test_a_step_back_smaller_than_delta_does_not(self):
        steps = self.steps.copy()
        steps[:, 2] = -0.5
        assert trend_verdict(self.changes, steps, 1).verdict == HOLDS

    def test_otherwise_it_is_judged_like_a_pair(self):
        assert trend_verdict(-self.changes, -self.steps, 1).verdict == REVERSED
        assert trend_verdict(self.changes * 0, self.steps * 0, 1).verdict == NO_DIFFERENCE

    def test_it_needs_five_knob_values_and_the_same_seeds(self):
        with pytest.raises(ValueError, match="at least 5 knob values"):
            trend_verdict(self.changes, self.steps[:, :3], 1)
        with pytest.raises(ValueError, match="3 seeds and 4"):
            trend_verdict(self.changes, self.steps[:3], 1)


class TestShare:
    def test_seeds_needed(self):
        assert [seeds_for_share(p) for p in (0.5, 0.9, 0.95)] == [4, 35, 73]
        assert seeds_for_share(0.1, above=False) == 35

    @pytest.mark.parametrize(
        ("events", "word"), [(16, HOLDS), (12, HOLDS), (11, INCONCLUSIVE), (5, INCONCLUSIVE), (4, FAILS), (0, FAILS)]
    )
    def test_above_a_half(self, events, word):
        # Wilson for 12 of 16: (0.505, 0.898); for 11 of 16: (0.444, 0.858)
        judgement = share_verdict([1] * events + [0] * (16 - events))
        assert judgement.verdict == word
        assert judgement.effect == events / 16
        assert judgement.delta == 0.5

    def test_below_is_the_mirror_image(self):
        assert share_verdict([0] * 16, above=False).verdict == HOLDS
        assert share_verdict([1] * 16, above=False).verdict == FAILS

    def test_too_few_seeds_say_how_many_are_needed(self):
        judgement = share_verdict([1] * 34, 0.9)
        assert judgement.verdict == INCONCLUSIVE
        assert judgement.note == "A threshold of 90% needs 35 seeds, there are 34."
        assert share_verdict([1] * 35, 0.9).verdict == HOLDS

    def test_it_refuses_what_is_no_event_and_no_share(self):
        with pytest.raises(ValueError, match="true or false"):
            share_verdict([0.5, 1])
        with pytest.raises(ValueError, match=r"write 90 % as 0\.9"):
            share_verdict([1, 0], 90)


class TestEquivalence:
    same = np.array([[0.1, -0.1, 0.0, 0.05], [0.2, 0.1, 0.0, 0.1]])
    bad = np.array([[5.0, 5.1, 5.2, 5.0], [4.9, 5.0, 5.1, 5.0]])

    def test_all_pairs_equal_and_the_control_told_apart_holds(self):
        assert equivalence_verdict(self.same, self.bad, 1).verdict == HOLDS

    def test_one_different_pair_fails_and_is_named(self):
        judgement = equivalence_verdict({"a − b": self.same[0], "a − c": self.same[1] - 3}, self.bad, 1)
        assert judgement.verdict == FAILS
        assert judgement.note == "Different: a − c."
        assert judgement.effect == pytest.approx(-2.9)

    def test_it_has_no_p_value_whatever_it_says(self):
        # that of a pair would count an equality that holds among the doubtful discoveries
        different = {"a − b": self.same[0], "a − c": self.same[1] - 3}
        judgements = [equivalence_verdict(pairs, self.bad, 1) for pairs in (self.same, different)]
        assert [(judgement.verdict, judgement.p) for judgement in judgements] == [(HOLDS, None), (FAILS, None)]

    def test_a_wide_pair_leaves_it_open(self):
        wide = [self.same[0], np.array([3.0, -3.0, 2.0, -2.0])]
        assert equivalence_verdict(wide, self.bad, 1).verdict == INCONCLUSIVE

    def test_a_control_that_is_not_told_apart_proves_nothing(self):
        judgement = equivalence_verdict(self.same, [self.bad[0], self.same[0]], 1)
        assert judgement.verdict == INCONCLUSIVE
        assert "control" in judgement.note

    def test_no_pairs_or_no_control_are_refused(self):
        with pytest.raises(ValueError, match="positive control"):
            equivalence_verdict(self.same, [], 1)


@pytest.mark.parametrize(
    ("slopes", "word"),
    [
        ([-1.01, -0.99, -1.0, -1.02], HOLDS),
        ([-1.2, -1.21, -1.19, -1.2], FAILS),
        ([-1.1, -1.11, -1.09, -1.1], INCONCLUSIVE),  # the interval straddles theory − 0.1
        ([-2.0, 0.0, -1.0, -1.0], INCONCLUSIVE),
        ([-1.0], INCONCLUSIVE),
    ],
)
def test_slope(slopes, word):
    assert slope_verdict(slopes, -1.0).verdict == word


def test_exact():
    assert exact_verdict(1e-6, 1e-6).verdict == EXACT
    judgement = exact_verdict(1.1e-6, 1e-6)
    assert (judgement.verdict, judgement.n, judgement.interval, judgement.delta) == (VIOLATED, None, None, None)
    assert exact_verdict(float("nan"), 1.0).verdict == VIOLATED
    assert exact_verdict(float("inf"), 1.0).effect is None
    with pytest.raises(ValueError, match="tolerance"):
        exact_verdict(0.0, -1.0)
