"""4.8.3 How much the seed decides (난수 시드의 영향)

A seed is often overlooked and can move the result a good deal. It is several seeds in one: which rows are trained on,
the initial weights, the order of the batches. Crossing them tells how much each contributes, and two scores are needed:
validation accuracy also varies because every split brings other validation rows, whereas accuracy on one fixed test
set varies only because the trained network does.
"""

import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, estimate
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import Seeds
from textbook.splits import FixedTest
from textbook.statistics import variance_components

ENTRIES = ("4.8.3-c",)
DATA = "any"
_FACTORS = {"split_seed": "split", "weights_seed": "initial weights", "order_seed": "batch order"}
_SCORES = {"val_accuracy": "validation part of the split", "test_accuracy": "one fixed test set"}


def measure(
    run: Run, *, splits: int = 8, weights: int = 8, orders: int = 4, epochs: int = 10
) -> dict[str, pd.DataFrame]:
    """Cross splits, initial weights and batch orders, and train independent pairs in which all three differ.

    Ten epochs instead of the book's twenty keep 288 networks within the chapter's time.
    """
    seeds = run.seeds
    fixed_test = FixedTest(run.splits("digits"), seeds[0])
    settings = {"conditions": {"sgd": Condition(learning_rate=0.1, momentum=0.9)}, "epochs": run.epochs(epochs)}
    crossed = Seeds(split=seeds[:splits], weights=seeds[:weights], order=seeds[:orders], masks=seeds[0])
    runs = _final(train_replicas(mlp, fixed_test, seeds=crossed, **settings))
    pairs = _pairs(_final(train_replicas(mlp, fixed_test, seeds=run.seeds_for(32), **settings)))
    return {"crossed": runs[[*_FACTORS, *_SCORES]], "pairs": pairs, "shares": _shares(runs)}


def _final(curves: pd.DataFrame) -> pd.DataFrame:
    """The last epoch of each run; one that diverged scores as a guess."""
    last = curves[curves.epoch == curves.epoch.max()].reset_index(drop=True)
    return last.assign(**{score: last[score].mask(last.diverged, last.chance_accuracy) for score in _SCORES})


def _pairs(runs: pd.DataFrame) -> pd.DataFrame:
    """How far apart the first and second, third and fourth, … run are: every run is in one pair only."""
    if len(runs) < 2:
        raise ValueError(f"expected at least 2 seeds to compare runs, got {len(runs)}; ask for more with --seeds")
    first, second = (runs.iloc[start : len(runs) // 2 * 2 : 2].reset_index(drop=True) for start in (0, 1))
    return pd.DataFrame({"seed": first.seed, **{score: (first[score] - second[score]).abs() for score in _SCORES}})


def _shares(runs: pd.DataFrame) -> pd.DataFrame:
    """Share of each kind of seed in the variance of each score. What no single kind explains is their interplay."""
    rows = []
    for score in _SCORES:
        parts = [part for part in variance_components(runs, score, tuple(_FACTORS)) if part.source in _FACTORS]
        rows += [(score, _FACTORS[part.source], part.share, *part.share_interval) for part in parts]
        alone = sum(part.share for part in parts)
        rows.append((score, "their interplay", 1 - alone, 1 - alone, 1 - alone))
    return pd.DataFrame(rows, columns=["score", "source", "share", "low", "high"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the spread of validation and test accuracy over all runs; below, the share of split, initial weights,
    batch order and their interplay in its variance.
    """
    runs, shares = tables["crossed"], tables["shares"]
    fig, (above, below) = plots.figure(2, 1, height_ratios=[1, 1.1])
    looks = plots.looks(_SCORES)
    for row, score in enumerate(_SCORES):
        values = 100 * runs[score]
        counts = values.round(6).value_counts().sort_index()
        colour = looks[score]["color"]
        above.vlines(counts.index, row, row - 0.72 * counts / counts.max(), color=colour, linewidth=3.5, alpha=0.75)
        text = f"{_SCORES[score]}: sd {values.std():.2f}, range {values.max() - values.min():.1f} points"
        above.text(0.01, row - 0.86, text, transform=above.get_yaxis_transform(), fontsize=10.5, va="center")
    above.set(
        xlabel="accuracy (%)", ylabel="networks", yticks=[], ylim=(1.08, -1.05), title="the same network, other seeds"
    )
    above.grid(visible=False, axis="y")
    for row, score in enumerate(_SCORES):
        mine = shares[shares.score == score]
        at = [place + 0.24 * (row - 0.5) for place in range(len(mine))]
        below.errorbar(
            100 * mine.share,
            at,
            xerr=[100 * (mine.share - mine.low).clip(lower=0), 100 * (mine.high - mine.share).clip(lower=0)],
            color=looks[score]["color"],
            marker=looks[score]["marker"],
            linestyle="",
            label=_SCORES[score],
        )
    below.set(xlabel="share of the variance (%)", xlim=(-2, 102), ylim=(len(mine) - 0.5, -0.5))
    below.set_yticks(range(len(mine)), list(mine.source))
    below.legend(loc="center right")
    levels = " × ".join(f"{runs[factor].nunique()} {word}" for factor, word in zip(_FACTORS, _WORDS, strict=True))
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, SGD with momentum 0.9: {levels} = {len(runs)} networks, seeds from "
        f"{runs.split_seed.min()}; bars are 95 % intervals. "
        f"{len(tables['pairs'])} pairs of runs in which every seed differs are apart by "
        f"{100 * tables['pairs'].val_accuracy.mean():.2f} (validation) and "
        f"{100 * tables['pairs'].test_accuracy.mean():.2f} points (test) on average.",
    )
    return fig


_WORDS = ("splits", "initial weights", "batch orders")

CLAIMS = (
    Claim(
        "4.8.3-c/validation",
        "Two runs that differ in nothing but their seeds are apart by half a point of validation accuracy or more on "
        "average.",
        estimate("val_accuracy", above=0, table="pairs"),
        expected=HOLDS,
        ask="Same network, same settings, other seeds: how many points apart are two validation accuracies?",
        why="Each split brings other rows to train on and other rows to be judged by, and 473 rows leave a standard "
        "error of most of a point by themselves.",
        beware="A gain of half a point in one run is what another seed gives for nothing: compare many seeds in pairs.",
    ),
    Claim(
        "4.8.3-c/test",
        "On one fixed test set, too, two such runs are apart by half a point or more on average.",
        estimate("test_accuracy", above=0, table="pairs"),
        expected=HOLDS,
        ask="Now both networks answer the same 300 questions. Does the difference go away?",
        why="The luck of the judging rows is gone, but split, initial weights and order still give different networks.",
        beware="A lucky number does not exist: most of this spread belongs to no seed alone but to their combination, "
        "so a seed that did well here promises nothing with another split or order.",
    ),
)
