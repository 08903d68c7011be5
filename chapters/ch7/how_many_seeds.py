"""7.7 How many seeds? (시드는 몇 개면 충분한가)

The review ends on a warning: the paper's results are observations, not proofs, and not to be believed too readily. How
far can one believe an observation? Train two arms of a comparison from one seed, that is on one split, with the same
initial weights and order of batches, and note by how much one arm is better. Another seed gives another difference. So
every verdict of this book takes many seeds, and puts the mean difference and its 95 % interval beside δ, the smallest
difference that matters (0.01 nats of loss). A claim holds where the interval lies above 0 and the mean reaches δ, and
is reversed where both lie on the other side. There is no difference where the interval lies within ±δ. A claim fails
where the interval merely lies below δ. Else the seeds do not tell: inconclusive. Here four claims are measured on many
seeds, and judged again from one seed, from three, eight, sixteen, thirty. One seed mostly names a winner, even between
two equal arms. Three seeds with an interval seldom say something false, but they mostly say nothing. How many it takes
depends on the effect and on the spread between seeds, and only seeds tell the spread.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import StepDecay
from textbook.seeding import stream
from textbook.statistics import NO_DIFFERENCE, paired_verdict
from textbook.statistics.replication import (
    bare_words,
    contradicts,
    disjoint_groups,
    word_shares,
    words_of,
)
from textbook.verdict_tiles import LOOKS, legend_handles

ENTRIES = ("7.7-b",)
DATA = "any"

DELTA = 0.01  # nats
BATCH_SIZE, MOMENTUM = 64, 0.9
BASE, TWIN = "base", "twin"
# the claim: (arm that it favours, its rival)
CONTRASTS = {
    "momentum beats none": (BASE, "no momentum"),
    "steps beat a constant rate": ("steps", BASE),
    "half the rate beats all of it": ("half rate", BASE),
    "an arm beats its equal": (TWIN, BASE),
}
MOMENTUM_ROW, STEPS_ROW, HALF_ROW, TWICE_ROW = CONTRASTS
ONE, FEW, MANY = "one", "few", "many"


def measure(
    run: Run,
    *,
    pool: int = 160,
    rate: float = 0.3,
    epochs: int = 8,
    few: int = 3,
    many: int = 16,
    sizes: tuple[int, ...] = (1, 2, 3, 5, 8, 16, 30),
) -> dict[str, pd.DataFrame]:
    """Train five arms on many seeds, and judge each claim with all of them, with groups, and with draws of S.

    Args:
        pool: seeds; their word is what the smaller numbers are compared with.
        rate: of the base arm, an SGD with momentum and a constant rate. The other arms differ in one thing each: no
            momentum, the rate halved every two epochs, half the rate, another order of the same samples.
        few, many: seeds of the disjoint groups that the claims are judged on (all the seeds where there are fewer).
        sizes: numbers of seeds for the figure, drawn from the pool with replacement.
    """
    differences = _differences(run, run.seeds_for(pool), rate, run.epochs(epochs))
    groups, drawn, words = [], [], []
    for name, mine in differences.groupby("contrast", sort=False):
        values = mine.difference.to_numpy()
        whole = paired_verdict(values, DELTA)
        equal = name == TWICE_ROW  # what is true of equal arms need not be measured
        word = NO_DIFFERENCE if equal else whole.verdict
        low, high = whole.interval or (np.nan, np.nan)
        words.append((name, word, whole.verdict, values.mean(), low, high, values.std(ddof=1), len(values)))
        for kind, size in ((ONE, 1), (FEW, few), (MANY, many)):
            groups.append(_grouped(values, word, min(size, len(values))).assign(contrast=name, group=kind))
        # equal arms may change places: each difference was as likely to come with the other sign
        world = np.concatenate([values, -values]) if equal else values
        drawn += [
            {"contrast": name, "seeds": size, "word": verdict, "share": part}
            for size in sizes
            for verdict, part in word_shares(world, size, delta=DELTA, bare=size == 1).items()
        ]
    groups = pd.concat(groups, ignore_index=True)
    return {
        "differences": differences,
        "all": pd.DataFrame(words, columns=["contrast", "word", "measured", "mean", "low", "high", "spread", "seeds"]),
        "groups": groups,
        "together": _together(groups),
        "shares": pd.DataFrame(drawn, columns=["contrast", "seeds", "word", "share"]),
    }


def _differences(run: Run, seeds, rate: float, epochs: int) -> pd.DataFrame:
    """The base's lead or lag in test loss at every seed, a row for each contrast and seed."""
    settings = {
        BASE: {},
        "no momentum": {"momentum": 0.0},
        "steps": {"learning_rate": StepDecay(rate, factor=0.5, every=2)},
        "half rate": {"learning_rate": rate / 2},
        TWIN: {"splits": _reordered(run)},
    }
    plain = {"learning_rate": rate, "momentum": MOMENTUM}
    conditions = {name: Condition(**(plain | own)) for name, own in settings.items()}
    curves = train_replicas(
        mlp, run.splits("digits"), conditions=conditions, seeds=seeds, epochs=epochs, batch_size=BATCH_SIZE
    )
    last = curves[curves.epoch == curves.epoch.max()]
    loss = last.assign(test_loss=last.test_loss.where(~last.diverged, last.chance_loss))
    loss = loss.pivot(index="seed", columns="condition", values="test_loss")
    diverged = last.pivot(index="seed", columns="condition", values="diverged")
    setting = {"epochs": epochs, "rate": rate, "batch_size": BATCH_SIZE, "momentum": MOMENTUM}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "contrast": name,
                    "seed": loss.index,
                    "difference": loss[other] - loss[favoured],
                    "diverged": diverged[other] | diverged[favoured],
                    **setting,
                }
            )
            for name, (favoured, other) in CONTRASTS.items()
        ],
        ignore_index=True,
    )


def _reordered(run: Run):
    """Each seed's split with its training rows in another order: the same samples, other batches, nothing else."""
    splitter = run.splits("digits")

    def of(seed: int):
        train, *held_out = splitter(seed).rows
        return splitter.with_rows((stream(seed, "another order").permutation(train), *held_out), seed)

    return of


def _grouped(values: np.ndarray, word: str, size: int) -> pd.DataFrame:
    """What each disjoint group of seeds concludes, beside the word of all seeds; `seed` numbers the groups."""
    cut = disjoint_groups(values, size)
    words, means = words_of(cut, DELTA), cut.mean(axis=1)
    return pd.DataFrame(
        {
            "seed": np.arange(len(cut)),
            "size": size,
            "word": words,
            "flips": words != word,
            "contradicts": [contradicts(str(own), word) for own in words],
            "names_a_winner": bare_words(means, DELTA) != NO_DIFFERENCE,
            "wrong_way": means * values.mean() < 0,
        }
    )


def _together(groups: pd.DataFrame) -> pd.DataFrame:
    """Of each group of a few seeds: on how many contrasts it flips, and whether it contradicts on any."""
    few = groups[groups.group == FEW].groupby("seed")
    table = pd.DataFrame({"flips": few.flips.sum(), "contradicts_once": few.contradicts.any()}).reset_index()
    return table.assign(flips_on_most=table.flips > len(CONTRASTS) / 2)


def draw(tables: dict[str, pd.DataFrame]):
    """A panel for each contrast: for each number of seeds a bar, divided into how often each verdict comes out."""
    shares, every = tables["shares"], tables["all"].set_index("contrast")
    fig, axes = plots.figure(2, 2, sharex=True, sharey=True, size=(7, 6.9))
    with plots.style():
        for ax, name in zip(axes.flat, CONTRASTS, strict=True):
            mine = shares[shares.contrast == name].pivot(index="seeds", columns="word", values="share")
            at, bottom = np.arange(len(mine)), np.zeros(len(mine))
            for word, look in LOOKS.items():
                height = 100 * mine[word].to_numpy()
                ax.bar(
                    at, height, 0.86, bottom, color=look["color"], hatch=look["hatch"], edgecolor="white", linewidth=0.5
                )
                bottom = bottom + height
            whole = every.loc[name]
            size = f"mean {whole['mean'] / DELTA:+.1f} δ, spread {whole.spread / DELTA:.1f} δ".replace("-", "−")
            said = f"{'known to be' if name == TWICE_ROW else f'all {whole.seeds} seeds'}: {whole.word}"
            ax.set_title(f"“{name}”\n{size}\n{said}", fontsize=10)
            ax.set_xticks(at, [str(size) for size in mine.index])
            ax.axvline(0.5, color="#222222", linewidth=1, linestyle=":")
            ax.grid(visible=False)
            ax.set(ylim=(0, 100), xlim=(-0.5, len(mine) - 0.5))
        for ax in axes[1]:
            ax.set_xlabel("seeds in an experiment")
        for ax in axes[:, 0]:
            ax.set_ylabel("experiments (%)")
        fig.legend(handles=legend_handles(), loc="outside upper center", ncols=5, fontsize=9.5, handlelength=1.3)
    setting, twice = tables["differences"].iloc[0], every.loc[TWICE_ROW]
    chances = f"All seeds of the equal arms happen to say: {twice.measured}. " if twice.measured != twice.word else ""
    plots.caption(
        fig,
        "How often an experiment of so many seeds comes to each verdict. Left of the dotted line: one seed has no "
        "interval, so the loss that is lower by δ wins. Mean and spread (standard deviation) of the paired "
        f"differences in test loss; δ = {DELTA:g} nats. Equal arms differ in the order of the samples alone. "
        f"{chances}Digits, MLP 64-64-10, SGD, rate {setting.rate:g}, batches of {setting.batch_size:.0f}, "
        f"{setting.epochs:.0f} epochs. Experiments are drawn with replacement, of equal arms with either sign, from a "
        f"pool of {plots.seeds_text(tables['differences'])}.",
    )
    return fig


CLAIMS = (
    Claim(
        "7.7-b/three",
        "Three seeds often flip: on most of the four claims they give another word than all the seeds do.",
        share("flips_on_most", table="together"),
        expected=HOLDS,
        ask="Three seeds, a mean and an interval. How often would many more seeds have said the same?",
        why="With three seeds the interval reaches 2.5 standard deviations of the differences to either side: only an "
        "effect larger than that shows, and only a spread far below δ lets them say that nothing is there.",
        beware="A flip is another word, not an error: nearly all of them go to inconclusive, which is what three "
        "seeds ought to say.",
    ),
    Claim(
        "7.7-b/contradiction",
        "Three seeds with an interval seldom contradict all the seeds: in fewer than one group in five on any of the "
        "four claims.",
        share("contradicts_once", threshold=0.2, above=False, table="together"),
        expected=HOLDS,
        ask="And how often do three seeds say holds where all the seeds say reversed, or that nothing is there?",
        why="A 95 % interval lies to one side of the truth in one experiment in forty, however few its seeds.",
        beware="This is what the interval buys. Without it a comparison mostly names a winner, whatever the arms: see "
        "the bars of one seed.",
    ),
    Claim(
        "7.7-b/winner",
        "One run of each of two equal arms shows a winner by δ or more, more often than not.",
        share("names_a_winner", table="groups", where={"contrast": TWICE_ROW, "group": ONE}),
        expected=HOLDS,
        ask="The same settings are trained twice on the same samples, in another order. How often do the losses differ "
        "by 0.01 nats or more?",
        why="The order of the batches alone moves the loss; split and initial weights are shared here, and would add "
        "to it. Once the spread of the difference exceeds 1.5 δ, δ is reached more often than not.",
        beware="A table with one number for each method has a best method in every row, whatever the methods.",
    ),
    Claim(
        "7.7-b/wrong-way",
        "Even where one arm is better over all the seeds, a single pair of runs favours the other arm in more than a "
        "tenth of the cases.",
        share("wrong_way", threshold=0.1, table="groups", where={"contrast": STEPS_ROW, "group": ONE}),
        expected=HOLDS,
        ask="Steps and a constant rate, each tried once. How often does the arm win that loses on average?",
        why="Where the spread of the differences is as large as their mean, one in six lies beyond zero, and more "
        "where it is larger.",
        beware="Pairing has made the spread smaller already: both runs share split, initial weights and order.",
    ),
    Claim(
        "7.7-b/sixteen",
        "Sixteen seeds settle a large effect: on “momentum beats none” more than half of the groups of sixteen agree "
        "with all the seeds.",
        share("flips", above=False, table="groups", where={"contrast": MOMENTUM_ROW, "group": MANY}),
        expected=HOLDS,
        ask="How many seeds does an effect as large as that of momentum need?",
        why="The interval narrows as 1/√n: with sixteen seeds it reaches half a standard deviation to either side, and "
        "an effect of a whole one stands clear of zero.",
        beware="For an effect of about δ no number of seeds settles the word: a mean that must reach δ does so every "
        "other time.",
    ),
)
