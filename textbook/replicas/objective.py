"""What a model is trained for: losses of its outputs, and metrics, as functions of one replica's batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
from keras import ops

# These take labels as shares of the classes; whole-number labels are spread out for them.
_OF_SHARES = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalHinge,
    keras.losses.KLDivergence,
)
_OF_CLASSES = (
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.CategoricalCrossentropy,
    keras.losses.BinaryCrossentropy,
)


@dataclass(frozen=True, eq=False)
class Objective:
    """Loss and metrics of a model with one output or several.

    Attributes:
        names: of the outputs.
        losses: a Keras loss for each output.
        weights: of each output's loss in the sum.
        metrics: name → (function (y, outputs) → (batch,), number of the output).
        default: whether the losses were left to us.
    """

    names: tuple[str, ...]
    losses: tuple[keras.losses.Loss, ...]
    weights: tuple[float, ...]
    metrics: dict[str, tuple[Callable, int]]
    default: bool

    def __call__(self, y, outputs, sample_weight=None):
        """The loss of a batch, a scalar: y is a list with the labels of each output."""
        total = 0.0
        outputs = keras.tree.flatten(outputs)
        for loss, weight, labels, output in zip(self.losses, self.weights, y, outputs, strict=True):
            labels = _like(labels, output)
            if self.default and sample_weight is None and _whole(labels):
                # what the Keras loss does, without its casts of the labels to floating point and back
                value = ops.mean(ops.sparse_categorical_crossentropy(labels, output, from_logits=True))
            else:
                value = loss(labels, output, sample_weight)
            total = value if len(self.losses) == 1 and weight == 1 else total + weight * value
        return total

    def functions(self) -> dict[str, Callable]:
        """Name → (y, outputs) → (batch,), where y is a list with the labels of each output."""

        def measured(function, position):
            def value(y, outputs):
                output = keras.tree.flatten(outputs)[position]
                return function(_like(y[position], output), output)

            return value

        return {name: measured(*pair) for name, pair in self.metrics.items()}

    def by_output(self) -> list[list[tuple[str, Callable]]]:
        """The metrics of each output, (name, function), as `compile` wants them: it adds the output's name itself."""
        single = len(self.names) == 1
        return [
            [
                (name if single else name.removeprefix(f"{output}_"), function)
                for name, (function, place) in self.metrics.items()
                if place == position
            ]
            for position, output in enumerate(self.names)
        ]


class ClassShares(keras.losses.Loss):
    """A loss of class shares, fed with whole-number labels."""

    def __init__(self, loss: keras.losses.Loss):
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss = loss

    def call(self, y_true, y_pred):
        labels = ops.cast(ops.reshape(y_true, ops.shape(y_pred)[:-1]), "int32")
        return self.loss.call(ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype), y_pred)


class PerSample(keras.losses.Loss):
    """A function (y, outputs) → (batch,) as a loss, averaged over the batch as `compile` does."""

    def __init__(self, function: Callable):
        super().__init__(name=getattr(function, "__name__", "loss"))
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)


def plain(loss: keras.losses.Loss) -> keras.losses.Loss:
    """The Keras loss inside."""
    return loss.loss if isinstance(loss, ClassShares) else loss


def objective_for(loss, loss_weights, metrics, *, classes: list, names: list[str], units: list[int]) -> Objective:
    """The objective of a model whose outputs are given in order.

    Args:
        loss, loss_weights, metrics: as `Condition` and `ReplicaTrainer` take them.
        classes: for each output, the number of classes, or None for a regression.
        names: of the outputs; columns carry them where there are several.
        units: length of the last axis of each output.
    """
    given = _for_outputs(loss, names, "loss")
    losses = tuple(_loss(one, count) for one, count in zip(given, classes, strict=True))
    weights = tuple(1.0 if w is None else float(w) for w in _for_outputs(loss_weights, names, "loss_weights"))
    found = {}
    for position, wanted in enumerate(_for_outputs(metrics, names, "metrics", listed=True)):
        for metric in (("accuracy",) if classes[position] else ()) if wanted is None else wanted:
            name, function = _metric(metric, classes[position], units[position], losses[position])
            found[name if len(names) == 1 else f"{names[position]}_{name}"] = (function, position)
    return Objective(tuple(names), losses, weights, found, default=loss is None)


def chance_loss_is_known(objective: Objective, classes: list) -> bool:
    """Whether the loss of the best guess that ignores x is that of equal odds, or the variance."""
    if len(objective.losses) > 1:
        return False
    return isinstance(plain(objective.losses[0]), _OF_CLASSES if classes[0] else keras.losses.MeanSquaredError)


def _for_outputs(given, names: list[str], what: str, *, listed: bool = False) -> list:
    """One entry per output, of a dict by name, a list in order, or one for all."""
    if isinstance(given, Mapping):
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ValueError(f"expected {what} for the outputs {', '.join(names)}, got {', '.join(unknown)}")
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple) and not listed:
        if len(given) != len(names):
            raise ValueError(f"expected {what} for {len(names)} outputs, got {len(given)}")
        return list(given)
    return [given] * len(names)


def _loss(loss, classes) -> keras.losses.Loss:
    if loss is None:
        if classes:
            return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return keras.losses.MeanSquaredError()
    if isinstance(loss, str):
        found = keras.losses.get(loss)
        if not isinstance(found, keras.losses.Loss):  # a name such as "mse" stands for the function
            twins = {name.lower(): kind for name, kind in vars(keras.losses).items() if isinstance(kind, type)}
            twin = twins.get(found.__name__.replace("_", ""))
            found = twin() if twin else PerSample(found)
        loss = found
    if not isinstance(loss, keras.losses.Loss):
        if not callable(loss):
            raise ValueError(f"expected loss as a Keras loss, its name or a function, got {loss!r}")
        loss = PerSample(loss)
    return ClassShares(loss) if classes and isinstance(loss, _OF_SHARES) else loss


def _metric(metric, classes, units: int, loss) -> tuple[str, Callable]:
    """(name, function) of one metric of one output."""
    if callable(metric):
        return metric.__name__, metric
    if metric == "accuracy":
        if not classes:
            raise ValueError(
                "expected metrics for a regression, got 'accuracy'; use for instance 'mean_absolute_error'"
            )
        return metric, _accuracy if units > 1 else _binary_accuracy(getattr(loss, "_fn_kwargs", {}))
    if callable(getattr(keras.metrics, metric, None)) and metric.islower():
        return metric, getattr(keras.metrics, metric)
    raise ValueError(f"expected a metric function of keras.metrics by its name, such as 'accuracy', got {metric!r}")


def _accuracy(y, outputs):
    """Keras's sparse accuracy; on TensorFlow its own argmax looks at the bits of −0, which runs as a loop here."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # here, because other backends do without it

        found = tf.math.argmax(outputs, axis=-1)
    else:
        found = ops.argmax(outputs, axis=-1)
    return ops.cast(ops.equal(ops.cast(found, "int32"), ops.cast(y, "int32")), "float32")


def _binary_accuracy(settings: dict) -> Callable:
    """The share of right sides of the threshold, 0 for logits and ½ for probabilities."""
    threshold = 0.0 if settings.get("from_logits") else 0.5

    def accuracy(y, outputs):
        labels = ops.reshape(ops.cast(y, outputs.dtype), ops.shape(outputs))
        return ops.mean(ops.cast(ops.equal(outputs > threshold, labels > 0.5), "float32"), axis=-1)

    return accuracy


def _whole(labels) -> bool:
    return "int" in keras.backend.standardize_dtype(labels.dtype)


def _like(y, outputs):
    """A regression's values in the shape of the outputs, (batch, 1), as a metric per sample needs them."""
    return y if _whole(y) or len(y.shape) == len(outputs.shape) else ops.reshape(y, ops.shape(outputs))
