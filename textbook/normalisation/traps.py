"""Small networks with one known batch-norm fault each, to see what `batch_norm_report` finds, and what it costs."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from textbook.batch_statistics import batch_norms, estimate_batch_statistics


@dataclass(frozen=True)
class Planted:
    """A compiled model with a fault, and how it meets its data: the arguments of `batch_norm_report`."""

    model: object
    x: object
    y: object
    batch_size: int = 32

    def report(self):
        """What `batch_norm_report` finds in it on 160 rows, or 8 batches: enough for a fault, and quickly done."""
        from textbook.normalisation.report import batch_norm_report

        rows = min(160, 8 * self.batch_size)
        return batch_norm_report(self.model, self.x, self.y, batch_size=self.batch_size, rows=rows)


@dataclass(frozen=True)
class Trap:
    """A fault: the kind of finding that it should give ("" for none), what was done, and how to do it to data."""

    kind: str
    title: str
    plant: Callable

    def __call__(self, x, y, *, seed: int = 0) -> Planted:
        """Build the network for x (rows, features), standardised or so, and whole labels y, and plant the fault."""
        return self.plant(x, y, seed)


class _Told(keras.layers.Layer):
    """A layer that decides by itself in which mode its batch norm runs."""

    def __init__(self, norm, training: bool):
        super().__init__()
        self.norm, self._told = norm, training

    def call(self, x):
        return self.norm(x, training=self._told)


def network(
    features: int,
    classes: int,
    *,
    seed: int,
    hidden: int = 16,
    bias: bool = False,
    dropout: float = 0.0,
    training: bool | None = None,
    written: bool | None = None,
    **norm,
):
    """Dense, batch norm, ReLU, Dense, compiled.

    `training`, where not None, is what a layer around the batch norm calls it with, and `written` what the graph says.
    """
    weights = keras.initializers.HeNormal(seed=seed)
    inputs = keras.Input((features,))
    x = keras.layers.Dropout(dropout, seed=seed)(inputs) if dropout else inputs
    x = keras.layers.Dense(hidden, use_bias=bias, kernel_initializer=weights, name="linear")(x)
    layer = keras.layers.BatchNormalization(name="norm", **norm)
    told = {} if written is None else {"training": written}
    x = layer(x, **told) if training is None else _Told(layer, training)(x)
    outputs = keras.layers.Dense(classes, kernel_initializer=weights)(keras.layers.Activation("relu")(x))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def _sound(x, y, seed, *, change=None, batch_size=32, **settings) -> Planted:
    """A network whose moving statistics are those of x, with something changed after."""
    model = network(x.shape[1], int(np.max(y)) + 1, seed=seed, **settings)
    (norm,) = batch_norms(model)
    if settings.get("training") is None:
        estimate_batch_statistics(model, x, batch_size=max(batch_size, 64))
    else:  # a norm that is told the mode does not listen to that
        inputs = x @ keras.ops.convert_to_numpy(model.get_layer("linear").kernel)
        norm.moving_mean.assign(inputs.mean(axis=0))
        norm.moving_variance.assign(inputs.var(axis=0))
    if change is not None:
        change(model, norm)
    return Planted(model, x, y, batch_size)


def _lagging(model, norm) -> None:
    # as after 5 updates at momentum 0.99
    left = 0.99**5
    norm.moving_mean.assign((1 - left) * norm.moving_mean)
    norm.moving_variance.assign(left + (1 - left) * norm.moving_variance)


def _forgotten(model, norm) -> None:
    norm.moving_mean.assign(0 * norm.moving_mean)
    norm.moving_variance.assign(0 * norm.moving_variance + 1)
    model.optimizer.iterations.assign(640)


def _poisoned(model, norm) -> None:
    values = np.array(keras.ops.convert_to_numpy(norm.moving_variance))
    values[0] = np.nan
    norm.moving_variance.assign(values)


def _frozen(model, norm) -> None:
    norm.trainable = False


def _frozen_elsewhere(model, norm) -> None:
    # learnt on inputs of half the size
    norm.moving_mean.assign(norm.moving_mean / 2)
    norm.moving_variance.assign(norm.moving_variance / 4)
    norm.trainable = False


def _source_frozen(model, norm) -> None:
    model.get_layer("linear").trainable = False


def _silent_unit(model, norm) -> None:
    kernel = np.array(keras.ops.convert_to_numpy(model.get_layer("linear").kernel))
    kernel[:, 0] = 0
    model.get_layer("linear").kernel.assign(kernel)
    for place in (norm.moving_mean, norm.moving_variance):
        values = np.array(keras.ops.convert_to_numpy(place))
        values[0] = 0
        place.assign(values)


def _tiny_inputs(model, norm) -> None:
    model.get_layer("linear").kernel.assign(model.get_layer("linear").kernel / 1000)
    norm.moving_mean.assign(norm.moving_mean / 1000)
    norm.moving_variance.assign(norm.moving_variance / 1000**2)


def _switched_off(model, norm) -> None:
    values = np.array(keras.ops.convert_to_numpy(norm.gamma))
    values[0] = 1e-5
    norm.gamma.assign(values)


def _one_too_many(x, y, seed) -> Planted:
    rows = (len(x) - 1) // 32 * 32 + 1
    return _sound(x[:rows], y[:rows], seed)


def _sorted_batches(x, y, seed) -> Planted:
    planted, order = _sound(x, y, seed), np.argsort(y, kind="stable")
    batches = [(x[order[at : at + 32]], y[order[at : at + 32]]) for at in range(0, len(x) - 31, 32)]
    return Planted(planted.model, batches, None)


def _with(**settings) -> Callable:
    return functools.partial(_sound, **settings)


TRAPS = (
    Trap("", "nothing: the control", _sound),
    Trap("training at inference", "a layer calls it with training=True", _with(training=True)),
    Trap("inference in training", "a layer calls it with training=False", _with(training=False)),
    Trap("training overridden", "training=False in a functional call", _with(written=False)),
    Trap("never updated", "a loop that calls model(x)", _with(change=_forgotten)),
    Trap("lag", "momentum 0.99, 5 updates", _with(change=_lagging)),
    Trap("not finite", "one batch with NaN", _with(change=_poisoned)),
    Trap("frozen", "trainable = False", _with(change=_frozen)),
    Trap("frozen on other data", "frozen, inputs twice as large", _with(change=_frozen_elsewhere)),
    Trap("frozen before", "only the layer before is frozen", _with(change=_source_frozen)),
    Trap("batch of one", "batch size 1", _with(batch_size=1)),
    Trap("last batch of one", "a last batch of one row", _one_too_many),
    Trap("tiny batches", "batch size 4", _with(batch_size=4)),
    Trap("short memory", "torch's momentum 0.1", _with(momentum=0.1)),
    Trap("batches alike inside", "rows sorted by class", _sorted_batches),
    Trap("other inputs at inference", "dropout before it", _with(dropout=0.5)),
    Trap("redundant bias", "a bias before it", _with(bias=True)),
    Trap("constant inputs", "a unit with the same output always", _with(change=_silent_unit)),
    Trap("below epsilon", "inputs a thousand times too small", _with(change=_tiny_inputs)),
    Trap("no scale", "a channel with γ = 0.00001", _with(change=_switched_off)),
)
