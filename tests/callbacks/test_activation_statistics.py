"""Activation statistics against NumPy on layers whose outputs can be written down."""

import keras
import numpy as np
import pytest

from textbook.callbacks.activation_statistics import ActivationStatistics

PROBE = np.random.default_rng(0).normal(size=(11, 3)).astype("float32")


def measured(model, probe, **arguments):
    """The table of one measurement, without training."""
    callback = ActivationStatistics(probe, **arguments)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_end(0)
    return callback.table.set_index("layer")


def test_equals_numpy_whatever_the_batches():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(5, "relu", name="hidden"), keras.layers.Dense(2, "tanh", name="out")]
    )
    kernel, bias = np.random.default_rng(1).normal(size=(3, 5)), np.array([0.0, -50.0, 0.1, -50.0, 0.0])
    model.get_layer("hidden").set_weights([kernel, bias])
    model.get_layer("out").set_weights([np.full((5, 2), 3.0), np.zeros(2)])
    hidden = np.maximum(PROBE @ kernel + bias, 0)
    out = np.tanh(hidden @ np.full((5, 2), 3.0))
    table = measured(model, PROBE, batch_size=4)
    assert table.index.tolist() == ["hidden", "out"]
    for name, values in (("hidden", hidden), ("out", out)):
        assert table["mean"][name] == pytest.approx(values.mean(), rel=1e-5)
        assert table["std"][name] == pytest.approx(values.std(), rel=1e-4)
    assert table.dead.tolist() == [0.4, 0.0]
    assert np.isnan(table.saturated["hidden"])
    saturated = (np.abs(out) >= 0.98).mean()
    assert 0 < saturated < 1
    assert table.saturated["out"] == pytest.approx(saturated)


@pytest.mark.parametrize(
    ("activation", "inputs", "share"),
    [
        ("sigmoid", [-10.0, 0.0, 4.0, 10.0], 0.5),  # sigmoid(4) is 0.018 from 1, the margin 0.01
        ("tanh", [-10.0, 0.0, 2.0, 10.0], 0.5),  # tanh(2) is 0.036 from 1, the margin 0.02
        ("relu6", [-10.0, 5.0, 6.0, 10.0], 0.5),  # 0 counts as dead, not as saturated
        ("linear", [0.0, 1.0, 2.0, 3.0], np.nan),
    ],
)
def test_saturated_is_near_where_the_activation_has_no_slope(activation, inputs, share):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Activation(activation, name="only")])
    table = measured(model, np.array(inputs, dtype="float32")[:, None])
    assert table.saturated["only"] == pytest.approx(share, nan_ok=True)


def test_a_channel_is_dead_when_it_is_at_every_place():
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 2, activation="relu", name="conv")])
    kernel = np.ones((2, 2, 1, 3)) * np.array([1.0, -1.0, 1.0])
    model.get_layer("conv").set_weights([kernel, np.array([0.0, 0.0, -3.9])])
    image = np.zeros((2, 4, 4, 1), "float32")
    image[1] = 1.0
    # channel 0 opens, channel 1 never does, channel 2 does at one sum of 4 ones only
    assert measured(model, image).dead["conv"] == pytest.approx(1 / 3)


def test_the_layers_in_a_functional_model_that_can_be_read():
    inputs = keras.Input((3,), name="in")
    twice = keras.layers.Dense(3, name="twice")
    both = keras.layers.Add(name="both")([twice(inputs), twice(inputs)])
    model = keras.Model(inputs, [keras.layers.Dense(2, name="a")(both), keras.layers.Dense(1, name="b")(both)])
    assert measured(model, PROBE).index.tolist() == ["both", "a", "b"]
    assert measured(model, PROBE, layers=["b", "both"]).index.tolist() == ["b", "both"]
    with pytest.raises(ValueError, match="stands in the model once, got 'twice'"):
        measured(model, PROBE, layers=["twice"])
    with pytest.raises(ValueError, match=r"expected layers of the model \(.*both.*\), got 'c'"):
        measured(model, PROBE, layers=["c"])


def test_follows_the_training():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="out")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    probe = ActivationStatistics(PROBE, every=2)
    model.fit(PROBE, np.full(11, 8.0), epochs=4, verbose=0, callbacks=[probe])
    assert probe.table.epoch.tolist() == [2, 4]
    outputs = keras.ops.convert_to_numpy(model(PROBE))
    assert probe.table["mean"][1] == pytest.approx(outputs.mean(), rel=1e-5)
    assert probe.table["mean"][0] < probe.table["mean"][1] < 8


def test_refuses():
    class Subclass(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="got the subclass Subclass"):
        measured(Subclass(), PROBE)
    with pytest.raises(ValueError, match="expected a probe of at least one sample"):
        ActivationStatistics(PROBE[:0])
    with pytest.raises(ValueError, match="expected margin above 0"):
        ActivationStatistics(PROBE, margin=0)
