"""Where accuracy and loss rank the same batch sizes oppositely, seed by seed."""

import itertools

import pandas as pd


def orders(runs: pd.DataFrame) -> pd.DataFrame:
    """What each seed's runs are ranked like: a row per kind of labels and seed.

    Args:
        runs: `labels`, `seed`, `batch_size`, `test_accuracy`, `test_loss`, `scaled_loss` (after a temperature), and
            `diverged`, `chance_accuracy`, `chance_loss`, since a diverged run counts as a guess.

    Returns: `labels`, `seed`, and three truth values. `puzzle`: the largest batch is more often right, and the smallest
        has the lower loss. `flips`: after the temperature another of the two has the lower loss. `opposite`: some pair
        of batch sizes is ranked one way by accuracy and the other way by loss; equal accuracies do not count.
    """
    rows = []
    for (labels, seed), mine in runs.groupby(["labels", "seed"]):
        mine = mine.sort_values("batch_size")
        wrong = 1 - mine.test_accuracy.where(~mine.diverged, mine.chance_accuracy).to_numpy()
        loss, scaled = mine[["test_loss", "scaled_loss"]].where(~mine.diverged, mine.chance_loss, axis=0).to_numpy().T
        pairs = itertools.combinations(range(len(mine)), 2)
        rows.append(
            {
                "labels": labels,
                "seed": seed,
                "puzzle": bool(wrong[-1] < wrong[0] and loss[0] < loss[-1]),
                "flips": bool((loss[0] - loss[-1]) * (scaled[0] - scaled[-1]) < 0),
                "opposite": any((wrong[a] - wrong[b]) * (loss[a] - loss[b]) < 0 for a, b in pairs),
            }
        )
    return pd.DataFrame(rows)
