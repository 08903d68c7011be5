"""Schedules compared at their own best rates: the same trials for each arm on the tuning seeds, then the judged runs.

A schedule that is tuned wins against one that is not. So every arm tries the same rates on the same tuning seeds, the
one with the lowest mean validation loss is kept, and only then are the seeds trained that a verdict rests on.
"""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from textbook.replicas import Condition, train_replicas


def tuned_arms(
    build,
    splits,
    *,
    arms: Mapping[object, Callable[[float], Condition]],
    rates: Sequence[float],
    tuning: Sequence[int],
    seeds: Sequence[int],
    epochs: int,
    batch_size: int = 32,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train every arm with each rate on the tuning seeds, and with its best rate on the seeds.

    Args:
        build, splits, epochs, batch_size: as `train_replicas` takes them; a condition may have fewer epochs.
        arms: name → (rate → `Condition`). A name may be a tuple.
        rates: that each arm tries, growing.
        tuning, seeds: which share no number.

    Returns: (curves, chosen). `curves`: the columns of `train_replicas` with `arm` and `rate`, of the seeds alone.
        `chosen`: a row per arm with `rate`, `val_loss` (mean of the tuning seeds; a diverged run counts as a guess) and
        `border`, whether the rate is the first or the last of `rates`.
    Raises: ValueError for fewer than three rates, rates that do not grow, and for seeds that are in both lists.
    """
    if len(rates) < 3 or list(rates) != sorted(set(rates)):
        raise ValueError(f"expected three rates or more, growing, got {rates}; mend by rates such as (0.03, 0.1, 0.3)")
    if set(tuning) & set(seeds):
        raise ValueError(
            f"expected seeds that were not tuned on, got {sorted(set(tuning) & set(seeds))} in both; mend by seeds "
            "from 1000 up"
        )

    def train(pairs, numbers) -> pd.DataFrame:
        named = {f"{number}": pair for number, pair in enumerate(pairs)}
        curves = train_replicas(
            build,
            splits,
            conditions={name: arms[arm](rate) for name, (arm, rate) in named.items()},
            seeds=tuple(numbers),
            epochs=epochs,
            batch_size=batch_size,
        )
        return curves.assign(
            arm=[named[name][0] for name in curves.condition], rate=[named[name][1] for name in curves.condition]
        )

    chosen = best_rates(train([(arm, rate) for arm in arms for rate in rates], tuning))
    return train(list(zip(chosen.arm, chosen.rate, strict=True)), seeds), chosen


def best_rates(trials: pd.DataFrame) -> pd.DataFrame:
    """The rate of each arm with the lowest mean validation loss after its last epoch; see `tuned_arms`.

    >>> trials = pd.DataFrame({"arm": "step", "seed": 0, "epoch": 1, "rate": [0.1, 1.0, 9.0], "val_loss": [0.3, 0.2, 9],
    ...                        "diverged": [False, False, True], "chance_loss": 2.3})
    >>> best_rates(trials)[["rate", "val_loss", "border"]].to_numpy().tolist()
    [[1.0, 0.2, False]]
    """
    order = list(dict.fromkeys(trials.arm))
    runs = trials.assign(place=trials.arm.map({arm: place for place, arm in enumerate(order)}))
    last = runs[runs.epoch == runs.groupby(["place", "rate", "seed"]).epoch.transform("max")]
    losses = last.val_loss.where(~last.diverged, last.chance_loss)
    means = losses.groupby([last.place, last.rate]).mean()
    rows = []
    for place, arm in enumerate(order):
        own = means[place]
        best = own.idxmin()
        on_border = best in (own.index.min(), own.index.max())
        rows.append({"arm": arm, "rate": best, "val_loss": own[best], "border": on_border})
    return pd.DataFrame(rows)


def rates_text(chosen: pd.DataFrame, *, names: Mapping | None = None) -> str:
    """The chosen rates for a caption, "step 0.1, cycle 0.3*"; the star marks a rate at the border of those tried.

    >>> rates_text(pd.DataFrame({"arm": ["step", "cycle"], "rate": [0.1, 0.3], "border": [False, True]}))
    'step 0.1, cycle 0.3*'
    """
    names = names or {}
    return ", ".join(
        f"{names.get(row.arm, row.arm)} {row.rate:g}{'*' if row.border else ''}" for row in chosen.itertuples()
    )
