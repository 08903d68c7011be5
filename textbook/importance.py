"""Which hyperparameter matters: shares of variance by functional ANOVA on a random forest, from a table of trials."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from textbook.seeding import stream, word

# a column with no more distinct values than this is a grid: each of its values counts the same
_LARGEST_GRID = 12
_FEWEST_TRIALS = 10
_POINTS = 2048


def importance(
    trials: pd.DataFrame,
    *,
    target: str,
    hyperparameters: Sequence[str] | None = None,
    log: Sequence[str] = (),
    within: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
    trees: int = 64,
    resamples: int = 100,
) -> pd.DataFrame:
    """The share of the target's variance that each hyperparameter explains alone, with bootstrap intervals.

    A random forest f is fitted to the trials. The main effect of hyperparameter d, V_d = Var over x_d of E[f | x_d],
    is computed exactly from the trees' leaves, with every hyperparameter uniform over the range that the trials cover
    (on a log scale where told; over its values where it has at most twelve). Its share is V_d / Var f, the latter at
    2048 points of a Sobol sequence. What shares lack of 1 is interaction. They speak of the ranges tried: the wider the
    range of one, the larger its share. A forest smooths weak effects: of y = 3a + b (shares 0.9 and 0.1) it finds
    0.91 and 0.08 from 400 trials, 0.95 and 0.04 from 100. The interval is about other trials, not about this smoothing.

    Args:
        trials: a row per trial.
        target: the column to explain, such as "val_loss". A failed trial needs a number, such as the loss of a guess.
        hyperparameters: columns; by default all but the target. Text and booleans are categories.
        log: hyperparameters that were sampled on a log scale.
        within: name → (lowest, highest), a part of its range to speak of, such as {"learning_rate": (0.03, 0.3)}. The
            forest still learns from all trials; shares are of what varies in that part.
        seed: of the forest and the bootstrap.
        trees: in the forest. Each resample has a quarter as many, so intervals are a little wide.
        resamples: of the trials, for the 95 % interval; 0 for none (low and high are NaN).

    Returns: columns hyperparameter, share, low, high; the most important first.
    Raises: ValueError for missing columns, a target that is not finite or constant, log of values ≤ 0, fewer than ten
        trials, and a part that holds less than two of the trials' values.
    Source: Hutter, Hoos and Leyton-Brown (2014), An efficient approach for assessing hyperparameter importance.
    """
    pool = Pool(trials, target=target, hyperparameters=hyperparameters, log=log)
    box = pool.box(within)
    share = pool.shares([box], trees=trees, seed=word(seed, "forest"))[0]
    rng = stream(seed, "bootstrap")
    again = np.empty((resamples, len(pool.names)))
    for i in range(resamples):
        rows = rng.integers(len(trials), size=len(trials))
        again[i] = pool.shares([box], rows=rows, trees=max(4, trees // 4), seed=int(rng.integers(2**31)))[0]
    # a resample repeats trials, which shifts all its shares: keep the spread of the resamples, not their place
    spread = np.quantile(again, [0.025, 0.975], axis=0) - again.mean(axis=0) if resamples else np.full((2, 1), np.nan)
    low, high = share + spread
    table = pd.DataFrame(
        {"hyperparameter": pool.names, "share": share, "low": np.clip(low, 0, 1), "high": np.clip(high, 0, 1)}
    )
    return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


class Pool:
    """Trials in the unit cube of their hyperparameters, to which forests are fitted.

    Args:
        trials, target, hyperparameters, log: as `importance` takes them.
    """

    def __init__(self, trials, *, target: str, hyperparameters=None, log=()):
        names = [name for name in trials.columns if name != target] if hyperparameters is None else hyperparameters
        self.names, self._log, self._trials = list(names), tuple(log), trials
        self._goal = _checked_target(trials, target, self.names, log)
        self._cube = np.column_stack([_unit(trials[name], log=name in log) for name in self.names])

    def box(self, within: Mapping[str, tuple[float, float]] | None = None) -> np.ndarray:
        """Corners in the unit cube of a part of the ranges; (2, hyperparameters)."""
        corners = np.array([[0.0], [1.0]]).repeat(len(self.names), axis=1)
        for name, (lowest, highest) in (within or {}).items():
            if name not in self.names:
                raise ValueError(f"expected a part of {', '.join(self.names)}, got one of {name!r}; mend by its name")
            column, line = self._trials[name], self._cube[:, self.names.index(name)]
            if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
                raise ValueError(f"expected numbers to take a part of, got the categories of {name!r}; mend by rows")
            inside = column.between(lowest, highest).to_numpy()
            if column[inside].nunique() < 2:
                raise ValueError(
                    f"expected two values of {name!r} or more from {lowest:g} to {highest:g}, got "
                    f"{column[inside].nunique()} of {column.min():g} to {column.max():g}; mend by a wider part"
                )
            if column.nunique() <= _LARGEST_GRID:
                half = 0.5 / column.nunique()  # a value stands in the middle of its cell
                ends = line[inside].min() - half, line[inside].max() + half
            else:
                scale = np.log if name in self._log else np.asarray
                low, high = scale(column.min()), scale(column.max())
                asked = np.clip([lowest, highest], column.min(), column.max())  # a part may reach beyond the trials
                ends = (scale(asked) - low) / (high - low)
            corners[:, self.names.index(name)] = ends
        return corners

    def shares(self, boxes: Sequence[np.ndarray], *, trees: int, seed: int, rows=None) -> np.ndarray:
        """Main-effect shares of a forest's mean in each box; (boxes, hyperparameters).

        Args:
            rows: trials to fit it to, by number, or as truth values: what is then left out has no weight, but the trees
                keep their bootstrap draws, so that forests with and without a few trials differ by these trials alone.
        """
        # here, because a run that finds its tables in the cache must not pay for these imports
        from scipy.stats import qmc
        from sklearn.ensemble import RandomForestRegressor

        cube, goal, weight = self._cube, self._goal, None
        if rows is not None and np.asarray(rows).dtype == bool:
            weight = np.asarray(rows, dtype=float)
        elif rows is not None:
            cube, goal = cube[rows], goal[rows]
        forest = RandomForestRegressor(trees, min_samples_leaf=2, random_state=seed).fit(cube, goal, weight)
        points = qmc.Sobol(cube.shape[1], scramble=False).random(_POINTS) + 0.5 / _POINTS
        inside = np.concatenate([low + (high - low) * points for low, high in boxes])
        variances = forest.predict(inside).reshape(len(boxes), -1).var(axis=1)
        leaves = _leaves_of([tree.tree_ for tree in forest.estimators_])
        found = np.zeros((len(boxes), cube.shape[1]))
        for i, (box, variance) in enumerate(zip(boxes, variances, strict=True)):
            if variance > 1e-12 * np.square(goal).mean():
                found[i] = _effects(leaves, trees, box) / variance
        return found


def _checked_target(trials, target, names, log) -> np.ndarray:
    missing = [name for name in [target, *names, *log] if name not in trials]
    if missing:
        raise ValueError(
            f"expected columns {', '.join(missing)}, got {', '.join(map(str, trials.columns))}; mend by naming columns"
        )
    if len(trials) < _FEWEST_TRIALS:
        raise ValueError(f"expected at least {_FEWEST_TRIALS} trials, got {len(trials)}; mend by running more")
    goal = trials[target].to_numpy(dtype=float)
    broken = int((~np.isfinite(goal)).sum())
    if broken:
        raise ValueError(
            f"expected finite values of {target!r}, got {broken} that are not; mend by dropping these trials or giving "
            "them the loss of a guess"
        )
    if np.ptp(goal) == 0:
        raise ValueError(f"expected {target!r} to vary, got {goal[0]:g} throughout; mend by choosing another target")
    return goal


def _unit(column: pd.Series, *, log: bool) -> np.ndarray:
    """A hyperparameter mapped to 0…1 so that its measure is uniform there; a grid's values to the middles of cells."""
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if column.isna().any():
        raise ValueError(
            f"expected a value of {column.name!r} in every trial, got gaps; mend by filling or leaving it out"
        )
    if not numeric or column.nunique() <= _LARGEST_GRID:
        codes = np.unique(column.astype(str) if not numeric else column, return_inverse=True)[1]
        return (codes + 0.5) / (codes.max() + 1)
    values = column.to_numpy(dtype=float)
    if log:
        if values.min() <= 0:
            raise ValueError(f"expected {column.name!r} above 0 for a log scale, got {values.min():g}; mend by log=()")
        values = np.log(values)
    return (values - values.min()) / np.ptp(values)


def main_effects(trees: Sequence, *, box=None) -> np.ndarray:
    """Var over x_d of E[f | x_d] for the mean f of regression trees (scikit-learn's `tree_`) over the unit cube.

    Or over a box in it, (lower corner, upper corner): what leaves have in common with the box counts.

    Exact: within a leaf the conditional mean gains the leaf's value times the volume of its other sides, so along x_d
    it is a sum of boxes.
    """
    return _effects(_leaves_of(trees), len(trees), box)


def _effects(leaves, trees: int, box) -> np.ndarray:
    low, high, value = leaves
    if box is not None:
        corner, size = np.asarray(box[0]), np.subtract(box[1], box[0])
        low, high = (np.clip((edge - corner) / size, 0, 1) for edge in (low, high))
        kept = (high > low).all(axis=1)
        low, high, value = low[kept], high[kept], value[kept]
    sides = high - low  # (leaves of all trees, hyperparameters)
    value = value - sides.prod(axis=1) @ value / trees
    effects = np.zeros(sides.shape[1])
    for d in range(sides.shape[1]):
        weight = value * np.delete(sides, d, axis=1).prod(axis=1) / trees
        edges = np.unique(np.concatenate([low[:, d], high[:, d]]))
        steps = np.zeros(len(edges))
        np.add.at(steps, np.searchsorted(edges, low[:, d]), weight)
        np.add.at(steps, np.searchsorted(edges, high[:, d]), -weight)
        effects[d] = np.diff(edges) @ np.cumsum(steps)[:-1] ** 2
    return effects


def _leaves_of(trees: Sequence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The leaves of all trees, one after the other."""
    return tuple(np.concatenate(part) for part in zip(*map(_leaves, trees), strict=True))


def _leaves(tree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper corners of a tree's leaves in the unit cube, and their values."""
    low = np.zeros((tree.node_count, tree.n_features))
    high = np.ones((tree.node_count, tree.n_features))
    level = np.array([0])
    while level.size:
        level = level[tree.children_left[level] >= 0]  # nodes that split
        left, right = tree.children_left[level], tree.children_right[level]
        for child in (left, right):
            low[child], high[child] = low[level], high[level]
        high[left, tree.feature[level]] = tree.threshold[level]
        low[right, tree.feature[level]] = tree.threshold[level]
        level = np.concatenate([left, right])
    leaf = tree.children_left < 0
    return low[leaf], high[leaf], tree.value[leaf, 0, 0]
