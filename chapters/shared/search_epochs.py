"""What a search costs in epochs, read off trials that have been trained: any number of searches, no training more.

A way to search is a pool of trials of each seed, tried in any order; a procedure is one training after tests that cost
epochs too. Epochs are passes over the training part.
"""

import pandas as pd

from textbook.search.best_of_n import efficiency


def trials_until(good: int, trials: int) -> float:
    """Trials until the first good one, the mean over all orders of a pool; all of them where none is good.

    >>> trials_until(1, 3), trials_until(3, 3), trials_until(0, 3)
    (2.0, 1.0, 3.0)
    """
    return (trials + 1) / (good + 1) if good else float(trials)


def arrivals(
    ends: pd.DataFrame, own: pd.DataFrame, *, targets: dict, tolerance: float, procedure: str, fallback: str
) -> pd.DataFrame:
    """Epochs until a trained network comes within the tolerance of a target, for each seed, target and way.

    A way that is used up without arriving goes on with the fallback and pays for both. The fallback itself then counts
    with all its trials, which is less than it would need.

    Args:
        ends: a row per `search`, `seed` and trial, with `val_loss` and the `epochs` of each training.
        own: what the procedure came to, a row per `seed`: `val_loss`, `epochs_spent` by its tests, `epochs` of its
            training.
        targets: name → validation loss by seed.
        procedure: the name of what `own` is of.
        fallback: one of the ways in `ends`.

    Returns: `seed`, `target`, `search`, `epochs`, `arrived`.
    """
    rows = []
    for one in own.itertuples():
        mine = ends[ends.seed == one.seed]
        # a way may have no trial at some seed, and then goes on with the fallback at once
        losses = {name: mine.val_loss[mine.search == name].to_numpy() for name in ends.search.unique()}
        for target, by_seed in targets.items():
            enough = by_seed[one.seed] + tolerance
            good = {name: int((values <= enough).sum()) for name, values in losses.items()}
            used = {name: one.epochs * trials_until(good[name], len(values)) for name, values in losses.items()}
            good[procedure], used[procedure] = int(one.val_loss <= enough), one.epochs_spent + one.epochs
            for name in used:
                more = 0.0 if good[name] or name == fallback else used[fallback]
                row = {"seed": one.seed, "target": target, "search": name, "epochs": used[name] + more}
                rows.append(row | {"arrived": good[name] > 0})
    return pd.DataFrame(rows)


def best_so_far(ends: pd.DataFrame) -> pd.DataFrame:
    """`search`, `seed`, `epochs` used, and the best `val_loss` to be expected by then, the mean over all orders."""
    tables = []
    for (search, seed), mine in ends.groupby(["search", "seed"]):
        found = efficiency(mine, target="val_loss", sizes=range(1, len(mine) + 1))
        used = found.trials * mine.epochs.iloc[0]
        tables.append(pd.DataFrame({"search": search, "seed": seed, "epochs": used, "val_loss": found.best}))
    return pd.concat(tables, ignore_index=True)


def with_equal_epochs(ends: pd.DataFrame, own: pd.DataFrame, *, procedure: str) -> pd.DataFrame:
    """The mean `test_loss` of what validation chooses, with the trials that fit into the procedure's epochs.

    At least one trial, and at most those that were trained.
    """
    rows = []
    for one in own.itertuples():
        trials = max(1, int((one.epochs_spent + one.epochs) // one.epochs))
        rows.append({"seed": one.seed, "search": procedure, "trials": 1, "test_loss": one.test_loss})
        for search, mine in ends[ends.seed == one.seed].groupby("search"):
            count = min(trials, len(mine))
            loss = efficiency(mine, target="val_loss", sizes=[count], test="test_loss").test.iloc[0]
            rows.append({"seed": one.seed, "search": search, "trials": count, "test_loss": loss})
    return pd.DataFrame(rows)
