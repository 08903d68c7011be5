"""From curves of groups to one tidy table."""

import numpy as np
import pandas as pd

from textbook.replicas.outcome import Outcome
from textbook.replicas.plan import Group, Replica
from textbook.seeding import PURPOSES

# A finite loss can still be a failure. A network that ends far worse than the best guess that ignores x did not learn
# badly, it blew up; twice the guess's loss keeps heavily penalised and dead networks, which end near the guess, apart.
_WORSE_THAN_CHANCE = 2.0


def tidy(groups: list[Group], outcomes: list[Outcome], conditions: list[str], engine: str) -> pd.DataFrame:
    """A row per condition, seed and epoch, conditions in the order they were given."""
    frames = []
    for group, outcome in zip(groups, outcomes, strict=True):
        frames += [_curve(group, outcome, index, engine) for index in range(len(group.replicas))]
    rank = {name: i for i, name in enumerate(conditions)}
    frames.sort(key=lambda frame: (rank[frame["condition"].iat[0]], frame["seed"].iat[0]))
    return pd.concat(frames, ignore_index=True)


def _curve(group: Group, outcome: Outcome, index: int, engine: str) -> pd.DataFrame:
    replica = group.replicas[index]
    epochs = np.arange(1, group.epochs + 1)
    columns = {name: values[index].astype(float) for name, values in outcome.columns.items()}
    chance = _chance(replica)
    clean = columns["clean_loss"]
    broken = np.cumsum(~np.isfinite(columns["loss"]) | ~np.isfinite(clean)) > 0
    diverged = broken | (clean > _WORSE_THAN_CHANCE * chance["chance_loss"])
    same = replica.seeds.split == replica.seeds.weights == replica.seeds.order == replica.seeds.masks == replica.seed
    apart = {} if same else {f"{purpose}_seed": getattr(replica.seeds, purpose) for purpose in PURPOSES}
    return pd.DataFrame(
        {
            "condition": replica.condition,
            "seed": replica.seed,
            **apart,
            "epoch": epochs,
            "updates": epochs * group.updates_per_epoch,
            **{name: values for name, values in columns.items() if name != "seconds"},
            "learning_rate": replica.rates[:, -1].astype(float),
            "diverged": diverged,
            **chance,
            "engine": engine,
            "seconds": columns["seconds"],
        }
    )


def _chance(replica: Replica) -> dict[str, float]:
    """Loss and accuracy of the best guess that ignores x: equal odds for C classes, the training mean for a value."""
    classes = replica.split.classes
    if classes:
        return {"chance_loss": float(np.log(classes)), "chance_accuracy": 1 / classes}
    return {"chance_loss": float(np.var(np.asarray(replica.split.train.y, float)))}
