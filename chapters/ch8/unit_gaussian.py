"""8.5 Standardised is not Gaussian (표준화와 단위 가우시안)

Batch norm is said to turn the mini-batch into a unit Gaussian, which γ and β then make non-linear. It does neither. It
subtracts one number from all values of a unit and divides them by another, so it moves and stretches their histogram
and cannot change its shape: mean 0 and variance 1 come out, while skewness, kurtosis and the number of peaks stay what
they were. A skewed batch is as skewed behind it. γ and β stretch and shift once more, along a straight line; what bends
is the activation behind them.
"""

import numpy as np
import pandas as pd
from scipy import stats

from textbook import plots
from textbook.experiment import EXACT, FAILS, VIOLATED, Claim, Run, exact, share
from textbook.seeding import stream, word

ENTRIES = ("8.5-c",)
DATA = "digits"
EXPONENTIAL, TWO_PEAKS, RELU, GAUSSIAN = "exponential", "two peaks", "ReLU outputs", "Gaussian"
_STATISTICS = ("mean", "variance", "skewness", "excess kurtosis", "Shapiro–Wilk W")
_GAMMA, _BETA = (0.2, 1.0, -3.0, 8.0), (-2.0, 0.0, 1.0, 5.0)


def measure(run: Run, *, rows: int = 256, epsilon: float = 1e-12, level: float = 0.05) -> dict[str, pd.DataFrame]:
    """Pass batches of four shapes through Keras's batch norm and compare their moments before and after.

    Args:
        rows: of a mini-batch.
        epsilon: ε, so small that the variance behind it is 1 and not σ²/(σ² + ε); Keras takes 0.001.
        level: of the test for normality, above 0 and below 1.
    """
    if not 0 < level < 1 or rows < 8:
        raise ValueError(
            f"expected a level above 0 and below 1 and 8 rows or more, got {level} and {rows}; mend by level=0.05, "
            "rows=256"
        )
    values, moments, events, bends = [], [], [], []
    for seed in run.seeds:
        batch = _drawn(run, seed, rows)
        after = _batch_norm(np.stack(list(batch.values()), axis=1), epsilon)
        passed = {}
        for (shape, before), out in zip(batch.items(), after.T, strict=True):
            moments += [
                (seed, shape, name, one, other)
                for name, one, other in zip(_STATISTICS, _moments(before), _moments(out), strict=True)
            ]
            passed[shape] = bool(stats.shapiro(out).pvalue > level)
            if seed == run.seeds[0]:
                values.append(pd.DataFrame({"shape": shape, "before": before, "after": out}))
        others = any(passed[shape] for shape in (EXPONENTIAL, TWO_PEAKS, RELU))
        events.append((seed, others, passed[GAUSSIAN]))
        bends += [(seed, *row) for row in _bends(batch[GAUSSIAN], epsilon)]
    return {
        "values": pd.concat(values, ignore_index=True),
        "moments": pd.DataFrame(moments, columns=["seed", "shape", "statistic", "before", "after"]),
        "events": pd.DataFrame(events, columns=["seed", "became_gaussian", "gaussian_passes"]).assign(level=level),
        "bends": pd.DataFrame(bends, columns=["seed", "gamma", "beta", "passed_through", "bend"]),
    }


def _drawn(run: Run, seed: int, rows: int) -> dict[str, np.ndarray]:
    """One unit's values in a mini-batch, of each shape; in float64 throughout."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    rng = stream(seed, "weights")
    side = rng.random(rows) < 0.5
    # a first layer on digits as He et al. initialise it
    x = np.asarray(run.splits("digits")(seed).train.x, dtype=np.float64)
    x = x.reshape(len(x), -1)[np.arange(rows) % len(x)]
    initial = keras.initializers.HeNormal(seed=word(seed, "weights"))
    z = x @ np.asarray(initial((x.shape[1], 64)), dtype=np.float64)
    a = np.maximum(z, 0)
    # of its units the one that is on for half of the rows, as nearly as there is one: a peak at 0 and a tail
    return {
        EXPONENTIAL: rng.exponential(0.5, rows),
        TWO_PEAKS: np.where(side, 0.3, 1.7) + 0.2 * rng.normal(size=rows),
        RELU: a[:, np.argmin(np.abs((a > 0).mean(axis=0) - 0.5))],
        GAUSSIAN: 1.0 + 0.4 * rng.normal(size=rows),
    }


def _batch_norm(z, epsilon: float, gamma=1.0, beta=0.0):
    import keras

    norm = keras.layers.BatchNormalization(epsilon=epsilon, dtype="float64")
    norm.build(z.shape)
    norm.gamma.assign(np.broadcast_to(gamma, z.shape[1]))
    norm.beta.assign(np.broadcast_to(beta, z.shape[1]))
    return keras.ops.convert_to_numpy(norm(keras.ops.convert_to_tensor(z), training=True))


def _moments(values):
    return (values.mean(), values.var(), stats.skew(values), stats.kurtosis(values), stats.shapiro(values).statistic)


def _bends(z, epsilon: float):
    """(γ, β, what the values pass through, how far the output is from a straight line in z), as a share of its spread.

    The distance is the largest residual of the best straight line.
    """
    normed = _batch_norm(np.repeat(z[:, None], len(_GAMMA), axis=1), epsilon, np.array(_GAMMA), np.array(_BETA))
    for k, (gamma, beta) in enumerate(zip(_GAMMA, _BETA, strict=True)):
        for name, out in (("γ, β", normed[:, k]), ("γ, β, sigmoid", 1 / (1 + np.exp(-normed[:, k])))):
            residuals = out - np.polyval(np.polyfit(z, out, 1), z)
            yield gamma, beta, name, np.abs(residuals).max() / out.std()


def draw(tables: dict[str, pd.DataFrame]):
    """Histograms of a mini-batch before and after batch norm, a row for each shape of distribution; the line is the
    unit Gaussian.
    """
    values, moments = tables["values"], tables["moments"]
    shapes = list(values["shape"].unique())
    fig, axes = plots.figure(len(shapes), 2, size=(7.2, 8.2), sharex="col", sharey="row")
    seed = moments.seed.min()
    x = np.linspace(-4, 4, 161)
    for row, (shape, (left, right)) in enumerate(zip(shapes, axes, strict=True)):
        own = values[values["shape"] == shape]
        numbers = moments[(moments["shape"] == shape) & (moments.seed == seed)].set_index("statistic")
        mean, spread = numbers.before["mean"], np.sqrt(numbers.before["variance"])
        edges = np.linspace(-3.5, 3.5, 36)
        left.hist(own.before, mean + spread * edges, color=plots.COLOURS[0], alpha=0.85)
        right.hist(own.after, edges, color=plots.COLOURS[1], alpha=0.85)
        right.plot(x, len(own) * (edges[1] - edges[0]) * stats.norm.pdf(x), color="#222222", linewidth=1.3, marker="")
        for ax, column in ((left, "before"), (right, "after")):
            # 0.0 is added against a minus sign in front of zero
            skewness, kurtosis = (round(numbers[column][name], 2) + 0.0 for name in ("skewness", "excess kurtosis"))
            text = f"skewness {skewness:.2f}\nkurtosis {kurtosis:+.2f}"
            plots.note(ax, text.replace("-", "−"))
            ax.grid(visible=False)
        left.set(ylim=(0, 1.12 * left.get_ylim()[1]), ylabel=f"{shape}\n(rows)")
        if not row:
            left.set_title("before batch norm")
            right.set_title("after it")
    room = 0.05 * np.ptp(values.before)
    axes[-1, 0].set(xlabel="value of one unit", xlim=(values.before.min() - room, values.before.max() + 6 * room))
    axes[-1, 1].set(xlabel="value of one unit", xlim=(-3.9, 3.9))
    bends, events = tables["bends"].groupby("passed_through").bend.max(), tables["events"]
    plots.caption(
        fig,
        f"Keras's BatchNormalization in training mode, a mini-batch of {len(values) // len(shapes)} values, seed "
        f"{seed}; line: the unit Gaussian. Kurtosis is the excess over a Gaussian's 0. ReLU outputs: a fresh unit on "
        f"digits. Judged on {plots.seeds_text(moments)}. Shapiro–Wilk at {events.level.iloc[0]:g}: the Gaussian passes "
        f"in {events.gaussian_passes.sum()}, one of the others in {events.became_gaussian.sum()}. Furthest from a "
        f"straight line, as a share of the spread: γ, β {bends['γ, β']:.0e}, with a sigmoid behind them "
        f"{bends['γ, β, sigmoid']:.2f}.",
    )
    return fig


_SOURCE = "Ioffe and Szegedy (2015), arXiv:1502.03167, section 3: mean 0 and variance 1, and nothing about the shape"
_SHAPE = ("skewness", "excess kurtosis", "Shapiro–Wilk W")

CLAIMS = (
    Claim(
        "8.5-c/gaussian",
        "Batch norm turns the mini-batch into a unit Gaussian: behind it, at least one of an exponential batch, a "
        "batch with two peaks and a batch of ReLU outputs passes a test for normality.",
        share("became_gaussian", table="events"),
        expected=FAILS,
        ask="Values that are never negative and have a long tail go into batch norm. Is what comes out bell-shaped?",
        why="Subtracting and dividing by the same two numbers moves and stretches a histogram; it cannot fold a tail.",
        beware="z is often nearly Gaussian before batch norm, being a sum of many terms. It then is so behind it as "
        "well, but batch norm has not made it so.",
        correction="Batch norm standardises: mean 0 and variance 1 over the mini-batch. The shape stays.",
        reference=_SOURCE,
    ),
    Claim(
        "8.5-c/shape",
        "Skewness, excess kurtosis and the Shapiro–Wilk statistic are the same behind batch norm as before it.",
        exact(measured="after", expected="before", tolerance=1e-6, table="moments", where={"statistic": _SHAPE}),
        expected=EXACT,
        ask="A batch has skewness 2. What is its skewness after batch norm?",
        why="All three are defined on standardised values, so they cannot see a shift or a stretch.",
        beware="A negative γ turns the histogram round, and with it the sign of the skewness.",
    ),
    Claim(
        "8.5-c/moments",
        "Mean and variance are the same behind batch norm as before it.",
        exact(
            measured="after",
            expected="before",
            tolerance=1e-6,
            table="moments",
            where={"statistic": ("mean", "variance")},
        ),
        expected=VIOLATED,
        ask="And if the shape stays, what does batch norm change?",
        why="These two numbers, and nothing else, are what it sets.",
        beware="Two numbers say little of a distribution: all four batches of the picture have the same two behind it.",
    ),
    Claim(
        "8.5-c/linear",
        "γ and β bring in no non-linearity: a unit's output over a mini-batch is a straight line in z for any of them.",
        exact(measured="bend", expected=0.0, tolerance=1e-6, table="bends", where={"passed_through": "γ, β"}),
        expected=EXACT,
        ask="Draw z̃ = γẑ + β against z for one mini-batch. What kind of curve is it?",
        why="Each of the steps (subtract, divide, multiply, add) is a straight line in z, so the whole is one. The "
        "sigmoid behind it is what bends.",
        beware="γ and β decide which part of the activation is used: a large γ reaches its bends, a small one stays "
        "where it is nearly straight.",
        correction="γ and β make the non-linearity reachable; they are not its source. Over one mini-batch batch norm "
        "is a straight line in z, whatever γ and β are.",
        reference="Ioffe and Szegedy (2015), arXiv:1502.03167, section 3: γ and β let the transform be the identity",
    ),
)
