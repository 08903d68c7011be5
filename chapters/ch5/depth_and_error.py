"""5.1 Deeper networks, larger errors? (상대 오차와 깊이)

The text allows a deeper network a larger relative error, since errors add up over the layers. In single precision that
matters: every layer rounds once more, and the difference of two losses makes the rounding large. In double precision
they grow by no larger a factor, and from so far below that no limit is near. So a large error that a float32 check
of ten layers may be forgiven is no excuse for one in float64.
"""

import numpy as np
import pandas as pd

from chapters.shared.loss_differences import along
from chapters.shared.small_network import SmallNetwork
from textbook import plots
from textbook.checks import numerical_gradient, relative_error
from textbook.experiment import HOLDS, Claim, Run, share, trend
from textbook.seeding import stream

ENTRIES = ("5.1-c",)
DATA = "digits"

_PRECISIONS = {"single": "float32", "double": "float64"}


def measure(
    run: Run,
    *,
    depths: tuple[int, ...] = (1, 2, 4, 6, 8, 10),
    units: int = 20,
    rows: int = 3,
    coordinates: int = 5,
    limit: float = 1e-6,
) -> dict[str, pd.DataFrame]:
    """Check correct gradients of networks of every depth with centred differences, in both precisions.

    Args:
        depths: numbers of hidden layers.
        units: of each hidden layer.
        rows: digits in the loss.
        coordinates: weights checked of every kernel and every vector of biases, among those with a gradient.
        limit: relative error that no weight of a smooth network in double precision may exceed.
    """
    splits, table = run.splits("digits"), []
    for seed in run.seeds:
        part = splits(seed).train
        data = {"x": part.x[:rows], "labels": part.y[:rows], "classes": 10}
        for activation in ("tanh", "relu"):
            for depth in depths:
                network = {"hidden": (units,) * depth, "activation": activation}
                exact = SmallNetwork(**data, **network)
                random = stream(seed, "weights")
                weights = exact.initial(random)
                true = exact.gradient(weights)
                chosen = _some_of_each(exact, true, coordinates, random)
                for name, dtype in _PRECISIONS.items():
                    rough = SmallNetwork(**data, **network, dtype=dtype)
                    h = float(np.cbrt(np.finfo(dtype).eps))  # near the best step of a centred difference
                    found = numerical_gradient(along(rough, weights, chosen), weights[chosen], h=h)
                    errors = relative_error(true[chosen], found)
                    table.append((activation, name, depth, seed, np.median(errors), errors.max(), len(errors)))
    columns = ["activation", "precision", "depth", "seed", "median", "largest", "weights"]
    errors = pd.DataFrame(table, columns=columns)
    smooth = errors[(errors.activation == "tanh") & (errors.precision == "double")]
    worst = smooth.groupby("seed", as_index=False).largest.max()
    errors = errors.assign(units=units, rows=rows)
    return {"errors": errors, "double": worst.assign(limit=limit, below=worst.largest < limit)}


def _some_of_each(network: SmallNetwork, gradient, count: int, random) -> np.ndarray:
    """Indices of weights with a gradient: up to `count` of each kernel and of each vector of biases."""
    chosen, start = [], 0
    for inputs, units in network.shapes:
        for size in (inputs * units, units):
            alive = start + np.flatnonzero(gradient[start : start + size])
            chosen.append(random.choice(alive, min(count, len(alive)), replace=False))
            start += size
    return np.concatenate(chosen)


def draw(tables: dict[str, pd.DataFrame]):
    """Median and largest relative error against depth, in both precisions, for a smooth and a kinked activation."""
    fig, axes = plots.figure(1, 2, size=(7.4, 5), sharey=True)
    errors, limit = tables["errors"], tables["double"].limit.iloc[0]
    for ax, (activation, name) in zip(axes, {"tanh": "tanh", "relu": "ReLU"}.items(), strict=True):
        mine = errors[errors.activation == activation]
        for number, precision in enumerate(_PRECISIONS):
            rows = mine[mine.precision == precision]
            for column in ("median", "largest"):
                look = plots.look(number) | {"linestyle": "-" if column == "median" else ":"}
                looks = {column: look}
                plots.band(
                    ax, rows.assign(of=column), x="depth", y=column, hue="of", looks=looks, log=True, names="none"
                )
                _name(
                    ax, rows, column, f"{_PRECISIONS[precision]}, {'median' if column == 'median' else 'worst'}", look
                )
        ax.axhline(limit, color="#222222", linewidth=1, linestyle="--")
        plots.log_axis(ax, "y", at=(1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1))
        ax.set(xlabel="hidden layers", title=name, ylim=(1e-10, 8), xticks=sorted(mine.depth.unique()))
    axes[0].set_ylabel("relative error of a correct gradient")
    axes[0].annotate("limit for float64", (errors.depth.min(), limit), (0, 3), textcoords="offset points", fontsize=9.5)
    first = errors[errors.depth == errors.depth.min()].weights.min()
    last = errors[errors.depth == errors.depth.max()].weights.max()
    plots.caption(
        fig,
        f"Cross-entropy on {errors.rows.iloc[0]} digits, layers of {errors.units.iloc[0]} units, centred differences "
        "with h = ∛ε. Median and worst of "
        f"{first} to {last} weights out of all tensors; geometric mean and 95 % band. {plots.seeds_text(errors)}.",
    )
    return fig


def _name(ax, rows: pd.DataFrame, column: str, text: str, look: dict) -> None:
    """A line's name above its middle, on the left, where a rising line leaves room."""
    depths = sorted(rows.depth.unique())
    at = depths[len(depths) // 2]
    height = np.exp(np.log(rows[rows.depth == at][column]).mean())
    ax.annotate(text, (at, height), (2, 8), textcoords="offset points", ha="right", fontsize=9.5, color=look["color"])


_SINGLE = {"table": "errors", "over": "depth", "direction": "rises", "log": False, "scale": "log"}

CLAIMS = (
    Claim(
        "5.1-c/tanh",
        "In single precision the deeper a tanh network, the larger the typical relative error of a correct gradient.",
        trend("median", where={"activation": "tanh", "precision": "single"}, **_SINGLE),
        expected=HOLDS,
        ask="One hidden layer or ten, both correct, both in float32. By what factor do their relative errors differ?",
        why="Each layer rounds its results, and what reaches the loss is the rounding of all of them; and gradients of "
        "deep layers are often smaller, beside the same rounding.",
        beware="By a factor, and not by orders of magnitude: depth does not excuse just any error. The worst weight "
        "of a deeper network is the worst of more weights, and larger for that alone.",
    ),
    Claim(
        "5.1-c/relu",
        "In single precision the deeper a ReLU network, the larger the typical relative error of a correct gradient.",
        trend("median", where={"activation": "relu", "precision": "single"}, **_SINGLE),
        expected=HOLDS,
        ask="Is it the same with ReLU?",
        why="The same rounding, and besides a change in one weight moves every unit after it, so that deeper networks "
        "meet more kinks, at the large h that float32 needs.",
        beware="With kinks the worst weight is off by up to its whole gradient, at any depth.",
    ),
    Claim(
        "5.1-c/double",
        "In double precision no weight of a smooth network exceeds 10⁻⁶, from one hidden layer to ten.",
        share("below", table="double"),
        expected=HOLDS,
        ask="And in float64: does depth bring the error anywhere near a limit?",
        why="Rounding starts nine digits lower, and ten layers add less than one digit to it.",
        beware='The notes\' "10⁻² is fine for ten layers" is meant for single precision.',
    ),
)
