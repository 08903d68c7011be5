"""Where the stack and `fit` on TensorFlow part: the gradient of an embedding under an optimizer that squares or clips.

There, Keras hands the optimizer one slice for each word of the batch, and squares and clips the slices of a word that
occurs twice before it adds them up. The stack takes the gradient of the table as a whole, as Keras does on JAX.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from textbook.replicas import Condition, ReplicaTrainer

layers = keras.layers


def words():
    return keras.Sequential([keras.Input((64,)), layers.Embedding(17, 4), layers.Flatten(), layers.Dense(10)])


@pytest.mark.parametrize("optimizer", [keras.optimizers.Adam(0.01), keras.optimizers.SGD(0.1, clipnorm=0.05)])
def test_the_stack_takes_the_gradient_of_the_whole_table(few_digits, optimizer):
    condition = {"c": Condition(optimizer=optimizer)}
    trainer = ReplicaTrainer(words, few_digits, conditions=condition, seeds=[2], epochs=1, batch_size="all")
    ours = trainer.run().trained("c", 2).get_weights()
    whole, by_word = (_by_hand(trainer, optimizer, dense=dense) for dense in (True, False))
    for a, b in zip(ours, whole, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    fit = ReplicaTrainer(words, few_digits, conditions=condition, seeds=[2], epochs=1, batch_size="all", engine="fit")
    for a, b in zip(fit.run().trained("c", 2).get_weights(), by_word, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert np.abs(whole[0] - by_word[0]).max() > 1e-4, "or there is nothing to tell apart"


def _by_hand(trainer, optimizer, *, dense: bool):
    group = trainer._groups()[0]
    model, replica = words(), group.replicas[0]
    group.blueprint.initializer.set(replica.seeds)
    model.set_weights(group.blueprint.model.get_weights())
    part = replica.split.train
    with tf.GradientTape() as tape:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(part.y, model(part.x))
    weights = [v.value for v in model.trainable_variables]
    gradients = tape.gradient(loss, weights)
    assert isinstance(gradients[0], tf.IndexedSlices)
    if dense:
        gradients[0] = tf.convert_to_tensor(gradients[0])
    copy = type(optimizer).from_config(optimizer.get_config())
    copy.apply(gradients, model.trainable_variables)
    return model.get_weights()
