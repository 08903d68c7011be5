"""Templated opinions: labels that a reader would give, balanced kinds, and what negation and order do to them."""

from collections import Counter

import pytest

from chapters.shared.toy_sentiment import label_of, opinions


def test_sentences_differ_kinds_are_balanced_and_the_reader_finds_every_label():
    corpus = opinions(160)
    assert len({one.text for one in corpus}) == 160
    assert set(Counter((one.language, one.clauses, one.label) for one in corpus).values()) == {20}
    assert 0.35 < sum(one.negated for one in corpus) / 160 < 0.65
    assert [label_of(one.text.split()) for one in corpus] == [one.label for one in corpus]
    assert corpus == opinions(160) and corpus != opinions(160, seed=1)


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("the food was good .", 1),
        ("the food was never quite good .", 0),
        ("the food was good but the room was not bad .", 1),
        ("the food was not good but the room was bad .", 0),
        ("the food was good but the room was .", None),
        ("음식은 안 좋다 .", 0),
        ("음식은 괜찮지 못하다 .", 0),
        ("음식은 좋지 않지만 방은 꽤 좋다 .", 1),
        ("음식은 좋지만 방은 지루하다 .", 0),
        ("음식은 좋지만 방은 지루하지 않다 .", 1),
        ("음식은 좋지만 방은 않다 .", None),
    ],
)
def test_the_last_clause_decides_and_its_negation_turns_it_round(sentence, label):
    assert label_of(sentence.split()) == label


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="multiple of 8"):
        opinions(100)
    with pytest.raises(ValueError, match="the templates make"):
        opinions(8 * 250)
