"""7.7 Blind men and the elephant (장님과 코끼리: 서로 다른 권고)

Smith ends on contradictory recommendations in the literature, as of blind men who touch an elephant. Here ten of his
recommendations and of their rivals are each tried in five settings: a network and a small convnet on digits, the
network on wrong labels, on wine and on two moons. A row whose words disagree shows little by itself: under one true
effect noise and a threshold would part them as well. A test of the effects themselves says where settings really
differ, and a test of their signs says where one reader's advice is another's damage. Cyclical momentum, which needs a
rate of its own, has a section to itself.
"""

import functools
import math

import numpy as np
import pandas as pd

from chapters.shared.tuned_arms import best_rates
from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, contrast, exact
from textbook.models import cnn, mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import OneCycle, StepDecay, Triangular
from textbook.statistics import keep_discoveries, paired_verdict
from textbook.statistics.heterogeneity import same_effect, same_sign, words_disagree
from textbook.verdict_tiles import legend_handles, verdict_tiles

ENTRIES = ("7.7-a",)
DATA = "digits"

DELTA = 0.01  # nats
BATCH_SIZE, LARGE_BATCH, MOMENTUM = 32, 128, 0.9
DIGITS, NOISE, CNN, WINE, MOONS = "digits", "wrong labels", "convnet", "wine", "moons"
# about 130 updates in each
EPOCHS = {DIGITS: 8, NOISE: 8, CNN: 8, WINE: 32, MOONS: 8}
# the constant rate and the peak of a cycle with the lowest validation loss of `RATES`, mean of the tuning seeds;
# `--set tune=true` finds them again
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
TUNING_SEEDS = 8
TUNED = {DIGITS: (0.1, 0.1), NOISE: (0.1, 0.1), CNN: (0.1, 0.3), WINE: (0.01, 0.03), MOONS: (0.1, 0.3)}

CONSTANT, CYCLE = "constant", "1cycle"
SMALL, RISING, STEPS, DECAY = "small rate", "rising", "steps", "weight decay"
DECAYED, QUARTER = "1cycle, weight decay", "1cycle, quarter"
LARGE, LARGE_SCALED = "large batch", "large batch, scaled rate"
# the recommendation: (arm that it favours, its rival)
CONTRASTS = {
    "rising rate, not constant": (RISING, CONSTANT),
    "steps, not constant": (STEPS, CONSTANT),
    "1cycle, not constant": (CYCLE, CONSTANT),
    "1cycle, not steps": (CYCLE, STEPS),
    "1cycle in ¼ of the updates": (QUARTER, CONSTANT),
    "tuned rate, not a tenth of it": (CONSTANT, SMALL),
    "weight decay": (DECAY, CONSTANT),
    "no decay with 1cycle": (CYCLE, DECAYED),
    "large batch": (LARGE, CONSTANT),
    "large batch, rate in proportion": (LARGE_SCALED, CONSTANT),
}


def measure(
    run: Run, *, weight_decay: float = 0.01, label_noise: float = 0.2, tune: bool = False
) -> dict[str, pd.DataFrame]:
    """Train ten arms in every setting, with a constant rate and a peak of the cycle tuned there, and compare rows.

    Args:
        weight_decay: of the arms that have one, decoupled as in Keras.
        label_noise: share of wrong training labels in the setting that has them.
        tune: choose the rates anew on the tuning seeds, with the same trials for both, instead of taking `TUNED`.
    """
    digits = (512, 200, 300)
    splits = {
        DIGITS: run.splits("digits", sizes=digits),
        NOISE: run.splits("digits", sizes=digits, label_noise=label_noise),
        CNN: run.splits("digits", sizes=digits),
        WINE: run.splits("wine"),
        MOONS: run.splits("moons"),
    }
    epochs = {setting: run.epochs(count) for setting, count in EPOCHS.items()}
    convnet = functools.partial(cnn, strides=2)  # one builder, which is then built once

    def train(arms: dict, seeds) -> pd.DataFrame:
        """{(setting, arm): settings of a condition} → a row for each of them, epoch and seed."""
        conditions = {}
        for (setting, arm), own in arms.items():
            # a decay of 0, not none: arms that differ in a number are trained at once
            plain = {"model": convnet if setting == CNN else mlp, "momentum": MOMENTUM, "weight_decay": 0.0}
            plain |= {"splits": splits[setting], "epochs": epochs[setting]}
            conditions[f"{setting}|{arm}"] = Condition(**(plain | own))
        curves = train_replicas(mlp, splits[DIGITS], conditions=conditions, seeds=seeds, batch_size=BATCH_SIZE)
        names = curves.condition.str.split("|", expand=True)
        return curves.assign(setting=names[0], arm=names[1])

    rates = _tuned(train, epochs, run.tuning(TUNING_SEEDS)) if tune else TUNED
    arms, chosen = {}, []
    for setting, (rate, peak) in rates.items():
        rows = len(splits[setting](run.seeds[0]).train)
        large = min(LARGE_BATCH, rows)
        own = _arms(rate, peak, epochs[setting], large, weight_decay)
        arms |= {(setting, arm): condition for arm, condition in own.items()}
        on_border = bool({rate, peak} & {RATES[0], RATES[-1]})
        chosen.append((setting, rate, peak, on_border, math.ceil(rows / BATCH_SIZE) * epochs[setting], large))
    ends = _ends(train(arms, run.seeds))
    chosen = pd.DataFrame(chosen, columns=["setting", CONSTANT, CYCLE, "on_border", "updates", "large_batch"])
    chosen = chosen.assign(weight_decay=weight_decay, label_noise=label_noise)
    return {"ends": ends, "rates": chosen, **_compared(ends)}


def _one_cycle(peak: float, epochs: int):
    return OneCycle.smith(peak, total=epochs, momentum_range=None).per_update()


def _tuned(train, epochs: dict, seeds) -> dict[str, tuple[float, float]]:
    """`TUNED` anew: both kinds try the same rates on the same seeds."""
    trials = {}
    for setting in EPOCHS:
        for rate in RATES:
            trials[setting, f"{CONSTANT}@{rate}"] = {"learning_rate": rate}
            trials[setting, f"{CYCLE}@{rate}"] = {"learning_rate": _one_cycle(rate, epochs[setting])}
    curves = train(trials, seeds)
    kind = curves.arm.str.split("@", expand=True)
    trials = curves.assign(arm=list(zip(curves.setting, kind[0], strict=True)), rate=kind[1].astype(float))
    best = {row.arm: row.rate for row in best_rates(trials).itertuples()}
    return {setting: (best[setting, CONSTANT], best[setting, CYCLE]) for setting in EPOCHS}


def _arms(rate: float, peak: float, epochs: int, large: int, weight_decay: float) -> dict[str, dict]:
    """Every arm of one setting, from its two rates and its large batch."""
    cycle, quarter = _one_cycle(peak, epochs), max(1, epochs // 4)
    return {
        CONSTANT: {"learning_rate": rate},
        SMALL: {"learning_rate": rate / 10},
        RISING: {"learning_rate": Triangular(rate / 10, rate, step_size=epochs).per_update()},
        STEPS: {"learning_rate": StepDecay(rate, factor=0.3, every=epochs / 3).per_update()},
        DECAY: {"learning_rate": rate, "weight_decay": weight_decay},
        CYCLE: {"learning_rate": cycle},
        DECAYED: {"learning_rate": cycle, "weight_decay": weight_decay},
        QUARTER: {"learning_rate": _one_cycle(peak, quarter), "epochs": quarter},
        LARGE: {"learning_rate": rate, "batch_size": large},
        LARGE_SCALED: {"learning_rate": rate * large / BATCH_SIZE, "batch_size": large},
    }


def _ends(curves: pd.DataFrame) -> pd.DataFrame:
    """Test loss after each run's last epoch, a guess's where it diverged."""
    last = curves[curves.epoch == curves.groupby(["setting", "arm", "seed"]).epoch.transform("max")]
    sound = ~last.diverged & np.isfinite(last.test_loss)
    ends = last.assign(test_loss=last.test_loss.where(sound, last.chance_loss), diverged=~sound)
    return ends[["setting", "arm", "seed", "test_loss", "chance_loss", "diverged"]].reset_index(drop=True)


def _compared(ends: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The verdict of each contrast in each setting, what a row's settings have in common, and how many rows differ."""
    loss = ends.pivot(index="seed", columns=["setting", "arm"], values="test_loss")
    cells, rows = [], []
    for name, (favoured, rival) in CONTRASTS.items():
        settings = {}
        for setting in EPOCHS:
            settings[setting] = (loss[setting, rival] - loss[setting, favoured]).to_numpy()
            judged = paired_verdict(settings[setting], DELTA)
            low, high = judged.interval or (np.nan, np.nan)
            cells.append((name, setting, judged.verdict, judged.effect, low, high, judged.n))
        values = list(settings.values())
        words = {word for row, _, word, *_ in cells if row == name}
        chance = words_disagree(values, delta=DELTA)
        rows.append((name, len(words) > 1, chance, same_effect(values).p, same_sign(values).p))
    rows = pd.DataFrame(rows, columns=["contrast", "words_disagree", "chance", "p_effect", "p_sign"])
    rows = rows.assign(effects_differ=keep_discoveries(rows.p_effect), signs_differ=keep_discoveries(rows.p_sign))
    overall = pd.DataFrame(
        {
            "rows": [len(rows)],
            "disagreeing": [int(rows.words_disagree.sum())],
            "expected": [rows.chance.sum()],
            "differing": [int(rows.effects_differ.sum())],
            "crossing": [int(rows.signs_differ.sum())],
        }
    )
    overall = overall.assign(
        most_disagree=overall.disagreeing > overall.rows / 2,
        some_differ=overall.differing > 0,
        some_cross=overall.crossing > 0,
    )
    columns = ["contrast", "setting", "word", "effect", "low", "high", "n"]
    return {"cells": pd.DataFrame(cells, columns=columns), "rows": rows, "overall": overall}


def draw(tables: dict[str, pd.DataFrame]):
    """A tile with verdict and effect for each recommendation and setting; beside each row,
    whether its effects differ.
    """
    cells, rows, overall = tables["cells"], tables["rows"], tables["overall"].iloc[0]
    rates = tables["rates"]
    updates, setting = rates.updates, rates.iloc[0]
    smaller = [f"{row.large_batch} on {row.setting}" for row in rates.itertuples() if row.large_batch < LARGE_BATCH]
    border = list(rates.setting[rates.on_border])
    fig, (ax, side) = plots.figure(1, 2, size=(9, 6.4), width_ratios=[5, 3.3], sharey=True)
    shown = cells.assign(text=(cells.effect / DELTA).map(_short), setting=cells.setting.str.replace(" ", "\n"))
    verdict_tiles(ax, shown, row="contrast", column="setting", text="text")
    ax.xaxis.tick_top()
    with plots.style():
        columns = {"words differ\nby chance": 0, "one effect?\np": 1, "one sign?\np": 2}
        for at, entry in enumerate(rows.itertuples()):
            for x, text, marked in (
                (0, f"{100 * entry.chance:.0f} %", False),
                (1, _p(entry.p_effect), entry.effects_differ),
                (2, _p(entry.p_sign), entry.signs_differ),
            ):
                side.text(
                    x, at, text, ha="center", va="center", fontsize=9.5, fontweight="bold" if marked else "normal"
                )
        side.set_xticks(list(columns.values()), list(columns), fontsize=9)
        side.xaxis.tick_top()
        side.set_xlim(-0.5, 2.5)
        side.grid(visible=False)
        side.tick_params(length=0, labelleft=False)
        side.spines[:].set_visible(False)
        fig.legend(handles=legend_handles(), loc="outside upper center", ncols=5, fontsize=9.5, handlelength=1.3)
    plots.caption(
        fig,
        f"Tiles: gain of the recommendation in test loss, in δ = 0.01 nats. Words differ in {overall.disagreeing:.0f} "
        f"of {overall.rows:.0f} rows; if each row had one effect, {overall.expected:.1f} would. Bold: effects (signs) "
        "differ beyond chance (Welch; Gail and Simon; Benjamini–Hochberg over the rows at 5 %). SGD, batches "
        f"of {BATCH_SIZE} (large: {', '.join([str(LARGE_BATCH), *smaller])}), {updates.min()}–{updates.max()} "
        "updates; constant rate and peak of the cycle tuned in each setting, which the other arms borrow"
        f"{', at the end of the grid for ' + ', '.join(border) if border else ''}. Decay {setting.weight_decay:g}; "
        f"{setting.label_noise:.0%} wrong labels. MLP with 64 units; convnet with 8 and 16 maps. "
        f"{plots.seeds_text(tables['ends'])}.",
    )
    return fig


def _short(number: float) -> str:
    digits = 1 if abs(number) < 9.95 else 0
    return f"{number:+.{digits}f}".replace("-", "−")


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


# no rule of judgement fits a table of verdicts: its p values are in the figure
_NO_INTERVAL = "This is one yes or no over all the seeds, without an interval: other seeds may answer otherwise."

CLAIMS = (
    Claim(
        "7.7-a/words",
        "Tried in five settings, most recommendations are given verdicts that disagree.",
        exact(measured="most_disagree", expected=True, table="overall"),
        expected=EXACT,
        ask="Ten recommendations in five settings each. In how many rows will all five verdicts be the same word?",
        why="Each verdict has noise of its own, and words have borders: settings with one effect already part there.",
        beware="So this says next to nothing about the recommendations. The column beside the tiles gives the chance "
        "that words differ although the effect is one and the same. " + _NO_INTERVAL,
    ),
    Claim(
        "7.7-a/effects",
        "At least one recommendation has different effects in the five settings, beyond chance.",
        exact(measured="some_differ", expected=True, table="overall"),
        expected=EXACT,
        ask="Which of these rows would you expect to differ by more than noise?",
        why="How far a loss can still fall, how long a run is against what the network needs, how much there is to "
        "overfit: all of that differs between the settings, and the effects hang on it.",
        beware="A common effect is common on one scale. Effects in nats that differ may agree as ratios, since the "
        "settings end at losses far apart; a sign is a sign on any scale. And these are short runs of small networks, "
        "in which every arm but two borrows its rate. " + _NO_INTERVAL,
    ),
    Claim(
        "7.7-a/signs",
        "At least one recommendation helps in one setting and harms in another, beyond chance.",
        exact(measured="some_cross", expected=True, table="overall"),
        expected=EXACT,
        ask="Contradictory advice needs more than effects of different sizes. Does any row change its sign?",
        why="A recommendation that trades fitting for restraint can pay where there is something to overfit and cost "
        "where the run is too short to fit; whether that stands out of the noise is another question.",
        beware="Two readers who each tried one setting would both be right, and both be wrong about the other's. "
        + _NO_INTERVAL,
    ),
    Claim(
        "7.7-a/depends",
        "Weight decay gains more where labels are wrong than where they are right.",
        contrast(
            "test_loss",
            first=((NOISE, CONSTANT), (NOISE, DECAY)),
            second=((DIGITS, CONSTANT), (DIGITS, DECAY)),
            by=("setting", "arm"),
            table="ends",
        ),
        expected=HOLDS,
        ask="The same network, images and decay. What changes if a fifth of the training labels is wrong?",
        why="To learn a wrong label by heart takes large weights, and decay makes them dear. But a short run has "
        "hardly begun to learn them by heart, and at a constant rate smaller weights make each step relatively larger.",
        beware="“It depends” is a claim by itself: it needs the difference between the two gains, not one verdict that "
        "holds beside one that does not.",
    ),
)
