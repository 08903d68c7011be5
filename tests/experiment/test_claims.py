import dataclasses
import pickle

import pytest

from textbook.experiment.claims import Claim
from textbook.experiment.verdicts import exact, paired, share
from textbook.statistics import EXACT, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, WORDS

TEST = paired("test_loss", lower="step decay", than="constant")
TEXTS = {"ask": "Which ends lower?", "why": "A smaller rate settles.", "beware": "Bands overlap all the same."}


def claim(id="4.7.2-a", sentence="Step decay ends lower.", test=TEST, expected=HOLDS, **texts):
    return Claim(id, sentence, test, expected, **(TEXTS | texts))


@pytest.mark.parametrize(
    ("id", "entry"),
    [("4.6-c/epochs", "4.6-c"), ("4.7.2.1-a", "4.7.2.1-a"), ("8.1-d/full-batch", "8.1-d"), ("4.7.1/hedge", "")],
)
def test_the_entry_is_what_stands_before_the_slash(id, entry):
    assert claim(id).entry == entry


@pytest.mark.parametrize(
    "id", ["4.6", "c", "4.6-c/", "4.6-c/Epochs", "4.6-cc", "4.6-c/two words", "4.6/", "4.6/c/d", "", None, 4.6]
)
def test_an_id_of_another_form_is_refused(id):
    with pytest.raises(ValueError, match="begin with the catalogue's id"):
        claim(id)


@pytest.mark.parametrize("field", ["ask", "why", "beware"])
def test_an_empty_text_is_refused_by_name(field):
    with pytest.raises(ValueError, match=f"'{field}' of claim 4"):
        claim(**{field: "  "})
    with pytest.raises(ValueError, match="'claim' of claim 4"):
        claim(sentence="")


def test_a_correction_is_a_text():
    assert claim(correction="It includes the penalty.", reference="Keras issue 6518").reference
    with pytest.raises(ValueError, match="'reference'"):
        claim(reference=None)


def test_the_expectation_is_a_verdict_that_the_test_can_give():
    assert claim(expected=NO_DIFFERENCE).expected == "no difference"
    assert claim(test=exact(measured="a", expected="b"), expected=EXACT).expected == "exact"
    for test, word in [(TEST, EXACT), (exact(measured="a", expected="b"), HOLDS), (share("e"), NO_DIFFERENCE)]:
        with pytest.raises(ValueError, match="a verdict that this test can give"):
            claim(test=test, expected=word)
    with pytest.raises(ValueError, match="got 'depends'"):
        claim(expected="depends")


def test_every_word_is_given_by_some_test():
    given = {*TEST.verdicts, *exact(measured="a", expected="b").verdicts, *share("e").verdicts}
    assert given == set(WORDS)
    assert INCONCLUSIVE in share("e").verdicts


def test_a_test_that_cannot_judge_is_refused():
    with pytest.raises(ValueError, match="judge method"):
        claim(test="lower")


def test_a_claim_is_frozen_and_survives_pickling():
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim().expected = "fails"
    assert pickle.loads(pickle.dumps(claim())) == claim()
