"""7.3 The usable interval of rates (쓸 수 있는 학습률의 구간)

Between a rate that is too small and one that is too large lies an interval that can be used, and the text finds it by
raising the rate linearly. Here both borders are read from one short range test per seed: the maximum is a tenth of the
rate at which the smoothed loss is lowest, the minimum a tenth of that. Then a 1cycle up to this maximum is judged
against the best maximum of a whole grid, and constant rates inside the interval against those beyond either border. A
linear rise spends next to no updates on small rates: with a high end most of them come after the loss has exploded.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, equivalent, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import OneCycle

ENTRIES = ("7.3-d",)
DATA = "any"

CYCLE, CONSTANT = "1cycle up to it", "constant"
TEST, LINEAR, GRID, BAD = "range test", "linear range test", "best of the grid", "a hundredth of it"
TURN = "ten times as far"
BELOW, INSIDE, ABOVE = "below the interval", "inside", "above the interval"
# constant rates as parts of the maximum: the middle of the interval, and as far beyond its borders
_PLACES = {BELOW: 10**-1.5, INSIDE: 10**-0.5, ABOVE: 10**0.5}


def measure(
    run: Run,
    *,
    start: float = 1e-4,
    end: float = 10.0,
    test_epochs: int = 5,
    smoothing: float = 0.9,
    part: float = 0.1,
    grid: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    momentum: float = 0.9,
    epochs: int = 12,
) -> dict[str, pd.DataFrame]:
    """Read an interval from one range test a seed, and train inside it, outside it, and on a grid of rates.

    Args:
        start, end: rates of the test.
        test_epochs: its length.
        part: the maximum as a part of the rate at which the smoothed loss is lowest; the minimum is as much below it.
        grid: maxima of the 1cycle, and constant rates.
        epochs: of every training. The momentum is constant, so that the rate alone is at stake.
    """
    from textbook.range_test import learning_rate_range_test_over_seeds

    splits, epochs = run.splits("digits"), run.epochs(epochs)
    updates = run.epochs(test_epochs) * -(-len(splits(run.seeds[0]).train.indices) // 32)
    tops = {}
    for name, log in ((TEST, True), (LINEAR, False)):
        found = learning_rate_range_test_over_seeds(
            mlp, splits, seeds=run.seeds, momentum=momentum, start=start, end=end, rates=updates, log=log,
            smoothing=smoothing,
        )  # fmt: skip
        tops[name] = {seed: maximum(one.table, part) for seed, one in found.tests.items()}
    tops |= {name: {s: top * by for s, top in tops[TEST].items()} for name, by in ((BAD, 0.01), (TURN, 10.0))}
    arms = {(CYCLE, name): top for name, top in tops.items()}
    arms |= {(CONSTANT, name): {s: top * place for s, top in tops[TEST].items()} for name, place in _PLACES.items()}
    arms |= {(kind, f"{rate:g}"): dict.fromkeys(run.seeds, rate) for kind in (CYCLE, CONSTANT) for rate in grid}
    conditions = {"|".join(arm): _condition(arm[0], rates, momentum, epochs) for arm, rates in arms.items()}
    curves = train_replicas(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=epochs)
    ends = curves[curves.epoch == epochs].copy()
    ends[["kind", "arm"]] = ends.condition.str.split("|", expand=True)
    ends["rate"] = [arms[kind, arm][seed] for kind, arm, seed in zip(ends.kind, ends.arm, ends.seed, strict=True)]
    for name in ("val_loss", "test_loss"):
        ends[name] = ends[name].mask(ends.diverged, ends.chance_loss)
    ends = ends[["kind", "arm", "seed", "rate", "val_loss", "test_loss", "diverged", "chance_loss"]]
    ends = ends.assign(epochs=epochs, momentum=momentum, test_epochs=run.epochs(test_epochs), part=part)
    response = ends[ends.arm.isin([f"{rate:g}" for rate in grid])].reset_index(drop=True)
    chosen = best_of_grid(response[response.kind == CYCLE])
    rest = ends[~ends.index.isin(ends.index[ends.arm.isin(response.arm.unique())])]
    return {"arms": pd.concat([rest.assign(on_border=False), chosen], ignore_index=True), "response": response}


def maximum(table: pd.DataFrame, part: float) -> float:
    """This part of the rate at which a test's smoothed loss is lowest."""
    return part * float(table.learning_rate[table.smoothed_loss.idxmin()])


def best_of_grid(response: pd.DataFrame) -> pd.DataFrame:
    """For each seed the run whose validation loss is lowest, and whether its rate is the grid's first or last."""
    best = response.loc[response.groupby("seed").val_loss.idxmin()]
    return best.assign(arm=GRID, on_border=best.rate.isin([response.rate.min(), response.rate.max()]))


def _condition(kind: str, rates: dict[int, float], momentum: float, epochs: int) -> Condition:
    if kind == CYCLE:
        rates = {seed: OneCycle(rate, total=epochs).per_update() for seed, rate in rates.items()}
    return Condition(learning_rate=rates, momentum=momentum)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, test loss by learning rate for 1cycle and for constant rates, the interval of the range test shaded;
    below, the test loss of the settings compared.
    """
    arms, response = tables["arms"], tables["response"]
    fig, (above, below) = plots.figure(2, 1, height_ratios=[1.2, 1], size=(7.0, 7.0))
    looks = plots.looks((CYCLE, CONSTANT))
    top = np.exp(np.log(arms[arms.arm == TEST].rate).mean())
    low = top * arms.part.iloc[0]
    above.axvspan(low, top, color="#bbbbbb", alpha=0.45, lw=0)
    plots.band(above, response, x="rate", y="test_loss", hue="kind", log=True, looks=looks, names="none")
    for name, place in _PLACES.items():
        mine = arms[arms.arm == name]
        above.plot(top * place, np.exp(np.log(mine.test_loss).mean()), "o", color="#222222", markersize=8, mfc="white",
                   mew=1.8, zorder=6, label="judged: inside, beside" if name == INSIDE else "_")  # fmt: skip
    above.text(np.sqrt(low * top), 0.96, "interval\nof the test", transform=above.get_xaxis_transform(), ha="center",
               va="top", fontsize=10)  # fmt: skip
    plots.log_axis(above, "xy")
    above.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, columnspacing=1.2)
    above.set(xlabel="learning rate (of a cycle: its maximum)", ylabel="test loss (nats)")
    names = [GRID, TEST, LINEAR, TURN, BAD]
    shown = pd.concat([arms[(arms.arm == name) & (arms.kind == CYCLE)] for name in names])
    plots.dots(below, shown.assign(log=np.log10(shown.test_loss)), value="log", by="arm",
               looks={name: plots.look(i) for i, name in enumerate(names)})  # fmt: skip
    spots = [s for s in (0.05, 0.1, 0.2, 0.5, 1, 2) if shown.test_loss.min() * 0.8 <= s <= shown.test_loss.max() * 1.25]
    below.set_xticks(np.log10(spots), [f"{spot:g}" for spot in spots])
    below.set(xlabel="test loss of the 1cycle (nats)")
    plots.caption(
        fig,
        f"Digits, MLP, 64 hidden units, SGD with momentum {arms.momentum.iloc[0]:g}, {arms.epochs.iloc[0]} epochs. The "
        f"test takes {arms.test_epochs.iloc[0]} epochs, the grid {response.rate.nunique() * arms.epochs.iloc[0]}; its "
        f"best, by validation, on the border for {arms.on_border.sum()} seeds. Shaded: {low:.2g} to {top:.2g} (mean). "
        f"Bands, bars: 95 %; {plots.seeds_text(arms)}.",
    )
    return fig


_BY = ("kind", "arm")


def _same_as_grid(arm: str):
    return equivalent(
        "test_loss",
        conditions=((CYCLE, arm), (CYCLE, GRID)),
        bad=(CYCLE, BAD),
        by=_BY,
        table="arms",
    )


CLAIMS = (
    Claim(
        "7.3-d/recipe",
        "A 1cycle over the interval of one range test ends as low on the test part as one with the best maximum of a "
        "whole grid.",
        _same_as_grid(TEST),
        expected=HOLDS,
        ask="A range test of five epochs, or a training for each of eight maxima: what is the grid's work worth?",
        why="How near the best a rough guess comes depends on how flat the loss is around it, and on the part of the "
        "rate that the rule takes: a tenth is a cautious one.",
        beware="The tenth of the rate of the lowest loss is a rule of thumb. Smith himself goes up to that rate: the "
        "figure has a row for a cycle that goes ten times as far.",
    ),
    Claim(
        "7.3-d/linear",
        "So does a 1cycle over the interval that a linear rise of the rate finds, as the text has it.",
        _same_as_grid(LINEAR),
        expected=HOLDS,
        ask="The rate rises linearly from almost nothing to ten. After how many updates is it above one?",
        why="What matters is where the loss turns up, and a linear rise passes that place too, if only within a few "
        "updates.",
        beware="A tenth of the updates is spent on rates below one. With a lower end the linear rise gets finer, but "
        "then one has to know already where the end should be.",
    ),
    Claim(
        "7.3-d/below",
        "The interval has a lower end: half a decade below it a constant rate ends with a higher test loss than in "
        "its middle.",
        paired("test_loss", lower=(CONSTANT, INSIDE), than=(CONSTANT, BELOW), by=_BY, table="arms"),
        expected=HOLDS,
        ask="Can a rate be too small, if one only trains long enough?",
        why="Within a given number of epochs a rate that is ten times smaller makes a tenth of the way.",
        beware="The lower end belongs to the number of epochs: with more of them it moves down.",
    ),
    Claim(
        "7.3-d/above",
        "The interval has an upper end: half a decade above it a constant rate ends with a higher test loss than in "
        "its middle.",
        paired("test_loss", lower=(CONSTANT, INSIDE), than=(CONSTANT, ABOVE), by=_BY, table="arms"),
        expected=HOLDS,
        ask="And is the upper end where the test says?",
        why="Far enough above, the steps across the steepest direction of the loss grow instead of shrinking. A rule "
        "that stays well away from the rate at which the test's loss turns up need not be near that point yet.",
        beware="The curve in the figure has an upper end, wherever the rule puts it. That end belongs to momentum, "
        "batch size and network: a test made for others says nothing.",
    ),
)
