"""8.3 Overfitting and underfitting (과적합과 과소적합)

Overfitting is a training error markedly below the error on new data, underfitting an error that is not low enough, on
the training data either. The text's three pictures are polynomials through noisy values: a straight line, a good fit,
and a curve that follows every point. The same can be read from numbers, of a network too, where no picture shows it.
One thing is easily misread. The gap tells what the training error is worth as an estimate; which model is the better
one, the error on new data tells, and the model with the smallest gap of all may be the worst.
"""

import functools

import pandas as pd

from chapters.shared.polynomials import cosine, polynomial_errors
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("8.3-a",)
DATA = "any"

_SHOWN = (1, 4, 15)
_WIDTHS = (1, 8, 256)


def measure(
    run: Run,
    *,
    points: int = 30,
    noise: float = 0.1,
    rows: int = 100,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    epochs: int = 200,
) -> dict[str, pd.DataFrame]:
    """Errors of polynomials by degree, and losses of networks with 1, 8 and 256 hidden units on few rows.

    Args:
        points, noise: of the polynomials' training sets; noise is a standard deviation.
        rows: of the networks' training part, of 1000 in the moons; the test part has eight times as many.
        epochs: of the networks, in batches of 20.
    """
    shared = run.shared(polynomial_errors, points=points, noise=noise)
    splits = run.splits("moons", (rows, rows, min(8 * rows, 1000 - 2 * rows)))
    curves = train_replicas(
        mlp,
        splits,
        conditions={
            f"{width}": Condition(
                model=functools.partial(mlp, hidden=(width,)), learning_rate=learning_rate, momentum=momentum
            )
            for width in _WIDTHS
        },
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        batch_size=20,
    )
    errors = shared["errors"]
    return {
        "polynomials": errors.assign(gap=errors.error - errors.train_error),
        "fits": shared["fits"][shared["fits"].degree.isin((-1, *_SHOWN))],
        "networks": _ends(curves).assign(rows=len(splits(run.seeds[0]).train), data=run.data("moons").card.name),
    }


def _ends(curves: pd.DataFrame) -> pd.DataFrame:
    """Losses after the last epoch and the gap between them; a diverged run has a guess's losses and no gap."""
    last = curves[curves.epoch == curves.epoch.max()].reset_index(drop=True)
    kept = last[["seed", "epoch"]].assign(width=last.condition.astype(int))
    for name, column in (("train_loss", "clean_loss"), ("test_loss", "test_loss")):
        kept[name] = last[column].where(~last.diverged, last.chance_loss)
    return kept.assign(gap_loss=kept.test_loss - kept.train_loss)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, polynomials of three degrees through the same noisy points; below, training error and error on new data by
    the degree and, for networks, by the hidden units.
    """
    fits, polynomials, networks = (tables[name] for name in ("fits", "polynomials", "networks"))
    fig, axes = plots.figure(2, 6, size=(7, 6.2), height_ratios=[1, 1.35])
    grid = axes[0, 0].get_gridspec()
    for ax in axes.ravel():
        ax.remove()
    first = fig.add_subplot(grid[0, :2])
    uppers = [
        first,
        *(fig.add_subplot(grid[0, 2 * place : 2 * place + 2], sharex=first, sharey=first) for place in (1, 2)),
    ]
    for ax, degree in zip(uppers, _SHOWN, strict=True):
        _draw_fit(ax, fits, degree)
    first.set_ylabel("y")
    for ax in uppers[1:]:
        ax.tick_params(labelleft=False)
    left, right = fig.add_subplot(grid[1, :3]), fig.add_subplot(grid[1, 3:])
    words = {"error": "new data", "cv_error": "leave one out", "train_error": "training"}
    shown = polynomials.melt(["seed", "degree"], list(words), "part", "value").replace({"part": words})
    looks = plots.looks(words.values())
    plots.band(left, shown, x="degree", y="value", hue="part", looks=looks, log=True, names="legend")
    plots.log_axis(left, "y")
    left.set(xlabel="degree", ylabel="mean squared error\n(in variances of the noise)", title="polynomials")
    left.set_ylim(0.3, 6000)
    left.legend(fontsize=9.5, loc="upper center")
    words = {"test_loss": "new data", "train_loss": "training"}
    shown = networks.melt(["seed", "width"], list(words), "part", "loss").replace({"part": words})
    # on data that are easy to tell apart a training loss can round to 0, which has no place on a log axis
    shown["loss"] = shown.loss.clip(lower=1e-6)
    plots.band(right, shown, x="width", y="loss", hue="part", looks=looks, log=True, names="none")
    plots.log_axis(right, "x", at=_WIDTHS)
    plots.log_axis(right, "y")
    right.set(xlabel="hidden units", ylabel="loss (nats)", title="networks")
    one, network = polynomials.iloc[0], networks.iloc[0]
    plots.caption(
        fig,
        f"Above: {one.points:.0f} values of a cosine (dotted) with noise {one.noise:g}. Below left: means over "
        f"{one.training_sets:.0f} such training sets for each seed. Right: {network.data}, {network['rows']} training "
        f"rows, SGD with momentum, {network.epoch} epochs. Geometric means, 95 % bands, {plots.seeds_text(networks)}.",
    )
    return fig


def _draw_fit(ax, fits: pd.DataFrame, degree: int) -> None:
    points, curve = fits[fits.degree == -1], fits[fits.degree == degree]
    ax.plot(curve.x, cosine(curve.x), ":", color=plots.GREY, linewidth=1.6, marker="")
    ax.plot(points.x, points.y, "o", color="#222222", markersize=3.6)
    ax.plot(curve.x, curve.y, "-", color=plots.COLOURS[0], linewidth=2, marker="")
    ax.set(xlabel="x", title=f"degree {degree}", ylim=(-1.7, 1.7))


CLAIMS = (
    Claim(
        "8.3-a/polynomial",
        "Degree 15 overfits more than degree 4: its training error lies further below its error on new data.",
        paired("gap", higher=15, than=4, by="degree", unit="noise variances", delta=0.1, table="polynomials"),
        expected=HOLDS,
        ask="Few points and sixteen coefficients: how far can the curve's own points be trusted as its judges?",
        why="With n points, each coefficient takes an n-th of the noise out of the training error, and puts at least "
        "as much into the error between the points.",
        beware="A gap there is at every degree; a training error is always measured on what was fitted.",
    ),
    Claim(
        "8.3-a/underfitting",
        "A straight line underfits: even its training error is higher than that of degree 4.",
        paired("train_error", higher=1, than=4, by="degree", scale="log", table="polynomials"),
        expected=HOLDS,
        ask="Which of the three pictures could you tell to be bad without any new data?",
        why="A line cannot bend, so it misses the points that it was fitted to as well.",
        beware="A high training error may also be noise that nothing can fit: compare with what is attainable.",
    ),
    Claim(
        "8.3-a/held-out",
        "Points left out of the fit tell degree 4 from degree 15: their error is lower for degree 4.",
        paired("cv_error", lower=4, than=15, by="degree", scale="log", table="polynomials"),
        expected=HOLDS,
        ask="These points are all there is. Can they show which degree is right?",
        why="A point that took no part in the fit judges it as a new one would.",
        beware="Leaving out an end point makes the curve run free there, so this error is larger than that on new data "
        "between the ends; the order of the degrees is what counts.",
    ),
    Claim(
        "8.3-a/network",
        "With few rows a network of 256 hidden units overfits more than one of 8: the gap between its test and its "
        "training loss is larger.",
        paired("gap_loss", higher=256, than=8, by="width", table="networks"),
        expected=HOLDS,
        ask="256 hidden units or 8 for as few rows as this: which network fits them more closely than it should?",
        why="The wide network can lay its border around single noisy points.",
        beware="It need not: how wide a network may be depends on how long and with what noise it is trained.",
    ),
    Claim(
        "8.3-a/smallest-gap",
        "The network with the smaller gap is the better one: a single hidden unit has a lower test loss than 8.",
        paired("test_loss", lower=1, than=8, by="width", table="networks"),
        expected=REVERSED,
        ask="One hidden unit has hardly a gap at all. Is it the network to take?",
        why="A gap is closed by a worse training error as well as by a better test error.",
        beware="Regularisers close gaps. Judge them by the error on new data, not by the gap.",
        correction="Overfitting and underfitting are two failures, and a small gap excludes only the first. What is "
        "wanted is a low error on new data.",
        reference="Goodfellow, Bengio and Courville (2016), Deep Learning, section 5.2",
    ),
)
