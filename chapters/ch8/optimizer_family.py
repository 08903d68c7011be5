"""8.2 The family of the optimizers (옵티마이저의 계보)

The text closes its list with a picture of who descends from whom. Here the tree is drawn from a registry that knows
year, idea, formula, parents and Keras's class of twenty rules, and the registry is put to the test: Keras's classes
have to take the steps that the formulas say. One property runs through the tree. Multiply the loss by a hundred: plain
descent takes steps a hundred times as long, and a rule that divides by the gradient's own size walks the same path.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import Adagrad, Adam, GradientDescent, HeavyBall, Nesterov, RMSprop
from textbook.update_rules.family import BOTH, FAMILY, ONE_RATE, OWN_RATES

ENTRIES = ("8.2-g",)
DATA = "none"
# of the text's picture: the formula in NumPy, to compare with Keras's class of the same name in the registry
FORMULAS = {
    "gradient descent": GradientDescent,
    "momentum": HeavyBall,
    "Nesterov": Nesterov,
    "Adagrad": Adagrad,
    "RMSprop": RMSprop,
    "Adam": Adam,
}
START = (-4.0, 1.5)
RATES = tuple(np.geomspace(1e-3, 10.0, 17))
NOBODY = "nobody"  # the parents of the first
WINDOW = 1.9  # half the height of the panels
LANES = {ONE_RATE: 0, OWN_RATES: 1, BOTH: 2}


def measure(
    run: Run, *, condition_number: float = 25.0, updates: int = 40, factor: float = 100.0, same: float = 0.02
) -> dict[str, pd.DataFrame]:
    """Walk Keras's optimizers over a long bowl, and over the same bowl with the loss multiplied.

    Args:
        condition_number: κ, how long the bowl is.
        updates: of each path. Each rule of the panels has its best of 17 rates after them.
        factor: by which the loss is multiplied.
        same: largest distance between the two paths that counts as none, as a share of the start's distance.
    """
    bowl = Quadratic((1.0, condition_number))
    walks, steps = [], []
    for name, build in FORMULAS.items():
        ours = {rate: trajectory(bowl, build(rate), start=START, steps=updates) for rate in RATES}
        ends = {rate: value if np.isfinite(value := bowl.value(path[-1])) else np.inf for rate, path in ours.items()}
        rate = min(ends, key=ends.get)
        theirs = _keras_path(FAMILY[name].build(rate), bowl, updates, bits="float64")
        gap = float(np.abs(theirs - ours[rate]).max())
        steps.append({"rule": name, "rate": rate, "border": rate in (RATES[0], RATES[-1]), "gap": gap})
        places = {"update": range(updates + 1), "w1": theirs[:, 0], "w2": theirs[:, 1]}
        walks.append(pd.DataFrame({"rule": name, **places}))
    return {
        "tree": _tree(bowl, updates // 2, factor, same).assign(factor=factor, same=same),
        "walks": pd.concat(walks).assign(kappa=condition_number),
        "steps": pd.DataFrame(steps),
    }


def _keras_path(optimizer, bowl, updates: int, factor: float = 1.0, bits: str = "float32") -> np.ndarray:
    """The path of a Keras optimizer; the weights are a row, since Muon wants a matrix."""
    import keras

    w = keras.Variable([START], dtype=bits)
    path = [np.copy(keras.ops.convert_to_numpy(w))[0]]
    for _ in range(updates):
        gradient = factor * bowl.gradient(path[-1])
        optimizer.apply([keras.ops.convert_to_tensor(gradient[None], bits)], [w])
        path.append(np.copy(keras.ops.convert_to_numpy(w))[0])
    return np.stack(path)


def _tree(bowl, updates: int, factor: float, same: float) -> pd.DataFrame:
    """The registry as a table, with what the loss's scale does to the path of those that Keras has."""
    rows = []
    for rule in FAMILY.values():
        moved = np.nan
        if rule.keras:
            # a rate at which no rule diverges on either bowl
            rate = 1.0 / (max(bowl.curvatures) * factor)
            once, scaled = (_keras_path(rule.build(rate), bowl, updates, by) for by in (1.0, factor))
            travelled = max(np.linalg.norm(path - path[0], axis=1).max() for path in (once, scaled))
            moved = np.linalg.norm(scaled - once, axis=1).max() / travelled
        rows.append(
            {
                "rule": rule.name,
                "year": rule.year,
                "branch": rule.branch,
                "idea": rule.idea,
                "parents": "; ".join(rule.parents) or NOBODY,
                "keras": rule.keras,
                "moved": moved,
                "tested": bool(rule.keras),
                "of_the_text": rule.name in FORMULAS,
                "unmoved": bool(moved < same),
                "adaptive": rule.branch != ONE_RATE,
            }
        )
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """A family tree of optimizers by year, oldest at the top, in three branches; below, the paths of six of them on one
    elongated bowl.
    """
    tree, walks, steps = tables["tree"], tables["walks"], tables["steps"].set_index("rule")
    fig, axes = plots.figure(3, 3, size=(7.6, 11.6), height_ratios=[4.2, 1, 1], sharex=True, sharey=True)
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    kappa = walks.kappa.iloc[0]
    with plots.style():
        _draw_tree(fig.add_subplot(grid[0, :]), tree)
        for ax, (name, path) in zip(axes[1:].flat, walks.groupby("rule", sort=False), strict=True):
            plots.contour(ax, lambda a, b: np.sqrt(a**2 + kappa * b**2), x=(-4.6, 2.6), y=(-WINDOW, WINDOW), levels=8)
            plots.path(ax, path[["w1", "w2"]], look={**plots.look(0), "marker": "."})
            ax.plot(*START, marker="o", mfc="white", mec="#222222", mew=1.6, markersize=7)
            ax.plot(0, 0, marker="*", color="black", markersize=9)
            ax.set_title(f"{name} ({steps.rate[name]:.2g})", fontsize=9.5)
            ax.set(xlabel="weight w1", ylabel="weight w2")
            ax.label_outer()
    first = tree.iloc[0]
    leave = ", ".join(walks[walks.w2.abs() > WINDOW].rule.unique())
    plots.caption(
        fig,
        f"Exact, no seeds. Filled: with the loss × {first.factor:g} the path of Keras's class moves by less than "
        f"{first.same:.0%} of its length; hollow: by more; cross: not in Keras. Below: κ = {kappa:g}, "
        f"{walks['update'].max()} updates of Keras's classes, each at its best of {len(RATES)} rates, in "
        f"parentheses; ○ start, ★ minimum.{f' Leaves its panel on the way: {leave}.' if leave else ''}",
    )
    return fig


def _draw_tree(ax, tree: pd.DataFrame) -> None:
    """A row for each rule and a lane for each branch; arcs lead from parents to children."""
    row = {name: -at for at, name in enumerate(tree.rule)}
    lane = {name: LANES[branch] for name, branch in zip(tree.rule, tree.branch, strict=True)}
    for rule in tree.itertuples():
        x, y = lane[rule.rule], row[rule.rule]
        for parent in rule.parents.split("; ") if rule.parents != NOBODY else ():
            bend = 0.0 if lane[parent] != x else 0.45 / np.sqrt(row[parent] - y)
            ax.annotate(
                "", (x, y), (lane[parent], row[parent]), zorder=1,
                arrowprops={"arrowstyle": "-|>", "color": "#8fa3b8", "shrinkA": 5, "shrinkB": 5,
                            "connectionstyle": f"arc3,rad={bend}"},
            )  # fmt: skip
        colour = plots.look(int(x))["color"]
        face = "white" if not rule.unmoved else colour
        ax.plot(x, y, marker="o" if rule.tested else "x", mfc=face, mec=colour, mew=1.8, markersize=8, zorder=3)
        text = {"textcoords": "offset points", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6}}
        ax.annotate(rule.idea, (x, y), (9, 0), fontsize=8, va="top", color="#444444", **text)
        ax.annotate(rule.rule, (x, y), (9, 1), fontsize=10, va="bottom", weight="bold", **text)
    ax.set_yticks(list(row.values()), tree.year.astype(str))
    ax.set_xticks(list(LANES.values()), list(LANES))
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlim=(-0.3, 3.4), ylim=(-len(row) + 0.3, 0.9), xlabel="branch", ylabel="year of the first publication")
    ax.grid(visible=False)


CLAIMS = (
    Claim(
        "8.2-g/formulas",
        "Keras's classes for six rules of the picture take the steps of their formulas.",
        exact(measured="gap", expected=0, tolerance=1e-4, table="steps"),
        expected=EXACT,
        ask="Six formulas in NumPy, six classes of Keras, forty updates each. How far apart are the paths?",
        why="A family tree of names is worth as much as the formulas behind the names.",
        beware="To 1e-4, because Keras keeps rates and betas in 32 bits. And each has details that pictures leave out: "
        "Adagrad's sum begins at 0.1 in Keras, Nesterov's velocity is the rearranged one, ε stands inside the root for "
        "RMSprop and outside for Adam.",
    ),
    Claim(
        "8.2-g/scale",
        "Of the six in the picture just those of the adaptive branches keep their path when the loss is multiplied.",
        exact(measured="unmoved", expected="adaptive", table="tree", where={"of_the_text": True}),
        expected=EXACT,
        ask="Multiply the loss by a hundred. Who walks another path, and who the same?",
        why="g/√(mean of g²) has no unit: a factor in the loss cancels. lr·g has one, and a factor in the loss acts as "
        "one in the rate.",
        beware="ε and Keras's start of Adagrad's sum break it for small gradients: with all of them near 1e-4 Adam's ε "
        "of 1e-7 is still small, and Adagrad's 0.1 rules alone.",
    ),
    Claim(
        "8.2-g/every-rule",
        "The same is true of every rule that Keras has.",
        exact(measured="unmoved", expected="adaptive", table="tree", where={"tested": True}),
        expected=VIOLATED,
        ask="And the younger ones, Lion and Muon, with one rate for all weights?",
        why="A rule can lose the gradient's size without a rate per weight, by taking its sign or making a matrix of "
        "steps orthogonal; and one with rates per weight can keep it: FTRL starts from Adagrad's 0.1 and builds the "
        "weights anew from sums.",
        beware="On two weights in one row Muon's step is the velocity at unit length; to a matrix it does more.",
    ),
)
