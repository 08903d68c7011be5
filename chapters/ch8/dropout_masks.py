"""8.4.3 The masks of dropout (드롭아웃의 마스크)

Dropout silences random nodes in training. The text draws them for each mini-batch, by a binomial distribution. Put
exactly: each node tosses a coin of its own, which is a Bernoulli distribution, and binomial is what the *number* of
dropped nodes then is. And in Keras, as in the paper, every sample has a mask of its own, not every mini-batch. That
matters: within a batch masks average out as 1/√B, while one mask for all of a batch never does.
"""

import math

import numpy as np
import pandas as pd
from scipy import stats

from textbook import plots
from textbook.experiment import HOLDS, VIOLATED, Claim, Run, exact, share, slope
from textbook.seeding import word

ENTRIES = ("8.4.3-a",)
DATA = "none"

_OWN, _SHARED = "a mask for each sample", "one mask for the batch"
_BATCHES = (1, 4, 16, 64, 256)
_DRAWN = (5, 6, 6, 3)  # nodes of the network in the figure
_IMPROBABLE = 0.01  # below this p-value the counts do not fit


def measure(
    run: Run, *, rate: float = 0.4, units: int = 20, samples: int = 4096, repeats: int = 256
) -> dict[str, pd.DataFrame]:
    """Read the masks of Keras's Dropout off its outputs for ones, and count.

    Args:
        rate: p, the share of the nodes to drop.
        units: of the layer.
        samples: whose masks are counted.
        repeats: batches of each size.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    def masks(shape, purpose: str, *, seed: int, shared: bool = False) -> np.ndarray:
        """Where a fresh Dropout gave 0; with `shared`, one mask along the last axis but one."""
        noise_shape = (*[None] * (len(shape) - 2), 1, None) if shared else None
        layer = keras.layers.Dropout(rate, noise_shape=noise_shape, seed=word(seed, purpose))
        return keras.ops.convert_to_numpy(layer(np.ones(shape, "float32"), training=True)) == 0

    counts, batches = [], []
    for seed in run.seeds:
        dropped = masks((samples, units), "samples", seed=seed)
        counts.append(_counted(dropped, rate).assign(seed=seed))
        for way in (_OWN, _SHARED):
            for size in _BATCHES:
                each = masks((repeats, size, units), f"batches of {size}", seed=seed, shared=way == _SHARED)
                batches.append((way, seed, size, _different(each[0]), float(each.mean(axis=1).std())))
    found = pd.concat(counts, ignore_index=True)
    columns = ["way", "seed", "batch_size", "masks", "noise"]
    table = pd.DataFrame(batches, columns=columns)
    return {
        "counts": found.drop(columns=["p_units", "p_count"]).assign(rate=rate, units=units, samples=samples),
        "fits": _fits(found),
        # to one mask for the batch, as the text has it
        "batches": table.assign(one=1, theory=math.sqrt(rate * (1 - rate)) / np.sqrt(table.batch_size)),
        "network": _network(masks, run.seeds[0]),
    }


def _counted(dropped: np.ndarray, rate: float) -> pd.DataFrame:
    """How many samples lose k nodes, beside the binomial; and how well that and the single nodes' numbers fit."""
    samples, units = dropped.shape
    k = np.arange(units + 1)
    observed, expected = np.bincount(dropped.sum(axis=1), minlength=units + 1), stats.binom.pmf(k, units, rate)
    per_unit = dropped.sum(axis=0)
    # each node's own two cells, dropped and kept: one degree of freedom a node
    chi_square = ((per_unit - samples * rate) ** 2 / (samples * rate * (1 - rate))).sum()
    return pd.DataFrame({"dropped": k, "observed": observed / samples, "binomial": expected}).assign(
        p_units=stats.chi2.sf(chi_square, units), p_count=_p_value(observed, samples * expected)
    )


def _p_value(observed: np.ndarray, expected: np.ndarray) -> float:
    """Pearson's test with the tails pooled into cells that expect five samples or more."""
    often = np.flatnonzero(expected >= 5)
    inner = slice(often[0] + 1, often[-1])

    def pooled(values):
        return np.concatenate([[values[: inner.start].sum()], values[inner], [values[inner.stop :].sum()]])

    observed, expected = pooled(observed), pooled(expected)
    return float(stats.chi2.sf(((observed - expected) ** 2 / expected).sum(), len(expected) - 1))


def _fits(found: pd.DataFrame) -> pd.DataFrame:
    each = found.groupby("seed", as_index=False)[["p_units", "p_count"]].first()
    return each.assign(units_fit=each.p_units > _IMPROBABLE, count_fits=each.p_count > _IMPROBABLE)


def _different(dropped: np.ndarray) -> int:
    """The number of different masks in a batch."""
    return len(np.unique(dropped, axis=0))


def _network(masks, seed: int) -> pd.DataFrame:
    """Two samples of one mini-batch, and which nodes of the hidden layers are dropped for each."""
    rows = []
    for layer, nodes in enumerate(_DRAWN):
        hidden = 0 < layer < len(_DRAWN) - 1
        dropped = masks((2, nodes), f"layer {layer}", seed=seed) if hidden else np.zeros((2, nodes), bool)
        rows += [(s + 1, layer, node, bool(dropped[s, node])) for s in range(2) for node in range(nodes)]
    return pd.DataFrame(rows, columns=["sample", "layer", "node", "dropped"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the network for two samples of a mini-batch, dropped nodes crossed; below, how many nodes are dropped
    beside the binomial, and how masks average out in a batch.
    """
    counts, batches = tables["counts"], tables["batches"]
    fig, axes = plots.figure(2, 2, height_ratios=[1, 1.15])
    for ax, (sample, nodes) in zip(axes[0], tables["network"].groupby("sample"), strict=True):
        _draw_network(ax, nodes)
        ax.set_title(f"sample {sample} of a mini-batch")
    number, noise = axes[1]
    by_count = counts.groupby("dropped")[["observed", "binomial"]].mean()
    number.bar(by_count.index, by_count.observed, color=plots.look(0)["color"], alpha=0.6, label="Keras")
    number.plot(by_count.index, by_count.binomial, "o", color="#222222", markersize=4, label="binomial")
    number.legend(loc="upper right", handlelength=1.2)
    first = counts.iloc[0]
    number.set(xlabel=f"dropped nodes of {first.units:.0f}", ylabel="share of samples", ylim=(0, None))
    number.set_ylim(0, 1.25 * number.get_ylim()[1])
    plots.band(noise, batches, x="batch_size", y="noise", hue="way", log=True, names="none")
    theory = batches[batches.way == _OWN].groupby("batch_size").theory.first()
    noise.plot(theory.index, theory, ":", color="#222222", linewidth=1.4)
    for place, (name, at, side) in enumerate(((_OWN, _BATCHES[1], (4, 8)), (_SHARED, _BATCHES[1], (4, -14)))):
        height = batches[(batches.way == name) & (batches.batch_size == at)].noise.mean()
        noise.annotate(name, (at, height), side, textcoords="offset points", fontsize=10,
                       color=plots.look(place)["color"])  # fmt: skip
    plots.log_axis(noise, "x", at=_BATCHES)
    plots.log_axis(noise, "y")
    noise.set(xlabel="batch size B", ylabel="sd of a node's dropped\nshare of the batch")
    plots.caption(
        fig,
        f"Keras's Dropout with p = {first.rate:g}. Crossed: dropped. Left: {first.samples:.0f} samples a seed. Right: "
        f"dotted, √(p(1 − p)/B); bands 95 %. {plots.seeds_text(counts)}",
    )
    return fig


def _draw_network(ax, nodes: pd.DataFrame) -> None:
    """Circles and their connections; a dropped node is crossed and has none."""
    sizes = nodes.groupby("layer").node.size()
    place = {(n.layer, n.node): (n.layer, n.node - (sizes[n.layer] - 1) / 2) for n in nodes.itertuples()}
    kept = [(n.layer, n.node) for n in nodes.itertuples() if not n.dropped]
    for one in kept:
        for other in (other for other in kept if other[0] == one[0] + 1):
            ax.plot(
                *zip(place[one], place[other], strict=True),
                color="#9fb2c4",
                linewidth=0.7,
                linestyle="-",
                marker="",
                zorder=1,
            )
    for (layer, node), (x, y) in place.items():
        dropped = (layer, node) not in kept
        ax.plot(x, y, "o", color="white" if dropped else plots.COLOURS[0], markersize=12, zorder=2,
                markeredgecolor="#999999" if dropped else "#222222", markeredgewidth=1)  # fmt: skip
        if dropped:
            ax.plot(x, y, "x", color="#999999", markersize=8, markeredgewidth=1.6, zorder=3)
    ax.set(xlim=(-0.35, len(sizes) - 0.65), ylim=(-3.1, 3.1))
    ax.axis("off")


_PAPER = "Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), JMLR 15, 1929–1958, section 4"

CLAIMS = (
    Claim(
        "8.4.3-a/bernoulli",
        "Every single node is dropped with probability p: in most seeds the numbers of the nodes fit that "
        "(chi-square, above 1 %).",
        share("units_fit", table="fits"),
        expected=HOLDS,
        ask="Does a layer with p = 0.4 drop some nodes more often than others?",
        why="Each node of each sample compares a random number of its own with p.",
        beware="Random numbers that fit fail such a test as well, once in a hundred.",
    ),
    Claim(
        "8.4.3-a/binomial",
        "The number of nodes that a sample loses is binomially distributed (chi-square, above 1 %, in most seeds).",
        share("count_fits", table="fits"),
        expected=HOLDS,
        ask="Twenty nodes and p = 0.4: do all samples lose eight of them?",
        why="The number of heads among n independent coins is binomial, here with mean np and variance np(1 − p).",
        beware="In a narrow layer the number varies widely, and now and then all nodes are dropped.",
        correction="Each node is kept or dropped by a Bernoulli distribution, independent of the others. Binomial is "
        "the number of dropped nodes that this leads to.",
        reference=_PAPER,
    ),
    Claim(
        "8.4.3-a/one-mask",
        "All samples of a mini-batch lose the same nodes: a batch has one mask.",
        exact(measured="masks", expected="one", table="batches", where={"way": _OWN, "batch_size": 64}),
        expected=VIOLATED,
        ask="Sixty-four samples go through a Dropout layer at once. How many different masks do they get?",
        why="The mask has the shape of the layer's input, samples included.",
        beware="Keras can do it otherwise: noise_shape=(1, n) draws one mask for the whole batch.",
        correction="Every sample is given a mask of its own, each time anew.",
        reference=_PAPER + " and section 5.1; Keras: Dropout",
    ),
    Claim(
        "8.4.3-a/average",
        "With a mask for each sample, the share of a batch in which a node is dropped scatters as 1/√B.",
        slope("noise", over="batch_size", theory=-0.5, table="batches", where={"way": _OWN}),
        expected=HOLDS,
        ask="How much does a batch sixteen times as large reduce the noise that dropout adds to its gradient?",
        why="It is a mean over B independent coins. With one mask for the batch there is one coin, however large B is.",
        beware="So large batches do not only take the noise of sampling out of the gradient, but that of dropout too.",
    ),
)
