"""Importance with one value for each block of trials, and over several pools: what intervals and ranks are made of."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from textbook.importance import Pool
from textbook.seeding import word

ALL = "all"


def importance_by_block(
    trials: pd.DataFrame,
    *,
    target: str,
    block: str,
    hyperparameters: Sequence[str],
    log: Sequence[str] = (),
    parts: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    seed: int = 0,
    trees: int = 256,
    trees_without: int = 64,
) -> pd.DataFrame:
    """The share of variance that each hyperparameter explains alone, as one jackknife value for each block of trials.

    With g blocks, s from all trials and s₋ᵢ from those without block i, block i has s + (g − 1)·(mean of s₋ − s₋ᵢ).
    The mean of these is s, and the t interval of their mean is one of the share over trials. Blocks are independent of
    each other, such as the trials that one seed drew; with a single block its value is s.

    Args:
        trials, target, hyperparameters, log: as `importance` takes them.
        block: the column that numbers the blocks, such as "seed".
        parts: name → parts of ranges as `within` of `importance` takes them; each is read off the same forests. By
            default one, "all", of the whole ranges.
        trees, trees_without: in the forest of all trials, and in those without a block. The chance in the latter counts
            g − 1 times: with many blocks, few trees make the intervals wider than they need be.

    Returns: columns part, the block's, hyperparameter, share; shares may be below 0, by chance.
    Raises: ValueError as `importance`, and for a missing column of blocks.
    Source: Tukey (1958), Bias and confidence in not quite large samples; Hutter, Hoos and Leyton-Brown (2014).
    """
    if block not in trials:
        raise ValueError(f"expected a column {block!r} of blocks, got {', '.join(trials.columns)}; mend by naming one")
    parts = {ALL: {}} if parts is None else parts
    pool = Pool(trials, target=target, hyperparameters=hyperparameters, log=log)
    boxes = [pool.box(within) for within in parts.values()]
    blocks, place = np.unique(trials[block], return_inverse=True)
    shares = {"boxes": boxes, "seed": word(seed, "forest")}
    whole = pool.shares(**shares, trees=trees)
    values = np.repeat(whole[None], len(blocks), axis=0)  # (blocks, parts, hyperparameters)
    if len(blocks) > 1:
        without = [pool.shares(**shares, trees=trees_without, rows=place != i) for i in range(len(blocks))]
        values += (len(blocks) - 1) * (np.mean(without, axis=0) - without)
    index = pd.MultiIndex.from_product([blocks, list(parts), pool.names], names=[block, "part", "hyperparameter"])
    table = pd.Series(values.ravel(), index, name="share").reset_index()
    return table[["part", block, "hyperparameter", "share"]]


def importance_over_pools(values: pd.DataFrame, *, pool: str = "pool") -> pd.DataFrame:
    """Shares and ranks of hyperparameters in several pools, such as one for each data set.

    Args:
        values: tables of `importance_by_block`, put together with a column that names the pool.

    Returns: a row per pool, part and hyperparameter: `share` (mean of the blocks), `rank` (1 is the most important)
        and `rivals`: how many others the blocks do not tell apart from it, their 95 % interval of the difference
        holding 0. A rank means little where there are many.

    >>> values = pd.DataFrame({"pool": "a", "part": "all", "seed": [0, 1] * 2, "hyperparameter": ["u", "u", "v", "v"],
    ...                        "share": [0.5, 0.6, 0.1, 0.2]})
    >>> importance_over_pools(values)[["hyperparameter", "rank", "rivals"]].to_numpy().tolist()
    [['u', 1, 0], ['v', 2, 0]]
    """
    from scipy.stats import t as student

    block = next(name for name in values.columns if name not in (pool, "part", "hyperparameter", "share"))
    rows = []
    for (name, part), mine in values.groupby([pool, "part"], sort=False):
        wide = mine.pivot(index=block, columns="hyperparameter", values="share")
        ranks = wide.mean().rank(ascending=False, method="first").astype(int)
        for one in mine.hyperparameter.unique():
            differences = wide.drop(columns=one).sub(wide[one], axis=0)
            if len(wide) > 1:
                half = student.ppf(0.975, len(wide) - 1) * differences.std(ddof=1) / np.sqrt(len(wide))
                rivals = int((differences.mean().abs() <= half).sum())
            else:
                rivals = differences.shape[1]
            share = {"share": wide[one].mean(), "rank": ranks[one], "rivals": rivals}
            rows.append({pool: name, "part": part, "hyperparameter": one} | share)
    return pd.DataFrame(rows)
