"""The four rules on curves whose answers are known, and their refusals to guess."""

import numpy as np
import pytest

from textbook.range_test.suggestions import Agreement, Suggestion, minimum, slide, steepest, suggest, valley

RATES = np.geomspace(1e-6, 10, 100)
LOG = np.log10(RATES)
# falls as a sigmoid around 10^-2, lowest at 10^-0.5, then explodes
CURVE = 2.3 - 2 / (1 + np.exp(-3 * (LOG + 2))) + np.exp(4 * (LOG - 0.2))


def test_steepest_is_where_the_fall_over_the_logarithm_is_fastest():
    found = suggest(RATES, CURVE, rates=100)["steepest"]
    assert found.rate == pytest.approx(1e-2, rel=0.2)


def test_a_slope_over_the_rate_itself_would_suggest_a_far_smaller_rate():
    wrong = RATES[10:-5][np.argmin(np.gradient(CURVE[10:-5], RATES[10:-5]))]
    assert suggest(RATES, CURVE, rates=100)["steepest"].rate > 5 * wrong


def test_minimum_is_a_tenth_of_the_rate_with_the_lowest_loss():
    lowest = RATES[10:-5][np.argmin(CURVE[10:-5])]
    assert suggest(RATES, CURVE, rates=100)["minimum"].rate == pytest.approx(lowest / 10)


def test_valley_agrees_with_a_count_by_hand():
    # a fall of eleven points, one of the first five and then those from index 5 to 14: 14 − 11 + 3 + 1 = 7
    loss = np.r_[10 + np.arange(5), 9 - np.arange(10) * 0.5, 20 + np.arange(10)]
    assert valley(np.geomspace(1, 1e24, 25), loss).rate == pytest.approx(1e7)


def test_a_fall_from_the_first_point_on_has_its_middle_there():
    found = valley(RATES, -np.arange(100.0))  # 99 − 100 + 33 + 16
    assert found.rate == pytest.approx(RATES[48])


def test_a_valley_at_a_negative_index_is_nothing_and_not_the_largest_rate():
    assert valley(RATES, np.arange(100.0)) == Suggestion(
        None, "the longest fall has 1 points, too few to have a middle"
    )
    assert valley(RATES[:20], np.r_[3.0, 2.0, np.linspace(5, 6, 18)]).rate is None


def test_slide_stops_where_the_slopes_differ_no_more():
    found = slide(RATES[10:-5], CURVE[10:-5])
    slope = np.gradient(CURVE[10:-5])
    at = int(np.searchsorted(RATES[10:-5], found.rate))
    assert abs(slope[at + 15] - slope[at]) > 0.005
    assert abs(slope[at + 14] - slope[at - 1]) <= 0.005


def test_flat_and_restless_curves_slide_nowhere():
    assert "nothing to slide from" in slide(RATES, np.ones(100)).reason
    assert "never came to rest" in slide(RATES, np.arange(100.0) ** 2).reason


def test_rules_say_none_where_the_curve_does_not_show_what_they_look_for():
    rising = np.arange(100.0)
    assert steepest(RATES, rising) == Suggestion(None, "the loss falls nowhere")
    assert "try a smaller start" in minimum(RATES, rising).reason
    assert "try a larger end" in minimum(RATES, -rising).reason


def test_a_fall_after_the_explosion_is_not_the_steepest():
    exploded = CURVE.copy()
    exploded[92:] = 1.0  # it comes down again at once
    assert "exploded already" in suggest(RATES, exploded, rates=100)["steepest"].reason


def test_too_few_points_give_none_with_a_reason():
    few = suggest(RATES, CURVE[:30], rates=100)  # 30 − 5 − 10 = 15 are left
    assert {found.rate for found in few.values()} == {None}
    assert "15 points are left of 30 updates" in few["slide"].reason
    assert suggest(RATES, CURVE[:31], rates=100)["steepest"].reason != few["steepest"].reason


def test_a_curve_ends_where_it_is_not_finite():
    broken = CURVE.copy()
    broken[80:] = np.nan
    assert suggest(RATES, broken, rates=100) == suggest(RATES[:80], CURVE[:80], rates=100)


def test_agreement_counts_and_compares():
    assert Agreement.between({"a": Suggestion(None, ""), "b": Suggestion(0.1, "")}) == Agreement(1, None)
    assert Agreement.between({"a": Suggestion(0.3, ""), "b": Suggestion(0.1, "")}).factor == pytest.approx(3)
