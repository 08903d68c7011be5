"""The section on words: the text's examples, the count of spoilt labels, and faults that its claims would show."""

import pandas as pd
import pytest

from chapters.ch8 import text_augmentation as section
from chapters.shared.toy_sentiment import opinions

CLAIM = {claim.id.partition("/")[2]: claim for claim in section.CLAIMS}


def test_the_examples_are_those_of_the_text():
    assert section._examples().sentence.tolist() == [
        "나는 학교에 가는 것을 좋아한다 .",
        "나는 _____ 가는 것을 좋아한다 .",
        "나는 좋아한다 가는 것을 학교에 .",
        "나는 가는 것을 좋아한다 학교에 .",
    ]


def test_two_of_five_swaps_and_moves_take_the_predicate_from_its_place():
    order = section._order()
    assert order.groupby("change").predicate_last.agg(["size", "mean"]).to_numpy().tolist() == [[20, 0.6], [10, 0.6]]
    assert CLAIM["order"].test.judge({"order": order}).verdict == "violated"
    assert CLAIM["order"].test.judge({"order": order[order.predicate_last]}).verdict == "exact"


def test_the_formula_holds_and_a_reader_deaf_to_negation_would_show(monkeypatch):
    corpus = opinions(80)
    assert CLAIM["formula"].test.judge({"formula": section._formula(corpus)}).verdict == "exact"
    monkeypatch.setattr(section, "label_of", lambda words: 1)
    assert CLAIM["formula"].test.judge({"formula": section._formula(corpus)}).verdict == "violated"


@pytest.mark.parametrize(
    ("claim", "change", "verdict"), [("bag", "swap", "violated"), ("deletion", section.ANY, "exact")]
)
def test_a_word_that_a_swap_loses_shows_in_the_counts(claim, change, verdict):
    bags = pd.DataFrame({"change": [change], "words_differ": [1.0], "words_deleted": [1.0]})
    assert CLAIM[claim].test.judge({"bags": bags}).verdict == verdict
