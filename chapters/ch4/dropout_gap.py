"""4.8.2 Dropout and the two losses (드롭아웃과 손실)

Dropout is at work while the training loss is measured and not when the validation loss is, so the training loss that
Keras reports is that of a thinned network. Whether it lies above the validation loss depends on how much is
dropped and on how much the network overfits. Measured with dropout off, the training loss is below again.
"""

import functools

import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, contrast, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("4.8.2-a",)
DATA = "any"


def measure(
    run: Run, *, rates: tuple[float, ...] = (0.0, 0.2, 0.5, 0.7), small: int = 300, epochs: int = 20
) -> dict[str, pd.DataFrame]:
    """Train a network of 128 hidden units with several dropout rates on few and on many rows.

    Twenty epochs instead of sixty keep it within the chapter's time.
    """
    conditions, sizes_of = {}, {}
    for rows, sizes in (("few rows", (small, 473, 300)), ("many rows", None)):
        splits = run.splits("digits", sizes=sizes)
        sizes_of[rows] = len(splits(run.seeds[0]).train)
        for rate in rates:
            build = functools.partial(mlp, hidden=(128,), dropout=rate)
            conditions[f"{rows}, {rate:g}"] = Condition(model=build, learning_rate=0.1, momentum=0.9, splits=splits)
    curves = train_replicas(
        mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs)
    )
    named = curves.condition.str.rsplit(", ", n=1)
    curves = curves.assign(
        rows=named.str[0],
        training_rows=named.str[0].map(sizes_of),
        dropout=named.str[1].astype(float),
        gap_loss=curves.loss - curves.val_loss,
        reported_above=curves.loss > curves.val_loss,
        clean_above=curves.clean_loss > curves.val_loss,
    )
    columns = ["condition", "rows", "dropout", "seed", "epoch", "loss", "clean_loss", "val_loss"]
    return {"curves": curves[columns], "runs": _of_runs(curves)}


def _of_runs(curves: pd.DataFrame) -> pd.DataFrame:
    """One row per run: its epochs depend on each other, so the event is that more than half of them show it."""
    runs = curves.groupby(["rows", "training_rows", "dropout", "seed"], as_index=False)[
        ["gap_loss", "reported_above", "clean_above"]
    ].mean()
    runs["reported_mostly_above"] = runs.reported_above > 0.5
    runs["clean_mostly_above"] = runs.clean_above > 0.5
    return runs


def draw(tables: dict[str, pd.DataFrame]):
    """Left, three losses by epoch at the highest dropout rate; right, training less validation loss by dropout rate,
    for few and for many rows.
    """
    curves, runs = tables["curves"], tables["runs"]
    highest = curves.dropout.max()
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1, 1.1])
    words = {"loss": "training, reported", "val_loss": "validation", "clean_loss": "training, dropout off"}
    shown = curves[(curves.dropout == highest) & (curves.rows == "many rows")]
    for i, (column, word) in enumerate(words.items()):
        plots.band(
            left, shown.assign(word=word), x="epoch", y=column, hue="word", looks={word: plots.look(i)}, log=True
        )
    plots.log_axis(left, "y")
    rows = runs.groupby("rows").training_rows.first()
    left.set(xlabel="epochs completed", ylabel="loss (nats)")
    left.set_title(f"{100 * highest:.0f} % dropout, {rows['many rows']} rows")
    right.axhline(0, color="#222222", linewidth=1)
    named = runs.assign(rows=[f"{row.rows} ({row.training_rows})" for row in runs.itertuples()])
    looks = {name: plots.look(3 + i) for i, name in enumerate(named.rows.unique())}  # colours that no loss has
    plots.band(right, named, x="dropout", y="gap_loss", hue="rows", looks=looks, names="legend")
    right.set(xlabel="dropout rate", ylabel="reported training − validation\nloss, mean over epochs (nats)")
    right.set(title="it depends on the rate", xlim=(-0.03, highest + 0.03))
    plots.caption(
        fig,
        f"Digits, MLP 64-128-10, SGD with momentum 0.9; means and 95 % bands. {plots.seeds_text(curves)}",
    )
    return fig


def _at(rows: str, dropout: float) -> dict:
    return {"table": "runs", "where": {"rows": rows, "dropout": dropout}}


CLAIMS = (
    Claim(
        "4.8.2-a/strong",
        "With 70 % dropout and 1024 training rows, the reported training loss is above the validation loss in most "
        "epochs.",
        share("reported_mostly_above", **_at("many rows", 0.7)),
        expected=HOLDS,
        ask="Seven of ten hidden units are silent while the training loss is measured. Which loss is higher?",
        why="The thinned network is the worse one, and only the training loss is measured on it.",
        beware="A validation loss below the training loss is no sign that validation rows leaked or are easier.",
    ),
    Claim(
        "4.8.2-a/strong-few-rows",
        "The same with 300 training rows.",
        share("reported_mostly_above", **_at("few rows", 0.7)),
        expected=HOLDS,
        ask="With 300 rows the network overfits more. Is the order still turned over?",
        why="Overfitting lifts the validation loss, dropout the training loss; the larger of the two decides.",
        beware="The same dropout rate can give either order, depending on the data.",
    ),
    Claim(
        "4.8.2-a/weak",
        "With 20 % dropout and 1024 training rows, the reported training loss is above the validation loss in most "
        "epochs.",
        share("reported_mostly_above", **_at("many rows", 0.2)),
        expected=FAILS,
        ask="And with a fifth of the units silent?",
        why="The thinned network is little worse, and soon fits its rows better than the whole one fits new ones.",
        beware="'Dropout makes the training loss higher' is true of the same weights, not against validation.",
        correction="It depends on the dropout rate: the order turns over only where dropout costs more than the "
        "generalisation gap.",
        reference="Srivastava et al. (2014), Dropout, JMLR 15, 1929-1958; Keras FAQ on training and testing loss.",
    ),
    Claim(
        "4.8.2-a/depends",
        "From 20 % to 70 % dropout the gap grows by more than from none to 20 % (1024 rows).",
        contrast(
            "gap_loss",
            first=(0.7, 0.2),
            second=(0.2, 0.0),
            by="dropout",
            table="runs",
            where={"rows": "many rows"},
        ),
        expected=HOLDS,
        ask="Which opens the gap further: the step from none to 20 %, or the one from 20 % to 70 %?",
        why="What is dropped multiplies the noise by p/(1 − p): 0.25 at 20 %, 2.3 at 70 %.",
        beware="The second step is two and a half times as wide, so it would win even if every tenth cost the same; "
        "that the last tenths cost most can be seen in the figure.",
    ),
    Claim(
        "4.8.2-a/off",
        "Measured with dropout off, the training loss of that network is below its validation loss in most epochs: "
        "it is above in fewer than half of the seeds.",
        share("clean_mostly_above", above=False, **_at("many rows", 0.7)),
        expected=HOLDS,
        ask="Evaluate on the training rows with dropout off: which loss is higher now?",
        why="Both losses are then of the same network, which has seen only the training rows.",
        beware="`model.evaluate` on the training rows gives this number; the history does not.",
    ),
)
