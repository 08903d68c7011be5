"""A function's own gradient, compared with centred differences."""

from collections.abc import Callable, Mapping

import numpy as np

from textbook.checks import coordinates as coordinate_choice
from textbook.checks.gradient_result import GradientCheck, judged
from textbook.checks.rounding import measured_noise
from textbook.checks.slopes import Differences, measure_slopes
from textbook.checks.verdicts import TOTAL, Limits

_STEP = {"float64": 1e-5, "float32": 1e-3}


def gradient_check_function(
    function: Callable,
    at,
    *,
    gradient: Callable,
    coordinates: int | str = 20,
    h: float | None = None,
    dtype: str = "float64",
    winners: Callable | None = None,
    batched: bool = False,
    seed: int = 0,
) -> GradientCheck:
    """Compare a gradient written by hand with (f(w + h) − f(w − h)) / 2h at some weights of every array.

    Args:
        function: weights → a number.
        at: where: an array, or a dict name → array for several.
        gradient: weights → ∂f/∂w, in the shape (or the dict) of `at`.
        coordinates: weights to check of each array, drawn by `seed`, or "all".
        h: step; by default 1e-5 in float64 and 1e-3 in float32; times |w| for weights above 1.
        dtype: of the weights that the function gets.
        winners: weights → which side of each kink they lie on, such as `x @ w > 0`: points between which this changes
            are tried with smaller steps, or set apart. Without it a kink is known by the slopes on its two sides.
        batched: function (and winners) take a leading axis of points, and are called with many at once. `gradient` is
            called with one point either way.
        seed: of the choice of weights.

    Returns: a `GradientCheck` whose one term is "total".

    Raises: ValueError for a gradient of another shape, a value that is not one finite number, arguments out of range.

    >>> check = gradient_check_function(lambda w: np.sum(w**3), np.array([1.0, 2.0]), gradient=lambda w: 3 * w**2)
    >>> check.passed
    True
    >>> forgotten = gradient_check_function(lambda w: np.sum(w**3), np.array([1.0, 2.0]), gradient=lambda w: w**2)
    >>> forgotten.tensors.verdict.tolist()
    ['wrong']
    """
    if dtype not in _STEP:
        raise ValueError(f"expected dtype as 'float64' or 'float32', got {dtype!r}; mend by passing one of these")
    if h is not None and not (np.isfinite(h) and h > 0):
        raise ValueError(f"expected a step h above 0, got {h!r}; mend by h={_STEP[dtype]}, or by leaving it out")
    evaluation = _Evaluation(function, at, dtype=dtype, winners=winners, batched=batched)
    weights, sizes, starts = evaluation.weights, evaluation.sizes, evaluation.starts
    slope = evaluation.flat(gradient(evaluation.at(weights)), "gradient")
    chosen = coordinate_choice.stratified(sizes, coordinates, seed=seed)
    indices = np.concatenate([start + part for start, part in zip(starts, chosen, strict=True)])
    step = h or _STEP[dtype]
    few = [start + part for start, part in zip(starts, coordinate_choice.stratified(sizes, 5, seed=seed), strict=True)]
    sigma = measured_noise(evaluation.pairs, weights, few, spacing=step / 10)
    limits = Limits.of(dtype, depth=1, kinks=True)
    differences = Differences(evaluation.pairs, weights, sigma=sigma, starts=starts)
    analytic = slope[indices][:, None]
    slopes = measure_slopes(differences, indices, analytic, h=step, retries=4, limit=limits.passing)
    whole = np.split(slope[None], starts[1:], axis=1)
    terms, shapes = (TOTAL,), evaluation.shapes
    table, tensors = judged(evaluation.names, shapes, chosen, terms, analytic, slopes, limits=limits, whole=whole)
    return GradientCheck(table, tensors, dtype, step, limits, {TOTAL: float(sigma.max())})


class _Evaluation:
    """A function of arrays as one of a flat vector, evaluated at pairs of points."""

    def __init__(self, function, at, *, dtype: str, winners, batched: bool):
        self._function, self._winners, self._batched, self._several = (
            function,
            winners,
            batched,
            isinstance(at, Mapping),
        )
        arrays = {name: np.asarray(part) for name, part in (at.items() if self._several else [("weights", at)])}
        for name, array in arrays.items():
            if not np.issubdtype(array.dtype, np.floating) or not array.size:
                raise ValueError(
                    f"expected floating-point numbers in {name}, got {array.dtype} {array.shape}; mend by astype(float)"
                )
        self.names, self.shapes = list(arrays), [array.shape for array in arrays.values()]
        self.sizes = [array.size for array in arrays.values()]
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(int)
        self.weights = np.concatenate([array.ravel() for array in arrays.values()]).astype(dtype)
        value = self._values(self.weights[None])
        if not np.isfinite(value).all():
            raise ValueError(f"expected a finite value, got {value[0]}; mend by checking at another point")

    def at(self, flat):
        """Flat weights (…, weights) in the structure that the function takes."""
        parts = np.split(flat, self.starts[1:], axis=-1)
        shaped = [part.reshape((*flat.shape[:-1], *shape)) for part, shape in zip(parts, self.shapes, strict=True)]
        return dict(zip(self.names, shaped, strict=True)) if self._several else shaped[0]

    def flat(self, structure, what: str) -> np.ndarray:
        """The inverse of `at`, for one point."""
        parts = [structure[name] for name in self.names] if self._several else [structure]
        shapes = [np.shape(part) for part in parts]
        if shapes != self.shapes:
            raise ValueError(f"expected a {what} of shapes {self.shapes}, got {shapes}; mend by reshaping it")
        return np.concatenate([np.ravel(part) for part in parts]).astype(np.float64)

    def pairs(self, indices, plus, minus):
        """As the evaluations of models: values above and below, (points, 1), and whether a winner changed."""
        points = np.repeat(self.weights[None], 2 * len(indices), axis=0)
        points[np.arange(len(points)), np.tile(indices, 2)] = np.concatenate([plus, minus])
        values, crossed = self._values(points), np.zeros(len(indices), dtype=bool)
        if self._winners is not None:
            above, below = np.split(self._called(self._winners, points).reshape(len(points), -1), 2)
            crossed = (above != below).any(axis=1)
        return values[: len(indices), None], values[len(indices) :, None], crossed

    def _values(self, points) -> np.ndarray:
        values = self._called(self._function, points)
        if values.shape != (len(points),):
            raise ValueError(
                f"expected a number for each point, got shape {values.shape} for {len(points)} points; "
                "mend by summing in the function, or by batched=False"
            )
        return values

    def _called(self, function, points) -> np.ndarray:
        if self._batched:
            return np.asarray(function(self.at(points)))
        return np.array([function(self.at(point)) for point in points])
