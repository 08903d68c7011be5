"""8.5 Which standard deviation batch norm divides by (편향 분산과 불편 분산)

The text writes batch_norm(x) = γ(x − μ)/√(σ² + ε) + β with μ = x.mean(dim=0) and σ = x.std(dim=0). In torch, `std`
divides by N − 1: the unbiased variance. Batch norm divides by N: it is the mini-batch's own spread that is wanted, not
a guess at the population's. The two differ by √(N/(N − 1)), which is 1.6 percent for a mini-batch of 32, and √2 for one
of 2. For a single row the text's code gives 0/0, where the biased variance is 0 and Keras answers β. Only the variance
kept for inference is a matter of choice: Keras averages the biased one, torch the unbiased one.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.seeding import stream

ENTRIES = ("8.5-e",)
DATA = "none"
BIASED, UNBIASED = "variance / N", "variance / (N − 1)"
_MOMENTUM = 0.9


def measure(
    run: Run, *, sizes: tuple[int, ...] = (2, 3, 4, 8, 16, 32, 64, 128, 256), units: int = 8, epsilon: float = 1e-5
) -> dict[str, pd.DataFrame]:
    """Compute the text's formula with either variance, and Keras's layer, on mini-batches of several sizes.

    Args:
        sizes: rows of the mini-batches, each from 2 up.
        units: normalised side by side, with γ and β of their own.
        epsilon: ε, above 0; torch takes 1e-5, Keras 1e-3.
    """
    if min(sizes) < 2 or epsilon <= 0:
        raise ValueError(f"expected sizes ≥ 2 and epsilon above 0, got {sizes} and {epsilon}; mend by the defaults")
    outputs, ratios, moving, single = [], [], [], []
    for seed in run.seeds[:4]:  # identities: more seeds would only repeat them
        rng = stream(seed, "weights")
        gamma, beta = rng.normal(1, 0.5, units), rng.normal(size=units)
        for size in sizes:
            x = rng.normal(3, 2, (size, units))
            keras_s, kept = _keras(x, gamma, beta, epsilon)
            text, biased = (_as_printed(x, gamma, beta, epsilon, ddof=ddof) for ddof in (1, 0))
            table = {"seed": seed, "size": size, "keras": keras_s.ravel(), "text": text.ravel()}
            outputs.append(pd.DataFrame({**table, "biased": biased.ravel()}))
            ratios.append((seed, size, _ratio(x, epsilon), np.sqrt(size / (size - 1))))
            new = {"kept": kept / (1 - _MOMENTUM), BIASED: x.var(axis=0), UNBIASED: x.var(axis=0, ddof=1)}
            moving.append(pd.DataFrame({"seed": seed, "size": size, **new}))
        row = rng.normal(3, 2, (1, units))
        table = {"seed": seed, "keras": _keras(row, gamma, beta, epsilon)[0].ravel(), "beta": beta}
        single.append(pd.DataFrame(table))
    return {
        "outputs": pd.concat(outputs, ignore_index=True),
        "ratios": pd.DataFrame(ratios, columns=["seed", "size", "measured", "closed_form"]).assign(epsilon=epsilon),
        "moving": pd.concat(moving, ignore_index=True),
        "single": pd.concat(single, ignore_index=True),
        "pair": _pair(epsilon),
    }


def _as_printed(x, gamma, beta, epsilon: float, *, ddof: int):
    """The text's formula, line by line; ddof=1 is torch's `x.std(dim=0)`."""
    mu, sigma = x.mean(axis=0), x.std(axis=0, ddof=ddof)
    return gamma * (x - mu) / np.sqrt(sigma**2 + epsilon) + beta


def _keras(x, gamma, beta, epsilon: float):
    """Keras's output in training mode, and what one mini-batch adds to the moving variance, which begins at 0 here."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    norm = keras.layers.BatchNormalization(
        epsilon=epsilon, momentum=_MOMENTUM, moving_variance_initializer="zeros", dtype="float64"
    )
    norm.build(x.shape)
    norm.gamma.assign(gamma)
    norm.beta.assign(beta)
    y = keras.ops.convert_to_numpy(norm(keras.ops.convert_to_tensor(x), training=True))
    return y, keras.ops.convert_to_numpy(norm.moving_variance)


def _ratio(x, epsilon: float) -> float:
    """Keras's values over the text's, of units whose spread is 1, so that ε has no say."""
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
    mine = _keras(x, ones, zeros, epsilon)[0]
    return (np.linalg.norm(mine) / np.linalg.norm(_as_printed(x, ones, zeros, epsilon, ddof=1))).item()


def _pair(epsilon: float) -> pd.DataFrame:
    """Mini-batches of two rows whose values are further and further apart: where the upper one ends up."""
    half = np.geomspace(1e-4, 10, 41)
    x = np.stack([-half, half])
    keras_s, _ = _keras(x, np.ones(len(half)), np.zeros(len(half)), epsilon)
    text = _as_printed(x, 1.0, 0.0, epsilon, ddof=1)
    return pd.DataFrame({"half": half, "keras": keras_s[1], "text": text[1], "epsilon": epsilon})


def draw(tables: dict[str, pd.DataFrame]):
    """Left, how far apart the two formulas are by the size of the mini-batch; right, what they make of two rows."""
    ratios, pair = tables["ratios"], tables["pair"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.25, 1])
    sizes = np.unique(ratios["size"])
    more = np.geomspace(sizes.min(), sizes.max(), 200)
    left.plot(more, 100 * (np.sqrt(more / (more - 1)) - 1), **{**plots.look(0), "marker": ""}, label="√(N/(N − 1)) − 1")
    measured = 100 * (ratios.groupby("size").measured.mean() - 1)
    left.plot(measured.index, measured, "o", color="#222222", markersize=6, label="Keras against std")
    for size in {2, 32} & set(sizes):
        left.annotate(
            f"N = {size}: {measured[size]:.2g} %", (size, measured[size]), (9, 5), textcoords="offset points",
            fontsize=10.5,
        )  # fmt: skip
    left.set(xscale="log", yscale="log", xlabel="rows of the mini-batch, N", ylabel="Keras's values are larger by (%)")
    left.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    left.set_xticks([], minor=True)
    left.set_ylim(top=90)
    plots.log_axis(left, "y")
    left.legend(loc="lower left", fontsize=10)
    left.set_title("the two standard deviations")
    names = {"keras": "Keras (÷ N)", "text": "std (÷ (N − 1))"}
    for i, (column, name) in enumerate(names.items()):
        right.plot(pair.half, pair[column], label=name, **{**plots.look(i), "marker": ""})
    right.set(xscale="log", ylim=(0, 1.3), xlabel="half the distance of two rows")
    right.set(ylabel="value of the upper one, normalised", title="a mini-batch of two")
    right.legend(loc="lower right", fontsize=10)
    plots.caption(
        fig,
        f"Keras's BatchNormalization in training mode, float64, ε = {pair.epsilon.iloc[0]:g}, against the text's "
        f"formula with torch's std. Left: values of spread 1, {plots.seeds_text(ratios)}. Right: γ = 1, β = 0, no "
        "randomness.",
    )
    return fig


_PAPER = "Ioffe and Szegedy (2015), arXiv:1502.03167, algorithm 1: σ² = Σ(x − μ)²/m; torch documents the same"

CLAIMS = (
    Claim(
        "8.5-e/std",
        "σ = x.std(dim=0), which in torch divides by N − 1, gives what batch norm gives.",
        exact(measured="keras", expected="text", tolerance=1e-6, table="outputs"),
        expected=VIOLATED,
        ask="torch's `std` and batch norm both take a standard deviation over the mini-batch. The same one?",
        why="`std` guesses at a population from a sample and divides by N − 1; batch norm wants the mini-batch itself "
        "to have variance 1, and divides by N.",
        beware="NumPy's std divides by N unless told otherwise, so the same line is right in NumPy and wrong in torch.",
        correction="x.std(dim=0, unbiased=False). torch's own BatchNorm1d normalises with it as well.",
        reference=_PAPER,
    ),
    Claim(
        "8.5-e/keras",
        "Keras's layer is the text's formula with the biased variance, which divides by N, at every size.",
        exact(measured="keras", expected="biased", tolerance=1e-9, table="outputs"),
        expected=EXACT,
        ask="And with the divisor N in place of N − 1, to how many digits do they agree?",
        why="The biased variance makes what leaves the layer have variance γ²σ²/(σ² + ε) over this very mini-batch.",
        beware="Biased is no blemish here: nothing is estimated.",
    ),
    Claim(
        "8.5-e/ratio",
        "Where ε is small beside the variance, the two differ by the factor √(N/(N − 1)): 1.41 for two rows, 1.016 for "
        "32.",
        exact(measured="measured", expected="closed_form", tolerance=1e-4, table="ratios"),
        expected=EXACT,
        ask="By how many percent are the values off, for 32 rows and for 2?",
        why="Both variances have the same sum of squares, over N and over N − 1. Where "
        "the spread is far below √ε the factor shrinks to 1.",
        beware="γ soon learns a constant factor away. What it cannot learn away is one that changes with the size of "
        "the last mini-batch.",
    ),
    Claim(
        "8.5-e/one-row",
        "A mini-batch of a single row leaves Keras's layer as β, whatever its values.",
        exact(measured="keras", expected="beta", tolerance=1e-9, table="single"),
        expected=EXACT,
        ask="What is a row minus the mean of all rows, if there is only one?",
        why="x − μ is 0 and so is the biased variance, so 0/√ε = 0 is left, and β. Nothing of the row is left.",
        beware="With N − 1 it is 0/0: the text's code gives NaN, and torch's layer refuses the mini-batch. Keras says "
        "nothing.",
    ),
    Claim(
        "8.5-e/moving",
        "What Keras averages for inference is the biased variance too.",
        exact(measured="kept", expected=BIASED, tolerance=1e-9, table="moving"),
        expected=EXACT,
        ask="For inference the population's variance is wanted, not the mini-batch's. Does Keras keep N − 1 for that?",
        why="Keras puts the same variance that it normalises with into its moving average.",
        beware="torch averages the unbiased one, so that after small mini-batches a model carried over differs a "
        "little in inference.",
    ),
)
