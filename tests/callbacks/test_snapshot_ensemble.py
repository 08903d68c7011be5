"""Snapshots are the weights at the ends of cycles, and their mean is the mean of probabilities."""

import keras
import numpy as np
import pytest

from textbook.callbacks.snapshot_ensemble import SnapshotEnsemble
from textbook.schedules import Constant, CosineDecay, Triangular, WarmRestarts

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")


def network(units=3, **loss):
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    model.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(**loss) if loss else "mse")
    return model


class Recorder(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append([np.array(w) for w in self.model.get_weights()])


@pytest.mark.parametrize(
    ("cycle", "epochs", "expected"),
    [
        (2, 7, [2, 4, 6]),
        (WarmRestarts(0.5, period=3), 9, [3, 6, 9]),
        (WarmRestarts(0.5, period=1.5), 6, [3, 6]),  # the ends at 1.5 and 4.5 are no epoch's
        (Triangular(0.1, 0.5, step_size=2), 9, [4, 8]),
    ],
)
def test_takes_the_weights_at_the_end_of_each_cycle(cycle, epochs, expected):
    model, snapshots, recorder = network(from_logits=True), SnapshotEnsemble(cycle, logits=True), Recorder()
    snapshots.set_params({"epochs": epochs})
    for callback in (snapshots, recorder):
        callback.set_model(model)
        callback.on_train_begin()
    for epoch in range(epochs):
        snapshots.on_epoch_begin(epoch)
        model.layers[0].bias.assign(np.full(3, epoch))
        for callback in (snapshots, recorder):
            callback.on_epoch_end(epoch)
    assert snapshots.epochs == expected
    for member, epoch in zip(snapshots.members, expected, strict=True):
        assert all(map(np.array_equal, member, recorder.weights[epoch - 1]))
    assert snapshots.nbytes == len(expected) * 12 * 4


def test_a_run_from_the_start_begins_anew_and_a_resumed_one_goes_on():
    model, snapshots = network(from_logits=True), SnapshotEnsemble(2, keep=3, logits=True)
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[snapshots])
    assert snapshots.epochs == [2, 4]
    model.fit(X, Y, epochs=8, initial_epoch=4, verbose=0, callbacks=[snapshots])
    assert snapshots.epochs == [4, 6, 8]
    assert len(snapshots.members) == 3
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[snapshots])
    assert snapshots.epochs == [2]


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_averages_probabilities_and_gives_the_model_back():
    model, snapshots = network(from_logits=True), SnapshotEnsemble(1, logits=True)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[snapshots])
    own = model.get_weights()
    outputs = [X @ kernel + bias for kernel, bias in snapshots.members]
    mean = np.mean([softmax(one) for one in outputs], axis=0)
    assert np.abs(mean - softmax(np.mean(outputs, axis=0))).max() > 1e-4  # the mean of logits is something else
    assert snapshots.predict(X) == pytest.approx(mean, abs=1e-6)
    assert all(map(np.array_equal, own, model.get_weights()))
    for one, logits in zip(snapshots.models(), outputs, strict=True):
        assert one is not model
        assert keras.ops.convert_to_numpy(one(X)) == pytest.approx(logits, abs=1e-5)


def test_without_logits_outputs_are_averaged_as_they_are():
    model, snapshots = network(1), SnapshotEnsemble(1)
    model.fit(X, X[:, :1], epochs=2, verbose=0, callbacks=[snapshots])
    assert snapshots.predict(X) == pytest.approx(np.mean([X @ k + b for k, b in snapshots.members], axis=0), abs=1e-5)
    one_column = SnapshotEnsemble(1, logits=True)
    one_column.set_model(model)
    one_column.members = snapshots.members
    sigmoid = np.mean([1 / (1 + np.exp(-(X @ k + b))) for k, b in snapshots.members], axis=0)
    assert one_column.predict(X) == pytest.approx(sigmoid, abs=1e-6)


def test_a_failed_prediction_gives_the_model_back():
    model, snapshots = network(1), SnapshotEnsemble(1)
    model.fit(X, X[:, :1], verbose=0, callbacks=[snapshots])
    model.layers[0].bias.assign([7.0])
    with pytest.raises(Exception, match="shape"):
        snapshots.predict(np.ones((2, 5)))
    assert model.get_weights()[1].tolist() == [7.0]


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (lambda: network(1), {"every": 0}, "expected every as a whole number from 1"),
        (lambda: network(1), {"every": 4}, "expected a cycle that ends with one of 3 epochs, got 4"),
        (lambda: network(1), {"every": Constant(0.1)}, "expected a cycle that ends with one of 3 epochs"),
        (lambda: network(1), {"every": CosineDecay(0.1, total=3)}, "expected a cycle that ends"),
        (lambda: network(from_logits=True), {"every": 1}, "expected logits=True .* mend by logits=True"),
        (lambda: network(from_logits=False), {"every": 1, "logits": True}, "mend by logits=False"),
    ],
)
def test_refuses(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model().fit(X, Y, epochs=3, verbose=0, callbacks=[SnapshotEnsemble(**arguments)])


def test_refuses_to_predict_without_members():
    with pytest.raises(ValueError, match="expected at least one member, got none"):
        SnapshotEnsemble(1).predict(X)
