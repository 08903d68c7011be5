"""5.4 Some coordinates of every tensor (매개변수마다 몇 차원씩)

Checking all coordinates of a large network takes too long, so some are drawn. The text warns against drawing them at
random; what matters is where they are drawn from. Twenty coordinates of the flat vector of all weights hardly ever
contain a bias, because a network has few of them. Twenty that are spread over the tensors, drawn at random within each,
cannot miss a tensor.
"""

from fractions import Fraction
from math import comb

import numpy as np
import pandas as pd

from textbook import plots
from textbook.book_style import darker
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.seeding import stream

ENTRIES = ("5.4-f",)
DATA = "none"
CHECKED = (1, 2, 4, 10, 20, 50, 100, 200)


def measure(
    run: Run, *, inputs: int = 64, hidden: int = 64, outputs: int = 10, draws: int = 20_000
) -> dict[str, pd.DataFrame]:
    """How often k coordinates contain one of a tensor whose gradient is wrong everywhere, in a network of two layers.

    Args:
        inputs, hidden, outputs: units of the network.
        draws: of k coordinates, per seed; spread over the seeds they give the simulated share.
    """
    sizes = {
        "hidden kernel": inputs * hidden,
        "hidden bias": hidden,
        "output kernel": hidden * outputs,
        "output bias": outputs,
    }
    wrong = {"all biases": ("hidden bias", "output bias"), "output bias": ("output bias",)}
    total = sum(sizes.values())
    tables = []
    for name, tensors in wrong.items():
        share = sum(sizes[tensor] for tensor in tensors) / total
        table = pd.DataFrame({"wrong": name, "checked": CHECKED})
        table["parameters"], table["wrong_parameters"] = total, round(share * total)
        table["flat_formula"] = [1 - (1 - share) ** k for k in CHECKED]
        is_wrong = np.repeat([tensor in tensors for tensor in sizes], list(sizes.values()))
        table["flat_simulated"] = _simulated(run, is_wrong, draws)
        table["flat_without_repeats"] = [float(_without_repeats(total, round(share * total), k)) for k in CHECKED]
        table["stratified"] = [_stratified(sizes, tensors, k) for k in CHECKED]
        tables.append(table)
    found = pd.concat(tables, ignore_index=True)
    # what the catalogue's arithmetic says of twenty coordinates, in whole percent, for the network of the book
    twenty = found[found.checked == 20].assign(missed_percent=lambda t: (100 * (1 - t.flat_formula)).round())
    twenty["book"] = twenty.wrong.map({"all biases": 73.0, "output bias": 96.0})
    return {"detection": found.assign(seeds=len(run.seeds), draws=draws), "twenty": twenty}


def _simulated(run: Run, is_wrong: np.ndarray, draws: int) -> np.ndarray:
    """Share of the draws in which at least one of the first k coordinates is wrong, for every k of `CHECKED`.

    Coordinates are drawn from the flat vector, one after another and with repeats; `is_wrong` has a truth for each.
    """
    found = np.zeros(len(CHECKED))
    for seed in run.seeds:
        drawn = stream(seed, "coordinates").integers(len(is_wrong), size=(draws, CHECKED[-1]), dtype=np.int32)
        hits = is_wrong[drawn]
        found += [hits[:, :k].any(axis=1).mean() for k in CHECKED]
    return found / len(run.seeds)


def _without_repeats(total: int, wrong: int, checked: int) -> Fraction:
    """Probability that k different coordinates contain a wrong one: 1 − C(P − b, k) / C(P, k)."""
    return 1 - Fraction(comb(total - wrong, checked), comb(total, checked))


def _stratified(sizes: dict[str, int], tensors: tuple[str, ...], checked: int) -> float:
    """Detection if the k coordinates are dealt out to the tensors in turn, as they stand in the network."""
    dealt = {tensor for tensor, _ in zip(sizes, range(checked), strict=False)}
    return float(bool(dealt & set(tensors)))


def draw(tables: dict[str, pd.DataFrame]):
    """Chance that k checked coordinates contain a wrong one, drawn from the flat vector or from every tensor."""
    found = tables["detection"]
    fig, ax = plots.figure()
    for number, (name, rows) in enumerate(found.groupby("wrong", sort=False)):
        look = plots.look(number)
        ax.plot(rows.checked, 100 * rows.flat_formula, **{**look, "marker": ""})
        ax.plot(rows.checked, 100 * rows.flat_simulated, color=look["color"], marker=look["marker"], linestyle="")
        end = rows.iloc[-1]
        text = f"{name} wrong:\n{end.wrong_parameters} of {end.parameters},\nflat vector"
        place = {"xytext": (9, -14), "textcoords": "offset points", "va": "center", "fontsize": 10}
        ax.annotate(text, (end.checked, 100 * end.flat_formula), color=darker(look["color"]), **place)
    every = found[found.wrong == "output bias"]
    ax.plot(every.checked, 100 * every.stratified, drawstyle="steps-post", **plots.look(2))
    ax.annotate("output bias wrong, one tensor after the other", (4, 102), fontsize=10, va="bottom")
    plots.log_axis(ax, "x")
    ax.set(xlim=(0.9, 1200), xlabel="coordinates checked", ylabel="chance to see the mistake (%)", ylim=(-3, 111))
    plots.caption(
        fig,
        f"Lines: 1 − (1 − b/P)^k, b wrong of P coordinates. Markers: simulated, {found.draws.iloc[0]:,} draws for each "
        f"of n = {found.seeds.iloc[0]} seeds. MLP 64-64-10 unless its knobs were turned. No data, nothing trained.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.4-f/formula",
        "k coordinates drawn from the flat vector miss b wrong ones of P with probability (1 − b/P)^k.",
        exact(measured="flat_simulated", expected="flat_formula", tolerance=0.01, table="detection"),
        expected=EXACT,
        ask="MLP-64 has 4,810 weights, 74 of them biases. How likely do twenty random coordinates contain a bias?",
        why="Every draw misses with probability 1 − b/P, and k independent draws all miss with its k-th power.",
        beware="Without repeats the chance is a little higher; at twenty of 4,810 the difference is below one point.",
    ),
    Claim(
        "5.4-f/book",
        "Twenty coordinates miss all biases of MLP-64 in 73 % of the checks, and the output biases in 96 %.",
        exact(measured="missed_percent", expected="book", table="twenty"),
        expected=EXACT,
        ask="A wrong gradient in the output bias: how many checks of twenty coordinates pass all the same?",
        why="(1 − 74/4810)²⁰ = 0.73 and (1 − 10/4810)²⁰ = 0.96.",
        beware="A mistake in a kernel is hard to miss either way: most coordinates lie there.",
    ),
    Claim(
        "5.4-f/every",
        "A few coordinates of every tensor find a mistake that fills a tensor, at the latest with one for each tensor.",
        exact(measured="stratified", expected=1.0, table="detection", where={"checked": (4, 10, 20, 50, 100, 200)}),
        expected=EXACT,
        ask="Four tensors, four coordinates: can the output bias slip through?",
        why="Each tensor gets at least one coordinate, and within the wrong tensor every coordinate is wrong.",
        beware="A mistake in a few entries of a large kernel, such as one row, can still be missed: draw several.",
    ),
    Claim(
        "5.4-f/flat",
        "Twenty coordinates drawn at random from all weights find the same mistakes.",
        exact(
            measured="flat_simulated", expected="stratified", tolerance=0.01, table="detection", where={"checked": 20}
        ),
        expected=VIOLATED,
        ask="Same number of coordinates, drawn from the flat vector. Are they as good?",
        why="The draw follows the size of the tensors, and the small ones are where mistakes go unseen.",
        beware="It is not randomness that harms: also the first twenty coordinates of the vector would all be kernel.",
        correction="The sentence reads as a warning against random sampling. The point is stratified sampling: draw at "
        "random, but within every tensor, so that biases and other small tensors are not missed.",
        reference="cs231n: Neural Networks Part 3, gradient checks (check only few dimensions)",
    ),
)
