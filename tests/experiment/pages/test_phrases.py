"""Sentences with places: splitting, keys, filling in."""

import pytest

from textbook.experiment.pages.phrases import Phrases, pattern, sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Digits. n = 16 seeds (1000–1015).", ["Digits.", "n = 16 seeds (1000–1015)."]),
        ("SGD with momentum 0.9. Left: 0.5.", ["SGD with momentum 0.9.", "Left: 0.5."]),
        ("Data, e.g. digits, no end", ["Data, e.g. digits, no end"]),
        ("They are a piano. * at the border", ["They are a piano.", "* at the border"]),
        ("Which?  One!\nTwo.", ["Which?", "One!", "Two."]),
        ("  ", []),
    ],
)
def test_a_text_is_split_after_its_full_stops_and_nowhere_else(text, parts):
    assert sentences(text) == parts


@pytest.mark.parametrize(
    ("sentence", "key"),
    [
        ("MLP 64-32-10, rate 0.05.", "MLP #-#-#, rate #."),
        ("1,024 rows of 4.7.2.1 at 1e-05 (−3).", "# rows of # at # (−#)."),
        ("L2 in float64, w₁² and ½w, CIFAR-10, 95 %.", "L2 in float64, w₁² and ½w, CIFAR-#, # %."),
        ("The cross- entropy of a bowl - and more.", "The cross-entropy of a bowl - and more."),
    ],
)
def test_a_key_has_a_mark_for_each_number_and_words_keep_their_digits(sentence, key):
    assert pattern(sentence) == key


def test_numbers_stand_in_the_order_of_the_sentence_and_may_move_or_go():
    phrases = Phrases({"# of # runs with # %.": "{2}번 가운데 {1}번, {2}."})
    assert phrases("3 of 16 runs with 95 %.") == "16번 가운데 3번, 16."
    assert phrases("Three of 16 runs with 95 %.") is None


def test_words_at_a_place_stay_and_the_most_particular_sentence_wins():
    phrases = Phrases({"{a} is {b}.": "{a}: {b}.", "{a} is lower than #.": "{a} < {1}."})
    assert phrases("Loss is low.") == "Loss: low."
    assert phrases("Loss 2 is lower than 0.5.") == "Loss 2 < 0.5."


def test_words_at_a_place_are_translated_where_the_table_or_another_knows_them():
    seeds = Phrases({"n = # seeds": "시드 {1}개"})
    nested = Phrases(
        {"Of {who}; {seeds}.": "{who}: {seeds}.", "the text": "본문"}, within={"seeds": seeds}, nested=True
    )
    assert nested("Of the text; n = 16 seeds.") == "본문: 시드 16개."
    assert nested("Of Smith; n = 16 seeds.") == "Smith: 시드 16개."
    # what is not seeds is another sentence
    assert nested("Of the text; bars.") is None


def test_signs_of_patterns_are_only_signs():
    phrases = Phrases({"(a|b)* {x} [# + #].": "{x}: {1}, {2}."})
    assert phrases("(a|b)* c.d [1 + 2].") == "c.d: 1, 2."
    assert phrases("a c.d [1 + 2].") is None


def test_what_stands_in_a_place_is_never_filled_in_itself():
    assert Phrases({"{a} and #.": "{a}, {1}."})("{1} and 2.") == "{1}, 2."


@pytest.mark.parametrize("translation", ["{2}.", "{name}.", "{0}."])
def test_a_translation_with_a_place_of_its_own_is_refused(translation):
    with pytest.raises(ValueError, match=r"expected places of 'Rate #\.' in its translation \(1\), got"):
        Phrases({"Rate #.": translation})


def test_what_stands_in_quotation_marks_is_not_taken_for_the_sentences_own_words():
    phrases = Phrases({"lower for {a} than for {b}": "{b} | {a}"})
    assert phrases("lower for 'more than for two' than for \"Smith's\"") == "\"Smith's\" | 'more than for two'"
    assert phrases("lower for Keras's than for torch's") == "torch's | Keras's"
