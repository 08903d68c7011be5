"""7.3 The range test (학습률 범위 테스트)

The text says that the runs of a range test are independent, one for each rate. It is one run, whose rate grows with
every update, and that is its point: it costs no more than a single training (Smith, 2017). The text then takes the rate
at which a constant rate diverges for the rate to find. That is a bound: the maximum of a cycle may come near it, a
constant rate has to stay well below. The test's own answer is not a constant of nature either: a longer one, which has
learned more by the time it gets to a rate, has its lowest loss at another one.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, paired, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("7.3-c",)
DATA = "any"
FOR_DATA = {
    "fashion_mnist": {
        "hidden": (64,),
        "batch_size": 128,
        "epochs": 1,
        "constants": 11,
        "lengths": (50, 100, 200, 400, 800),
    }
}

RULE = "steepest"  # fixed beforehand: the rate at which the smoothed loss falls fastest
BEST, FOUND, EDGE, BLOW_UP = "best constant rate", "test: steepest fall", "constants: edge", "test: blow-up"
EXTREMUM, THIRD, TENTH = "extremum", "a third of it", "a tenth of it"
_SHARES = {EXTREMUM: 1.0, THIRD: 1 / 3, TENTH: 0.1}


def measure(
    run: Run,
    *,
    start: float = 1e-4,
    end: float = 10.0,
    epochs: int = 5,
    constants: int = 21,
    momentum: float = 0.9,
    log: bool = True,
    smoothing: float = 0.9,
    near: float = 3.0,
    edge: float = 2.0,
    lengths: tuple[int, ...] = (40, 80, 160, 320, 640),
    hidden: tuple[int, ...] = (64,),
    batch_size: int = 32,
) -> dict[str, pd.DataFrame]:
    """One run with a growing rate, and a run for each of many constant rates, all equally long.

    Args:
        start, end: the rates of both.
        epochs: of the one run, and of each of the others.
        constants: how many constant rates.
        log: equal factors between the rates of the one run; False for equal differences, as in the text.
        near, edge: factors within which the suggestion counts as near the best constant rate, and the blow-up as near
            the lowest constant rate that ends no better than a guess.
        lengths: updates of further tests.
    """
    from textbook.range_test import learning_rate_range_test_over_seeds

    build, splits, epochs = functools.partial(mlp, hidden=hidden), run.splits("digits"), run.epochs(epochs)
    per_epoch = -(-len(splits(run.seeds[0]).train.indices) // batch_size)
    test = functools.partial(
        learning_rate_range_test_over_seeds, build, splits, seeds=run.seeds, batch_size=batch_size, momentum=momentum,
        start=start, end=end, log=log, smoothing=smoothing,
    )  # fmt: skip
    found = test(rates=epochs * per_epoch)
    rates = start * (end / start) ** (np.arange(constants) / (constants - 1))
    turns = {seed: turn(one.table) for seed, one in found.tests.items()}
    conditions = {str(k): Condition(learning_rate=float(rate), momentum=momentum) for k, rate in enumerate(rates)}
    for name, part in _SHARES.items():
        own = {seed: part * rate for seed, rate in turns.items()}
        conditions[name] = Condition(learning_rate=own, momentum=momentum)
    curves = train_replicas(
        build, splits, conditions=conditions, seeds=run.seeds, epochs=epochs, batch_size=batch_size
    )  # fmt: skip
    ends = curves[curves.epoch == epochs]
    kept = ["condition", "seed", "learning_rate", "val_loss", "test_loss", "diverged", "chance_loss"]
    ends = ends[kept].assign(epochs=epochs, hidden="-".join(map(str, hidden)), momentum=momentum, batch_size=batch_size)
    ends["val_loss"] = ends.val_loss.mask(ends.diverged, ends.chance_loss)
    grid = ends[~ends.condition.isin(_SHARES)].reset_index(drop=True)
    return {
        "constants": grid,
        "test": found.table,
        "held": ends[ends.condition.isin(_SHARES)].reset_index(drop=True),
        "places": places(grid, found, start=start, end=end, near=near, edge=edge),
        "lengths": _lengths(test, lengths),
    }


def turn(table: pd.DataFrame) -> float:
    """The extremum of a test: the rate at which its smoothed loss is lowest, after which it turns up."""
    return float(table.learning_rate[table.smoothed_loss.idxmin()])


def places(grid: pd.DataFrame, found, *, start: float, end: float, near: float, edge: float) -> pd.DataFrame:
    """For each seed the rates that the test and the constants name, whether they agree, and how likely by chance.

    Chance is a rate drawn from [start, end] on the log scale: the share of that range within the factor.

    Args:
        grid: a row per seed and constant rate, with `learning_rate`, `val_loss`, `chance_loss`.
        found: what `learning_rate_range_test_over_seeds` returned.
    """
    rows = []
    for seed, mine in grid.sort_values("learning_rate").groupby("seed"):
        test = found.tests[seed]
        best = float(mine.learning_rate[mine.val_loss.idxmin()])
        useless = mine.learning_rate[(mine.val_loss >= mine.chance_loss) & (mine.learning_rate > best)]
        suggested = test.suggestions[RULE].rate
        row = {
            "seed": seed,
            BEST: best,
            FOUND: np.nan if suggested is None else suggested,
            EDGE: float(useless.min()) if len(useless) else np.nan,
            BLOW_UP: float(test.table.learning_rate.iloc[-1]) if test.stopped else np.nan,
        }
        # a comparison with a missing rate is false: a test that says nothing has not found the rate
        row["near_best"] = bool(abs(np.log(row[FOUND] / best)) <= np.log(near))
        row["near_edge"] = bool(abs(np.log(row[BLOW_UP] / row[EDGE])) <= np.log(edge))
        row["chance_best"] = _chance(best, near, start, end)
        row["chance_edge"] = 0.0 if np.isnan(row[EDGE]) else _chance(row[EDGE], edge, start, end)
        rows.append(row | {"near": near, "edge": edge})
    return pd.DataFrame(rows)


def _chance(rate: float, factor: float, start: float, end: float) -> float:
    return float(np.log(min(rate * factor, end) / max(rate / factor, start)) / np.log(end / start))


def _lengths(test, lengths: tuple[int, ...]) -> pd.DataFrame:
    """The extremum of tests of other lengths, for each seed."""
    rows = []
    for number, updates in enumerate(sorted(lengths)):
        place = "shortest" if not number else "longest" if number == len(lengths) - 1 else f"length {number}"
        for seed, one in test(rates=int(updates)).tests.items():
            rows.append({"seed": seed, "length": place, "updates": updates, "extremum": turn(one.table)})
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, loss by learning rate in one run with a growing rate and in many with constant ones; below, a dot a seed
    for the rates that each names, and the rate of the lowest loss by the length of the run.
    """
    grid, test, found, lengths = (tables[name] for name in ("constants", "test", "places", "lengths"))
    fig, (above, middle, below) = plots.figure(3, 1, height_ratios=[1.5, 1.15, 1], size=(7.0, 9.0))
    one, many = plots.look(0), plots.look(1)
    together = test[test.groupby("update").seed.transform("count") == test.seed.nunique()]
    together = together[together["update"] % max(1, len(together["update"].unique()) // 60) == 0]
    plots.band(above, together, x="learning_rate", y="smoothed_loss", hue=None, looks={"": one})
    shown = grid.assign(val_loss=np.minimum(grid.val_loss, 1.3 * grid.chance_loss))
    plots.band(above, shown, x="learning_rate", y="val_loss", hue=None, looks={"": many})
    epochs, count = grid.epochs.iloc[0], grid.learning_rate.nunique()
    names = (f"one growing rate ({_epochs(epochs)})", f"{count} constant rates ({_epochs(epochs * count)})")
    for line, look, name in zip(above.get_lines(), (one, many), names, strict=False):
        line.set(label=name, color=look["color"])
    fig.legend(*above.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    low, high = grid.learning_rate.min(), grid.learning_rate.max()
    above.set(xlabel="learning rate", ylabel="loss (nats)", ylim=(0, 1.35 * grid.chance_loss.max()))
    plots.log_axis(above, "x")
    above.set_xlim(low, high)
    names = [BEST, FOUND, EDGE, BLOW_UP]
    long = found.melt(id_vars="seed", value_vars=names, var_name="rate", value_name="value")
    looks = dict(zip(names, (many, one, many, one), strict=True))
    plots.dots(middle, long.assign(value=np.log10(long.value)).dropna(), value="value", by="rate", looks=looks)
    ticks = np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    middle.set_xticks(ticks, [plots.plain(10.0**tick) for tick in ticks])
    middle.set(xlim=(np.log10(low), np.log10(high)), xlabel="learning rate")
    plots.band(below, lengths, x="updates", y="extremum", hue=None, log=True)
    plots.log_axis(below, "x", at=sorted(lengths.updates.unique()))
    plots.log_axis(below, "y")
    below.set(xlabel="updates of the one run", ylabel="rate of its lowest loss")
    plots.caption(
        fig,
        f"Digits, MLP, {grid.hidden.iloc[0]} hidden units, SGD with momentum {grid.momentum.iloc[0]:g}, batches of "
        f"{grid.batch_size.iloc[0]}. One run: smoothed batch loss; constants: validation loss at the end. Of "
        f"{len(found)} seeds the steepest fall is named for {found[FOUND].count()}, within ×{found.near.iloc[0]:g} of "
        f"the best constant for {found.near_best.sum()} (by chance {found.chance_best.mean():.0%}); a blow-up for "
        f"{found[BLOW_UP].count()}, within ×{found.edge.iloc[0]:g} of the edge for {found.near_edge.sum()} (by chance "
        f"{found.chance_edge.mean():.0%}). Edge: the lowest constant no better than a guess. "
        f"Bands, bars: 95 %; {plots.seeds_text(found)}.",
    )
    return fig


def _epochs(count: int) -> str:
    return f"{count} epoch" + ("s" if count > 1 else "")


_ONE_RUN = (
    "A range test is one run, whose rate grows with every update, not a run of its own for each rate. That is what "
    "makes it cheap."
)
_BOUND = (
    "The rate at which the loss turns up is the largest that the maximum of a cycle may have. A constant rate has to "
    "be smaller."
)

CLAIMS = (
    Claim(
        "7.3-c/steepest",
        "The one run finds the rate: its loss falls most steeply within a factor of three of the best constant rate, "
        "in more than two thirds of the seeds.",
        share("near_best", threshold=2 / 3, table="places"),
        expected=HOLDS,
        ask="Independent runs, one for each rate, or one run in which the rate grows: does the second, at a "
        "fraction of the cost, name the same rate?",
        why="Each update shows what a rate does to the loss at that moment, and the rates far below and far above the "
        "good ones show it at once.",
        beware="The rule was fixed beforehand; of several rules one can always be found that agrees. And it "
        "does not agree everywhere: on Fashion-MNIST, in a test of one epoch, the steepest fall lies well below the "
        "best constant rate in most seeds, or after the lowest loss. Like the extremum it moves with the test's "
        "length: a test of a hundred updates names a good rate there in most seeds.",
        correction=_ONE_RUN,
        reference="Smith (2017), arXiv:1506.01186, section 3.3",
    ),
    Claim(
        "7.3-c/edge",
        "The one run finds the limit: its loss blows up within a factor of two of the lowest constant rate that ends "
        "no better than a guess, in more than two thirds of the seeds.",
        share("near_edge", threshold=2 / 3, table="places"),
        expected=HOLDS,
        ask="Where the one run's loss explodes, do constant rates fail as well?",
        why="What is unstable is so within a few updates, whatever the rate was before.",
        beware="The loss takes some updates to explode, in which the rate goes on growing, and the constant runs have "
        "all their epochs to fail in. Both push the blow-up to larger rates than the edge. And the test ends only "
        "where the loss rises to four times its best: one that falls little before it explodes never does.",
        correction=_ONE_RUN,
        reference="Smith (2017), arXiv:1506.01186, section 3.3",
    ),
    Claim(
        "7.3-c/limit",
        "A constant rate has to stay below the limit that the test finds: held constant, a third of it ends with a "
        "lower test loss than the extremum itself.",
        paired("test_loss", lower=THIRD, than=EXTREMUM, table="held"),
        expected=HOLDS,
        ask="The loss of the test turns up at some rate. Is that the rate to train with?",
        why="In the test the loss still fell there because it fell before, and only a few updates were made at that "
        "rate. A constant rate has to settle as well.",
        beware="How far below is right differs: a third, a tenth, or the steepest fall. As the maximum of a cycle, "
        "which is passed and left again, the extremum is less far off.",
        correction=_BOUND,
        reference="Smith (2018), arXiv:1803.09820, section 4.1",
    ),
    Claim(
        "7.3-c/length",
        "The extremum belongs to the test's length: it lies at a lower rate in the longest test than in the shortest.",
        paired("extremum", lower="longest", than="shortest", by="length", scale="log", table="lengths"),
        expected=HOLDS,
        ask="Sixteen times as many updates from the same lowest to the same highest rate. Does the loss turn up at the "
        "same rate?",
        why="A longer test has learned more by the time that it gets to a rate, so that there is less to fall and more "
        "time to explode.",
        beware="In Smith's own tests the peak moved without an order: rates of 1.20, 1.55 and 0.79 for 5,000, 20,000 "
        "and 100,000 updates (arXiv:1803.09820). The smoothing, over the same number of updates, lags further in a "
        "short test and is a part of the effect here.",
    ),
)
