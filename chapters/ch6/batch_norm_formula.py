"""6.3 The formula of batch norm, and where ε stands (배치 정규화의 계산)

Over a mini-batch, for every unit: μ is the mean of z and σ² its variance, ẑ = (z − μ)/√(σ² + ε), z̃ = γẑ + β. The text
writes z̃ for both ẑ and γẑ + β, and says that ε is added to the denominator. It is added to the *variance*, inside the
root, which is no matter of taste where σ is small: with Keras's ε of 0.001 a unit whose σ is 0.001 leaves batch norm
with a standard deviation of 0.03; with ε added to σ it would be 0.5. The gradient has to go through μ and σ² as well as
through z, since every row moves both; forget one of these paths and the gradient check says so.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.normalisation import batch_norm, batch_norm_backward
from textbook.seeding import stream

ENTRIES = ("6.3-f",)
DATA = "none"
INSIDE, OUTSIDE = "(z − μ) / √(σ² + ε)", "(z − μ) / (σ + ε)"
_SIGMAS = (0.0, *10.0 ** np.arange(-6, 1.01, 0.5))
_RIGHT, _LIMIT = "all paths", 1e-6
# what a gradient forgets → the two means that stay in g − mean(g) − ẑ·mean(g·ẑ)
_FORGOTTEN = {_RIGHT: (1, 1), "not through σ²": (1, 0), "not through μ": (0, 1), "μ, σ² held fixed": (0, 0)}


def measure(run: Run, *, rows: int = 16, units: int = 4, epsilon: float = 1e-3) -> dict[str, pd.DataFrame]:
    """Compare the formulas in NumPy with Keras's layer and its automatic gradient, and with centred differences.

    Args:
        rows: of the mini-batch, at least 2.
        units: normalised side by side, each with a mean, a spread, γ and β of its own.
        epsilon: ε, above 0.
    """
    if rows < 2 or epsilon <= 0:
        raise ValueError(f"expected rows ≥ 2 and epsilon above 0, got {rows} and {epsilon}; mend by the defaults")
    values, gradients, checks = [], [], []
    for seed in run.seeds[:4]:  # identities: more seeds would only repeat them
        z, gamma, beta, target = _drawn(seed, rows, units)
        y, forward = batch_norm(z, gamma, beta, epsilon=epsilon)
        mine = batch_norm_backward(2 * (y - target) / rows, forward)  # of the mean over rows of Σ (y − target)²
        theirs, slopes = _keras(z, gamma, beta, target, epsilon)
        values.append(pd.DataFrame({"seed": seed, "numpy": y.ravel(), "keras": theirs.ravel()}))
        for name, own, other in zip(("z", "γ", "β"), mine, slopes, strict=True):
            # as a share of the largest: single entries come arbitrarily close to 0
            size = np.abs(other).max()
            table = {"seed": seed, "by": name, "numpy": own.ravel() / size, "keras": other.ravel() / size}
            gradients.append(pd.DataFrame(table))
        checks += [(seed, name, *row) for name in _FORGOTTEN for row in _checked(name, z, gamma, beta, target, epsilon)]
    return {
        "values": pd.concat(values, ignore_index=True),
        "gradients": pd.concat(gradients, ignore_index=True),
        "checks": pd.DataFrame(checks, columns=["seed", "gradient", "by", "worst", "verdict"]),
        "epsilons": _epsilons(run.seeds[0], rows, epsilon),
    }


def _drawn(seed: int, rows: int, units: int):
    """Values whose units differ in mean and spread by powers of ten, γ, β, and a target for a loss."""
    rng = stream(seed, "weights")
    z = rng.normal(size=units) * 3 + 10.0 ** rng.uniform(-1, 1, units) * rng.normal(size=(rows, units))
    return z, rng.normal(1, 0.5, units), rng.normal(size=units), rng.normal(size=(rows, units))


def _layer(units: int, epsilon: float, gamma=None, beta=None):
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    layer = keras.layers.BatchNormalization(epsilon=epsilon, dtype="float64")
    layer.build((None, units))
    if gamma is not None:
        layer.gamma.assign(gamma)
        layer.beta.assign(beta)
    return layer


def _keras(z, gamma, beta, target, epsilon: float):
    """Keras's outputs in training mode, and its automatic gradients by z, γ and β; all in float64."""
    import keras

    from textbook.gradients import gradients_of

    # rows of the identity through a kernel that holds z: the kernel's gradient is the one by z
    rows, units = z.shape
    held = keras.layers.Dense(units, use_bias=False, dtype="float64")
    norm = _layer(units, epsilon, gamma, beta)
    model = keras.Sequential([keras.Input((rows,), dtype="float64"), held, norm])
    held.kernel.assign(z)
    y = keras.ops.convert_to_numpy(norm(keras.ops.convert_to_tensor(z), training=True))
    model.compile(loss=keras.losses.MeanSquaredError(dtype="float64"))
    slopes = gradients_of(model, np.eye(rows), target, training=True)
    return y, [units * slope for slope in slopes]  # Keras's mean is over the units as well


def _checked(name: str, z, gamma, beta, target, epsilon: float):
    """The gradient check of a backward pass that may forget paths: a (by, worst relative error, verdict) per array."""
    from textbook.checks import gradient_check_function

    through_mean, through_variance = _FORGOTTEN[name]

    def loss(at):
        y, _ = batch_norm(at["z"], at["γ"], at["β"], epsilon=epsilon)
        return float(((y - target) ** 2).sum() / len(target))

    def gradient(at):
        y, forward = batch_norm(at["z"], at["γ"], at["β"], epsilon=epsilon)
        upstream = 2 * (y - target) / len(target)
        by_z, by_gamma, by_beta = batch_norm_backward(upstream, forward)
        if name != _RIGHT:
            slope = at["γ"] / np.sqrt(forward.variance + epsilon)
            by_z = slope * (
                upstream
                - through_mean * upstream.mean(axis=0)
                - through_variance * forward.values * (upstream * forward.values).mean(axis=0)
            )
        return {"z": by_z, "γ": by_gamma, "β": by_beta}

    check = gradient_check_function(loss, {"z": z, "γ": gamma, "β": beta}, gradient=gradient, coordinates="all")
    return check.tensors[["tensor", "worst", "verdict"]].itertuples(index=False)


def _epsilons(seed: int, rows: int, epsilon: float) -> pd.DataFrame:
    """The standard deviation that units of ever smaller σ leave with: by either formula, and out of Keras's layer."""
    import keras

    shape = stream(seed, "order").normal(size=rows)
    shape = (shape - shape.mean()) / shape.std()
    z = 5.0 + shape[:, None] * np.array(_SIGMAS)
    sigma = z.std(axis=0)
    sigma[np.array(_SIGMAS) == 0] = 0.0  # not the rounding of 5
    layer = _layer(len(_SIGMAS), epsilon)
    y = keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(z), training=True))
    return pd.DataFrame(
        {
            "sigma": _SIGMAS,
            "keras": y.std(axis=0),
            "inside": sigma / np.sqrt(sigma**2 + epsilon),
            "outside": sigma / (sigma + epsilon),
            "epsilon": epsilon,
            "rows": rows,
        }
    )


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the standard deviation behind batch norm by that before it, with ε inside and outside the root and by
    Keras's layer; right, the error of gradients with paths forgotten, beside the limit.
    """
    sizes, checks = tables["epsilons"], tables["checks"]
    fig, (left, right) = plots.figure(1, 2, size=(7.4, 4.8), width_ratios=[1.25, 1])
    shown = sizes[sizes.sigma > 0]
    for i, (column, name) in enumerate({"inside": INSIDE, "outside": OUTSIDE}.items()):
        left.plot(shown.sigma, shown[column], label=name, **{**plots.look(i), "marker": ""})
    left.plot(shown.sigma, shown.keras, "o", color="#222222", markersize=5, label="Keras's layer", zorder=3)
    epsilon, rows = sizes.epsilon.iloc[0], sizes["rows"].iloc[0]
    left.axvline(np.sqrt(epsilon), color="#888888", linewidth=1)
    left.text(np.sqrt(epsilon) * 0.8, 0.02, "√ε", ha="right", va="bottom", fontsize=11)
    left.set(xscale="log", ylim=(-0.03, 1.42), xlabel="standard deviation σ of z over the mini-batch")
    left.set(ylabel="standard deviation of ẑ", title=f"where ε = {epsilon:g} stands")
    left.legend(loc="upper left", fontsize=10)
    by_z = checks[checks.by == "z"].groupby("gradient", sort=False).worst.max()
    floor = 1e-12
    places = np.arange(len(by_z))
    right.barh(places, by_z.clip(lower=floor), left=floor / 10, height=0.6, alpha=0.85, color=[
        plots.COLOURS[0] if worst < _LIMIT else plots.COLOURS[1] for worst in by_z
    ])  # fmt: skip
    right.axvline(_LIMIT, color="#222222", linewidth=1.2, linestyle="--")
    right.text(_LIMIT, len(by_z) - 0.45, "limit", ha="center", va="top", fontsize=10)
    for place, name in enumerate(by_z.index):
        right.text(floor / 5, place - 0.34, name, va="bottom", ha="left", fontsize=10.5)
    right.set(xscale="log", xlim=(floor / 10, 30), ylim=(len(by_z) - 0.1, -0.75), yticks=[])
    right.set_xticks([1e-12, 1e-9, 1e-6, 1e-3, 1])
    right.set(xlabel="worst relative error of ∂L/∂z", ylabel="backward passes", title="gradient check")
    right.grid(visible=False, axis="y")
    plots.caption(
        fig,
        f"Float64, mini-batches of {rows} rows. Left: one shape of values at every σ, γ = 1, β = 0. Right: squared "
        f"error, random z, γ, β and target, all entries; the worst of {plots.seeds_text(checks)}.",
    )
    return fig


_PAPER = "Ioffe and Szegedy (2015), arXiv:1502.03167, algorithm 1"

CLAIMS = (
    Claim(
        "6.3-f/forward",
        "Mean, biased variance, root with ε, scale and shift: the formulas in NumPy give what Keras's layer gives.",
        exact(measured="keras", expected="numpy", tolerance=1e-9, table="values"),
        expected=EXACT,
        ask="Four lines of NumPy against a library's layer. How many digits will agree?",
        why="There is nothing else in the layer: in training, batch norm is these four lines.",
        beware="The variance is the biased one, which divides by the number of rows. In inference the layer uses its "
        "moving averages instead of μ and σ².",
    ),
    Claim(
        "6.3-f/backward",
        "The gradient written by hand, γ/√(σ² + ε) · (g − mean(g) − ẑ·mean(g·ẑ)), passes the gradient check with a "
        "worst relative error below a millionth.",
        exact(measured="worst", expected=0.0, tolerance=_LIMIT, table="checks", where={"gradient": _RIGHT}),
        expected=EXACT,
        ask="z reaches the loss through itself, through μ and through σ². Which of the three paths would you forget?",
        why="Every row moves the mini-batch's mean and variance, and so the other rows' outputs. The two means in the "
        "formula are these paths.",
        beware="A gradient that holds μ and σ² fixed looks right in code, and a small network may even learn with it; "
        "the check is what tells them apart.",
    ),
    Claim(
        "6.3-f/automatic",
        "Keras's automatic gradients by z, γ and β are those of the formula.",
        exact(measured="keras", expected="numpy", tolerance=1e-9, table="gradients"),
        expected=EXACT,
        ask="Does automatic differentiation go through the mean and the variance as well, or does it hold them fixed?",
        why="To the framework they are operations like any others; only the moving averages are kept out of it.",
        beware="A frozen batch norm (trainable = False) does hold its statistics fixed, and has another gradient.",
    ),
    Claim(
        "6.3-f/epsilon",
        "ε is added to the denominator: Keras's layer divides by σ + ε.",
        exact(measured="keras", expected="outside", tolerance=1e-6, table="epsilons"),
        expected=VIOLATED,
        ask="A unit hardly varies over the mini-batch: σ = 0.001, and ε = 0.001. How large is its spread after it?",
        why="√(σ² + ε) cannot fall below √ε, which for Keras's ε of 0.001 is 0.03, thirty times ε itself: a unit that "
        "hardly varies is not blown up to the size of the others.",
        beware="For σ near 1 both forms agree to 0.1 percent, which is why the difference goes unnoticed. Adam's "
        "own ε stands outside the root.",
        correction="ε is added to the variance, inside the root: √(σ² + ε). And ẑ, which is normalised, is not yet "
        "z̃ = γẑ + β, for which the text uses the same sign.",
        reference=_PAPER,
    ),
    Claim(
        "6.3-f/inside",
        "Keras's layer divides by √(σ² + ε), also where σ is 0.",
        exact(measured="keras", expected="inside", tolerance=1e-6, table="epsilons"),
        expected=EXACT,
        ask="All rows agree on a unit: σ = 0. What comes out?",
        why="0 divided by √ε is 0: such a unit gives β for every row.",
        beware="Without ε it would be 0/0. A unit that never varies passes nothing on, whatever γ is.",
    ),
)
