"""Losses that are no means over samples, and outputs that a loss takes for something else."""

import keras
import numpy as np
import pytest
from keras import layers, losses, ops

from textbook.replicas.inspection import check_ending, check_loss


def reported(reduction, *, batch_size: int) -> float:
    """The loss that Keras reports for one epoch of a model that does not change."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 4)).astype("float32"), np.arange(10) % 3
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, kernel_initializer="ones")])
    model.compile(
        keras.optimizers.SGD(0.0), losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    )
    return model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0).history["loss"][0]


def test_a_sum_depends_on_the_batches_in_keras_and_is_refused_and_a_mean_does_not_and_is_let_through():
    assert reported("mean", batch_size=4) == pytest.approx(reported("mean", batch_size=10))
    check_loss(losses.MeanSquaredError())
    check_loss(losses.MeanSquaredError(reduction="mean"))
    assert reported("sum", batch_size=4) < 0.5 * reported("sum", batch_size=10)
    with pytest.raises(ValueError, match=r"got 'sum' in Huber, a sum over the batch, .*; leave reduction out"):
        check_loss(losses.Huber(reduction="sum"))


@pytest.mark.parametrize("reduction", ["none", None, "mean_with_sample_weight"])
def test_other_reductions_are_refused(reduction):
    with pytest.raises(ValueError, match=rf"reduction='sum_over_batch_size', got {reduction!r} in MeanSquaredError, "):
        check_loss(losses.MeanSquaredError(reduction=reduction))


def test_losses_that_put_the_samples_of_a_batch_together_are_refused():
    check_loss(losses.Dice(axis=(1, 2, 3)))
    for loss in (losses.Dice(), losses.Tversky()):
        with pytest.raises(ValueError, match=r"a value for each sample, got .*; give it the axes of one sample"):
            check_loss(loss)
    with pytest.raises(ValueError, match=r"got Circle, which puts those of a batch together; train it with model.fit"):
        check_loss(losses.Circle())


def dense(activation=None, units=3):
    return layers.Dense(units, activation=activation)


def ending(*last):
    """A model of these layers, or operations."""
    x = start = keras.Input((4,))
    for layer in last:
        x = layer(x)
    return keras.Model(start, x)


def inner(activation):
    return keras.Sequential([keras.Input((4,)), dense(activation)])


FROM_LOGITS = losses.SparseCategoricalCrossentropy(from_logits=True)
FROM_PROBABILITIES = losses.SparseCategoricalCrossentropy()

PROBABILITIES = [
    ("softmax", (dense("softmax"),)),
    ("sigmoid", (dense("sigmoid"),)),
    ("softmax", (dense(), layers.Softmax())),
    ("softmax", (dense(), ops.softmax)),
    ("sigmoid", (dense(), keras.activations.sigmoid)),
    ("softmax", (dense("softmax"), layers.Activation("linear", dtype="float32"))),
    ("softmax", (inner("softmax"),)),
]
LINEAR = [
    (dense(),),
    (dense(), layers.Activation("linear")),
    (inner(None),),
    (layers.Reshape((4, 1)), layers.Conv1D(3, 2)),
]
OPEN = [
    (dense("tanh"),),
    (dense(), lambda x: x / ops.sum(x)),
    (dense(), layers.Dropout(0.1)),
    (dense(), ops.log_softmax),
]


@pytest.mark.parametrize(("name", "last"), PROBABILITIES)
def test_probabilities_for_a_loss_of_logits_are_refused(name, last):
    model = ending(*last)
    with pytest.raises(ValueError, match=f"ends in logits, got one that ends in {name}; drop the last activation, or"):
        check_ending(model, [FROM_LOGITS], default=True)
    with pytest.raises(ValueError, match="without from_logits=True"):
        check_ending(model, [FROM_LOGITS], default=False)
    check_ending(model, [FROM_PROBABILITIES], default=False)


@pytest.mark.parametrize("last", LINEAR)
def test_logits_for_a_loss_of_probabilities_are_refused(last):
    model = ending(*last)
    message = "ends in probabilities for SparseCategoricalCrossentropy, got .* without activation; .* from_logits=True"
    with pytest.raises(ValueError, match=message):
        check_ending(model, [FROM_PROBABILITIES], default=False)
    with pytest.raises(ValueError, match=r"for KLDivergence, .*; end in an activation"):
        check_ending(model, [losses.KLDivergence()], default=False)
    check_ending(model, [FROM_LOGITS], default=True)
    check_ending(model, [losses.MeanSquaredError()], default=True)


@pytest.mark.parametrize("last", OPEN)
def test_an_ending_that_leaves_a_doubt_is_let_through(last):
    check_ending(ending(*last), [FROM_PROBABILITIES], default=False)
    check_ending(ending(*last), [FROM_LOGITS], default=True)


def test_each_output_is_held_against_its_own_loss():
    x = keras.Input((4,))
    model = keras.Model(x, {"a": dense("softmax")(x), "b": dense()(x)})
    check_ending(model, [FROM_PROBABILITIES, FROM_LOGITS], default=False)
    with pytest.raises(ValueError, match="ends in softmax"):
        check_ending(model, [FROM_LOGITS, FROM_LOGITS], default=False)
    with pytest.raises(ValueError, match="ends in probabilities"):
        check_ending(model, [FROM_PROBABILITIES, FROM_PROBABILITIES], default=False)


def test_a_sigmoid_for_a_regression_needs_a_loss_that_was_asked_for():
    model = keras.Sequential([keras.Input((4,)), dense("sigmoid", 1)])
    check_ending(model, [losses.MeanSquaredError()], default=False)
    with pytest.raises(ValueError, match="ends in sigmoid"):
        check_ending(model, [losses.MeanSquaredError()], default=True)
