"""The planted trainings have their mistake, and nothing else."""

import keras
import numpy as np
import pytest

from textbook.checks.bug_zoo import training
from textbook.models import mlp

X, Y = np.random.default_rng(0).normal(size=(40, 6)).astype("float32"), np.arange(40) % 4


def planted(bug):
    keras.utils.set_random_seed(1)
    return training.plant(bug, lambda: mlp((6,), 4), X, Y)


def test_shuffled_labels_keep_their_counts_and_lose_their_places():
    _, x, y = planted("shuffled labels")
    assert np.array_equal(x, X) and sorted(y) == sorted(Y) and not np.array_equal(y, Y)


def test_a_softmax_before_a_loss_from_logits_is_really_applied_twice():
    model, x, y = planted("softmax applied twice")
    outputs = np.asarray(model(x))
    assert np.allclose(outputs.sum(axis=1), 1, atol=1e-5)
    again = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    by_hand = -np.log(again[np.arange(len(y)), y]).mean()
    assert model.evaluate(x, y, verbose=0, batch_size=40) == pytest.approx(by_hand, rel=1e-4)


def test_a_frozen_layer_stays():
    model, x, y = planted("frozen layer")
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False, False, True, True]


def test_a_learning_rate_of_0_moves_nothing():
    model, x, y = planted("learning rate 0")
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_summed_loss_is_as_many_times_as_large_as_there_are_rows():
    (summed, x, y), (sound, *_) = planted("summed loss"), planted("none")
    sound.set_weights(summed.get_weights())
    assert float(summed.loss(y, summed(x))) == pytest.approx(40 * float(sound.loss(y, sound(x))), rel=1e-5)


def test_zeroed_inputs_are_zero():
    assert not planted("inputs zeroed")[1].any()


def test_an_unknown_bug_is_refused():
    with pytest.raises(ValueError, match="shuffled labels"):
        planted("gremlins")
