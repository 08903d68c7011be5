"""First losses in NumPy beside Keras's, and claims that see wrong ones."""

import keras
import numpy as np
import pytest

from chapters.ch5 import initial_loss
from textbook.experiment import EXACT, VIOLATED
from textbook.losses import weston_watkins

SCORES = np.random.default_rng(0).normal(size=(20, 4))
Y = np.arange(20) % 4
CLAIMS = {claim.id: claim.test for claim in initial_loss.CLAIMS}


def test_cross_entropy_and_hinges_are_keras_s():
    one_hot = np.eye(4)[Y]
    by_keras = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(Y, SCORES)
    assert initial_loss._cross_entropy(SCORES, Y) == pytest.approx(float(by_keras), rel=1e-5)
    found = initial_loss._hinges(SCORES, Y)
    expected = {
        "Weston–Watkins: sum": weston_watkins()(Y, SCORES),
        "Keras CategoricalHinge: largest": keras.losses.CategoricalHinge()(one_hot, SCORES),
        "Keras Hinge: ±1 targets": keras.losses.Hinge()(2 * one_hot - 1, SCORES),
        "torch MultiMarginLoss: sum / C": weston_watkins()(Y, SCORES) / 4,
    }
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-5)


def test_large_scores_do_not_overflow():
    assert initial_loss._cross_entropy(1e4 * SCORES, Y) < np.inf


def test_the_claims_on_forms_hold_of_the_libraries_and_see_a_wrong_one():
    zero = initial_loss._at_zero_scores()
    assert CLAIMS["5.5-b/own-form"].judge({"zero": zero}).verdict == EXACT
    assert CLAIMS["5.5-b/nine"].judge({"zero": zero}).verdict == VIOLATED
    wrong = zero.assign(loss=zero.loss.where(zero.form != "Keras CategoricalHinge: largest", 9.0))
    assert CLAIMS["5.5-b/own-form"].judge({"zero": wrong}).verdict == VIOLATED
    # if libraries meant the same by the name, the text's sentence would stand
    assert CLAIMS["5.5-b/nine"].judge({"zero": zero.assign(loss=zero.text)}).verdict == EXACT
