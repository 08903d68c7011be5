"""A Keras model's gradients, compared with centred differences."""

import contextlib

import keras
import numpy as np

from textbook.checks import coordinates as coordinate_choice
from textbook.checks.gradient_result import GradientCheck, judged
from textbook.checks.objective import Objective
from textbook.checks.rounding import measured_noise
from textbook.checks.slopes import Differences, measure_slopes
from textbook.checks.verdicts import Limits
from textbook.gradients import untouched_randomness
from textbook.model_state import ModelState

_STEP = {"float64": 1e-5, "float32": 1e-3}
_RETRIES = {"float64": 4, "float32": 2}
_ROUGH = 1e5  # noise of so many units in float64's last place is float32's
_AT_ONCE = (64, 128)  # few points, and many: two numbers only, since JAX compiles for each; more leave the cache


def gradient_check(
    model,
    x,
    y=None,
    *,
    sample_weight=None,
    loss=None,
    coordinates: int | str = 20,
    h: float | None = None,
    dtype: str = "float64",
    training: bool = False,
    burn_in: int = 0,
    seed: int = 0,
    memory: int = 256 * 2**20,
) -> GradientCheck:
    """Compare what backpropagation gives for some weights of every tensor with (L(w + h) − L(w − h)) / 2h.

    What is checked is every gradient of one's own in the model: a layer with a `custom_gradient`, a loss, a
    regularizer. Data and penalties are checked apart. The model is left as it is: weights, seeds, statistics, policies,
    optimizer and metrics; dropout draws the same masks in all evaluations.

    A few rows are enough, and better than many: each row brings kinks. Where a ReLU, a maximum, a hinge or another kink
    changes sides between the two points, the difference says nothing; such a weight is looked at with smaller steps,
    and if that does not help, set apart.

    Args:
        model: a built `keras.Model`.
        x, y, sample_weight: as `fit` takes them, arrays of equally many rows.
        loss: in place of the compiled one: a name, a `keras.losses.Loss`, or a function (y, outputs) → losses.
        coordinates: weights to check of each tensor, drawn by `seed`, or "all".
        h: step; by default 1e-5 in float64 and 1e-3 in float32.
        dtype: to compute in, "float64" or "float32", whatever the model's own policy.
        training: run the layers as in training: dropout on, batch norm by the batch's own statistics.
        burn_in: updates of the compiled optimizer on these rows before the check, taken back after it. At small random
            weights some wrong gradients are right by chance. (An optimizer without slots gets them.)
        seed: of the choice of weights.
        memory: bytes that the evaluations made at once may take, roughly.

    Returns: a `GradientCheck`: `.tensors` with a verdict each, `.table`, `.passed`, `.plot()`.

    Raises: ValueError for a model that is not built, has no loss or nothing to train; a loss that is not finite, or
    differs from one evaluation to the next; a layer that cannot compute in `dtype`; arguments out of range.

    Source: cs231n, "Neural Networks Part 3", gradient checks.

    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> check = gradient_check(model, np.eye(3), np.ones(3))
    >>> check.tensors[["tensor", "verdict", "checked"]].to_numpy().tolist()  # doctest: +ELLIPSIS
    [['dense.../kernel', 'pass', 12], ['dense.../bias', 'pass', 4], [..., 'pass', 4], [..., 'pass', 1]]
    """
    _require(model, loss, dtype, h, burn_in)
    given = {"sample_weight": sample_weight, "training": training, "loss": loss, "dtype": dtype}
    with _burned_in(model, x, y, sample_weight, burn_in), Objective(model, x, y, **given) as objective:
        evaluation = _evaluation(objective)
        values, gradients = _first_look(evaluation, dtype)
        evaluation.trace()
        return _compared(objective, evaluation, values, gradients, coordinates, seed=seed, h=h, memory=memory)


def _compared(objective, evaluation, values, gradients, coordinates, *, seed, h, memory) -> GradientCheck:
    """The check at an evaluation's weights, where the terms have these values and gradients."""
    model, dtype, terms = objective.model, objective.dtype, objective.names
    names, sizes = _names(model), [int(np.prod(variable.shape)) for variable in model.trainable_variables]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def some(number):
        return coordinate_choice.stratified(sizes, number, seed=seed)

    chosen = some(coordinates)
    indices = np.concatenate([start + part for start, part in zip(starts, chosen, strict=True)])
    pairs, weights = _in_chunks(evaluation, np.dtype(dtype).itemsize, memory), evaluation.weights
    _require_repeatable(pairs, indices[:1], weights, values)

    few = [start + part for start, part in zip(starts, some(3), strict=True)]
    step, computed, notes = h or _STEP[dtype], dtype, []
    sigma = measured_noise(pairs, weights, few, spacing=step / 10)
    rough = (sigma > _ROUGH * np.finfo(dtype).eps * np.maximum(np.abs(values), 1)).any(axis=1)
    if dtype == "float64" and rough.any():
        where = ", ".join(name for name, found in zip(names, rough, strict=True) if found)
        notes.append(f"Behind {where} something computes in float32 by itself; checked as float32.")
        computed, step = "float32", h or _STEP["float32"]
        sigma = measured_noise(pairs, weights, few, spacing=step / 10)
    depth = sum(bool(layer._trainable_variables) for layer in model._flatten_layers())
    limits = Limits.of(computed, depth=depth, kinks=evaluation.has_kinks)
    differences = Differences(pairs, weights, sigma=sigma, starts=starts)
    analytic, retries = gradients[:, indices].T.astype(np.float64), _RETRIES[computed]
    slopes = measure_slopes(differences, indices, analytic, h=step, retries=retries, limit=limits.passing)

    # an analytic gradient is a sum in this precision too, and scatters by its tensor's largest parts
    whole = np.split(gradients, starts[1:], axis=1)
    largest = np.array([np.abs(part).max(axis=1) for part in whole])  # (tensors, terms)
    slopes.error += 8 * depth * np.finfo(computed).eps * np.repeat(largest, [len(part) for part in chosen], axis=0)
    shapes = [tuple(variable.shape) for variable in model.trainable_variables]
    table, tensors = judged(names, shapes, chosen, terms, analytic, slopes, limits=limits, whole=whole)
    noise = dict(zip(terms, sigma.max(axis=0).tolist(), strict=True))
    return GradientCheck(table, tensors, dtype, step, limits, noise, tuple(notes))


def _evaluation(objective):
    """The batched evaluation on the backend in use."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from textbook.checks.evaluation.on_tensorflow import Evaluation
    elif backend == "jax":
        from textbook.checks.evaluation.on_jax import Evaluation
    else:
        from textbook.checks.evaluation.on_torch import Evaluation
    return Evaluation(objective)


def _first_look(evaluation, dtype: str):
    """Values and gradients of the terms at the weights as they are."""
    try:
        with untouched_randomness():
            values, gradients = evaluation.gradients()
    except Exception as error:
        if dtype == "float32":
            raise
        raise ValueError(
            f"expected a model that computes in float64, got {type(error).__name__} from it: {error}; mend by "
            "dtype='float32', or by computing in self.compute_dtype where a layer names a dtype of its own"
        ) from error
    if not np.isfinite(values).all():
        raise ValueError(f"expected a finite loss, got {values.tolist()}; mend by looking at x, y and the weights")
    return values, gradients


def _in_chunks(evaluation, itemsize: int, memory: int):
    """An evaluation's `pairs` for any number of points, as many at once as the memory allows."""
    room = max(memory // (2 * itemsize * max(evaluation.numbers_a_point, 1)), 1)

    def pairs(indices, plus, minus):
        few, many = _AT_ONCE
        size = int(min(few if len(indices) < many else many, room))
        parts = []
        with untouched_randomness():
            for start in range(0, len(indices), size):
                here = slice(start, start + size)
                # the last ones filled up, so that every call has the same shapes
                filled = (np.pad(p[here], (0, size - len(p[here])), mode="edge") for p in (indices, plus, minus))
                parts.append(evaluation.pairs(*filled))
        return tuple(np.concatenate(part)[: len(indices)] for part in zip(*parts, strict=True))

    return pairs


def _require_repeatable(pairs, index, weights, values) -> None:
    above, below, _ = pairs(index, weights[index], weights[index])
    # wide enough for a layer that computes in float32, whose rounding differs between two compiled programs
    rough = max(np.sqrt(np.finfo(weights.dtype).eps), 1e-5) * np.maximum(np.abs(values), 1)
    if (np.abs(above - below) > rough).any() or (np.abs(above[0] - values) > rough).any():
        raise ValueError(
            f"expected the same loss at the same weights, got {values.tolist()}, {above[0].tolist()} and "
            f"{below[0].tolist()}; mend by giving what draws random numbers a keras.random.SeedGenerator, or by "
            "training=False"
        )


@contextlib.contextmanager
def _burned_in(model, x, y, sample_weight, updates: int):
    """The model after some updates, and afterwards the model as it was."""
    if not updates:
        yield
        return
    state = ModelState.of(model, batch=(x, y, sample_weight))
    try:
        for _ in range(updates):
            model.train_on_batch(x, y, sample_weight=sample_weight)
        yield
    finally:
        state.restore(model)


def _names(model) -> list[str]:
    """The variables' paths, without the model's own name where all of them begin with it."""
    paths = [variable.path for variable in model.trainable_variables]
    own = f"{model.name}/"
    return [path.removeprefix(own) for path in paths] if all(path.startswith(own) for path in paths) else paths


def _require(model, loss, dtype, h, burn_in) -> None:
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"expected a built keras.Model, got {model!r}; mend by giving it an Input, or calling it once")
    if loss is None and not model.compiled:
        raise ValueError(f"expected a loss, got none and {model.name!r} not compiled; mend by compile(…) or loss=…")
    if not model.trainable_variables:
        raise ValueError(f"expected trainable weights, got none in {model.name!r}; mend by trainable = True")
    if burn_in and not model.compiled:
        raise ValueError(f"expected a compiled model for burn_in={burn_in}, got one that is not; mend by compile(…)")
    if dtype not in _STEP:
        raise ValueError(f"expected dtype as 'float64' or 'float32', got {dtype!r}; mend by passing one of these")
    if h is not None and not (np.isfinite(h) and h > 0):
        raise ValueError(f"expected a step h above 0, got {h!r}; mend by h={_STEP[dtype]}, or by leaving it out")
    if isinstance(burn_in, bool) or not isinstance(burn_in, int | np.integer) or burn_in < 0:
        raise ValueError(f"expected burn_in as a number of updates from 0, got {burn_in!r}; mend by burn_in=30")
