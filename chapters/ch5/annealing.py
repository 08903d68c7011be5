"""5.8 Annealing the learning rate (학습률 어닐링)

Far from the minimum long steps are fine; near it a constant rate keeps the weight jumping, and smaller steps are
wanted. On ½w² with a noisy gradient, w + ξ, all of it is exact: a constant rate η ends with E w² = η/(2 − η), a small
one is low but slow, and a rate that falls as 1/t is soon near and ends far below. It is the noise that has to be
annealed: without it the same constant rate arrives, since the gradient itself fades. And what the falling rate does by
smaller steps a running average of the weights does beside a constant rate, by taking the mean of the jumps.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import InverseTimeDecay
from textbook.seeding import stream
from textbook.surfaces import Quadratic

ENTRIES = ("5.8-a",)
DATA = "any"
BOWL = Quadratic((1.0,))
LARGE, SMALL, FALLING, AVERAGE = "large constant", "small constant", "1/t from large", "average of large"
NEAR, WALKERS = 1.0, 32  # E w² that counts as near; sampled walks a seed, for the dots of the figure


def measure(
    run: Run,
    *,
    large: float = 0.5,
    small: float = 0.02,
    start: float = 10.0,
    updates: int = 2000,
    average: float = 0.99,
    rate: float = 0.1,
    decay: float = 0.5,
) -> dict[str, pd.DataFrame]:
    """Expected squares on the noisy bowl for each way to choose the rate; then the digits' loss in its last epochs.

    Args:
        large, small: constant rates on the bowl; the falling one is large/(1 + large·t), which ends as 1/t.
        start: w at the beginning, in standard deviations of the gradient's noise.
        updates: on the bowl.
        average: weight of the past in the running average of the weights.
        rate, decay: on the digits, with momentum 0.9: rate, and rate/(1 + decay·epoch).
    """
    k = np.arange(updates)
    rates = {
        LARGE: np.full(updates, large),
        SMALL: np.full(updates, small),
        FALLING: InverseTimeDecay(large, rate=large)(k),
    }
    squares = {name: 2 * BOWL.expected_loss(path, start=[start], noise=1.0) for name, path in rates.items()}
    squares[AVERAGE] = _averaged(large, updates, average, start)
    conditions = {
        "constant": Condition(learning_rate=rate, momentum=0.9),
        "1/t": Condition(learning_rate=InverseTimeDecay(rate, rate=decay), momentum=0.9),
    }
    curves = train_replicas(mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=run.epochs(20))
    return {
        "squares": pd.concat(
            pd.DataFrame({"arm": name, "update": np.arange(updates + 1), "square": square})
            for name, square in squares.items()
        ),
        "sampled": _sampled(run, rates, average, start),
        "plateaus": _plateaus(),
        "ends": _ends(squares, large),
        "quiet": _quiet(start),
        "curves": curves[["condition", "seed", "epoch", "val_loss"]],
        "tails": _tails(curves),
    }


def _averaged(rate: float, updates: int, beta: float, start: float):
    """E m² of m ← βm + (1 − β)w beside w ← w − η(w + ξ): the exact recursion of E w², E wm and E m²."""
    ww = wm = mm = start**2
    path = [mm]
    for _ in range(updates):
        carried = (1 - rate) * wm  # E w′m, as the fresh noise has no part in m
        ww = (1 - rate) ** 2 * ww + rate**2
        mm = beta**2 * mm + 2 * beta * (1 - beta) * carried + (1 - beta) ** 2 * ww
        wm = beta * carried + (1 - beta) * ww
        path.append(mm)
    return np.array(path)


def _sampled(run: Run, rates: dict, beta: float, start: float) -> pd.DataFrame:
    """Mean squares of walks drawn by chance, at updates spread over the axis: the recursion's control."""
    noise = np.concatenate([stream(seed, "noise").normal(size=(len(rates[LARGE]), WALKERS)) for seed in run.seeds], 1)
    shown = np.unique(np.geomspace(1, len(noise), 12).astype(int))
    table = []
    for name, path in rates.items():
        w = m = np.full(noise.shape[1], start)
        for update, (rate, xi) in enumerate(zip(path, noise, strict=True), start=1):
            w = w - rate * (w + xi)
            m = beta * m + (1 - beta) * w
            if update in shown:
                table.append((name, update, np.mean(w**2)))
                if name == LARGE:
                    table.append((AVERAGE, update, np.mean(m**2)))
    return pd.DataFrame(table, columns=["arm", "update", "square"])


def _plateaus(rates=(0.01, 0.05, 0.2, 0.5, 1.0, 1.5), updates: int = 4000) -> pd.DataFrame:
    """Where constant rates end, beside η/(2 − η)."""
    ends = [2 * BOWL.expected_loss(np.full(updates, rate), start=[10.0], noise=1.0)[-1] for rate in rates]
    return pd.DataFrame({"rate": rates, "end": ends, "closed_form": [rate / (2 - rate) for rate in rates]})


def _ends(squares: dict, large: float) -> pd.DataFrame:
    """When each arm is near the minimum, and whether it ends at less than a tenth of the large rate's plateau."""
    plateau = large / (2 - large)
    near = {name: int(np.argmax(square < NEAR)) if np.any(square < NEAR) else None for name, square in squares.items()}
    late = near[SMALL] or len(squares[SMALL])
    rows = []
    for name, square in squares.items():
        quick, low = near[name] is not None and near[name] < late / 2, bool(square[-1] < plateau / 10)
        rows.append({"arm": name, "near_after": near[name], "end": square[-1], "plateau": plateau, "quick": quick,
                     "low": low, "both": quick and low})  # fmt: skip
    return pd.DataFrame(rows)


def _quiet(start: float, rates=(0.05, 0.2, 0.5, 1.5)) -> pd.DataFrame:
    """The same constant rates without noise: what is left of w² after 2000 updates."""
    return pd.DataFrame(
        {"rate": rate, "end": 2 * BOWL.expected_loss(np.full(2000, rate), start=[start], noise=0.0)[-1]}
        for rate in rates
    )


def _tails(curves: pd.DataFrame) -> pd.DataFrame:
    """The standard deviation of the validation loss over the second half of the epochs, a row per run."""
    tail = curves[curves.epoch > curves.epoch.max() // 2].groupby(["condition", "seed"], sort=False)
    return tail.val_loss.std().rename("tail_sd").reset_index()


def draw(tables: dict[str, pd.DataFrame]):
    """Left, expected squares by update on a noisy bowl, for a large, a small and an annealed rate, and for the average
    of the large one; right, the digits' validation loss at a constant and an annealed rate.
    """
    squares, curves, ends = tables["squares"], tables["curves"], tables["ends"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.5), width_ratios=[1.25, 1])
    looks = plots.looks([LARGE, SMALL, FALLING, AVERAGE])
    with plots.style():
        for name, rows in squares.groupby("arm", sort=False):
            later = rows[rows["update"] > 0]
            left.plot(later["update"], later.square, **{**looks[name], "marker": ""}, label=name)
            dots = tables["sampled"][tables["sampled"].arm == name]
            left.plot(dots["update"], dots.square, linestyle="", marker=looks[name]["marker"], markersize=4.5,
                      color=looks[name]["color"], alpha=0.7)  # fmt: skip
        plateau = ends.plateau.iloc[0]
        left.axhline(plateau, color="#777777", linestyle=":", linewidth=1)
        left.annotate("η/(2 − η)", (1, plateau), (2, -12), textcoords="offset points", fontsize=10, color="#555555")
        plots.log_axis(left, "x")
        plots.log_axis(left, "y")
        left.set(xlabel="update", ylabel="mean square of w (noise = 1)", title="a bowl with noisy gradients")
        left.legend(loc="lower left", fontsize=9.5)
        plots.band(right, curves, x="epoch", y="val_loss", log=True, names="legend")
        plots.log_axis(right, "y")
        right.xaxis.get_major_locator().set_params(integer=True)
        right.set(xlabel="epochs completed", ylabel="validation loss (nats)", title="digits")
    plots.caption(
        fig,
        f"Left: lines exact, dots sampled ({WALKERS} walks a seed). Right: MLP 64-64-10, SGD, momentum 0.9, batches "
        f"of 32, geometric mean and 95 % band. {plots.seeds_text(curves)}",
    )
    return fig


CLAIMS = (
    Claim(
        "5.8-a/plateau",
        "On ½w² with unit noise in the gradient a constant rate η ends with E w² = η/(2 − η), and no lower.",
        exact(measured="end", expected="closed_form", tolerance=1e-9, relative=True, table="plateaus"),
        expected=EXACT,
        ask="The rate is halved. What happens to the level on which the jumping ends?",
        why="An update multiplies E w² by (1 − η)² and adds η²; the two balance at η/(2 − η), about η/2.",
        beware="E w² is an average over many walks: a single one passes through 0 every now and then.",
    ),
    Claim(
        "5.8-a/anneal",
        "A rate that falls as 1/t from the large one is near long before a small rate, and ends far below the large "
        "one's plateau.",
        exact(measured="both", expected=True, table="ends", where={"arm": FALLING}),
        expected=EXACT,
        ask="A large rate is quick, a small one low. Can one rule be both?",
        why="Early on the distance is what counts, later the noise; the best rate falls as 1/t.",
        beware="It must not fall faster: the sum of the rates has to be infinite, or the walk stops on its way.",
    ),
    Claim(
        "5.8-a/noise",
        "Without noise the same constant rates arrive: nothing is left of w².",
        exact(measured="end", expected=0.0, tolerance=1e-12, table="quiet"),
        expected=EXACT,
        ask="Take the noise away and keep the rate. Does the weight still jump about the minimum?",
        why="The step is the rate times the gradient, and the gradient fades towards the minimum by itself.",
        beware="Beyond 2/λ it diverges, noise or not; between 1/λ and 2/λ it swings, yet arrives.",
    ),
    Claim(
        "5.8-a/digits",
        "On the digits the validation loss varies less from epoch to epoch, over the second half, once annealed.",
        paired("tail_sd", lower="1/t", than="constant", scale="log", table="tails"),
        expected=HOLDS,
        ask="By how much is the second half of the curve calmer?",
        why="Weights that hardly move have a loss that hardly moves.",
        beware="A calm curve is not a low one: section 4.7.2 asks whether annealing ends lower.",
    ),
)
