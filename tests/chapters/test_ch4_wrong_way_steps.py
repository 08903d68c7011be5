"""The probe of steps, against Keras's own update and against batches whose answer is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from chapters.ch4.wrong_way_steps import DRAWS, _Probe
from textbook.experiment import Run
from textbook.models import mlp


@pytest.fixture(scope="module")
def split():
    return Run().splits("digits", sizes=(64, 20, 20))(0)


@pytest.fixture(scope="module")
def probe(split):
    return _Probe(mlp, split)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = mlp((64,), 10)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_the_change_of_the_loss_is_that_of_one_keras_update(split, probe, model):
    x, y = np.asarray(split.train.x, np.float32), split.train.y
    weights = [tf.constant(w) for w in model.get_weights()]
    batches = np.array([[3], [7]], np.int32)
    _, rise = probe._try(weights, tf.constant(x), tf.constant(y), tf.constant(batches), tf.constant(0.1))
    before = model.evaluate(x, y, verbose=0)
    model.train_on_batch(x[[7]], y[[7]])
    assert rise[1].numpy() == pytest.approx(model.evaluate(x, y, verbose=0) - before, abs=1e-5)
    assert abs(rise[0] - rise[1]) > 1e-4  # another row, another change


def test_the_full_batch_never_opposes_itself_and_climbs_only_at_an_absurd_rate(split, probe, model):
    for rate, raised in ((0.01, 0.0), (1000.0, 1.0)):
        table = probe(model.trainable_variables, split.train, [64], learning_rate=rate, random=np.random.default_rng(0))
        assert table.opposed.item() == 0
        assert table.raised.item() == raised


def test_wrong_labels_oppose(split, probe, model):
    """Rows relabelled so that they pull the other way are noticed: the dot product turns negative."""
    x, y = np.asarray(split.train.x, np.float32), split.train.y.copy()
    y[:60] = 3  # nearly every row says 3, so a row that says something else pulls against it
    weights = [tf.constant(w) for w in model.get_weights()]
    batches = np.array([[i] for i in range(64)], np.int32)
    agreement, _ = probe._try(weights, tf.constant(x), tf.constant(y), tf.constant(batches), tf.constant(0.1))
    assert (agreement[:60].numpy() > 0).all()
    assert (agreement.numpy()[60:][y[60:] != 3] < agreement.numpy()[:60].min()).all()


def test_as_many_batches_as_it_says(split, probe, model):
    table = probe(model.trainable_variables, split.train, [1, 8], learning_rate=0.1, random=np.random.default_rng(0))
    assert table.batch_size.tolist() == [1, 8]
    assert np.allclose(table.opposed * DRAWS, np.round(table.opposed * DRAWS))
