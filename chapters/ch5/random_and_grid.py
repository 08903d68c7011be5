"""5.11 Random search and grids (무작위 탐색과 격자 탐색)

Where one of two hyperparameters matters, nine trials on a grid try three values of it, nine random ones try nine
(Bergstra and Bengio, 2012). The text takes searching on a log scale for a kind of grid search; but scale and design are
two choices, and `10 ** uniform(-6, 1)` is random search. Nor do random points win always: where both hyperparameters
matter alike, the grid covers the square better.
"""

import numpy as np
import pandas as pd

from chapters.shared.trial_curves import ends, trial_curves
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, VIOLATED, Claim, Run, exact, paired
from textbook.seeding import stream

ENTRIES = ("5.11-e",)
DATA = "any"

_DESIGNS = ("grid", "random", "sobol")
_WEIGHTS = (0.0, 0.01, 0.1, 0.3, 1.0)


def measure(run: Run, *, trials: int = 9, repeats: int = 200) -> dict[str, pd.DataFrame]:
    """Search bowls of one to two dimensions that matter, and the pool of trained networks, with three designs.

    Args:
        trials: of each search, such as 9, 16 or 25; a number without factors makes a poor grid.
        repeats: designs, and optima of the bowls, drawn for each seed.
    """
    from textbook.search import draw_designs  # here: it loads SciPy's samplers

    points = [
        pd.DataFrame(draw_designs(name, trials, 2, seed=run.seeds[0], **still)[0], columns=["important", "other"])
        .assign(design=name)
        for name, still in (("grid", {"shift": False}), ("random", {}))
    ]  # fmt: skip
    regret = pd.concat([_bowls(seed, trials, repeats) for seed in run.seeds], ignore_index=True)
    pool = ends(run.shared(trial_curves))
    networks = [_networks(mine, trials, repeats).assign(seed=seed) for seed, mine in pool.groupby("seed")]
    return {
        "points": pd.concat(points, ignore_index=True),
        "regret": regret,
        "networks": pd.concat(networks, ignore_index=True),
        "kinds": _kinds(run.seeds[0], trials),
    }


def _bowls(seed: int, trials: int, repeats: int) -> pd.DataFrame:
    """Mean best height over designs, each on a bowl with an optimum of its own, by the weight of the second axis."""
    from textbook.search import bowl, compare_designs

    centre = stream(seed, "optimum").random((repeats, 1, 2))
    tables = [
        compare_designs(
            bowl([1, weight], centre=centre), 2, sizes=[trials], designs=_DESIGNS, repeats=repeats, seed=seed
        ).assign(weight=weight)
        for weight in _WEIGHTS
    ]
    found = pd.concat(tables).rename(columns={"best": "regret"})
    return found[["design", "weight", "trials", "regret"]].assign(seed=seed)


def _networks(pool: pd.DataFrame, trials: int, repeats: int) -> pd.DataFrame:
    """Mean best validation loss of searches over rate and weight decay; a point has the nearest trial's loss."""
    from scipy.spatial import cKDTree

    from textbook.search import compare_designs

    tree, losses = cKDTree(pool[["u_rate", "u_weight_decay"]]), pool.val_loss.to_numpy()
    found = compare_designs(
        lambda points: losses[tree.query(points)[1]],
        2,
        sizes=[trials],
        designs=_DESIGNS,
        repeats=repeats,
        seed=int(pool.seed.iloc[0]),
    )
    return found.rename(columns={"best": "val_loss"})[["design", "trials", "val_loss"]]


def _kinds(seed: int, trials: int) -> pd.DataFrame:
    """Scale and design are two choices: how many values each of the four searches tries, and whether evenly."""
    rng = stream(seed, "kinds")
    side = max(2, round(trials**0.5))
    spots = {"grid": np.repeat(np.linspace(-6, 1, side), side)[:trials], "random": rng.uniform(-6, 1, trials)}
    rows = []
    for design, exponents in spots.items():
        line = {"log": exponents, "linear": 1e-6 + (10 - 1e-6) * (exponents + 6) / 7}
        for scale, values in line.items():
            steps = np.diff(np.unique(np.round(values, 12)))
            rows.append({
                "design": design, "scale": scale, "values": len(steps) + 1,
                "evenly_spaced": bool(np.ptp(steps) < 1e-6 * steps.max()),
            })  # fmt: skip
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, a grid and random points in the unit square, with the values tried of the axis that matters; below, regret
    by how much the second axis matters, and the best losses of networks.
    """
    points, regret = tables["points"], tables["regret"]
    fig, axes = plots.figure(2, 2, height_ratios=[1, 0.95])
    looks = plots.looks(_DESIGNS)
    for ax, (name, mine) in zip(axes[0], points.groupby("design", sort=False), strict=True):
        colour, marker = looks[name]["color"], looks[name]["marker"]
        across = np.linspace(0, 1, 101)
        ax.fill_between(
            across, 1.05, 1.05 + 0.35 * np.exp(-(((across - 0.62) / 0.13) ** 2)), color="#999999", alpha=0.4
        )
        ax.plot(mine.important, mine.other, marker, color=colour, markersize=8)
        for at in mine.important.round(9).unique():
            ax.plot([at, at], [0, 1.05], color=colour, linewidth=0.9, linestyle="-", alpha=0.5)
        ax.plot(mine.important, np.full(len(mine), 1.05), "|", color=colour, markersize=13, markeredgewidth=2)
        tried = mine.important.round(9).nunique()
        ax.set(xlim=(0, 1), ylim=(0, 1.45), xlabel="hyperparameter that matters", xticks=[0, 1], yticks=[0, 1])
        ax.set_title(f"{name}: {tried} values tried")
        ax.grid(visible=False)
    axes[0, 0].set_ylabel("one that does not")
    axes[0, 1].set_ylabel("one that does not")
    left, right = axes[1]
    # the weights are drawn as equal steps: 0 has no place on a log axis
    place = {weight: i for i, weight in enumerate(sorted(regret.weight.unique()))}
    plots.band(left, regret.assign(place=regret.weight.map(place)), x="place", y="regret", hue="design", log=True,
               looks=looks)  # fmt: skip
    plots.log_axis(left, "y")
    left.set_xticks(list(place.values()), [plots.plain(weight) for weight in place])
    left.set(xlabel="weight of the second (first: 1)", ylabel="regret (height of bowl)")
    plots.dots(right, tables["networks"], value="val_loss", by="design", looks=looks)
    right.set(xlabel="best validation loss (nats)", title="trained networks")
    trials = int(regret.trials.iloc[0])
    plots.caption(
        fig,
        f"{trials} trials. Bowls: mean of the best over searches with optimum and design drawn anew. Networks: digits, "
        "MLP 64-32-10; rate and weight decay, a point has the loss of the nearest of 128 trials of its seed. "
        f"Bands, bars: 95 %; {plots.seeds_text(regret)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-e/kind",
        "Searching on a log scale, as `10 ** uniform(-6, 1)`, is a grid search: it tries evenly spaced exponents.",
        exact(measured="evenly_spaced", expected=True, table="kinds", where={"design": "random", "scale": "log"}),
        expected=VIOLATED,
        ask="Which of these is a grid: evenly spaced exponents, or exponents drawn at random?",
        why="`uniform` draws; a grid steps. Either can be done on a linear or on a log scale, which makes four "
        "searches.",
        beware="A grid on a log scale exists as well, such as 0.001, 0.01, 0.1; it is the even steps that make it one.",
        correction="Scale (linear or log) and design (grid or random) are two choices; `10 ** uniform` is random "
        "search on a log scale.",
        reference="Bergstra & Bengio (2012), JMLR 13:281-305",
    ),
    Claim(
        "5.11-e/one",
        "Where one of two hyperparameters matters, random trials end nearer the optimum than a grid of as many.",
        paired("regret", lower="random", than="grid", by="design", scale="log", table="regret", where={"weight": 0.0}),
        expected=HOLDS,
        ask="Nine trials, one hyperparameter that matters. How many of its values does a 3 × 3 grid try?",
        why="The grid tries three values three times each; nine random points have nine values.",
        beware="One must not know which of the two it is. Otherwise a grid of nine values of it is best of all.",
    ),
    Claim(
        "5.11-e/two",
        "Where two hyperparameters matter alike, random trials end nearer the optimum than a grid of as many.",
        paired("regret", lower="random", than="grid", by="design", scale="log", table="regret", where={"weight": 1.0}),
        expected=REVERSED,
        ask="Now both matter alike. Do random points still win?",
        why="Random points clump and leave holes; the grid's largest hole is as small as it can be.",
        beware="A Sobol sequence has new values on each axis and no holes, and does well on both surfaces.",
        correction="Random search is better where few of the hyperparameters matter, not as such; where two matter "
        "alike, the grid wins.",
        reference="Bergstra & Bengio (2012), JMLR 13:281-305, sections 1 and 2",
    ),
    Claim(
        "5.11-e/networks",
        "Over the learning rate and the weight decay of networks, random trials find a lower validation loss than a "
        "grid of as many.",
        paired("val_loss", lower="random", than="grid", by="design", table="networks"),
        expected=HOLDS,
        ask="The rate matters much and weight decay little. What do nine trials of each design find?",
        why="A grid of three rates over seven decades has about one in the good band; of the random trials two or "
        "three fall into it, at different rates. But one search in twenty has none there.",
        beware="The means hang on the searches that found next to nothing, one random search in ten and one grid in "
        "twenty; the medians hardly differ. Scores are read off the nearest network, whose rate is not quite the "
        "point's and whose momentum and decay are its own, so that a rate tried again is not wasted.",
    ),
)
