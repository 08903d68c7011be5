"""The loss rises with its penalties along a straight line, and losses that leave penalties out are found."""

import functools

import keras
import numpy as np
import pytest

from textbook.checks import check_penalty_raises_loss, overfit_tiny_batch
from textbook.models import mlp

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(30, 6)).astype("float32"), np.arange(30) % 3
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(model, **settings):
    model.compile("sgd", LOGITS, **settings)
    return model


def test_the_slope_is_the_sum_of_squares_and_of_sizes():
    model = compiled(mlp((6,), 3, l1=0.001, l2=0.01, dropout=0.5))
    found = check_penalty_raises_loss(model, X, Y)
    kernels = [w for w in model.get_weights() if w.ndim == 2]
    by_hand = sum(0.001 * np.abs(w).sum() + 0.01 * (w**2).sum() for w in kernels)
    assert found.passed and found.slope == pytest.approx(by_hand, rel=1e-4)
    assert found.table.total.is_monotonic_increasing and found.table.data_loss.std() < 1e-5
    assert found.table.total[0] == pytest.approx(found.data_loss)


def test_a_model_without_penalties_is_told_so():
    found = check_penalty_raises_loss(compiled(mlp((6,), 3)), X, Y)
    assert found.passed is None and "No penalty" in str(found) and "kernel_regularizer" in str(found)


def test_decay_in_the_optimizer_is_said_to_be_in_no_loss():
    model = mlp((6,), 3)
    model.compile(keras.optimizers.AdamW(weight_decay=0.02), LOGITS)
    found = check_penalty_raises_loss(model, X, Y)
    assert found.passed is None and "weight_decay = 0.02" in str(found)


class Forgetful(keras.Model):
    """A loss of its own that counts the penalties a given number of times."""

    def __init__(self, times):
        super().__init__()
        self.inner, self.times = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.1)), times

    def call(self, x):
        return self.inner(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(LOGITS(y, y_pred)) + self.times * sum(self.losses)


@pytest.mark.parametrize("times", [0, -1, 2])
def test_a_loss_that_forgets_its_penalties_is_found(times):
    found = check_penalty_raises_loss(compiled(Forgetful(times)), X, Y)
    assert found.passed is False and "compute_loss" in str(found)


def test_a_loss_of_ones_own_that_counts_them_once_passes():
    assert check_penalty_raises_loss(compiled(Forgetful(1)), X, Y).passed


def test_penalties_on_weights_that_are_all_zero_are_told():
    model = compiled(mlp((6,), 3, l2=0.1))
    model.set_weights([0 * w for w in model.get_weights()])
    found = check_penalty_raises_loss(model, X, Y)
    assert found.passed is False and "penalty of 0" in str(found)


class Own(keras.regularizers.Regularizer):
    def __call__(self, x):
        return 0.5 * keras.ops.sum(keras.ops.abs(x))


def test_a_regulariser_of_ones_own_stays_on_and_is_named():
    layers = [keras.layers.Dense(4, kernel_regularizer=Own()), keras.layers.Dense(3, kernel_regularizer="l2")]
    found = check_penalty_raises_loss(compiled(keras.Sequential([keras.Input((6,)), *layers])), X, Y)
    assert found.passed and "stay at every multiple" in str(found)


def test_strengths_and_weights_are_put_back():
    model = compiled(mlp((6,), 3, l2=0.01))
    before = model.evaluate(X, Y, verbose=0)
    check_penalty_raises_loss(model, X, Y)
    assert model.layers[0].kernel_regularizer.l2 == 0.01
    assert model.evaluate(X, Y, verbose=0) == before


@pytest.mark.parametrize("check", [check_penalty_raises_loss, functools.partial(overfit_tiny_batch, updates=2)])
def test_labels_that_the_loss_does_not_take_are_refused(check):
    with pytest.raises(ValueError, match="expected labels that the loss takes, got others: they run from 1 to 3"):
        check(compiled(mlp((6,), 3, l2=0.01)), X, Y + 1)
