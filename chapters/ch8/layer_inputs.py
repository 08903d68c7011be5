"""8.5 What a layer gets while its network learns (층의 입력과 공변량 변화)

Batch norm was proposed to solve covariate shift, says the text. Covariate shift proper is a change of the data from
training to use, with the same rule from inputs to labels; batch norm does nothing about that. What Ioffe and Szegedy
had in mind they called *internal* covariate shift: while the layers below learn, the distribution of what a layer gets
moves. Here it can be watched, update by update. With batch norm it moves much less in a step, but it is not held
fixed: mean and standard deviation become β and |γ|, which are learned. That this steadiness is what makes batch norm
useful is another matter, and the section on its speed in chapter 6 speaks against it.
"""

import numpy as np
import pandas as pd

from chapters.shared.batch_norm_grid import BATCH_NORM, NONE, SPEED, Training, batch_norm_arm
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, estimate, paired
from textbook.normalisation.drift import moment_drift

ENTRIES = ("8.5-b",)
DATA = "any"

_DEPTH, _LAYER = 4, 3  # the text's own example is a third layer that gets the outputs of the second
_ARMS = (NONE, BATCH_NORM)
_LOOKS = 6
_BINS = 28


def measure(run: Run, *, epochs: int = 10, target: float = 0.3) -> dict[str, pd.DataFrame]:
    """Train networks of four ReLU layers with and without batch norm and look at what the third layer gets.

    Args:
        target: training loss, in nats, by which the fastest rate is chosen.
    """
    drift, moved, shapes = [], [], []
    for arm in _ARMS:
        shared = run.shared(
            batch_norm_arm, arm=arm, probe=True, depth=_DEPTH, activation="relu", epochs=epochs, target=target
        )
        runs = shared["runs"][shared["runs"].tuned_for == SPEED]
        drift.append(shared["drift"])
        rate, width = runs.rate.iloc[0], int(runs.width.iloc[0])
        setting = {"arm": arm, "depth": _DEPTH, "activation": "relu", "width": width, "noise": (0.0, 1.0)}
        training = Training(run, run.seeds, **setting, batch_size=32, epochs=run.epochs(epochs), judged=True)
        seen: dict[int, np.ndarray] = {}
        sums: dict[int, np.ndarray] = {}

        def look(update, networks, rows, seen=seen, sums=sums):
            seen[update] = networks.inputs(rows)[_LAYER - 2]
            sums[update] = networks.sums(rows, _LAYER - 1)

        training.watch([(rate, seed) for seed in run.seeds], look)
        by_seed = {update: moment_drift(seen[0], values) for update, values in seen.items()}
        table = pd.DataFrame(by_seed, index=list(run.seeds)).rename_axis(index="seed", columns="update")
        moved.append(table.stack().rename("moved").reset_index().assign(arm=arm, rate=rate))
        shapes.append(_densities(sums).assign(arm=arm, seed=run.seeds[0]))
    drifts = pd.concat(drift, ignore_index=True)[["arm", "seed", "update", "layer", "drift", "width", "rows"]]
    ways = pd.concat(moved, ignore_index=True)
    return {
        "drift": drifts,
        "third": drifts[drifts.layer == _LAYER].reset_index(drop=True),
        "moved": ways,
        "end": ways[ways["update"] == ways["update"].max()].reset_index(drop=True),
        "shapes": pd.concat(shapes, ignore_index=True),
    }


def _densities(sums: dict[int, np.ndarray]) -> pd.DataFrame:
    """Histograms of one unit's sums in the first network, at some updates: of the unit that moved middling far."""
    first, last = sums[0][0], sums[max(sums)][0]
    ways = moment_drift(first.T[:, :, None], last.T[:, :, None])
    unit = np.argsort(ways)[len(ways) // 2]
    updates = sorted(sums)
    chosen = [updates[place] for place in np.unique(np.linspace(0, len(updates) - 1, _LOOKS).round().astype(int))]
    values = {update: sums[update][0][:, unit] for update in chosen}
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), _BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    return pd.concat(
        pd.DataFrame({
            "update": update, "value": middles, "share": np.histogram(of, edges)[0] / len(of),
            "mean": of.mean(), "sd": of.std(), "unit": unit, "rows": len(of),
        })
        for update, of in values.items()
    )  # fmt: skip


def draw(tables: dict[str, pd.DataFrame]):
    """Above, histograms of one unit's values at some updates without and with batch norm; below, how far a layer's
    inputs move, at once and in all.
    """
    shapes, drift, moved = tables["shapes"], tables["drift"], tables["moved"]
    looks = {arm: plots.look(number) for number, arm in enumerate(_ARMS)}
    fig, (above, below) = plots.figure(2, 2, size=(7, 7.6), height_ratios=[1.25, 1])
    for ax, arm in zip(above, _ARMS, strict=True):
        _ridge(ax, shapes[shapes.arm == arm], looks[arm]["color"])
        ax.set(title=arm, xlabel="what goes into one unit's ReLU")
    above[0].set_ylabel("updates made")
    above[1].sharey(above[0])
    layers, ways = below
    means = np.log(drift.drift.where(drift.drift > 0)).groupby([drift.arm, drift.layer, drift.seed], sort=False).mean()
    plots.band(
        layers, np.exp(means).reset_index(), x="layer", y="drift", hue="arm", looks=looks, log=True, names="none"
    )
    plots.log_axis(layers, "y")
    layers.set(
        xlabel="layer", ylabel="shift of its inputs (sd)", title="by one update", xticks=sorted(drift.layer.unique())
    )
    plots.band(ways, moved, x="update", y="moved", hue="arm", looks=looks, names="none")
    ways.set(xlabel="updates", ylabel="moved since the start (sd)", title=f"inputs of layer {_LAYER}")
    ways.set_ylim(bottom=0)
    layers.legend(loc="best", fontsize=9.5)
    first = shapes.iloc[0]
    rates = ", ".join(f"{arm} {rows.rate.iloc[0]:g}" for arm, rows in moved.groupby("arm", sort=False))
    plots.caption(
        fig,
        f"Digits, {drift['rows'].iloc[0]} training rows, MLP of {_DEPTH} × {drift.width.iloc[0]} ReLU units, plain "
        f"SGD, batch 32, each at its fastest rate ({rates}). Above: a unit of layer {_LAYER - 1} that moved middling "
        f"far, {first['rows']} training rows, seed {first.seed}; the bar is mean ± sd. Below: mean and sd of all "
        f"units, 95 % bands; {plots.seeds_text(moved)}.",
    )
    return fig


def _ridge(ax, table: pd.DataFrame, colour: str) -> None:
    updates = sorted(table["update"].unique())
    for place, update in enumerate(updates):
        rows = table[table["update"] == update]
        height = 0.85 * rows.share / rows.share.max()
        ax.fill_between(rows.value, place, place - height, step="mid", color=colour, alpha=0.35, linewidth=0)
        ax.step(rows.value, place - height, where="mid", color=colour, linewidth=1.1, linestyle="-", marker="")
        mean, sd = rows["mean"].iloc[0], rows.sd.iloc[0]
        ax.plot([mean - sd, mean + sd], [place + 0.06] * 2, color="#222222", linewidth=1.6, linestyle="-", marker="")
        ax.plot(mean, place + 0.06, "o", color="#222222", markersize=4)
    ax.set_yticks(range(len(updates)), [str(update) for update in updates])
    ax.set_ylim(len(updates) - 0.7, -1)


_CONTESTED = (
    "Covariate shift is a change of p(x) from training to use while p(y|x) stays; batch norm does not address it. It "
    "was proposed against internal covariate shift, the drift of a layer's inputs while the layers below learn, and "
    "whether that is why it works is contested. Mean and spread are not held fixed either: they become β and |γ|, "
    "which are learned."
)
_REFERENCE = "Ioffe and Szegedy (2015), arXiv:1502.03167; Santurkar et al. (2018), arXiv:1805.11604"

CLAIMS = (
    Claim(
        "8.5-b/step",
        "Batch norm keeps what a layer gets steadier: one update moves the inputs of the third layer less than "
        "without.",
        paired("drift", lower=BATCH_NORM, than=NONE, by="arm", table="third", mean_over="update", scale="log"),
        expected=HOLDS,
        ask="The network with batch norm takes larger steps. Do the inputs of its third layer move more for that, or "
        "less?",
        why="Whatever an update of the layers below does to a unit's mean and spread is taken out by the next batch. "
        "What is left are changes of β, γ and of the shape.",
        beware="A smaller internal shift has nothing to do with data that change from training to use. That is "
        "covariate shift proper, and batch norm's moving averages are then wrong.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "8.5-b/fixed",
        "With batch norm, mean and variance of what a layer gets stay fixed: over the whole training the inputs of the "
        "third layer move by less than a tenth of their spread.",
        estimate("moved", below=0.1, unit="sd", delta=0.01, table="end", where={"arm": BATCH_NORM}),
        expected=REVERSED,
        ask="Normalised at every batch: are mean and spread the same at the end as at the start?",
        why="Behind batch norm a unit has mean β and standard deviation |γ|, and both are learned like any weight.",
        beware="Fixed at 0 and 1 are only the values before β and γ. Without these two the claim would be true of what "
        "goes into the activation, though not of what comes out.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "8.5-b/way",
        "Over the whole training, too, the inputs of the third layer move less far with batch norm than without.",
        paired("moved", lower=BATCH_NORM, than=NONE, by="arm", table="end", scale="log"),
        expected=HOLDS,
        ask="From the first update to the last: which network's third layer ends up with inputs unlike those it began "
        "with?",
        why="Without batch norm nothing keeps the signals at their first size, and they usually grow as the loss "
        "falls.",
        beware="Moving is not bad by itself: a layer that learns gives other outputs than before. Batch norm's network "
        "has the lower loss here.",
    ),
)
