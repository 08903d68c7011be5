"""8.5 Batch norm, depth and generalisation (배치 정규화와 깊이)

Other regularisers hinder training to help generalisation, says the text, while batch norm speeds training up
dramatically and improves generalisation greatly at once. Here networks of one to eight hidden layers are trained with
and without it, each at its own best rate. How much faster it is may depend on the depth. What it does for other images
has two parts that are easily mixed up: after equally many epochs the network that learns faster has learnt more, and
where both have the same training loss there may be little left of its lead. Batch norm is no regulariser by design.
"""

import pandas as pd

from chapters.shared.batch_norm_grid import BATCH_NORM, NONE, SPEED, VALIDATION, batch_norm_arm
from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, contrast, paired

ENTRIES = ("8.5-a",)
DATA = "any"

_ARMS = (NONE, BATCH_NORM)
_PROBED = 4  # the depth that other sections look into: measured with their probes, it is measured once


def measure(
    run: Run, *, depths: tuple[int, ...] = (1, 2, 4, 8), epochs: int = 10, target: float = 0.3
) -> dict[str, pd.DataFrame]:
    """Tune and train ReLU networks of several depths with and without batch norm.

    Args:
        depths: hidden layers of 64 units.
        epochs: of each network.
        target: training loss, in nats, that the updates are counted to.
    """
    found = [
        run.shared(
            batch_norm_arm,
            arm=arm,
            probe=depth == _PROBED,
            depth=depth,
            activation="relu",
            epochs=epochs,
            target=target,
        )
        for depth in depths
        for arm in _ARMS
    ]
    runs = pd.concat([tables["runs"] for tables in found], ignore_index=True)
    return {
        "speed": runs[runs.tuned_for == SPEED].reset_index(drop=True),
        "best": runs[runs.tuned_for == VALIDATION].reset_index(drop=True).assign(epochs=run.epochs(epochs)),
    }


def draw(tables: dict[str, pd.DataFrame]):
    """Against the number of hidden layers, without and with batch norm: updates to the target, the fastest rates,
    accuracy at the end, and the test loss at equal training loss.
    """
    speed, best = tables["speed"], tables["best"]
    looks = {arm: plots.look(number) for number, arm in enumerate(_ARMS)}
    target, depths = speed.target.iloc[0], sorted(speed.depth.unique())
    fig, ((updates, rates), (accuracy, matched)) = plots.figure(2, 2, sharex=True)
    plots.band(updates, speed, x="depth", y="updates", hue="arm", looks=looks, log=True, names="none")
    plots.log_axis(updates, "y")
    updates.set(ylabel=f"updates to training loss {target:g}", title="how soon")
    for arm in _ARMS:
        mine = speed[speed.arm == arm].groupby("depth").rate.first()
        rates.plot(mine.index, mine, **looks[arm])
    plots.log_axis(rates, "y", at=(0.01, 0.03, 0.1, 0.3, 1, 3))
    rates.set(ylabel="fastest learning rate", title="at which rate", ylim=(0.008, 4))
    percent = best.assign(percent=100 * best.test_accuracy)
    plots.band(accuracy, percent, x="depth", y="percent", hue="arm", looks=looks, names="none")
    accuracy.set(ylabel="test accuracy (%)", title=f"after {best.epochs.iloc[0]} epochs")
    plots.band(matched, speed, x="depth", y="matched_test_loss", hue="arm", looks=looks, names="none")
    matched.set(ylabel="test loss (nats)", title=f"at training loss {target:g}")
    for ax in (accuracy, matched):
        ax.set_xlabel("hidden layers")
        plots.log_axis(ax, "x", at=depths)
    fig.legend(*updates.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    late = speed[~speed.arrived].groupby(["depth", "arm"], sort=False).size()
    named = ", ".join(f"{count} with {_layers(depth)}, {arm}" for (depth, arm), count in late.items()) or "none"
    first, ends = speed.iloc[0], pd.concat([speed, best])
    border = ", ".join(f"{_layers(depth)}, {arm}" for depth, arm in ends[ends.border].groupby(["depth", "arm"]).groups)
    plots.caption(
        fig,
        f"Digits, {first['rows']} training rows, MLPs of {first.width} ReLU units a layer, plain SGD, batch "
        f"{first.batch_size}. Rates chosen on other seeds: for speed, and (accuracy) by validation loss; at the end of "
        f"the grid: {border or 'none'}. Not there after {first.total} updates, and counted so: {named}. Means (above: "
        f"geometric), 95 % bands; {plots.seeds_text(speed)}.",
    )
    return fig


def _layers(depth: int) -> str:
    return "1 layer" if depth == 1 else f"{depth} layers"


_BY = ("depth", "arm")
_CONTESTED = (
    "How much batch norm speeds training up depends on depth, initial weights and learning rate. It was not designed "
    "as a regulariser; the noise of batch statistics has a small effect of that kind, small batches hurt, and much of "
    "what looks like better generalisation after equally many epochs is faster training."
)
_REFERENCE = (
    "Ioffe and Szegedy (2015), arXiv:1502.03167; Bjorck, Gomes, Selman and Weinberger (2018), arXiv:1806.02375; "
    "Santurkar et al. (2018), arXiv:1805.11604"
)


def _twice_as_fast(depth: int):
    return paired(
        "updates", lower=(depth, BATCH_NORM), than=(depth, NONE), by=_BY, table="speed", scale="log", delta=2.0
    )


def _better(depth: int, points: float):
    return paired("test_accuracy", higher=(depth, BATCH_NORM), than=(depth, NONE), by=_BY, table="best", delta=points)


CLAIMS = (
    Claim(
        "8.5-a/deep",
        "Batch norm speeds training up dramatically: with eight hidden layers it at least halves the updates to a "
        "training loss of 0.3, each network at its own best rate.",
        _twice_as_fast(8),
        expected=HOLDS,
        ask="Eight layers, plain gradient descent, the best rate for each. What is batch norm worth, in updates?",
        why="Through eight layers every change multiplies, so that without batch norm large rates are not stable.",
        beware="Weights start as He and others draw them, which was not usual when batch norm was proposed. With worse "
        "initial weights it gains more.",
    ),
    Claim(
        "8.5-a/shallow",
        "The same with a single hidden layer.",
        _twice_as_fast(1),
        expected=HOLDS,
        ask="One hidden layer has no layers below it that could shift its inputs. Is there anything to gain?",
        why="There is one normalised layer here too: its units get sums of one size, centred, whatever the pixels are, "
        "and the output layer can be trained at a larger rate.",
        beware="Pixels are all positive and not centred. Standardised inputs would give a part of the gain without "
        "batch norm.",
    ),
    Claim(
        "8.5-a/depends",
        "The deeper the network, the more it gains: the ratio of updates without and with batch norm is larger with "
        "eight hidden layers than with one.",
        contrast(
            "updates",
            first=((8, NONE), (8, BATCH_NORM)),
            second=((1, NONE), (1, BATCH_NORM)),
            by=_BY,
            table="speed",
            scale="log",
        ),
        expected=HOLDS,
        ask="Does one factor describe what batch norm gains, or does it depend on the network?",
        why="What multiplies through the layers, signals and gradients of the wrong size, grows with the depth. But a "
        "shallow network gains as well: pixels are all positive, and batch norm centres what comes of them.",
        beware="A run that does not arrive counts with the updates it made: the gain of deep networks is then larger "
        "than it looks.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "8.5-a/greatly",
        "Batch norm improves generalisation greatly, by two points of test accuracy or more, even with a single hidden "
        "layer.",
        _better(1, 2.0),
        expected=NO_DIFFERENCE,
        ask="One hidden layer trains well without batch norm. How many more images does it get right with it?",
        why="Two things add up in this number: the slight noise of batch statistics, which may regularise, and the "
        "lead in training after equally many epochs.",
        beware="Within two points either way would count as no difference: the text says greatly. After so few epochs "
        "the network without batch norm is not done with training; look also at the panel at equal training loss.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "8.5-a/greatly-deep",
        "With eight hidden layers and equally many epochs it does: two points of test accuracy or more.",
        _better(8, 2.0),
        expected=HOLDS,
        ask="And with eight hidden layers, each network at the rate that suits it best?",
        why="After equally many epochs the network that learns more slowly has learnt less. That is not overfitting: "
        "its training loss is higher too.",
        beware="Equal epochs favour whoever is faster. Longer training takes much of this difference away.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "8.5-a/matched",
        "It generalises better also where both have learnt equally much: at a training loss of 0.3 the test loss is "
        "lower with batch norm (four hidden layers).",
        paired("matched_test_loss", lower=(4, BATCH_NORM), than=(4, NONE), by=_BY, table="speed"),
        expected=HOLDS,
        ask="Stop each network when its training loss is 0.3, whenever that is. Whose test loss is lower?",
        why="It sets the speed aside. What is left is what batch norm itself, its noise and its large steps, does to "
        "the solution.",
        beware="An early moment of the training, passed in great steps by one network and in small ones by the other. "
        "Later ones might differ.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
)
