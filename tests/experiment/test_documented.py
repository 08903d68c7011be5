"""A run beside the documented one."""

import json
from pathlib import Path

import pytest

from textbook.experiment import documented
from textbook.experiment.documented import AS_DOCUMENTED, DIFFERS, agreement

CHAPTERS = sorted(path.parent.name for path in (Path(__file__).parents[2] / "data/reference").glob("ch*/results.json"))


def claim(effect, half, *, unit="nats", verdict="holds", second=None, test="a rule"):
    low, high = (effect / half, effect * half) if unit == "×" else (effect - half, effect + half)
    numbers = {"effect": effect, "interval": [low, high], "unit": unit, "delta": 1.1 if unit == "×" else 0.01}
    return {**numbers, "verdict": verdict, "second": second, "test": test}


@pytest.mark.parametrize(("effect", "word"), [(0.1, AS_DOCUMENTED), (0.149, AS_DOCUMENTED), (0.151, DIFFERS)])
def test_effects_may_differ_by_what_two_intervals_allow(effect, word):
    # √(0.03² + 0.04²) = 0.05
    assert agreement(claim(effect, 0.03), claim(0.1, 0.04)) == word
    assert agreement(claim(0.2 - effect, 0.03), claim(0.1, 0.04)) == word


@pytest.mark.parametrize(("effect", "word"), [(2.9, AS_DOCUMENTED), (1 / 2.9, AS_DOCUMENTED), (3.2, DIFFERS)])
def test_ratios_are_compared_as_ratios(effect, word):
    # intervals of a factor 2 to either side: a factor 2^√2 = 2.67 is allowed, from 1.1 up to 2.93
    assert agreement(claim(effect, 2, unit="×"), claim(1.1 if effect > 1 else 1 / 1.1, 2, unit="×")) == word


def test_a_word_may_change_where_the_number_did_not():
    assert agreement(claim(0.0099, 0.004, verdict="inconclusive"), claim(0.0101, 0.004)) == AS_DOCUMENTED


def test_the_deciding_judgement_is_compared():
    second = claim(-0.3, 0.01, verdict="reversed")
    assert agreement(claim(0.1, 0.01, second=second), claim(-0.3, 0.01)) == AS_DOCUMENTED
    assert agreement(claim(0.1, 0.01, second=second), claim(0.1, 0.01)) == DIFFERS


def test_identities_agree_in_their_word():
    numbers = {"effect": 0.0, "interval": None, "unit": "largest error", "delta": None}
    exact = {**numbers, "verdict": "exact", "second": None, "test": "a rule"}
    assert agreement(exact, exact | {"effect": 1e-9}) == AS_DOCUMENTED
    assert agreement(exact | {"verdict": "violated", "effect": None}, exact) == DIFFERS


@pytest.mark.parametrize(("effect", "word"), [(0.100009, AS_DOCUMENTED), (0.100011, DIFFERS)])
def test_rounding_is_no_difference_where_all_seeds_say_the_same(effect, word):
    assert agreement(claim(effect, 0.0), claim(0.1, 0.0)) == word


def test_a_ratio_s_rounding_is_a_share_of_the_logarithm_of_its_delta():
    # log 1.1 / 1000 = 0.0000953
    words = [agreement(claim(effect, 1.0, unit="×"), claim(1.0, 1.0, unit="×")) for effect in (1.00009, 1.0001)]
    assert words == [AS_DOCUMENTED, DIFFERS]


def test_one_seed_has_no_interval_and_differs_from_nothing():
    one = claim(0.5, 0.0, verdict="inconclusive") | {"interval": None}
    assert agreement(one, claim(0.1, 0.01)) is None


def test_a_claim_that_is_judged_by_another_rule_now_is_not_compared():
    # a ratio beside a difference, whose logarithm is none
    assert agreement(claim(-0.3, 0.01), claim(2.0, 1.1, unit="×", test="another rule")) is None
    assert agreement(claim(-0.3, 0.01, test="another rule"), claim(0.3, 0.01)) is None


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_documented_run_agrees_with_itself_and_with_nothing_else(chapter):
    file = Path(__file__).parents[2] / "data/reference" / chapter / "results.json"
    claims = [claim for section in json.loads(file.read_text("utf-8"))["sections"] for claim in section["claims"]]
    documented.mark(chapter, claims, applies=True)
    assert {claim["documented"] for claim in claims} == {AS_DOCUMENTED}
    for claim in claims:
        judged = claim["second"] or claim
        if judged["interval"]:
            high = judged["interval"][1]
            far = 1e3 * (abs(high) + 1)
            judged |= {"effect": far, "interval": [far * 0.999, far * 1.001]}
    documented.mark(chapter, claims, applies=True)
    words = {claim["documented"] for claim in claims if (claim["second"] or claim)["interval"]}
    assert words == {DIFFERS}
    documented.mark(chapter, claims, applies=False)
    assert {claim["documented"] for claim in claims} == {None}


def test_a_book_without_a_documented_run_has_nothing_to_compare_with():
    claims = [claim(0.1, 0.01) | {"id": "4.6-a/updates"}]
    documented.mark("one", claims, applies=True)
    assert claims[0]["documented"] is None
