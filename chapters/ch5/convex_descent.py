"""5.7 Descent on a convex loss (볼록 손실에서의 경사 하강법)

On a convex loss, says the text, gradient descent always reaches the global optimum. It does so under three conditions
that the sentence leaves out: there must be a minimum, the rate must be below 2/L, L being the largest curvature, and
the gradient must be free of noise. Classes that a plane separates give logistic regression no minimum: the weights grow
without end. Beyond 2/λ, λ being the largest curvature at the minimum itself, descent cannot settle there. And with
noise at a constant rate it stays in a ball around the minimum, with E x² = lr/(2 − lr) in the unit bowl.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, estimate, exact
from textbook.seeding import stream
from textbook.surfaces import LogisticRegression, Quadratic, trajectory
from textbook.update_rules import GradientDescent

ENTRIES = ("5.7-b",)
DATA = "any"
SHARES = (0.1, 0.5, 0.95)  # of 2/L
NOISY = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5)


def measure(
    run: Run, *, l2: float = 0.1, updates: int = 2000, beyond: float = 1.05, long: int = 3000
) -> dict[str, pd.DataFrame]:
    """Descend on logistic regression below and beyond the largest rate, on separable classes, and in a noisy bowl.

    Args:
        l2: penalty of the logistic regression on data; with none descent takes far longer.
        updates: of those descents.
        beyond: the rate that is too large, in units of 2/λmax at the minimum.
        long: updates on separable classes.
    """
    return {
        "descents": pd.concat([_descents(run, seed, l2, updates, beyond) for seed in run.seeds]),
        "separable": pd.concat([_growth(_separable(seed), seed, long) for seed in run.seeds]),
        "noise": _noise(run),
    }


def _regression(run: Run, seed: int, l2: float) -> LogisticRegression:
    """The first class against the others on the training part of a split, standardised, with an intercept."""
    train = run.splits("breast_cancer")(seed).train
    x = train.x.reshape(len(train), -1)
    return LogisticRegression(np.concatenate([x, np.ones((len(x), 1))], axis=1), train.y == 0, l2)


def _descents(run, seed, l2, updates, beyond) -> pd.DataFrame:
    """Height above the minimum at rates below 2/L, and at one beyond what the minimum itself allows."""
    surface = _regression(run, seed, l2)
    minimum, bound = surface.minimum, surface.smoothness
    best, largest = surface.value(minimum), float(np.linalg.eigvalsh(surface.hessian(minimum))[-1])
    rates = {f"{share:g} · 2/L": 2 * share / bound for share in SHARES}
    rates["too large"] = beyond * 2 / largest
    # a rate for each path, as a column, so that all of them are walked at once
    column = np.array(list(rates.values()))[:, None]
    starts = np.zeros((len(rates), surface.x.shape[1]))
    path = trajectory(surface, GradientDescent(lambda k: column), start=starts, steps=updates)
    keep, tables = np.unique(np.geomspace(1, updates, 50).astype(int)), []
    gaps = surface.value(path[keep]) - best
    for (name, rate), gap in zip(rates.items(), gaps.T, strict=True):
        table = pd.DataFrame({"condition": name, "seed": seed, "update": keep, "gap": np.maximum(gap, 1e-16)})
        tables.append(table.assign(rate=rate, beyond=beyond, below=name != "too large", arrives=bool(gap[-1] < 1e-6)))
    title = run.data("breast_cancer").card.title
    return pd.concat(tables).assign(data=title, last=lambda table: table["update"] == updates)


def _separable(seed: int) -> LogisticRegression:
    """Forty points in the plane with a gap of 0.6 between the classes."""
    random = stream(seed, "separable")
    x, side = random.normal(size=(40, 2)), np.repeat([0, 1], 20)
    x[:, 0] = np.where(side == 1, 1, -1) * (0.3 + np.abs(x[:, 0]))
    return LogisticRegression(x, side)


def _growth(surface, seed: int, updates: int) -> pd.DataFrame:
    """Loss and length of the weights on separable classes, without and with a penalty."""
    keep = np.unique(np.geomspace(10, updates, 60).astype(int))
    tables = []
    for name, l2 in (("no penalty", 0.0), ("L2 penalty", 1e-2)):
        penalised = LogisticRegression(surface.x, surface.y, l2)
        path = trajectory(penalised, GradientDescent(1 / penalised.smoothness), start=(0.0, 0.0), steps=updates)[keep]
        length = np.linalg.norm(path, axis=-1)
        table = {"condition": name, "seed": seed, "update": keep, "loss": penalised.value(path), "length": length}
        # 1 where the weights have settled; a logarithm grows by a fifth or more over the last factor of ten
        growth = float(length[-1] / np.interp(np.log(updates / 10), np.log(keep), length))
        tables.append(pd.DataFrame(table).assign(growth=growth, last=keep == keep[-1]))
    return pd.concat(tables)


def _noise(run: Run) -> pd.DataFrame:
    """E x² of x ← x − lr(x + ξ), ξ standard normal: by exact recursion, by its formula, and by 100 walks a seed."""
    bowl, rates, rows = Quadratic((1.0,)), np.array(NOISY), []
    # two thousand updates forget the start at the smallest rate, 0.98^4000 < 1e-34
    recursion = [2 * bowl.expected_loss(np.full(2000, rate), start=(1.0,), noise=1.0)[-1] for rate in NOISY]
    for seed in run.seeds:
        x, squares = np.zeros((len(rates), 100)), np.zeros(len(rates))
        for number, noise in enumerate(stream(seed, "noise").normal(size=(1000, 100))):
            x = x - rates[:, None] * (x + noise)
            squares += np.mean(x**2, axis=1) if number >= 500 else 0
        rows += zip(NOISY, [seed] * len(NOISY), recursion, rates / (2 - rates), squares / 500, strict=True)
    return pd.DataFrame(rows, columns=["rate", "seed", "square", "closed_form", "walked"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, heights over the minimum by rate; below, weights on separable classes, and the ball that noise leaves."""
    descents, separable, noise = tables["descents"], tables["separable"], tables["noise"]
    fig, axes = plots.figure(2, 2, size=(7, 6.8), height_ratios=[1.1, 1])
    for ax in axes[0]:
        ax.remove()
    with plots.style():
        above = fig.add_subplot(axes[0, 0].get_gridspec()[0, :])
    plots.band(above, descents, x="update", y="gap", log=True, names="none")
    plots.log_axis(above, "x")
    plots.log_axis(above, "y")
    above.set(xlabel="updates", ylabel="loss above the minimum (nats)", ylim=(1e-10, 30))
    above.set_title("logistic regression with a penalty, by learning rate")
    above.legend(above.get_lines(), descents.condition.unique(), loc="lower left", handlelength=2.6)
    left, right = axes[1]
    plots.band(left, separable, x="update", y="length", looks=plots.looks(["no penalty", "L2 penalty"]), names="legend")
    plots.log_axis(left, "x")
    left.set(
        xlabel="updates", ylabel="length of the weights ‖w‖", ylim=(0, None), title="classes that a line separates"
    )
    line = noise.drop_duplicates("rate").sort_values("rate")
    fine = np.geomspace(line.rate.min(), line.rate.max(), 100)
    right.plot(fine, fine / (2 - fine), color="#222222", linestyle="-", label="lr / (2 − lr)")
    right.plot(noise.rate, noise.walked, "o", color=plots.COLOURS[2], markersize=4, alpha=0.5, label="walks")
    plots.log_axis(right, "x")
    plots.log_axis(right, "y")
    right.set(xlabel="learning rate", ylabel="mean x² in the end", title="noise, in the bowl ½x²")
    right.legend(loc="upper left")
    plots.caption(
        fig,
        f"Above: {descents.data.iloc[0]}, geometric mean, 95 % band; too large: {descents.beyond.iloc[0]:g} · 2/λ, λ "
        f"the minimum's largest curvature. Separable: 40 points in the plane, rate 1/L. Noise: a dot for 100 walks. "
        f"{plots.seeds_text(descents)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.7-b/below",
        "On a convex loss with a minimum gradient descent reaches it at any learning rate below 2/L.",
        exact(measured="arrives", expected=True, table="descents", where={"below": True, "last": True}),
        expected=EXACT,
        ask="Rates of 10, 50 and 95 per cent of 2/L: which of them reach the minimum?",
        why="Below 2/L every update lowers the loss, and a convex loss has no other place to come to rest.",
        beware="The penalty makes it quick: without strong convexity the height falls only as 1/updates.",
    ),
    Claim(
        "5.7-b/always",
        "On a convex loss gradient descent always reaches the global optimum, whatever the rate.",
        exact(measured="arrives", expected=True, table="descents", where={"last": True}),
        expected=VIOLATED,
        ask="And at a rate a little beyond 2/λ, λ being the largest curvature at the minimum itself?",
        why="Along that direction an update multiplies the distance by 1 − lr·λ, which is beyond −1: it is thrown out "
        "again whenever it comes near.",
        beware="It need not fly off to infinity: where the curvature falls off outside, it swings about for ever.",
        correction="Gradient descent on a convex loss converges to the minimum if there is one, if the gradient is "
        "L-Lipschitz, and if the rate is below 2/L.",
        reference="Nesterov (2004), Introductory Lectures on Convex Optimization, section 2.1.5",
    ),
    Claim(
        "5.7-b/no-minimum",
        "On separable classes without a penalty there is no minimum to reach: the weights are still growing.",
        estimate("growth", above=1, scale="log", table="separable", where={"condition": "no penalty", "last": True}),
        expected=HOLDS,
        ask="Three thousand updates: by what factor do the weights grow over the last nine tenths of them?",
        why="Doubling the weights makes every row more certain, and the loss smaller: it has no least value, only 0 as "
        "a limit. The length grows as the logarithm of the updates.",
        beware="The direction does settle, on the widest margin: accuracy sees nothing of the growth.",
        correction="A convex loss need not have a minimum. Without one, descent lowers the loss towards its infimum "
        "while the weights grow without end.",
        reference="Soudry et al. (2018), The implicit bias of gradient descent on separable data, JMLR 19",
    ),
    Claim(
        "5.7-b/noise",
        "With noisy gradients at a constant rate E x² ends at lr/(2 − lr) in the unit bowl, not at 0.",
        exact(measured="square", expected="closed_form", tolerance=1e-9, table="noise"),
        expected=EXACT,
        ask="The simplest convex loss, ½x², with noise of size 1 in its gradient. How near does a rate of 0.1 come?",
        why="Each update shrinks x by 1 − lr and adds lr times the noise; both balance where E x² = lr/(2 − lr).",
        beware="For small rates the ball shrinks in proportion to the rate, and the way there takes longer as 1/lr.",
        correction="Stochastic gradient descent at a constant rate reaches a ball around the minimum, whose squared "
        "size is in proportion to the rate; only a falling rate gets to the minimum.",
        reference="Robbins & Monro (1951), A stochastic approximation method; Bottou, Curtis & Nocedal (2018), SIAM "
        "Review 60, section 4",
    ),
)
