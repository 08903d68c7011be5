"""From curves of groups to tidy tables."""

import numpy as np
import pandas as pd

from textbook.replicas.outcome import TRACED, Outcome
from textbook.replicas.plan import Group, Replica
from textbook.seeding import PURPOSES

# A finite loss can still be a failure. A network that ends far worse than the best guess that ignores x did not learn
# badly, it blew up; twice the guess's loss keeps heavily penalised and dead networks, which end near the guess, apart.
_WORSE_THAN_CHANCE = 2.0


def tidy(groups: list[Group], outcomes: list[Outcome], conditions: list[str]) -> pd.DataFrame:
    """A row per condition, seed and epoch, conditions in the order they were given."""
    stops = any(replica.stop for group in groups for replica in group.replicas)
    return _joined(groups, outcomes, conditions, lambda *place: _curve(*place, stops=stops))


def traces(groups: list[Group], outcomes: list[Outcome], conditions: list[str]) -> pd.DataFrame:
    """A row per condition, seed and update."""
    return _joined(groups, outcomes, conditions, _trace)


def _joined(groups, outcomes, conditions, frame_of) -> pd.DataFrame:
    frames = []
    for group, outcome in zip(groups, outcomes, strict=True):
        frames += [frame_of(group, outcome, index) for index in range(len(group.replicas))]
    rank = {name: i for i, name in enumerate(conditions)}
    frames.sort(key=lambda frame: (rank[frame["condition"].iat[0]], frame["seed"].iat[0]))
    return pd.concat(frames, ignore_index=True)


def _curve(group: Group, outcome: Outcome, index: int, *, stops: bool) -> pd.DataFrame:
    replica = group.replicas[index]
    trained = np.flatnonzero(outcome.updates[index])  # not the epochs before a start
    epochs, updates = trained + 1, outcome.updates[index, trained]
    columns = {name: values[index, trained].astype(float) for name, values in outcome.columns.items()}
    chance = _chance(replica, group.blueprint.chance_known)
    clean = columns["clean_loss"]
    broken = np.cumsum(~np.isfinite(columns["loss"]) | ~np.isfinite(clean)) > 0
    diverged = broken | (clean > _WORSE_THAN_CHANCE * chance["chance_loss"])
    return pd.DataFrame(
        {
            **_names(replica),
            "epoch": epochs,
            "updates": updates,
            **{name: values for name, values in columns.items() if name != "seconds"},
            "learning_rate": replica.rates[updates - 1].astype(float),
            **({"selected": epochs == outcome.kept[index]} if stops else {}),
            "diverged": diverged,
            **chance,
            "engine": outcome.engine,
            "seconds": columns["seconds"],
        }
    )


def _trace(group: Group, outcome: Outcome, index: int) -> pd.DataFrame:
    replica = group.replicas[index]
    made = slice(replica.begun, int(outcome.updates[index].max()))
    values = {name: outcome.trace[index, made, place].astype(float) for place, name in enumerate(TRACED)}
    momentum = replica.numbers.get("optimizer.momentum", replica.numbers.get("optimizer.beta_1", np.nan))
    return pd.DataFrame(
        {
            **_names(replica),
            "update": np.arange(made.start + 1, made.stop + 1),
            **values,
            "learning_rate": replica.rates[made].astype(float),
            "momentum": float(momentum),
        }
    )


def _names(replica: Replica) -> dict:
    """The columns that name a run."""
    same = replica.seeds.split == replica.seeds.weights == replica.seeds.order == replica.seeds.masks == replica.seed
    apart = {} if same else {f"{purpose}_seed": getattr(replica.seeds, purpose) for purpose in PURPOSES}
    return {"condition": replica.condition, "seed": replica.seed, **apart}


def _chance(replica: Replica, known: bool) -> dict[str, float]:
    """Loss and accuracy of the best guess that ignores x: equal odds for C classes, the training mean for a value.

    NaN where the loss is another one, so that a guess's loss is not known.
    """
    classes = replica.split.classes
    if isinstance(classes, dict | tuple | list):
        return {"chance_loss": np.nan}
    if classes:
        return {"chance_loss": float(np.log(classes)) if known else np.nan, "chance_accuracy": 1 / classes}
    return {
        "chance_loss": float(np.mean(np.var(np.asarray(replica.split.train.y, float), axis=0))) if known else np.nan
    }
