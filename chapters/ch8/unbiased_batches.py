"""8.1 Small batches scatter, they are not biased (편향이 아니라 분산)

The text says that a batch too small has another distribution than the data and is therefore biased. Any one batch
differs from the data, but a bias is what is left on the average over many batches, and there nothing is left: drawn
uniformly, the mean gradient of batches of a single row goes to the gradient of all rows. What small batches have is
variance. A real bias appears where a row's gradient depends on its companions, as with batch norm. The scatter has the
use that the text names: it can kick a weight over a hill.
"""

import numpy as np
import pandas as pd

from chapters.shared.batch_gradients import NORMALISED, PLAIN, batch_gradients
from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, slope, trend
from textbook.seeding import stream
from textbook.surfaces import DoubleWell

ENTRIES = ("8.1-g",)
DATA = "any"
SIZES = (1, 2, 4, 8, 16, 32)  # of the batches on the double well


def measure(
    run: Run,
    *,
    learning_rate: float = 0.1,
    noise: float = 2.0,
    tilt: float = 0.15,
    updates: int = 500,
    particles: int = 200,
) -> dict[str, pd.DataFrame]:
    """How far the mean of many batch gradients is from the full one; how many descents leave a valley.

    Args:
        learning_rate, updates: of plain descent on the double well ¼w⁴ − ½w² + c·w.
        noise: standard deviation of one row's gradient there; a batch of B has it over √B.
        tilt: c; the descents start in the shallower valley.
        particles: descents for each seed and batch size.
    """
    means = run.shared(batch_gradients)["means"]
    return {"means": means, "escapes": _escapes(run.seeds, learning_rate, noise, tilt, updates, particles)}


def _escapes(seeds, learning_rate, noise, tilt, updates, particles) -> pd.DataFrame:
    well, rows = DoubleWell(tilt), []
    shallow, hill = well.critical_points[2], well.hilltop.item()
    for seed in seeds:
        kicks = stream(seed, "kicks").normal(size=(updates, particles, 1))
        for size in SIZES:
            w, left = np.tile(shallow, (particles, 1)), np.zeros(particles, dtype=bool)
            for kick in kicks:
                w = w - learning_rate * (well.gradient(w) + noise / np.sqrt(size) * kick)
                left |= w[:, 0] < hill
            rows.append({"seed": seed, "batch_size": size, "escaped": left.mean()})
    settings = {"learning_rate": learning_rate, "noise": noise, "updates": updates, "particles": particles}
    return pd.DataFrame(rows).assign(**settings)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the distance of the mean gradient from the full one by the number of batches, with and without batch norm;
    right, the share of descents that leave a shallow valley by batch size.
    """
    means, escapes = tables["means"], tables["escapes"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.8))
    with plots.style():
        plots.band(left, means.assign(condition=means.condition.map(_short)), x="batches", y="distance", log=True)
        for axis in "xy":
            plots.log_axis(left, axis)
        left.set(xlabel="batches averaged", ylabel="‖mean − full gradient‖ / ‖full‖", title="is it biased?")
        plots.band(right, escapes.assign(escaped=100 * escapes.escaped), x="batch_size", y="escaped", hue=None)
        plots.log_axis(right, "x", at=SIZES)
        right.set(
            xlabel="batch size (rows)", ylabel="left the shallow valley (%)", ylim=(0, 102), title="kicked over a hill"
        )
    of = escapes.iloc[0]
    plots.caption(
        fig,
        f"Left: digits, MLP with 64 hidden units at epoch {means.epochs.iloc[0]}, with and without batch norm (BN); "
        f"root mean squares over groups of batches. Right: ¼w⁴ − ½w² with a tilt, rate {of.learning_rate:g}, a row's "
        f"gradient with standard deviation {of.noise:g}; {of.particles:.0f} descents of {of['updates']:.0f} updates. "
        f"95 % bands, {plots.seeds_text(means)}",
    )
    return fig


def _short(name: str) -> str:
    return name.replace(NORMALISED + ", ", "BN, ").replace(PLAIN + ", ", "")


_ROBBINS = "Robbins and Monro (1951); for batch norm, Ioffe and Szegedy (2015), arXiv:1502.03167, section 3"

CLAIMS = (
    Claim(
        "8.1-g/biased",
        "The gradient of one row is biased: the mean of many stays away from the full gradient.",
        slope("distance", over="batches", theory=0.0, where={"network": PLAIN, "batch_size": 1}, table="means"),
        expected=FAILS,
        ask="Average a thousand gradients of one row each. How far is the mean from the gradient of all rows?",
        why="Each row is drawn with the same probability, so the expectation of its gradient is the mean over rows.",
        beware="Unbiased is the gradient, not where it leads: noise and curvature together shift the average end of a "
        "training. And rows drawn with unequal shares of classes would be biased.",
        correction="A small batch has variance, no bias: its gradient is the full one on the average.",
        reference=_ROBBINS,
    ),
    Claim(
        "8.1-g/unbiased",
        "The distance of the mean from the full gradient falls as one over the root of the number of batches.",
        slope("distance", over="batches", theory=-0.5, mean_over="condition", where={"network": PLAIN}, table="means"),
        expected=HOLDS,
        ask="How many times as many batches halve the distance?",
        why="It is the standard error of a mean, and it has no floor.",
        beware="For batches of one, four and sixteen together; a floor far below what was averaged would not show.",
    ),
    Claim(
        "8.1-g/batch-norm",
        "With batch norm it falls so, too.",
        slope(
            "distance", over="batches", theory=-0.5, mean_over="condition", where={"network": NORMALISED}, table="means"
        ),
        expected=FAILS,
        ask="With batch norm a row's gradient depends on its companions. Does the mean still arrive?",
        why="Every small batch is divided by its own standard deviation. The mean over batches is the gradient of that "
        "loss, which is another one than with the statistics of all rows.",
        beware="Against the full batch, whose statistics no small batch has. Nor does training go for that loss: it "
        "minimises the small batches' own.",
    ),
    Claim(
        "8.1-g/escape",
        "The smaller the batch, the more descents leave a local minimum.",
        trend("escaped", over="batch_size", direction="falls", unit="share", delta=0.05, table="escapes"),
        expected=HOLDS,
        ask="A descent sits in the shallower of two valleys. Which batch size lets it out?",
        why="The kicks have the noise over √B, and a hill is crossed by luck that grows rare exponentially.",
        beware="One weight and a hill made for it. Noise leads out of the deeper valley as well.",
    ),
)
