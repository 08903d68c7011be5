"""How often do n trials hit a good region of the hyperparameter space that fills 1 % of its volume?"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from textbook.search.designs import DESIGNS, check_counts, each_design
from textbook.seeding import stream
from textbook.statistics import wilson_interval


def hit_probability(
    dimensions: int,
    *,
    sizes: Sequence[int] = (1, 4, 9, 16, 36, 64, 144, 256),
    designs: Sequence[str] = DESIGNS,
    volume: float = 0.01,
    target: str = "rectangle",
    repeats: int = 1000,
    seed: int = 0,
    grids: str = "even",
    shift: bool = True,
) -> pd.DataFrame:
    """The probability that at least one of n trials lies in a target of given volume, by simulation.

    Every repeat draws a target and a design anew; targets are the same for all designs and sizes. A target is an
    axis-aligned box inside the unit cube, its place uniform among those possible: "cube" with all sides
    volume^(1/dimensions), "rectangle" with sides volume^e_j, where the exponents e are uniform among those that add up
    to 1. A long box is a surface on which few hyperparameters matter. How much longer one side is than another is a
    choice of ours; another choice moves the curves of all designs but random's.

    Args:
        dimensions: number of hyperparameters.
        sizes: numbers of trials.
        designs: names from `textbook.search.designs.DESIGNS`.
        volume: of the target, above 0 and below 1.
        target: "rectangle" or "cube".
        repeats: targets; with 1000, intervals are about six percentage points wide at most.
        grids: "even" for the most even shape only, "all" for a row per shape.
        shift: see `draw_designs`.

    Returns: a row per design, shape and size: design, shape, trials, probability, low, high (Wilson's 95 % interval),
        hits, repeats.
    Raises: ValueError for a volume outside (0, 1), an unknown target or design.
    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization: the simulation with 1 % targets.

    >>> table = hit_probability(3, sizes=[60], designs=["random"])
    >>> bool(table.low[0] < random_hit_probability(60) < table.high[0])
    True
    """
    low, high = draw_targets(dimensions, volume=volume, target=target, repeats=repeats, seed=seed)
    rows = []
    for label, points in each_design(designs, sizes, dimensions, repeats=repeats, seed=seed, grids=grids, shift=shift):
        inside = (points >= low[:, None]) & (points <= high[:, None])
        hits = int(inside.all(axis=2).any(axis=1).sum())
        least, most = wilson_interval(hits, repeats)
        rows.append({**label, "probability": hits / repeats, "low": least, "high": most, "hits": hits})
    return pd.DataFrame(rows).assign(repeats=repeats)


def draw_targets(
    dimensions: int, *, volume: float = 0.01, target: str = "rectangle", repeats: int = 1000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corners of boxes of one volume in the unit cube, as `hit_probability` uses them.

    Returns: two arrays (repeats, dimensions).

    >>> low, high = draw_targets(5, volume=0.01, repeats=3)
    >>> (high - low).prod(axis=1).round(6).tolist()
    [0.01, 0.01, 0.01]
    """
    _check_share(volume, "volume")
    if target not in ("rectangle", "cube"):
        raise ValueError(f"expected target as 'rectangle' or 'cube', got {target!r}; mend by passing one of these")
    check_counts(dimensions=dimensions, repeats=repeats)
    rng = stream(seed, "target")
    exponents = np.full((repeats, dimensions), 1 / dimensions)
    if target == "rectangle":
        exponents = rng.dirichlet(np.ones(dimensions), size=repeats)
    sides = volume**exponents
    low = rng.random((repeats, dimensions)) * (1 - sides)
    return low, low + sides


def random_hit_probability(trials, *, volume: float = 0.01):
    """1 − (1 − volume)^n: the probability that n random trials hit a region, whatever its shape and the dimension.

    >>> round(random_hit_probability(60), 3)
    0.453
    """
    _check_share(volume, "volume")
    share = -np.expm1(np.asarray(trials) * math.log1p(-volume))
    return float(share) if share.ndim == 0 else share


def random_trials_needed(probability: float, *, volume: float = 0.01) -> int:
    """The smallest number of random trials that hit a region with at least this probability.

    >>> random_trials_needed(0.95), random_trials_needed(0.95, volume=0.05)
    (299, 59)
    """
    _check_share(probability, "probability")
    _check_share(volume, "volume")
    return math.ceil(math.log1p(-probability) / math.log1p(-volume))


def _check_share(share: float, name: str) -> None:
    if not 0 < share < 1:
        raise ValueError(f"expected a {name} between 0 and 1, got {share!r}; mend by a value such as 0.01")
