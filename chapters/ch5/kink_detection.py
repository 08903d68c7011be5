"""5.3 Finding the kinks (승자 비교로 kink 찾기)

Where a kink lies between x − h and x + h, the difference says nothing about the gradient, and the check should know.
The text compares f(x + h) with f(x − h): if the values differ, a kink was passed. But values differ wherever there is
a slope. What has to be compared is who won: which argument of each maximum, which side of each ReLU, at both points. A
check that does so can set such weights apart, or look at them with a smaller step, and of a correct network nothing
suspicious is left.
"""

import numpy as np
import pandas as pd

from chapters.shared.loss_differences import along
from chapters.shared.small_network import SmallNetwork
from textbook import plots
from textbook.checks import numerical_gradient, relative_error
from textbook.experiment import HOLDS, VIOLATED, Claim, Run, exact, share
from textbook.models import mlp
from textbook.seeding import stream

ENTRIES = ("5.3-b",)
DATA = "digits"


def measure(
    run: Run,
    *,
    rows: int = 400,
    hidden: tuple[int, ...] = (32, 32),
    coordinates: int = 50,
    h: float = 1e-4,
    suspicious: float = 1e-4,
) -> dict[str, pd.DataFrame]:
    """Check a correct ReLU network: which weights crossed a kink, and how large is whose error?

    The check looks again, with smaller steps, where a kink was crossed. What the first step alone would have said is
    computed beside it.

    Args:
        rows: digits in the loss; many, because this time kinks are wanted.
        hidden: units of each hidden layer.
        coordinates: weights checked of each tensor.
        h: step; at 1e-4 a smooth loss would be good to 10⁻⁸ or so.
        suspicious: relative error that a correct gradient should not have.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.checks import gradient_check

    model = mlp((64,), 10, hidden=hidden)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    shapes = [weights.shape for weights in model.get_weights()]
    starts = np.concatenate([[0], np.cumsum([np.prod(shape) for shape in shapes])]).astype(int)
    tables = []
    for seed in run.seeds:
        part = run.splits("digits")(seed).train
        x, y = part.x[:rows], part.y[:rows]
        network = SmallNetwork(x, y, 10, hidden=tuple(hidden), activation="relu")
        # Keras stores float32: both have to start from the same numbers
        weights = network.initial(stream(seed, "weights")).astype(np.float32).astype(np.float64)
        parts = np.split(weights, starts[1:-1])
        model.set_weights([values.reshape(shape) for values, shape in zip(parts, shapes, strict=True)])
        found = gradient_check(model, x, y, h=h, coordinates=coordinates, seed=seed).table
        tensor = found.tensor.map({name: place for place, name in enumerate(found.tensor.unique())})
        places = zip(tensor, found["index"], strict=True)
        flat = np.array([starts[t] + np.ravel_multi_index(index, shapes[t]) for t, index in places])
        numeric = numerical_gradient(along(network, weights, flat), weights[flat], h=h)
        tables.append(
            pd.DataFrame(
                {
                    "seed": seed,
                    # by its place: Keras numbers layers by what the process built before
                    "tensor": [
                        f"{at} {name.rpartition('/')[2]}" for at, name in zip(tensor, found.tensor, strict=True)
                    ],
                    "analytic": found.analytic,
                    "numeric": numeric,
                    "error": relative_error(found.analytic, numeric),
                    "crossed": found.crossed_kink,
                    "error_smaller_step": found.relative_error,
                    "step": found.step,
                    "values_differ": numeric != 0,  # that is, f(w + h) ≠ f(w − h)
                }
            )
        )
    table = pd.concat(tables, ignore_index=True)
    units = "-".join(map(str, hidden))
    table = table.assign(suspicious=table.error > suspicious, limit=suspicious, rows=rows, hidden=units)
    return {"weights": table, "seeds": _by_seed(table)}


def _by_seed(weights: pd.DataFrame) -> pd.DataFrame:
    """For each seed how many weights are suspicious, how many of these crossed a kink, and whether all did.

    A seed without a suspicious weight has nothing to explain and is no evidence: `any` tells it apart.
    """
    large = weights[weights.suspicious].groupby("seed").crossed.agg(["size", "sum"])
    large = large.reindex(weights.seed.unique(), fill_value=0)
    table = large.rename(columns={"size": "suspicious", "sum": "explained"}).rename_axis("seed").reset_index()
    return table.assign(all_explained=table.suspicious == table.explained, any=table.suspicious > 0)


def draw(tables: dict[str, pd.DataFrame]):
    """Three histograms of relative errors: of weights without a kink between the points, of weights with one, and of
    the latter with smaller steps.
    """
    weights = tables["weights"]
    limit, h = weights.limit.iloc[0], weights.step.max()
    crossed = weights[weights.crossed]
    same = weights[~weights.crossed]
    shown = {
        f"same winners: {_differing(same)}": same.error,
        f"a winner changed: {_differing(crossed)}": crossed.error,
        f"the same {len(crossed)} weights, smaller steps:\n": crossed.error_smaller_step,
    }
    fig, axes = plots.figure(3, 1, size=(7, 6.4), sharex=True)
    floor = 1e-12
    bins = np.geomspace(floor, 2, 50)
    for number, (ax, (name, errors)) in enumerate(zip(axes, shown.items(), strict=True)):
        ax.hist(errors.clip(lower=floor), bins, color=plots.COLOURS[number], alpha=0.85)
        ax.axvline(limit, color="#222222", linewidth=1.2)
        plots.note(ax, f"{name}{(errors > limit).sum()} suspicious", at="upper left")
        ax.set_ylabel("weights")
        ax.set_ylim(0, 1.55 * ax.get_ylim()[1])  # room for the words
    plots.log_axis(axes[-1], "x", at=(1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1))
    axes[-1].set(xlabel=f"relative error of a correct gradient (0 drawn at the left; line: {plots.plain(limit)})")
    axes[0].set_title("Is there a kink between the two points?")
    plots.caption(
        fig,
        f"{weights.rows.iloc[0]} digits, ReLU network with {weights.hidden.iloc[0]} hidden units, h = "
        f"{plots.plain(h)}. f: the loss at w + h and at w − h; it is the same where a weight has no gradient. "
        f"{plots.seeds_text(weights)}.",
    )
    return fig


def _differing(weights: pd.DataFrame) -> str:
    return f"{len(weights)} weights,\nf differs for {weights.values_differ.sum()}, "


_NOTES = "cs231n course notes, Neural Networks Part 3: keep track of the identities of all winners in max(x, y)"

CLAIMS = (
    Claim(
        "5.3-b/winners",
        "In a correct network every weight with a relative error above 10⁻⁴ is one where a winner changed.",
        share("all_explained", threshold=0.8, table="seeds", where={"any": True}),
        expected=HOLDS,
        ask="A correct ReLU network has weights with large relative errors. Does a kink explain every one of them?",
        why="Between kinks the loss is smooth, and there a centred difference with h = 10⁻⁴ is far better than 10⁻⁴.",
        beware="The reverse need not be: where one row of many changes sides just beside its kink, the error stays "
        "small. A seed without a suspicious weight shows nothing and is not counted.",
    ),
    Claim(
        "5.3-b/values",
        "Comparing the values f(x + h) and f(x − h) tells whether a kink was crossed.",
        exact(measured="values_differ", expected="crossed", table="weights"),
        expected=VIOLATED,
        ask="On a smooth slope, without any kink, are f(x + h) and f(x − h) equal?",
        why="They differ by 2h times the slope: that is what a difference is made of.",
        beware="Nor do equal values rule a kink out: on both sides of |x| at 0 the values are the same.",
        correction="Compare the winners, not the values: which argument of each maximum and which side of each ReLU is "
        "the larger, for every row and unit, at both points.",
        reference=_NOTES,
    ),
)
