"""5.7 Where the gradient vanishes (임계점과 안장점)

A loss that is not convex has many points without a gradient, and the text takes them for local minima at which plain
descent is caught. In many dimensions most of them are saddles: some curvatures below 0, the more of them the higher the
loss. Minima there are indeed without number, if only because a network's hidden units can be put in any order and
turned over; but such copies are all equally good. And descent does converge to points without a gradient. What it has
to fear is to be slow, and to end in a valley that is not the best.
"""

import math

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from chapters.shared.tanh_network import TanhNetwork
from textbook import plots
from textbook.experiment import EXACT, FAILS, HOLDS, REVERSED, Claim, Run, estimate, exact, share
from textbook.seeding import stream, word
from textbook.surfaces import trajectory
from textbook.update_rules import GradientDescent, HeavyBall

ENTRIES = ("5.7-d",)
DATA = "none"
ALONG = (0, 5, 20, 80, 320)  # updates of a descent whose points are starts of the search
RATE, UPDATES = 0.5, 1000  # of plain descent
_SETTLED, _LEVEL = 1e-9, 1e-7  # gradient norm at a critical point; curvature below which a direction counts as falling


def measure(
    run: Run, *, l2: float = 0.003, hidden: int = 6, descents: int = 8, iterations: int = 100
) -> dict[str, pd.DataFrame]:
    """Find critical points of a small network's loss by lowering the gradient's norm, from points along descents.

    Args:
        l2: penalty of all weights; without one, points without a gradient lie at infinity as well.
        hidden: tanh units.
        descents: with momentum, per seed; five points of each are starts of the search.
        iterations: of the search.
    """
    networks = {seed: _network(seed, hidden, l2) for seed in run.seeds}
    found = pd.concat([_critical(net, seed, descents, iterations) for seed, net in networks.items()])
    settled = found[found.settled]
    if settled.seed.nunique() < len(networks):
        raise ValueError(
            f"expected a critical point for each of {len(networks)} seeds, got some for {settled.seed.nunique()}; mend "
            "by more descents or iterations, or by a larger l2"
        )
    points = settled.assign(level=settled.loss.round(6)).drop_duplicates(["seed", "level", "negative"])
    return {
        "points": points[["seed", "loss", "negative", "minimum", "weights"]],
        "seeds": _by_seed(found, points),
        "copies": pd.concat([_copies(net, found[found.seed == seed], seed) for seed, net in networks.items()]),
        "descent": pd.concat([_descent(net, seed) for seed, net in networks.items()]),
    }


def _network(seed: int, hidden: int, l2: float) -> TanhNetwork:
    """The loss on a hundred fresh points of the two half circles."""
    from sklearn.datasets import make_moons

    x, y = make_moons(100, noise=0.2, random_state=word(seed, "moons"))
    return TanhNetwork(x - x.mean(axis=0), y, hidden=hidden, l2=l2)


def _starts(network, seed: int, count: int):
    return stream(seed, "weights").normal(size=(count, network.weights))


def _critical(network, seed: int, descents: int, iterations: int) -> pd.DataFrame:
    """The points at which the search ends, with their curvatures' signs."""
    rule = HeavyBall(RATE, momentum=0.9)
    walks = trajectory(network, rule, start=_starts(network, seed, descents), steps=max(ALONG))
    points, norms = _without_gradient(network, walks[list(ALONG)].reshape(-1, network.weights), iterations)
    negative = np.mean(np.linalg.eigvalsh(network.hessian(points)) < -_LEVEL, axis=-1)
    table = pd.DataFrame({"seed": seed, "loss": network.value(points), "negative": negative, "norm": norms})
    table["settled"], table["minimum"], table["weights"] = norms < _SETTLED, negative == 0, network.weights
    return table.assign(**{f"w{i}": points[:, i] for i in range(network.weights)})


def _without_gradient(network, w, iterations: int):
    """Levenberg and Marquardt's way down ½‖g‖², whose derivative is Hg; (points, gradient norms).

    A step is −(H² + δI)⁻¹Hg, with more damping δ after every step that would not lower the norm.
    """
    ends, norms, active = w.copy(), np.full(len(w), np.inf), np.arange(len(w))
    damping, gradient = np.full(len(w), 1e-2), network.gradient(w)
    squared = np.sum(gradient**2, axis=-1)
    for _ in range(iterations):
        curvatures, directions = np.linalg.eigh(network.hessian(w))
        along = (np.swapaxes(directions, -1, -2) @ gradient[..., None])[..., 0]
        shrunk = curvatures / (curvatures**2 + damping[:, None]) * along
        tried = w - (directions @ shrunk[..., None])[..., 0]
        tried_gradient = network.gradient(tried)
        tried_squared = np.sum(tried_gradient**2, axis=-1)
        better = tried_squared < squared
        w, gradient = (np.where(better[:, None], new, old) for new, old in ((tried, w), (tried_gradient, gradient)))
        squared = np.where(better, tried_squared, squared)
        damping = np.where(better, np.maximum(damping / 4, 1e-16), damping * 4)
        ends[active], norms[active] = w, np.sqrt(squared)
        going = (squared > (_SETTLED / 10) ** 2) & (damping < 1e8)
        if not going.any():
            break
        active, w, gradient = active[going], w[going], gradient[going]
        squared, damping = squared[going], damping[going]
    return ends, norms


def _by_seed(found, points) -> pd.DataFrame:
    """For each seed: how loss and falling directions go together, and which share of the points are minima."""
    rows = []
    for seed, mine in points.groupby("seed"):
        varied = min(mine.loss.nunique(), mine.negative.nunique()) > 1
        rank = float(spearmanr(mine.loss, mine.negative).statistic) if varied else 0.0
        rows.append((seed, len(mine), found[found.seed == seed].settled.mean(), rank, mine.minimum.mean()))
    return pd.DataFrame(rows, columns=["seed", "points", "settled", "rank_correlation", "minima_share"])


def _copies(network, found, seed: int) -> pd.DataFrame:
    """The best settled point with its units in another order and turned over: as low, and as level."""
    best = found[found.settled].sort_values("loss").iloc[0]
    w = best[[f"w{i}" for i in range(network.weights)]].to_numpy(dtype=float)
    random, rows = stream(seed, "copies"), []
    for _ in range(10):
        signs = random.choice([-1, 1], network.hidden)
        copy = network.permuted(w, random.permutation(network.hidden), signs)
        height, slope = float(network.value(copy) - network.value(w)), float(np.linalg.norm(network.gradient(copy)))
        change = max(abs(height), abs(slope - float(np.linalg.norm(network.gradient(w)))))
        rows.append((seed, np.linalg.norm(copy - w), height, slope, change))
    table = pd.DataFrame(rows, columns=["seed", "distance", "height", "gradient_norm", "change"])
    return table.assign(copies=2**network.hidden * math.factorial(network.hidden))


def _descent(network, seed: int) -> pd.DataFrame:
    """Plain descent from one random start: its loss and gradient norm, and whether it was caught on the way."""
    walk = trajectory(network, GradientDescent(RATE), start=_starts(network, seed, 1)[0], steps=UPDATES)
    losses, norms = network.value(walk), np.linalg.norm(network.gradient(walk), axis=-1)
    keep = np.unique(np.geomspace(1, UPDATES, 60).astype(int))
    table = pd.DataFrame({"seed": seed, "update": keep, "loss": losses[keep], "gradient_norm": norms[keep]})
    # caught: still a tenth of the slope that it began with, or a loss that no longer falls
    caught = bool(norms[-1] > norms[0] / 10 or losses[-1] >= losses[UPDATES // 2])
    return table.assign(relative=norms[keep] / norms[0], caught=caught, last=keep == keep[-1])


def draw(tables: dict[str, pd.DataFrame]):
    """Left, every critical point by loss and falling directions; right, the gradient's norm under plain descent."""
    points, descent, seeds = tables["points"], tables["descent"], tables["seeds"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.25, 1], size=(7, 4.6))
    for name, rows, number in (
        ("saddles", points[~points.minimum], 1),
        ("minima", points[points.minimum], 0),
    ):
        look = {"marker": "so"[number], "color": plots.COLOURS[number], "markersize": 4.5, "alpha": 0.5}
        left.plot(rows.loss, 100 * rows.negative, linestyle="", label=f"{name} ({len(rows)})", **look)
    left.set(xlabel="loss at the critical point (nats)", ylabel="directions that fall (%)")
    left.set_title("the higher, the more ways down")
    left.legend(loc="lower right")
    for _, rows in descent.groupby("seed"):
        right.plot(rows["update"], rows.relative, color=plots.COLOURS[2], linewidth=1, linestyle="-", alpha=0.6)
    right.axhline(0.1, color="#222222", linewidth=1.2, linestyle=(0, (4, 2)))
    right.annotate(
        "a tenth of\nthe start's", (UPDATES, 0.1), (0, 4), textcoords="offset points", fontsize=10, ha="right"
    )
    right.set(yscale="log", xlabel="updates", ylabel="gradient norm / that of the start")
    right.set_title("plain descent")
    plots.log_axis(right, "x")
    plots.log_axis(right, "y")
    plots.caption(
        fig,
        f"Network 2-{(points.weights.iloc[0] - 1) // 4}-1, tanh, {points.weights.iloc[0]} weights, small L2 penalty, "
        f"100 points of the half moons. {seeds.settled.mean():.0%} of the searches ended at a critical point; distinct "
        f"ones shown. {plots.seeds_text(points)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.7-d/saddles",
        "The points without a gradient are mostly local minima.",
        estimate("minima_share", above=0.5, unit="points", delta=5, table="seeds"),
        expected=REVERSED,
        ask="Twenty-five weights. At a point without a gradient, how likely do all 25 directions rise?",
        why="A minimum needs every curvature above 0; one that is not makes a saddle.",
        beware="Which critical points are found depends on where the search begins and on its gaps: many searches end "
        "where the norm has a minimum but is not 0 (Frye et al., 2021).",
        correction="Most points without a gradient in many dimensions are saddles, not local minima.",
        reference="Dauphin et al. (2014), Identifying and attacking the saddle point problem, arXiv 1406.2572",
    ),
    Claim(
        "5.7-d/index",
        "The higher the loss at a critical point, the larger the share of directions in which it falls.",
        estimate("rank_correlation", above=0, unit="rank correlation", delta=0.1, table="seeds"),
        expected=HOLDS,
        ask="A critical point with a bad loss: is it a trap, or a saddle with many ways down?",
        why="Where much is left to gain, something can still be gained in some direction.",
        beware="It depends on how the points are sampled, here along descents: from random starts, with a small "
        "penalty, the rank correlation is weaker or unstable. And ranks within one loss do not say that the "
        "lowest minimum is found.",
    ),
    Claim(
        "5.7-d/copies",
        "Critical points have copies without number: units in another order or turned over leave loss and gradient.",
        exact(measured="change", expected=0, tolerance=1e-12, table="copies"),
        expected=EXACT,
        ask="Six hidden tanh units: how many weight vectors are the very same function of the data?",
        why="6! orders times 2⁶ signs are 46,080 copies of almost every point, all at the same height.",
        beware="Many minima are not many bad minima: copies differ in nothing that a prediction could show.",
    ),
    Claim(
        "5.7-d/caught",
        "Plain gradient descent is caught by points without a gradient and does not converge.",
        share("caught", table="descent", where={"last": True}),
        expected=FAILS,
        ask="A thousand updates at one rate: does the gradient's norm go to 0, or does the loss stop on the way?",
        why="At a rate below 2/L the loss falls at every update and the gradient's norm goes to 0. From a random start "
        "it almost never ends at a saddle.",
        beware="After a thousand updates the gradient is a few thousandths of the start's, not 0; on the way past a "
        "saddle the loss may stand still for long; and without a gradient is not the same as at the optimum.",
        correction="Descent does converge, to points without a gradient and almost surely not to saddles; the trouble "
        "is how slowly, and how good the valley is.",
        reference="Lee et al. (2016), Gradient descent only converges to minimizers; Goodfellow et al. (2015), "
        "Qualitatively characterizing neural network optimization problems",
    ),
)
