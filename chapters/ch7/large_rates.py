"""7.3 Large rates and other regularisation (큰 학습률과 다른 정칙화)

A very large learning rate is said to regularise by itself, so that weight decay and dropout have to be reduced beside
it, and that this makes the training efficient. If so, what they gain must shrink as the rate grows. Each rate here is
the highest of a 1cycle, and each meets every pair of weight decay and dropout. That a regulariser helps less is a
contrast between two rates. Where the best cell of each map lies says little: on a flat map it lies anywhere.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import REVERSED, Claim, Run, contrast, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import OneCycle

ENTRIES = ("7.3-h",)
DATA = "any"

# 0.4 is the last doubling at which all runs on the tuning block still learned; 0.8 is beyond
_SMALL, _LARGE, _BEYOND = 0.05, 0.4, 0.8
_RATES = (_SMALL, 0.2, _LARGE, _BEYOND)
_WEIGHT_DECAYS = (0.0, 1e-3, 3e-3, 1e-2)
_DROPOUTS = (0.0, 0.2, 0.5)


def measure(run: Run, *, rows: int = 256, hidden: int = 64, momentum: float = 0.9, epochs: int = 16) -> pd.DataFrame:
    """Train every highest rate with every weight decay and dropout, on few rows, where regularisation can matter.

    Weight decay is the classical one, of Smith's papers: w·θ joins the gradient of each kernel (Keras's L2 of w/2).

    Args:
        rows: for training.
        hidden: units of the hidden layer.
    """
    epochs, splits = run.epochs(epochs), run.splits("digits", (rows, 473, 300))
    arms = {
        f"{rate}|{decay}|{dropout}": (rate, decay, dropout)
        for rate in _RATES
        for decay in _WEIGHT_DECAYS
        for dropout in _DROPOUTS
    }
    conditions = {
        name: Condition(
            learning_rate=OneCycle(rate, total=epochs, momentum_range=None).per_update(),
            momentum=momentum,
            strengths={"l2": decay / 2, "rate": dropout},
        )
        for name, (rate, decay, dropout) in arms.items()
    }
    # built with both switched on: their numbers then differ within one graph
    build = functools.partial(mlp, hidden=(hidden,), l2=1e-3, dropout=0.5)
    curves = train_replicas(build, splits, conditions=conditions, seeds=run.seeds, epochs=epochs)
    last = curves[curves.epoch == curves.epoch.max()]
    named = pd.DataFrame([arms[name] for name in last.condition], columns=["rate", "decay", "dropout"])
    return named.assign(
        seed=last.seed.to_numpy(),
        test_loss=last.test_clean_loss.mask(last.diverged, last.chance_loss).to_numpy(),
        diverged=last.diverged.to_numpy(),
        chance_loss=last.chance_loss.to_numpy(),
        rows=len(splits(run.seeds[0]).train),
        hidden=hidden,
        momentum=momentum,
        epochs=epochs,
    )


def draw(table: pd.DataFrame):
    """A panel for each highest rate: the test loss by weight decay and dropout, as a shade and a number."""
    cells = table.assign(log=np.log(table.test_loss)).groupby(["rate", "decay", "dropout"]).log.mean()
    limits = tuple(np.exp([cells.min(), cells.max()]))
    fig, axes = plots.figure(2, 2, size=(7.0, 5.6), sharex=True, sharey=True)
    for number, (ax, (rate, rows)) in enumerate(zip(axes.flat, table.groupby("rate"), strict=True)):
        plots.heat_map(
            ax,
            rows,
            x="decay",
            y="dropout",
            value="test_loss",
            log=True,
            limits=limits,
            text="{:.2f}",
            label="test loss (nats)" if number % 2 else "",
        )
        ax.set_title(f"highest rate {rate:g}")
    for ax in axes[1]:
        ax.set_xlabel("weight decay")
    for ax in axes[:, 0]:
        ax.set_ylabel("dropout")
    first = table.iloc[0]
    plots.caption(
        fig,
        f"Digits, {first.rows} training rows, MLP with a hidden layer of {first.hidden}, SGD with momentum "
        f"{first.momentum:g}, 1cycle over {first.epochs} epochs. Geometric mean; one scale of colours. "
        f"{int(table.diverged.sum())} of {len(table)} runs diverged and count as a guess. {plots.seeds_text(table)}",
    )
    return fig


_BY = ("rate", "decay", "dropout")


def _less_at(rate: float, decay: float, dropout: float) -> contrast:
    """What a regulariser gains at the small rate, beyond what it gains at this one."""
    first, second = (((at, 0.0, 0.0), (at, decay, dropout)) for at in (_SMALL, rate))
    return contrast("test_loss", first=first, second=second, by=_BY)


CLAIMS = (
    Claim(
        "7.3-h/decay",
        "At a highest rate of 0.4 weight decay 0.003 gains less than at 0.05.",
        _less_at(_LARGE, 3e-3, 0.0),
        expected=REVERSED,
        ask="The large rate is said to regularise by itself. Is weight decay worth less beside it?",
        why="Within a fixed number of epochs decay acts by rate × decay × updates: at a small rate it has hardly "
        "begun, at a large one it holds the weights down.",
        beware="With training long enough for every rate, this part of the difference would go.",
    ),
    Claim(
        "7.3-h/dropout",
        "At a highest rate of 0.4 dropout 0.2 gains less than at 0.05.",
        _less_at(_LARGE, 0.0, 0.2),
        expected=REVERSED,
        ask="And dropout, whose strength does not depend on the rate?",
        why="Dropout's noise slows training, which a small rate can least afford.",
        beware="Dropout 0.5 is another matter than 0.2: see the top row of each map.",
    ),
    Claim(
        "7.3-h/beyond",
        "At a highest rate of 0.8, which is too large, weight decay 0.003 gains less than at 0.05.",
        _less_at(_BEYOND, 3e-3, 0.0),
        expected=REVERSED,
        ask="A rate twice as large does harm by itself. Does weight decay now get in the way?",
        why="Decay that pulls large weights back also keeps the steps of a large rate from growing with them.",
        beware="What helps a rate that is too large to be less harmful is no reason to use that rate.",
    ),
    Claim(
        "7.3-h/efficient",
        "At a highest rate of 0.4 training without weight decay and dropout ends with a lower test loss than with "
        "weight decay 0.003 and dropout 0.2.",
        paired("test_loss", lower=(_LARGE, 0.0, 0.0), than=(_LARGE, 3e-3, 0.2), by=_BY),
        expected=REVERSED,
        ask="Take the regularisation away at the large rate: does the training get better?",
        why="If the rate did all the regularising that is needed, anything more would be too much. On few rows there "
        "is more to do, and weight decay also steadies the steps of a rate near the edge.",
        beware="Smith reduces weight decay as well, from 0.001 to 0.0001, where the larger one diverged "
        "(arXiv:1803.09820): on large networks with batch norm, over many more updates.",
    ),
)
