"""A search in one figure: the best score so far, and the score against each hyperparameter."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from textbook import plots
from textbook.search.scales import Scale

# how trials without a score are marked above the axes, and what the caption calls them
MARKS = {"infeasible": "x", "failed": "+"}
UNSCORED = "#555555"
# a score this many times as far from the best as three quarters of the trials would flatten all that matters
_FAR = 8.0
_LONGEST = 11  # letters of a category's name under a panel


@plots.style()
def overview(table: pd.DataFrame, scales: Mapping[str, Scale], *, objective) -> Figure:
    """The figure of `SearchResult.plot`: two panels of the best score so far, then one for each varied hyperparameter.

    Args:
        table: a row per trial, with at least one completed.
        scales: of the hyperparameters, from `textbook.search.scales`.
        objective: a `keras_tuner.Objective`.
    """
    varied = [scale for scale in scales.values() if not scale.fixed]
    columns = 2 if len(varied) <= 4 else 3
    rows = -(-(2 + len(varied)) // columns)
    size = (3.6 * columns, 2.75 * rows + 0.5)
    fig, axes = plots.figure(rows, columns, size=size, squeeze=False)
    panels = list(axes.flat)
    incumbent(panels[0], table, objective=objective)
    incumbent(panels[1], table, objective=objective, against="seconds")
    for ax, scale in zip(panels[2:], varied, strict=False):
        score_against(ax, table, scale, objective=objective)
    for ax in panels[2 + len(varied) :]:
        ax.set_axis_off()
    for i, ax in enumerate(panels):
        if i % columns and i != 2:  # the first hyperparameter's panel may stand beside the incumbent's
            ax.set_ylabel("")
    plots.caption(fig, _words(table, objective))
    return fig


@plots.style()
def incumbent(ax: Axes, table: pd.DataFrame, *, objective, against: str = "trials") -> Axes:
    """The best score so far as steps, each trial as a dot, against the "trials" finished or the "seconds" they took.

    Trials count in the order of their numbers, and their seconds add up in that order: with several workers, or with
    trials trained at once, the clock on the wall shows fewer. A trial without a time counts as 0 seconds.
    """
    if against not in ("trials", "seconds"):
        raise ValueError(f"expected against as 'trials' or 'seconds', got {against!r}; mend by passing one of these")
    table = table.sort_values("trial")
    lower, done = objective.direction == "min", (table["status"] == "completed").to_numpy()
    score = table["score"].where(done)
    best = (score.cummin() if lower else score.cummax()).ffill()
    if against == "trials":
        at, label = np.arange(1, len(table) + 1), "trials finished"
    else:
        at, label = _unit_of_time(table["seconds"].astype(float).fillna(0).cumsum().to_numpy())
    low, high = shown_scores(score[done], lower=lower)
    _marked_above(ax, table, pd.Series(at, table.index))
    _dots(ax, at, score.to_numpy(), (low, high), lower=lower, color=plots.GREY, alpha=0.5, markersize=4)
    shown = {**plots.look(0), "marker": "", "linewidth": 2}
    ax.plot(at, best, drawstyle="steps-post", **shown)
    better = np.flatnonzero(best.notna() & (best != best.shift()))
    ax.plot(at[better], best.to_numpy()[better], "o", color=plots.COLOURS[0], markersize=5)
    ax.set(xlabel=label, ylabel=f"{objective.name}, best so far", ylim=(low, high))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=against == "trials"))
    ax.margins(x=0.04)
    if len(at) == 1:
        ax.set_xlim(0, 2 * at[0] or 1)
    return ax


@plots.style()
def score_against(ax: Axes, table: pd.DataFrame, scale: Scale, *, objective) -> Axes:
    """The score of each trial against one hyperparameter, over its declared range on the scale of its sampling.

    A star is the best trial. Trials that were trained for fewer epochs than the longest are hollow.
    """
    lower = objective.direction == "min"
    done = table[table["status"] == "completed"]
    limits = shown_scores(done["score"], lower=lower)
    active = table[table[scale.name].notna()].sort_values("trial")
    at = pd.Series(_places(scale, active), active.index)
    _marked_above(ax, active, at)
    completed = active[active["status"] == "completed"]
    longest = completed["epochs"] >= done["epochs"].max()
    for whole, fill in ((False, "white"), (True, plots.COLOURS[0])):
        rows = completed[longest == whole]
        look = {"color": plots.COLOURS[0], "markerfacecolor": fill, "alpha": 0.7, "markersize": 4.5}
        _dots(ax, at[rows.index].to_numpy(), rows["score"].to_numpy(), limits, lower=lower, **look)
    best = done.sort_values(["score", "trial"], ascending=[lower, True]).index[0]
    if best in at.index:
        star = {"marker": "*", "markersize": 13, "color": plots.COLOURS[1], "markeredgecolor": "white"}
        ax.plot(at[best], done.loc[best, "score"], linestyle="", zorder=5, **star)
    share = "" if len(active) == len(table) else f" (active in {len(active)} of {len(table)})"
    ax.set(xlabel=scale.name + share, ylabel=objective.name, ylim=limits)
    _set_axis(ax, scale)
    return ax


def shown_scores(scores: pd.Series, *, lower: bool) -> tuple[float, float]:
    """Limits of a score's axis: all scores, unless the worst would flatten the rest into a line."""
    signed = np.sort(scores.to_numpy(dtype=float) * (1 if lower else -1))
    best, most = signed[0], signed[-1]
    usual = np.quantile(signed, 0.75) - best
    if usual > 0 and most - best > _FAR * usual:
        most = best + 2.5 * usual
    room = (most - best) or abs(best) or 1.0
    ends = (best - 0.07 * room, most + 0.07 * room)
    return ends if lower else (-ends[1], -ends[0])


def _dots(ax: Axes, at, scores, limits, *, lower: bool, **look) -> None:
    """A dot for each score, and a triangle at the axes' end for one beyond it."""
    at, scores = np.asarray(at, dtype=float), np.asarray(scores, dtype=float)
    beyond = scores > limits[1] if lower else scores < limits[0]
    ax.plot(at[~beyond], scores[~beyond], linestyle="", marker="o", markeredgewidth=1, **look)
    if beyond.any():
        end, marker = (0.97, "^") if lower else (0.03, "v")
        edge = {"transform": ax.get_xaxis_transform(), "linestyle": "", "marker": marker}
        ax.plot(at[beyond], np.full(beyond.sum(), end), **{**look, **edge, "markersize": 6})


def _marked_above(ax: Axes, table: pd.DataFrame, at: pd.Series) -> None:
    for status, marker in MARKS.items():
        where = at[table["status"] == status]
        look = {"marker": marker, "color": UNSCORED, "markersize": 6, "markeredgewidth": 1.6}
        above = {"transform": ax.get_xaxis_transform(), "clip_on": False, "linestyle": ""}
        if len(where):  # an empty line that is not clipped has its box at the figure's corner, and the layout collapses
            ax.plot(where, np.full(len(where), 1.04), **above, **look)


def _places(scale: Scale, active: pd.DataFrame) -> np.ndarray:
    """Where trials stand on the axis: at their value; where there are few values, in a column around it."""
    if not scale.values:
        return active[scale.name].to_numpy(dtype=float)
    line = scale.straight(active[scale.name])
    # a fixed comb instead of random jitter: the same table gives the same picture
    comb = (np.arange(len(active)) * 0.618) % 1 - 0.5
    return scale.back(line + 0.5 * _gap(scale) * comb)


def _gap(scale: Scale) -> float:
    """How far apart few values lie on their line; 0 for many, whose dots need no spreading."""
    return float(np.diff(scale.straight(scale.values)).min()) if len(scale.values) > 1 else 0.0


def _set_axis(ax: Axes, scale: Scale) -> None:
    if scale.kind == "categories":
        every = -(-len(scale.values) // 8)
        shown = range(0, len(scale.values), every)
        letters = sum(len(short(scale.values[i])) for i in shown)
        turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if letters > 22 else {}
        ax.set_xticks(list(shown), [short(scale.values[i]) for i in shown], **turned)
        ax.set_xlim(-0.6, len(scale.values) - 0.4)
        ax.grid(visible=False, axis="x")
        return
    line = scale.straight([scale.low, scale.high])
    ends = line + (0.04 * ((line[1] - line[0]) or 1.0) + 0.3 * _gap(scale)) * np.array([-1, 1])
    ax.set_xlim(*scale.back(ends))
    if scale.kind == "log":
        plots.log_axis(ax, "x")
        return
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=scale.whole))
    if scale.kind == "reverse_log":
        # Matplotlib asks for places from 0 to 1 too, and at the mirror there is none
        last = scale.mirror - 1e-3 * scale.low
        ax.set_xscale("function", functions=(lambda value: scale.straight(np.minimum(value, last)), scale.back))
        ax.xaxis.set_major_locator(FixedLocator([value for value, _ in ticks(scale)]))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plots.plain(round(value, 9))))


def ticks(scale: Scale, *, most: int = 5) -> list[tuple[float, str]]:
    """A few values of a scale and how they are written, at most about `most`; categories all."""
    if scale.kind == "categories":
        return [(value, short(value)) for value in scale.values]
    if scale.kind == "linear":
        values = MaxNLocator(most - 1, integer=scale.whole).tick_values(scale.low, scale.high)
    else:
        powers = np.arange(np.floor(np.log10(scale.low)), np.ceil(np.log10(scale.high)) + 1)
        parts = (1.0,) if len(powers) > most - 1 else (1.0, 3.0) if len(powers) > 2 else (1.0, 2.0, 5.0)
        values = np.sort([part * 10.0**power for power in powers[:: -(-len(powers) // most)] for part in parts])
        values = scale.mirror - values[::-1] if scale.kind == "reverse_log" else values
    room = 1e-9 * (scale.high - scale.low)
    inside = [float(value) for value in values if scale.low - room <= value <= scale.high + room]
    return [(value, plots.plain(round(value, 9))) for value in inside]


def short(value) -> str:
    """A category's name, cut where it is long.

    >>> short("relu"), short("a_very_long_name")
    ('relu', 'a_very_lon…')
    """
    text = plots.plain(value) if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _unit_of_time(seconds: np.ndarray) -> tuple[np.ndarray, str]:
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds[-1] >= 3 * length:
            return seconds / length, f"{unit} of training, added up"
    return seconds, "seconds of training, added up"


def trials(n: int) -> str:
    """The number of trials, for a caption."""
    return f"n = {n} trial{'s' if n > 1 else ''}"


def _words(table: pd.DataFrame, objective) -> str:
    """n and what the marks mean; only those that occur."""
    done = table[table["status"] == "completed"]
    counts = [f"{len(done)} completed"]
    for status, mark in (("infeasible", "×"), ("failed", "+")):
        number = int((table["status"] == status).sum())
        counts += [f"{number} {status} ({mark} above the panels)"] if number else []
    better = "lower" if objective.direction == "min" else "higher"
    text = f"{trials(len(table))}: {', '.join(counts)}. {objective.name}: {better} is better. Star: the best trial."
    if done["epochs"].nunique() > 1:
        text += f" Hollow: fewer than {int(done['epochs'].max())} epochs."
    low, high = shown_scores(done["score"], lower=better == "lower")
    beyond = int(((done["score"] > high) | (done["score"] < low)).sum())
    return text + (f" Triangle: a score beyond the axis ({beyond})." if beyond else "")
