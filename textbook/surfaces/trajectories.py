"""Paths of update rules over surfaces, and how long they take."""

from collections.abc import Iterable

import numpy as np

from textbook.schedules.arguments import whole


def trajectory(surface, rule, *, start, steps: int, batches: Iterable | None = None):
    """The path of an update rule over a surface.

    Args:
        surface: has `gradient(w)`, and `hessian(w)` for a second-order rule; both also take `rows` where batches are
            given.
        rule: one of `textbook.update_rules`, or any other `UpdateRule`.
        start: (weights,), or (…, weights) for several paths at once.
        steps: updates.
        batches: row indices of each update, at least `steps` of them; None takes all rows in every update.

    Returns: (steps + 1, …, weights), the start first. A path that diverges ends in infinities, without a warning.

    >>> from textbook.surfaces import Quadratic
    >>> from textbook.update_rules import GradientDescent
    >>> trajectory(Quadratic((1, 2)), GradientDescent(0.5), start=(1, 1), steps=2).tolist()
    [[1.0, 1.0], [0.5, 0.0], [0.25, 0.0]]
    """
    steps = whole("steps", steps, least=0, mend="mend by a number of updates")
    w = np.array(start, dtype=np.float64)
    path, state = [w], rule.init(w)
    rows = None if batches is None else iter(batches)
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(steps):
            batch = ()
            if rows is not None:
                batch = (next(rows, None),)
                if batch[0] is None:
                    raise ValueError(f"expected {steps} batches, one an update, got {k}; mend by fewer steps")
            at = rule.point(w, state)
            bend = {"hessian": surface.hessian(at, *batch)} if rule.needs_hessian else {}
            change, state = rule.update(surface.gradient(at, *batch), state, **bend)
            w = w + change
            path.append(w)
    return np.asarray(path)


def updates_until(path, minimum, *, tolerance: float = 1e-6) -> int | None:
    """Updates until a path first lies within `tolerance` of the minimum in every weight (max-norm); None if never.

    Args:
        path: (updates + 1, weights), as `trajectory` returns it.
        minimum: (weights,).

    Raises: ValueError for any other shapes, such as several paths at once.
    """
    path, minimum = np.asarray(path), np.asarray(minimum)
    if path.ndim != 2 or minimum.shape != path.shape[1:]:
        raise ValueError(
            f"expected a path (updates + 1, weights) and a minimum (weights,), got {path.shape} and {minimum.shape}; "
            "mend by path[:, i] for the i-th of several paths"
        )
    distances = np.max(np.abs(path - minimum), axis=-1)
    inside = np.flatnonzero(distances <= tolerance)
    return int(inside[0]) if inside.size else None
