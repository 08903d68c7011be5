"""Where to put n trials: a grid, random points, a Sobol sequence or a Latin hypercube, compared on a known surface."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from textbook.seeding import sequence, stream
from textbook.statistics import mean_interval

DESIGNS = ("grid", "random", "sobol", "latin")


def draw_designs(
    name: str,
    trials: int,
    dimensions: int,
    *,
    repeats: int = 1,
    seed: int = 0,
    shape: Sequence[int] | None = None,
    shift: bool = True,
) -> np.ndarray:
    """Designs of n points in the unit cube, each drawn anew; (repeats, trials, dimensions).

    - "random": every coordinate uniform.
    - "grid": the centres of equal cells, `shape` cells along the axes in random order (which hyperparameter gets more
      values is chosen without knowing which one matters), all moved by one random vector within a cell. So every
      point of the cube is as likely to be tried as under random search, and no surface suits the grid by luck.
    - "sobol": the first n points of a scrambled Sobol sequence.
    - "latin": along each axis, one point in each of n equal slices.

    Random and Sobol points are sequences: of one seed, a smaller design is the beginning of a larger one.

    Args:
        name: one of `DESIGNS`.
        trials, dimensions: n and the number of hyperparameters.
        repeats: independent designs. Memory is 8 bytes × repeats × trials × dimensions.
        shape: cells of the grid along its axes, in any order; by default the most even one, `grid_shapes(…)[0]`.
        shift: False leaves the grid's points at the centres of the cells.

    >>> draw_designs("grid", 4, 2, shift=False)[0].tolist()
    [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]
    """
    if name not in DESIGNS:
        raise ValueError(f"expected a design from {', '.join(DESIGNS)}, got {name!r}; mend by naming one of these")
    check_counts(trials=trials, dimensions=dimensions, repeats=repeats)
    if name in ("random", "sobol"):
        draw = _random if name == "random" else _sobol
        streams = map(np.random.default_rng, sequence(seed, name).spawn(repeats))
        return np.stack([draw(trials, dimensions, rng) for rng in streams])
    rng = stream(seed, f"{name} of {trials}")
    if name == "latin":
        slices = rng.permuted(np.tile(np.arange(trials), (repeats, dimensions, 1)), axis=2).swapaxes(1, 2)
        return (slices + rng.random(slices.shape)) / trials
    shape = tuple(grid_shapes(trials, dimensions)[0] if shape is None else shape)
    if len(shape) != dimensions or math.prod(shape) != trials:
        raise ValueError(
            f"expected a shape of {dimensions} factors of {trials}, got {shape}; mend by one of grid_shapes(…)"
        )
    sides = rng.permuted(np.tile(shape, (repeats, 1)), axis=1)[:, None, :]
    # a point's number, written with one digit an axis, is its cell
    place = np.concatenate([np.cumprod(sides[..., ::-1], axis=2)[..., -2::-1], np.ones_like(sides[..., :1])], axis=2)
    cells = np.arange(trials)[None, :, None] // place % sides
    return (cells + (rng.random((repeats, 1, dimensions)) if shift else 0.5)) / sides


def check_counts(**counts) -> None:
    """Refuse anything but whole numbers from 1 up."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(f"expected {name} as a whole number from 1 up, got {count!r}; mend by a value such as 16")


def _random(trials: int, dimensions: int, rng: np.random.Generator) -> np.ndarray:
    return rng.random((trials, dimensions))


def _sobol(trials: int, dimensions: int, rng: np.random.Generator) -> np.ndarray:
    # here, because a run that finds its tables in the cache must not pay for this import
    from scipy.stats import qmc

    # `seed` is what SciPy 1.14 calls it and later versions still take; whole powers of two, because it warns otherwise
    return qmc.Sobol(dimensions, seed=rng).random_base2((trials - 1).bit_length())[:trials]


def grid_shapes(trials: int, dimensions: int) -> list[tuple[int, ...]]:
    """All ways to write n as a product of one factor per dimension, order aside; the most even one first.

    >>> grid_shapes(12, 2)
    [(4, 3), (6, 2), (12, 1)]
    """

    def factorizations(rest, parts, largest):
        if parts == 1:
            return [(rest,)] if rest <= largest else []
        firsts = [side for side in range(1, min(rest, largest) + 1) if rest % side == 0]
        return [(side, *others) for side in firsts for others in factorizations(rest // side, parts - 1, side)]

    return sorted(factorizations(trials, dimensions, trials), key=lambda shape: (shape[0] / shape[-1], sum(shape)))


def each_design(
    designs: Sequence[str], sizes: Sequence[int], dimensions: int, *, repeats: int, seed: int, grids: str, shift: bool
) -> Iterator[tuple[dict, np.ndarray]]:
    """Labels (design, shape, trials) and points of every design asked for, drawn `repeats` times."""
    if grids not in ("even", "all"):
        raise ValueError(f"expected grids as 'even' or 'all', got {grids!r}; mend by passing one of these")
    if not len(sizes):
        raise ValueError("expected at least one size, got none; mend by sizes such as (9, 16, 25)")
    drawing = {"repeats": repeats, "seed": seed}
    for name in designs:
        if name == "grid":
            for n in sizes:
                for shape in grid_shapes(n, dimensions)[: 1 if grids == "even" else None]:
                    label = {"design": name, "shape": "×".join(map(str, shape)), "trials": n}
                    yield label, draw_designs(name, n, dimensions, shape=shape, shift=shift, **drawing)
        else:
            longest = None if name == "latin" else draw_designs(name, max(sizes), dimensions, **drawing)
            for n in sizes:
                points = draw_designs(name, n, dimensions, **drawing) if longest is None else longest[:, :n]
                yield {"design": name, "shape": "", "trials": n}, points


def compare_designs(
    score: Callable[[np.ndarray], np.ndarray],
    dimensions: int,
    *,
    sizes: Sequence[int] = (4, 9, 16, 36, 64, 144, 256),
    designs: Sequence[str] = DESIGNS,
    repeats: int = 1000,
    seed: int = 0,
    lower_is_better: bool = True,
    grids: str = "even",
    shift: bool = True,
) -> pd.DataFrame:
    """The best score that n trials find on a surface, for each design, as a mean over designs drawn anew.

    Args:
        score: points of the unit cube, (repeats, trials, dimensions) → scores, (repeats, trials). A surface may differ
            from repeat to repeat, and should where Sobol points or Latin hypercubes are compared: their cells stand
            still, so that an optimum may lie well for one size and badly for the next.
        dimensions: number of hyperparameters, those that do not matter included.
        sizes: numbers of trials. A number without factors is a grid with several values of one hyperparameter only.
        designs: names from `DESIGNS`.
        repeats: draws of each design; at least 2.
        lower_is_better: False for an accuracy.
        grids: "even" for the most even shape only, "all" for a row per shape.
        shift: see `draw_designs`.

    Returns: a row per design, shape and size: design, shape ("3×3"; "" for others), trials, best (mean over repeats),
        low, high (its 95 % t interval), repeats.
    Raises: ValueError for an unknown design, scores of another shape or that are not finite.
    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization: grids lose on surfaces that
        vary in few directions only.

    >>> table = compare_designs(bowl([1, 0]), 2, sizes=[9], designs=["grid", "random"])
    >>> (table.best * 1000).round(1).tolist()  # expected: (1/6)²/3 = 0.0093 and ½/(10·11) = 0.0045
    [9.0, 4.6]
    """
    rows = []
    for label, points in each_design(designs, sizes, dimensions, repeats=repeats, seed=seed, grids=grids, shift=shift):
        scores = np.asarray(score(points), dtype=float)
        if scores.shape != points.shape[:-1] or not np.isfinite(scores).all():
            raise ValueError(
                f"expected finite scores of shape {points.shape[:-1]}, one a point, got shape {scores.shape} with "
                f"{np.count_nonzero(~np.isfinite(scores))} that are not; mend by the score of a guess where it diverges"
            )
        best = scores.min(axis=1) if lower_is_better else scores.max(axis=1)
        low, high = mean_interval(best)
        rows.append({**label, "best": float(best.mean()), "low": low, "high": high, "repeats": repeats})
    return pd.DataFrame(rows)


def bowl(weights: Sequence[float], *, centre=0.5) -> Callable[[np.ndarray], np.ndarray]:
    """A surface Σ w_j·(x_j − c_j)² with its minimum 0 at the centre; a weight of 0 is a hyperparameter without effect.

    Args:
        weights: one per dimension.
        centre: c, a number or an array whose shape fits that of the points; (repeats, 1, dimensions) gives every
            repeat of `compare_designs` an optimum of its own.

    >>> bowl([1, 0])(np.array([[0.5, 0.9], [0.7, 0.5]])).round(2).tolist()
    [0.0, 0.04]
    """
    return lambda points: np.square(points - np.asarray(centre)) @ np.asarray(weights, dtype=float)
