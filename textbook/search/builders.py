"""A keras-tuner builder as the replica trainer needs it: the network alone, and what it was to be compiled with."""

import contextlib
import json
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import keras

from textbook.replicas.structure import Own, structure


@dataclass(frozen=True)
class Compiled:
    """What a builder gave to `compile`."""

    optimizer: Any
    loss: Any
    loss_weights: Any
    metrics: Any
    weighted_metrics: Any
    outputs: int  # 0 where only a call of the model tells

    @classmethod
    def of(cls, model: keras.Model) -> "Compiled":
        """Read from a compiled model.

        Raises: ValueError for anything but a compiled model.
        """
        if not isinstance(model, keras.Model):
            raise ValueError(
                f"expected build(hp) to return a keras.Model, got {type(model).__name__}; return the model"
            )
        if not model.compiled:
            raise ValueError(
                f"expected build(hp) to return a compiled model, got {model.name!r} uncompiled; "
                "mend by model.compile(optimizer, loss) in build"
            )
        given = dict(model._compile_config.config)
        return cls(
            model.optimizer, given.get("loss"), given.get("loss_weights"), given.get("metrics"),
            given.get("weighted_metrics"), len(getattr(model, "outputs", None) or ()),
        )  # fmt: skip

    def measured(self):
        """The metrics as the replica trainer takes them: names, and functions (y, outputs) → (batch,).

        Raises: ValueError for metrics that are no means over samples, or weighted ones.
        """
        if self.weighted_metrics:
            raise ValueError("expected no weighted_metrics, which a stack does not measure")
        return _metrics(self.metrics)

    def names(self) -> list[str] | None:
        """Names of the metrics; None where only training tells: with several outputs, or metrics for `fit` alone."""
        if self.outputs != 1 or isinstance(self.metrics, dict):
            return None
        try:
            measured = self.measured()
        except ValueError:  # trained by fit, which names them
            return None
        return [one if isinstance(one, str) else one.__name__ for one in measured]

    def key(self) -> Hashable:
        """Equal where networks of the same structure can be trained as one stack; the optimizer's numbers aside."""
        return (
            structure(self.optimizer), _key(self.loss), _key(self.loss_weights), _key(self.metrics),
            _key(self.weighted_metrics),
        )  # fmt: skip


class Network:
    """A builder without arguments of the network for some hyperparameters, uncompiled."""

    def __init__(self, build, hyperparameters):
        self._build, self._hyperparameters = build, hyperparameters

    def __call__(self) -> keras.Model:
        with _without_compiling():
            return self._build(self._hyperparameters.copy())


def built(model: keras.Model, row) -> keras.Model:
    """The model with its weights, which one without an Input has from its first call on.

    Args:
        row: one sample, with the batch axis.
    """
    if not model.built:
        model(keras.tree.map_structure(keras.ops.convert_to_tensor, row))
    return model


@contextlib.contextmanager
def _without_compiling():
    """Let `compile` put the optimizer into its place and do no more, so that the network's state stays its own."""

    def compile_nothing(self, optimizer="rmsprop", *args, **kwargs):
        # past Keras's own setter, which would count the optimizer's variables as the network's
        object.__setattr__(self, "optimizer", keras.optimizers.get(optimizer))

    kept = keras.Model.compile
    keras.Model.compile = compile_nothing
    try:
        yield
    finally:
        keras.Model.compile = kept


def _metrics(given):
    """Metrics as the replica trainer takes them: names, and functions (y, outputs) → (batch,)."""
    if given is None:
        return []
    if isinstance(given, dict):
        return {name: _metrics(one if isinstance(one, list | tuple) else [one]) for name, one in given.items()}
    if not isinstance(given, list | tuple):
        given = [given]
    return [_metric(one) for one in given]


def _metric(metric):
    if isinstance(metric, str):
        return metric
    if isinstance(metric, keras.metrics.MeanMetricWrapper):

        def values(y, outputs):
            return metric._fn(y, outputs, **metric._fn_kwargs)

        values.__name__ = metric.name
        return values
    if isinstance(metric, keras.metrics.Metric) or not callable(metric):
        raise ValueError(
            f"expected metrics that are means over samples, got {metric!r}, which a stack does not measure"
        )
    return metric


def _key(given) -> Hashable:
    if isinstance(given, dict):
        return tuple((name, _key(one)) for name, one in sorted(given.items()))
    if isinstance(given, list | tuple):
        return tuple(_key(one) for one in given)
    if given is None or isinstance(given, str | int | float):
        return given
    if isinstance(given, keras.losses.Loss):
        return structure(given)
    if isinstance(given, keras.metrics.MeanMetricWrapper):
        return (type(given), Own(given._fn), json.dumps(given.get_config(), sort_keys=True, default=repr))
    return Own(given)
