"""5.11 Cross-validation of networks (교차 검증)

The text calls cross-validation impossible for deep networks: a sample that took part in training is no use for
validation. But every fold trains a network of its own from the beginning, and judges it on rows that this network never
saw. It is not impossible but dear, five trainings in place of one, which is why a single validation part is usual where
rows abound. With few rows the price buys something: the mean of five folds is a better estimate than one fold.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("5.11-c",)
DATA = "any"

_REPETITIONS = 24
_MOST_FOLDS = 20
_FOLDS, _HOLD = "5 folds", "one hold-out"


def measure(
    run: Run, *, rows: int = 300, folds: int = 5, rate: float = 0.1, momentum: float = 0.9, epochs: int = 20
) -> dict[str, pd.DataFrame]:
    """Estimate the accuracy of a network of few rows by all folds and by the first alone; the truth is all other rows.

    Args:
        rows: that the reader has; those left over when folds are even are not used.
        folds: 2 to 20; one hold-out is the first fold, a share of 1/folds.
    """
    if not 2 <= folds < _MOST_FOLDS:
        raise ValueError(f"expected 2 to {_MOST_FOLDS - 1} folds, got {folds}")
    seeds, splitter = run.seeds_for(_REPETITIONS), run.splits("digits", (rows, 60, 1797 - 60 - rows))
    drawn = {seed: _folds(splitter(seed), folds) for seed in seeds}
    settings = {"conditions": {"": Condition(learning_rate=rate, momentum=momentum)}, "epochs": run.epochs(epochs)}
    numbers = [seed * _MOST_FOLDS + fold for seed in seeds for fold in range(folds)]

    def fold_of(number: int):
        return splitter.with_rows(drawn[number // _MOST_FOLDS][number % _MOST_FOLDS], number // _MOST_FOLDS)

    def whole_of(number: int):
        # all the rows that the reader has; the last fold stands in as a validation part that nobody looks at
        train, held, unseen = drawn[number // _MOST_FOLDS][-1]
        return splitter.with_rows((np.concatenate([train, held]), held, unseen), number // _MOST_FOLDS)

    each = _last(train_replicas(mlp, fold_of, seeds=tuple(numbers), **settings))
    final = tuple(seed * _MOST_FOLDS + folds for seed in seeds)
    truth = _last(train_replicas(mlp, whole_of, seeds=final, **settings)).set_index("seed").test_accuracy
    return {
        "folds": each[["seed", "fold", "val_accuracy", "test_accuracy"]],
        "errors": _errors(each, truth, folds),
        "overlap": _overlap(drawn),
    }


def _folds(part, folds: int) -> list[tuple]:
    """(training, held-out, unseen) row numbers of each fold; unseen are all rows that the reader does not have."""
    train, validation, test = part.rows
    pieces = np.split(train[: len(train) // folds * folds], folds)
    unseen = np.concatenate([validation, test])
    return [
        (np.concatenate([piece for other, piece in enumerate(pieces) if other != fold]), pieces[fold], unseen)
        for fold in range(folds)
    ]


def _last(curves: pd.DataFrame) -> pd.DataFrame:
    last = curves[curves.epoch == curves.epoch.max()].copy()
    for name in ("val_accuracy", "test_accuracy"):
        last[name] = last[name].where(~last.diverged, last.chance_accuracy)
    return last.assign(fold=last.seed % _MOST_FOLDS, seed=last.seed // _MOST_FOLDS)


def _errors(each: pd.DataFrame, truth: pd.Series, folds: int) -> pd.DataFrame:
    """Estimated less true accuracy of the network that is trained on all the rows."""
    mean, first = each.groupby("seed").val_accuracy.mean(), each[each.fold == 0].set_index("seed").val_accuracy
    tables = [
        pd.DataFrame({
            "estimator": name, "seed": truth.index, "estimate": value.reindex(truth.index), "truth": truth,
            "error": value.reindex(truth.index) - truth, "trainings": count,
        })
        for name, value, count in ((_FOLDS, mean, folds), (_HOLD, first, 1))
    ]  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    return table.assign(size_of_error=table.error.abs())


def _overlap(drawn: dict) -> pd.DataFrame:
    """For each seed: rows on which a network was both trained and judged, and how often each row was judged on."""
    rows = []
    for seed, folds in drawn.items():
        judged = np.concatenate([held for _, held, _ in folds])
        rows.append({
            "seed": seed,
            "trained_and_judged": sum(len(np.intersect1d(train, held)) for train, held, _ in folds),
            "most_judged": int(np.unique(judged, return_counts=True)[1].max()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, errors of the estimates by several folds and by one hold-out set; right, their root mean squares by the
    number of networks trained.
    """
    errors = tables["errors"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.7, 1])
    looks = plots.looks(errors.estimator.unique())
    shown = errors.assign(points=100 * errors.error)
    left.axvline(0, color="#222222", linewidth=1)
    plots.dots(left, shown, value="points", by="estimator", looks=looks)
    left.set(xlabel="estimated − true accuracy (points)", title="errors of the estimate")
    for row, (name, mine) in enumerate(shown.groupby("estimator", sort=False)):
        spread = np.sqrt(np.square(mine.points).mean())
        left.text(0.02, row - 0.28, f"RMSE {spread:.1f}", transform=left.get_yaxis_transform(),
                  color=looks[name]["color"], fontsize=10.5)  # fmt: skip
        right.plot(mine.trainings.iloc[0], spread, looks[name]["marker"], color=looks[name]["color"], markersize=11)
        right.annotate(name, (mine.trainings.iloc[0], spread), (0, 12), textcoords="offset points", fontsize=10.5,
                       ha="left" if mine.trainings.iloc[0] == 1 else "right", color=looks[name]["color"])  # fmt: skip
    right.set(xlabel="networks trained", ylabel="RMSE (points)", title="what it costs")
    right.set_xticks(sorted(errors.trainings.unique()))
    right.margins(x=0.2)
    right.set_ylim(0, 1.35 * right.get_ylim()[1])
    plots.caption(
        fig,
        "Digits, 300 rows unless set, MLP 64-64-10, SGD with momentum 0.9. True: accuracy on all other rows of a "
        "network trained on all 300. Large marks: mean error with its 95 % interval; RMSE: root mean square error. "
        f"{plots.seeds_text(errors)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-c/leak",
        "In cross-validation, no network is judged on a row that it was trained on.",
        exact(measured="trained_and_judged", expected=0, table="overlap"),
        expected=EXACT,
        ask="Every row is used for training and for validation. By the same network?",
        why="Each fold trains a network of its own on the other folds, from fresh weights.",
        beware="Going on with one network from fold to fold would leak. So would choosing by all folds and reporting "
        "the same number.",
        correction="Cross-validation is not impossible for networks but expensive: every fold is trained from the "
        "beginning, so nothing leaks.",
        reference="Stanford CS231n notes, Neural networks 3 (2015): prefer one validation fold to cross-validation",
    ),
    Claim(
        "5.11-c/error",
        "With few rows, the mean of five folds is nearer to the true accuracy than one hold-out of a fifth.",
        paired("size_of_error", lower=_FOLDS, than=_HOLD, by="estimator", unit="points", delta=0.5, table="errors"),
        expected=HOLDS,
        ask="300 rows. By how many points does an accuracy err that was counted on 60 of them, and one counted on all?",
        why="Sixty rows give an accuracy of 90 % a standard error of four points; three hundred, of less than two.",
        beware="Both judge networks of 240 rows, and so tend to promise too little for one of 300. Folds share most of "
        "their training rows, so their spread says little about the error.",
    ),
)
