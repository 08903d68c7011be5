"""Words drawn by chance: how many, which never, and the same in a tf.data pipeline and before TextVectorization."""

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from textbook.augmentation import RandomWords, label_noise

WORDS = ["the", "room", "was", "not", "very", "clean", "and", "the", "staff", "was", "kind", "."]
KOREAN = "방은 깨끗하지 않다 ."


def test_each_word_is_deleted_as_often_as_asked_and_negations_never():
    made = RandomWords(delete=0.3).copies([WORDS], copies=2000, seed=0)
    kept = np.mean([[word in one.words for word in ("room", "very", "clean", "kind")] for one in made], axis=0)
    assert kept == pytest.approx(0.7, abs=0.04)
    assert all("not" in one.words and one.words[-1] == "." and not one.touched for one in made)


def test_a_negation_that_is_lost_is_named():
    made = RandomWords(delete=0.3, touch_protected=True).copies([WORDS], copies=2000, seed=0)
    lost = ["not" not in one.words for one in made]
    assert [one.touched == ("not",) for one in made] == lost
    assert np.mean(lost) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("kind", ["swap", "move"])
def test_swaps_and_moves_lose_nothing_and_leave_negations_and_the_full_stop_in_place(kind):
    made = RandomWords(**{kind: 0.4}).copies([WORDS, KOREAN], copies=200, seed=1)
    assert all(Counter(one.words) == Counter(one.original) and not one.touched for one in made)
    assert {one.words.index("not") for one in made if "not" in one.words} == {3}
    assert {one.text for one in made[1::2]} == {KOREAN}  # one word alone has nothing to change places with
    assert len({one.text for one in made[::2]}) > 100
    touched = RandomWords(**{kind: 0.4}, touch_protected=True).copies([WORDS], copies=200, seed=1)
    assert {one.touched for one in touched} == {(), ("not",)}


def test_at_least_one_word_stays_and_strength_0_changes_nothing():
    for augment in (RandomWords(delete=1.0), RandomWords(delete=1.0, touch_protected=True)):
        assert {len(one.words) for one in augment.copies(["a b c", "a ."], copies=20, seed=0)} == {1, 2}
    assert RandomWords(delete=1.0)(KOREAN, seed=0).text == "깨끗하지 않다 ."
    assert RandomWords()(WORDS, seed=0).words == tuple(WORDS)
    assert RandomWords(delete=1.0, swap=1.0, move=1.0)("", seed=0).text == ""


def test_a_seed_fixes_the_copies():
    augment = RandomWords(delete=0.2, swap=0.2, move=0.2)
    made = [one.text for one in augment.copies([WORDS, KOREAN], copies=5, seed=3)]
    assert made == [one.text for one in augment.copies([WORDS, KOREAN], copies=9, seed=3)][:10]
    assert made != [one.text for one in augment.copies([WORDS, KOREAN], copies=5, seed=4)]
    assert augment(WORDS, seed=5) == augment(" ".join(WORDS), seed=5)


def test_a_pipeline_changes_each_pass_keeps_labels_and_feeds_text_vectorization():
    texts, labels = [" ".join(WORDS), KOREAN, "나는 학교에 가는 것을 좋아한다 ."], [0, 1, 2]
    plain = tf.data.Dataset.from_tensor_slices((texts, labels))
    passes = []
    for _ in range(2):
        changed = RandomWords(swap=0.5).over(plain, seed=0)
        passes += [[(text.decode(), int(label)) for text, label in changed.as_numpy_iterator()] for _ in range(2)]
    assert passes[0] == passes[2] and passes[1] == passes[3] and passes[0] != passes[1]
    assert [label for _, label in passes[0]] == labels and len(changed) == 3
    assert [sorted(text.split()) for text, _ in passes[0]] == [sorted(text.split()) for text in texts]
    counts = keras.layers.TextVectorization(standardize=None, output_mode="count")
    counts.adapt(texts)
    bags = changed.batch(3).map(lambda text, label: counts(text))
    assert np.array_equal(next(iter(bags)), counts(texts))
    alone = RandomWords(swap=0.5).over(tf.data.Dataset.from_tensor_slices(texts), seed=0)
    assert [text.decode() for text in alone.as_numpy_iterator()] == [text for text, _ in passes[0]]
    with pytest.raises(ValueError, match="before TextVectorization"):
        RandomWords().over(plain.batch(2), seed=0)


def test_label_noise_is_what_the_probabilities_say():
    def label(words):
        return None if "good" not in words else "not" not in words

    sentences, p = ["it was not good .", "it was good ."], 0.4
    noise = label_noise(RandomWords(delete=p, touch_protected=True), sentences, label=label, copies=3000, seed=0)
    assert noise.flipped == pytest.approx(p * (1 - p) / 2, abs=0.02)
    assert noise.unknown == pytest.approx(p, abs=0.03) and noise.copies == 6000
    assert noise.touched == pytest.approx(p / 2, abs=0.02)
    assert noise.kept + noise.flipped + noise.unknown == pytest.approx(1)
    assert label_noise(RandomWords(delete=p), sentences, label=label, copies=50, seed=0).flipped == 0


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="expected swap as a strength from 0 to 1, got 2"):
        RandomWords(swap=2)
    with pytest.raises(ValueError, match="from 1 up, got 0"):
        RandomWords().copies([WORDS], copies=0, seed=0)
    with pytest.raises(ValueError, match="a label for 'the room"):
        label_noise(RandomWords(), [WORDS], label=lambda words: None, copies=1, seed=0)
    with pytest.raises(ValueError, match="at least one sentence"):
        label_noise(RandomWords(), [], label=len, copies=1, seed=0)
