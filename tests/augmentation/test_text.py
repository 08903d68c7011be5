"""Deletion, swap and move by given places, and the words that are protected from them."""

import pytest

from textbook.augmentation import delete_words, move_words, negations, swap_words

SENTENCE = "나는 학교에 가는 것을 좋아한다 ."


def test_the_three_examples_of_the_text():
    assert delete_words(SENTENCE, [1], blank="_____").text == "나는 _____ 가는 것을 좋아한다 ."
    assert delete_words(SENTENCE, [1]).text == "나는 가는 것을 좋아한다 ."
    assert swap_words(SENTENCE, 1, 4).text == "나는 좋아한다 가는 것을 학교에 ."
    assert move_words(SENTENCE, 1, to=4).text == "나는 가는 것을 좋아한다 학교에 ."


def test_lists_of_words_do_as_well_and_several_words_are_deleted():
    new = delete_words(SENTENCE.split(), {0, 4})
    assert new.words == ("학교에", "가는", "것을", ".") and new.original == tuple(SENTENCE.split())
    assert str(move_words(SENTENCE, 4, to=0)) == "좋아한다 나는 학교에 가는 것을 ."


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("I do n't like it , it is not good .", ["n't", "not"]),
        ("Don't go , it isn’t far .", ["Don't", "isn’t"]),
        ("Never ! Nobody cannot hardly note the knot .", ["Never", "Nobody", "cannot", "hardly"]),
        ("나는 안 간다 .", ["안"]),
        ("우리는 못 갔다 , 안돼 .", ["못", "안돼"]),
        ("방은 깨끗하지 않았다 .", ["깨끗하지", "않았다"]),
        ("영화는 좋지못하다 , 좋지않다 .", ["좋지못하다", "좋지않다"]),
        ("그는 오지 못했다 .", ["오지", "못했다"]),
        ("맛이 없고 재미없다 .", ["없고", "재미없다"]),
        ("이것은 책이 아니다 , 아닙니다 .", ["아니다", "아닙니다"]),
        ("울지 마라 , 걱정하지 말자 .", ["울지", "마라", "걱정하지", "말자"]),
        ("집 안에 마당과 말이 있고 안내판이 괜찮다 .", []),
    ],
)
def test_words_that_negate_are_found_and_no_others(sentence, found):
    words = sentence.split()
    assert [words[place] for place in negations(words)] == found


def test_protected_words_are_refused_by_name_or_named_in_the_result():
    words = ["the", "room", "was", "not", "clean", "."]
    for change in (
        lambda **how: delete_words(words, [3], **how),
        lambda **how: swap_words(words, 4, 3, **how),
        lambda **how: move_words(words, 3, to=0, **how),
    ):
        with pytest.raises(ValueError, match="not protected, got not of 'the room was not clean"):
            change()
        assert change(touch_protected=True).touched == ("not",)
    assert delete_words(words, [4]).touched == ()
    assert delete_words(words, [3], protected=()).touched == ()
    with pytest.raises(ValueError, match="got clean"):
        delete_words(words, [4], protected={"Clean"})


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match=r"from 0 to 5 .* got \[6\]"):
        delete_words(SENTENCE, [6])
    with pytest.raises(ValueError, match="from 0 to 5"):
        move_words(SENTENCE, 0, to=-1)
    with pytest.raises(ValueError, match="decode"):
        delete_words(SENTENCE.encode(), [0])
    with pytest.raises(ValueError, match="collection of words, got 'not'"):
        delete_words(SENTENCE, [0], protected="not")
    with pytest.raises(ValueError, match="protected places from 0 to 5, got"):
        delete_words(SENTENCE, [0], protected=lambda words: [9])
