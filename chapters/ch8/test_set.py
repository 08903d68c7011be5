"""8.3 The test set (테스트 데이터셋)

A test set evaluates a trained network: rows that took no part in training, nor in any choice. Its score is an estimate,
and as good as it has rows. The luck of the rows falls with the root of their number, so half the width of the interval
costs four times the rows; at an accuracy of 90 %, three hundred rows leave ± 3.4 points. The training accuracy is no
substitute, however many rows it is taken on.
"""

import numpy as np
import pandas as pd
from scipy import stats

from chapters.shared.members import outputs, stacked
from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired, slope
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import stream
from textbook.statistics import accuracy_half_width, rows_for_half_width

ENTRIES = ("8.3-c",)
DATA = "any"

TRAIN, TEST = "training rows", "test rows"
# each twice the one before; of the largest there must be four disjoint sets
_SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)
# random ways to deal the rows out, over which the spread is a mean
_ORDERS = 60


def measure(
    run: Run, *, rows: int = 300, test_rows: int = 300, accuracy: float = 0.9, epochs: int = 10
) -> dict[str, pd.DataFrame]:
    """Train a network of few rows, and test it on many small test sets that share no row.

    Args:
        rows: of the training part; all rows but sixty validation rows that nobody looks at are left to test on.
        test_rows: of the test set whose estimate is compared with the training rows' own.
        accuracy: at which the width of the interval is computed.
        epochs: of training.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    splits = run.splits("digits", (rows, 60, 1797 - 60 - rows))
    result = ReplicaTrainer(
        mlp,
        splits,
        conditions={"": Condition(learning_rate=0.1, momentum=0.9)},
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        keep_state=True,
    ).run()
    last = result.table[result.table.epoch == result.table.epoch.max()].set_index("seed")
    spreads, errors = [], []
    for seed in run.seeds:
        part = splits(seed).test
        answers = outputs(stacked(result, "", [seed]), part.x)[0].argmax(axis=1)
        right = (answers == part.y).astype(float)
        rng = stream(seed, "test sets")
        spreads += [(seed, *row) for row in spread_of_test_sets(right, rng)]
        drawn = rng.permutation(len(right))
        size = min(test_rows, len(right) // 2)
        few, truth = right[drawn[:size]].mean(), right[drawn[size:]].mean()
        errors += [
            (seed, name, len(splits(seed).train) if name == TRAIN else size, estimate, truth, abs(estimate - truth))
            for name, estimate in ((TRAIN, last.clean_accuracy[seed]), (TEST, few))
        ]
    first = splits(run.seeds[0])
    names = ("training", "validation", "test")
    return {
        "spread": pd.DataFrame(spreads, columns=["seed", "test_rows", "sets", "spread"]),
        "errors": pd.DataFrame(
            errors, columns=["seed", "estimated_on", "rows", "estimate", "truth", "miss_accuracy"]
        ).assign(mean_accuracy=last.test_accuracy.mean(), data=run.data("digits").card.name),
        "width": _widths(accuracy),
        "parts": pd.concat(
            pd.DataFrame({"row": np.sort(part), "part": name}) for name, part in zip(names, first.rows, strict=True)
        ),
    }


def spread_of_test_sets(right: np.ndarray, rng) -> list[tuple[int, int, float]]:
    """(rows, number of sets, standard deviation of their accuracies) for test sets of several sizes, without overlap.

    The variance is a mean over many ways to deal the rows out. Between disjoint sets it is, on average, the variance of
    single rows over n, as it is between sets of ever new rows; sets that overlap would look too much alike.
    """
    found = []
    for share in _SHARES:
        size = max(2, int(len(right) * share))
        sets = len(right) // size
        variances = [
            rng.permutation(right)[: sets * size].reshape(sets, size).mean(axis=1).var(ddof=1) for _ in range(_ORDERS)
        ]
        found.append((size, sets, float(np.sqrt(np.mean(variances)))))
    return found


def _widths(accuracy: float) -> pd.DataFrame:
    """Half-widths by the formula, and by counting binomial outcomes until 95 % lie within."""
    table = []
    for rows in (100, 300, 1000, 3000, 10_000):
        counts = np.arange(rows + 1)
        chances, far = stats.binom.pmf(counts, rows, accuracy), np.abs(counts - rows * accuracy)
        order = np.argsort(far, kind="stable")
        enough = order[np.searchsorted(np.cumsum(chances[order]), 0.95)]
        formula = accuracy_half_width(accuracy, rows)
        # in rows, since counts are whole: no formula can be nearer than one of them
        table.append((rows, 100 * formula, formula * rows, float(far[enough])))
    found = pd.DataFrame(table, columns=["test_rows", "points", "formula_rows", "counted_rows"])
    return found.assign(accuracy=accuracy, four_times=rows_for_half_width(found.points[1] / 200, accuracy=accuracy))


def draw(tables: dict[str, pd.DataFrame]):
    """Above, which rows of the data are training, validation and test; below, the spread of a test set's accuracy by
    its size, and how far estimates on training and on test rows are off.
    """
    spread, errors, parts = tables["spread"], tables["errors"], tables["parts"]
    fig, axes = plots.figure(2, 2, size=(7, 6.2), height_ratios=[1, 2.6])
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    _draw_parts(fig.add_subplot(grid[0, :]), parts)
    left, right = axes[1]
    plots.band(left, spread.assign(points=100 * spread.spread), x="test_rows", y="points", hue=None, log=True)
    mean = errors.mean_accuracy.iloc[0]
    sizes = np.geomspace(spread.test_rows.min(), spread.test_rows.max(), 50)
    left.plot(sizes, 100 * np.sqrt(mean * (1 - mean) / sizes), ":", color="#222222", marker="", label="√(a(1 − a)/n)")
    plots.log_axis(left, "x", at=tuple(spread.test_rows.unique()))
    plots.log_axis(left, "y")
    left.legend(fontsize=10)
    left.set(xlabel="rows in the test set (n)", ylabel="spread of its accuracy (points)", title="luck of the rows")
    shown = errors.assign(points=100 * (errors.estimate - errors.truth))
    right.axvline(0, color="#222222", linewidth=1)
    plots.dots(right, shown, value="points", by="estimated_on")
    counts = errors.groupby("estimated_on").rows.first()
    names = list(errors.estimated_on.unique())
    right.set_yticks(range(len(names)), [f"{counts[name]}\n{name}" for name in names])
    right.set(xlabel="estimate − accuracy on\nall other rows (points)", title="which rows to ask")
    width = tables["width"].set_index("test_rows")
    plots.caption(
        fig,
        f"{errors.data.iloc[0].capitalize()}, one hidden layer of 64, SGD with momentum; test sets of one size share "
        f"no row; band and bars: 95 %, {plots.seeds_text(errors)}. At an accuracy of {width.accuracy.iloc[0]:.0%} the "
        f"interval is ± {width.points[300]:.1f} points with 300 rows, ± {width.points[3000]:.1f} with 3000.",
    )
    return fig


def _draw_parts(ax, parts: pd.DataFrame) -> None:
    """A line for each row of the data, in the strip of its part."""
    for place, (name, colour) in enumerate(zip(("training", "validation", "test"), plots.COLOURS, strict=False)):
        rows = parts.row[parts.part == name]
        ax.broken_barh([(row, 1) for row in rows], (2 - place, 0.8), facecolor=colour)
    counts = parts.part.value_counts()
    names = ("training", "validation", "test")
    ax.set_yticks([2.4, 1.4, 0.4], [f"{name} ({counts[name]})" for name in names])
    ax.set(xlabel="row of the data (first seed)", xlim=(0, parts.row.max() + 1))
    ax.grid(visible=False)


CLAIMS = (
    Claim(
        "8.3-c/rows",
        "The luck of a test set falls with the root of its rows: the spread of its accuracy follows n to the power −½.",
        slope("spread", over="test_rows", theory=-0.5, table="spread"),
        expected=HOLDS,
        ask="Four times as many test rows: by how much do scores of one and the same network scatter less?",
        why="An accuracy is a mean of rows that are right or wrong; the variance of a mean is that of one row over n.",
        beware="Rows dealt at random make this arithmetic; rows that belong together, of one writer or one day, count "
        "for fewer. And another initial weight or order moves the accuracy as well.",
    ),
    Claim(
        "8.3-c/width",
        "The interval of an accuracy is ± 1.96·√(a(1 − a)/n): counting binomial outcomes gives the same to a row.",
        exact(measured="formula_rows", expected="counted_rows", tolerance=1, table="width"),
        expected=EXACT,
        ask="Nine of ten test rows are right, of three hundred. How many points each way is that good for?",
        why="With a few right and wrong rows in play, the binomial is as good as normal.",
        beware="Near 100 %, or with few rows, the formula is too narrow; take Wilson's interval there.",
    ),
    Claim(
        "8.3-c/evaluates",
        "A test set evaluates what the training rows cannot: its accuracy misses that on all other rows by less than "
        "the training accuracy does.",
        paired("miss_accuracy", lower=TEST, than=TRAIN, by="estimated_on", table="errors"),
        expected=HOLDS,
        ask="Two numbers, from as many training rows as test rows. Which of them is nearer to what comes next?",
        why="The test accuracy errs by luck, to either side; the training accuracy always to the same.",
        beware="It holds for a test set that had no part in any choice. Choose by it, and it errs to one side as well.",
    ),
)
