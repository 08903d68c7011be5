"""5.11 The best value at the border (경계에 놓인 최적값)

A search in a range that lies beside the optimum finds its best value at an end of the range. Taken for the optimum it
is a mistake that a program can catch: `border_report` of a search says which end to pass and what to try next. Here the
rates are drawn from a Sobol sequence, of which sixteen points put one into each sixteenth of the range, so that one
always lies close to either end. With sixteen random rates, a quarter of the searches has none there to be best.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.borders import border_check
from textbook.experiment import HOLDS, Claim, Run, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.statistics import wilson_interval

ENTRIES = ("5.11-f",)
DATA = "any"

_SEEDS = 73  # what a threshold of 95 % needs
_OUTSIDE, _INSIDE = "optimum outside", "optimum inside"
_ROUNDS = 4
_NETWORK = functools.partial(mlp, hidden=(32,))


def measure(
    run: Run,
    *,
    outside: tuple[float, float] = (1e-6, 1e-3),
    inside: tuple[float, float] = (3e-3, 3.0),
    trials: int = 16,
    epochs: int = 4,
    momentum: float = 0.9,
) -> dict[str, pd.DataFrame]:
    """Search the rate in two ranges for many seeds, and once with `textbook.search`, which goes on beyond the border.

    All trials of a seed share weights and order, so that the rate alone makes the difference.

    Args:
        outside, inside: ranges of rates, beside the optimum and around it.
        trials: of each search; below 13 a Sobol sequence may leave the border zone empty.
        epochs: of each trial, on 512 images.
    """
    from textbook.search import draw_designs

    seeds, epochs = run.seeds_for(_SEEDS), run.epochs(epochs)
    splitter = run.splits("digits", (512, 473, 300))
    splits = {seed: splitter(seed) for seed in seeds}
    conditions, ranges = {}, {_OUTSIDE: outside, _INSIDE: inside}
    for name, (low, high) in ranges.items():
        units = {seed: draw_designs("sobol", trials, 1, seed=seed)[0, :, 0] for seed in seeds}
        for trial in range(trials):
            rates = {seed: float(low * (high / low) ** units[seed][trial]) for seed in seeds}
            conditions[f"{name}/{trial}"] = Condition(learning_rate=rates, momentum=momentum)
    curves = train_replicas(_NETWORK, splits.get, conditions=conditions, seeds=seeds, epochs=epochs, batch_size=32)
    found = curves[curves.epoch == curves.epoch.max()].copy()
    found["range"], found["trial"] = found.condition.str.split("/").str[0], found.condition.str.split("/").str[1]
    found["val_loss"] = found.val_loss.where(~found.diverged, found.chance_loss)
    return {
        "trials": found[["range", "trial", "seed", "learning_rate", "val_loss"]].reset_index(drop=True),
        "checks": _checks(found, ranges),
        "search": _extended(splits[run.seeds[0]], run.seeds[0], outside, trials, epochs, momentum),
    }


def _checks(found: pd.DataFrame, ranges: dict) -> pd.DataFrame:
    """What `border_check` says of each search."""
    rows = []
    for (name, seed), mine in found.groupby(["range", "seed"], sort=False):
        column = {"hyperparameters": ["learning_rate"], "log": ["learning_rate"]}
        row = border_check(mine, target="val_loss", ranges={"learning_rate": ranges[name]}, **column).iloc[0]
        rows.append({
            "range": name, "seed": seed, "best": row.best, "low": row.low, "high": row.high,
            "side": row.on_border, "flagged": row.on_border != "",
        })  # fmt: skip
    return pd.DataFrame(rows)


def _extended(part, seed: int, rates, trials: int, epochs: int, momentum: float) -> pd.DataFrame:
    """Real searches of one split, each in the range that the last one's border report advised; rows are trials."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.search import sobol_search

    def build(hp):
        model = _NETWORK(part.x.shape[1:], part.classes)
        rate = hp.Float("learning_rate", *rates, sampling="log")
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(rate, momentum=momentum), loss)
        return model

    rows = []
    for number in range(1, _ROUNDS + 1):
        result = sobol_search(build, part, trials=trials, seed=seed, epochs=epochs)
        report = result.border_report().iloc[0]
        table = result.table[["learning_rate", "score"]].assign(
            seed=seed, search=number, low=rates[0], high=rates[1], on_border=report.on_border
        )
        rows.append(table)
        if not report.on_border:
            break
        rates = (report.next_low, report.next_high)
    return pd.concat(rows, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """A search that goes on beyond its border; where the best of all seeds' searches lie; how often the check warns."""
    search, checks = tables["search"], tables["checks"]
    fig, (above, below) = plots.figure(2, 1, height_ratios=[1.3, 1])
    for number, mine in search.groupby("search"):
        look = plots.look(number - 1)
        mine = mine.sort_values("learning_rate")
        above.plot(mine.learning_rate, mine.score, look["marker"], color=look["color"], markersize=5, mew=0)
        best = mine.loc[mine.score.idxmin()]
        above.plot(
            best.learning_rate, best.score, look["marker"], color=look["color"], markersize=11, mfc="none", mew=2
        )
        edge = mine.high.iloc[0]
        zone = edge / (edge / mine.low.iloc[0]) ** 0.08
        if mine.on_border.iloc[0]:
            above.axvspan(zone, edge, color=look["color"], alpha=0.22, linewidth=0)
        words = "best at the border" if mine.on_border.iloc[0] else "best inside"
        above.text(0.02, 0.36 - 0.11 * number, f"search {number}: {words}", transform=above.transAxes,
                   color=look["color"], fontsize=10.5)  # fmt: skip
    ends = (0.7 * min(search.low.min(), checks.low.min()), 1.4 * max(search.high.max(), checks.high.max()))
    rates = 10.0 ** np.arange(np.ceil(np.log10(ends[0])), np.log10(ends[1]))
    plots.log_axis(above, "x", at=rates)
    plots.log_axis(above, "y")
    above.set(
        xlim=ends,
        ylabel="best validation loss (nats)",
        xlabel="learning rate",
        title="one seed: go on beyond the border",
    )
    for row, (_, mine) in enumerate(checks.groupby("range", sort=False)):
        low, high = mine.low.iloc[0], mine.high.iloc[0]
        look, zone = plots.look((3, 2)[row]), (high / low) ** 0.08
        below.plot([low, high], [row, row], "-", color="#bbbbbb", linewidth=9, solid_capstyle="butt", zorder=1)
        for border in ((low, low * zone), (high / zone, high)):
            below.plot(border, [row, row], "-", color="#666666", linewidth=9, solid_capstyle="butt", zorder=1)
        heights = row + 0.3 * ((np.arange(len(mine)) * 0.618) % 1 - 0.5)
        below.plot(mine.best, heights, look["marker"], color=look["color"], markersize=4, alpha=0.7, mew=0)
        count, total = int(mine.flagged.sum()), len(mine)
        lowest, highest = wilson_interval(count, total)
        text = f"warned: {count} of {total} [{100 * lowest:.0f}, {100 * highest:.0f} %]"
        spot, side = ((low, "left"), (high, "right"))[row]
        below.text(spot, row - 0.26, text, color=look["color"], fontsize=10.5, ha=side)
    plots.log_axis(below, "x", at=rates)
    below.set(xlim=ends, ylim=(1.4, -0.55), xlabel="best rate of each search")
    below.set_title("all seeds: two ranges, dark ends are the border")
    below.set_yticks([0, 1], ["optimum\noutside", "optimum\ninside"])
    below.grid(visible=False, axis="y")
    plots.caption(
        fig,
        "Digits, 512 training images, MLP 64-32-10, SGD with momentum; Sobol search on a log scale, "
        f"{len(search) // search.search.nunique()} trials each. Above: textbook.search, {plots.seeds_text(search)}; "
        f"tinted: border passed. Below: {plots.seeds_text(checks)}; Wilson's 95 % intervals.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-f/outside",
        "Where the optimum lies above the range searched, the check warns in more than 95 % of searches of sixteen "
        "Sobol points.",
        share("flagged", threshold=0.95, table="checks", where={"range": _OUTSIDE}),
        expected=HOLDS,
        ask="All rates up to 0.001 are too small. Where does the best of sixteen trials lie?",
        why="The loss falls all the way to the upper end, so the last of the sixteen slices has the best trial.",
        beware="The zone is the outer 8 % of the range. Random trials leave it empty in a quarter of the searches of "
        "sixteen, and then nothing warns: fill the range evenly, or draw more.",
    ),
    Claim(
        "5.11-f/inside",
        "Where the optimum lies inside the range, the check warns in fewer than 10 % of such searches.",
        share("flagged", threshold=0.1, above=False, table="checks", where={"range": _INSIDE}),
        expected=HOLDS,
        ask="The range lies around the optimum. How often does the check cry wolf?",
        why="Near the ends of this range networks train far worse than in the middle, and chance does not bridge that.",
        beware="A hyperparameter that hardly matters has its best value anywhere, at a border too: there a warning "
        "means nothing.",
    ),
)
