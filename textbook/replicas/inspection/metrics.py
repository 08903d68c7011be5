"""A user's metrics, refused in words where they are no means over samples."""

from collections.abc import Mapping

import keras
from keras.src.backend import compute_output_spec

# Columns of the tables that a metric of that name would overwrite.
_COLUMNS = (
    *("condition", "seed", "epoch", "updates", "loss", "clean_loss", "penalty", "learning_rate", "selected"),
    *("diverged", "chance_loss", "chance_accuracy", "engine", "seconds"),
)


def check_metrics(metrics) -> None:
    """Refuse what collects a state over batches, such as an AUC, and names that the table could not tell apart.

    Args:
        metrics: None, a list of names and functions, or a dict from names of outputs to such lists. Names that Keras
            does not know at all are left to whoever looks them up.
    """
    if isinstance(metrics, Mapping):
        for of_output in metrics.values():
            check_metrics(of_output)
        return
    if isinstance(metrics, str) or callable(metrics):
        raise ValueError(f"expected metrics as a list, got {metrics!r}; write metrics=[…] around it")
    names = [_name(metric) for metric in metrics or ()]
    for name in names:
        if name in _COLUMNS or names.count(name) > 1:
            taken = "which the table has already" if name in _COLUMNS else "twice"
            raise ValueError(f"expected metrics with names of their own, got {name!r} {taken}; rename the function")


def _name(metric) -> str:
    found = _looked_up(metric) if isinstance(metric, str) else metric
    kind = found if isinstance(found, type) else type(found)
    if issubclass(kind, keras.metrics.Metric):
        got = metric if isinstance(metric, str) else kind.__name__
        raise ValueError(f"expected a metric that is a mean over samples, got {got!r}; {_way_out(found)}")
    if isinstance(metric, str):
        return metric
    if not callable(metric) or not hasattr(metric, "__name__"):
        raise ValueError(
            f"expected a metric as a name or a function with a name, got {metric!r}; "
            "write it with def, as a function (y, outputs) -> (batch,)"
        )
    return metric.__name__


def _looked_up(name: str):
    """What Keras knows by a name: a function, a metric or the class of one, or None."""
    if name == "accuracy" or hasattr(keras.metrics, name):
        return getattr(keras.metrics, name, None)
    try:
        return keras.metrics.get(name)
    except ValueError:  # not a name that it knows
        return None
    except TypeError:  # the name of a class that cannot be made without arguments
        return keras.metrics.Metric


def _way_out(metric) -> str:
    if isinstance(metric, keras.metrics.MeanMetricWrapper):
        name, settings = getattr(metric._fn, "__name__", ""), metric._fn_kwargs
        if callable(getattr(keras.metrics, name, None)):
            arguments = "".join(f", {key}={value!r}" for key, value in settings.items())
            call = f"pass a function that returns keras.metrics.{name}(y, outputs{arguments})"
            return call if settings else f"pass its name, {name!r}"
    return (
        "pass a function (y, outputs) -> (batch,) whose mean it is, or where there is none compute it with "
        "result.trained(condition, seed)"
    )


def check_per_sample(what: str, function, y, outputs, *, more_axes: bool = False) -> None:
    """Refuse a metric or loss function that does not give a value for each sample. It is traced, not run.

    Args:
        what: what a message calls it, such as "metric 'brier'".
        function: (y, outputs) → (batch,).
        y, outputs: what it is called with, `keras.KerasTensor`s in the structures that it takes; the length of their
            first axes does not matter.
        more_axes: whether (batch, …) is as good, as it is for a loss.
    """
    lengths = {length for spec in keras.tree.flatten((y, outputs)) for length in spec.shape[1:]}
    batch = next(length for length in range(3, 1000) if length not in lengths)  # told apart from any other axis
    y, outputs = keras.tree.map_structure(
        lambda spec: keras.KerasTensor((batch, *spec.shape[1:]), spec.dtype), (y, outputs)
    )
    try:
        result = compute_output_spec(function, y, outputs)
    except Exception as error:  # whatever the user's code raises on tensors without values
        first = next(iter(str(error).splitlines()), "no message")
        raise ValueError(
            f"expected {what} to compute with tensors, got {type(error).__name__}: {first}; "
            "use keras.ops instead of NumPy, float() and if"
        ) from error
    shape = tuple(result.shape) if hasattr(result, "shape") else None
    if shape is None or shape[:1] != (batch,) or (len(shape) > 1 and not more_axes):
        got = type(result).__name__ if shape is None else f"shape {shape} for a batch of {batch}"
        mend = "return the value of each sample, not their mean" if shape == () else "take the mean over the other axes"
        raise ValueError(
            f"expected {what} to return shape (batch,), got {got}; {mend}, for instance with keras.ops.mean(…, axis=-1)"
        )
