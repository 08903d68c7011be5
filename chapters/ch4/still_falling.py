"""4.7.1 Still falling at the end (검증 손실이 계속 감소할 때)

A validation loss that still falls when training ends is no fault of the model: training was stopped too early. Two
remedies work, more epochs at the same rate or a larger rate for as many epochs. The larger rate gets further for the
same time, as long as it stays below the rates at which training becomes unstable.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from textbook import plots
from textbook.diagnosis import STILL_IMPROVING, diagnose
from textbook.experiment import HOLDS, Claim, Run, paired, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("4.7.1-b",)
DATA = "any"


def measure(
    run: Run, *, rate: float = 0.005, epochs: int = 5, more: int = 4, larger: float = 10.0
) -> dict[str, pd.DataFrame]:
    """Stop a slow run early; then train it `more` times as long, and with a rate `larger` times as large."""
    # not run.epochs(): five epochs are what the diagnosis needs at the least, and they cost next to nothing
    conditions = {
        "stopped early": Condition(learning_rate=rate, momentum=0.9, epochs=epochs),
        f"{more} × the epochs": Condition(learning_rate=rate, momentum=0.9, epochs=more * epochs),
        f"{larger:g} × the rate": Condition(learning_rate=larger * rate, momentum=0.9, epochs=epochs),
        # the control of the diagnosis: the book's own rate for twice the book's own epochs
        "trained out": Condition(learning_rate=0.1, momentum=0.9, epochs=40),
    }
    curves = train_replicas(mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=epochs)
    arms = dict(zip(conditions, ("stopped early", "more epochs", "larger rate", "trained out"), strict=True))
    curves["arm"] = curves.condition.map(arms)
    kept = ["condition", "arm", "seed", "epoch", "loss", "val_loss", "test_loss", "diverged", "chance_loss"]
    return {"curves": curves[kept], "diagnoses": pd.DataFrame(_diagnoses(curves))}


def _diagnoses(curves: pd.DataFrame):
    for (arm, seed), rows in curves.groupby(["arm", "seed"], sort=False):
        found = diagnose(rows)
        yield {
            "arm": arm,
            "seed": seed,
            "verdict": found.verdict,
            "still_improving": found.verdict == STILL_IMPROVING,
            "text": str(found),
        }


def draw(tables: dict[str, pd.DataFrame]):
    """Validation loss by epoch of the run that was stopped early, with more epochs and with a larger rate; in a corner,
    what the diagnosis says of the short run.
    """
    curves, diagnoses = tables["curves"], tables["diagnoses"]
    curves = curves[curves.arm != "trained out"]
    fig, ax = plots.figure()
    for place, (name, rows) in enumerate(curves.groupby("condition", sort=False)):
        look = plots.look(place)
        # the short run lies on the first epochs of the long one: a wide line under it shows both
        shown = {name: look | ({"linewidth": 6, "alpha": 0.45} if place == 0 else {})}
        plots.band(ax, rows, x="epoch", y="val_loss", log=True, names="none", looks=shown)
        end = rows[rows.epoch == rows.epoch.max()]
        height = np.exp(np.log(end.val_loss).mean())
        at, side = ((end.epoch.iloc[0], "left"), (8, 4)) if place != 1 else ((end.epoch.iloc[0], "right"), (0, 22))
        ax.annotate(name, (at[0], height), side, textcoords="offset points", ha=at[1], color=look["color"])
    plots.log_axis(ax, "y")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epochs completed", ylabel="validation loss (nats)")
    said = [
        f"diagnose() of {which}:\n“{often.index[0]}” for {often.iloc[0]} of {often.sum()} seeds"
        for which, arm in (("the short run", "stopped early"), ("40 epochs at rate 0.1", "trained out"))
        for often in [diagnoses[diagnoses.arm == arm].verdict.value_counts()]
    ]
    plots.note(ax, "\n".join(said))
    plots.caption(fig, f"Digits, MLP 64-64-10, SGD with momentum 0.9, batches of 32. {plots.seeds_text(curves)}")
    return fig


CLAIMS = (
    Claim(
        "4.7.1-b/diagnosis",
        "A slow run that is stopped after a few epochs is recognised by its curve: the validation loss still falls.",
        share("still_improving", table="diagnoses", where={"arm": "stopped early"}),
        expected=HOLDS,
        ask="Which part of a curve tells that more training would help, its level or its slope at the end?",
        why="The last epochs fall by much more than the curve swings from epoch to epoch.",
        beware="It says that training was too short, not that something is wrong with the network.",
        correction="A validation loss that still falls at the end is not abnormal: the run was stopped too early.",
        reference="Goodfellow, Bengio and Courville (2016), Deep Learning, section 11.4.1",
    ),
    Claim(
        "4.7.1-b/control",
        "A run that was trained until nothing more came of it is not said to be still improving.",
        share("still_improving", table="diagnoses", where={"arm": "trained out"}, above=False),
        expected=HOLDS,
        ask="A diagnosis that always says “train on” is right about every run stopped early. What would unmask it?",
        why="At the book's rate of 0.1 the validation loss has flattened long before the fortieth epoch.",
        beware="It may be called overfitting or oscillating; what matters here is that it is not told to go on.",
    ),
    Claim(
        "4.7.1-b/epochs",
        "Training on at the same rate lowers the loss on held-out data.",
        paired("test_loss", lower="more epochs", than="stopped early", by="arm", table="curves"),
        expected=HOLDS,
        ask="The rate stays, the run is four times as long. How far down does the loss get?",
        why="The run had not arrived; each further epoch moves it on along the same way.",
        beware="It stops to help once the validation loss has turned upwards.",
    ),
    Claim(
        "4.7.1-b/rate",
        "A larger rate lowers the loss on held-out data in the same number of epochs.",
        paired("test_loss", lower="larger rate", than="stopped early", by="arm", table="curves"),
        expected=HOLDS,
        ask="Five epochs again, with ten times the rate: better or worse than before?",
        why="Far below the unstable rates, how far a run gets is in proportion to rate times updates.",
        beware="It helps only where the rate was too small to begin with; from a good rate, ten times more is ruin.",
    ),
    Claim(
        "4.7.1-b/cheaper",
        "The larger rate gets further in the short run than the small one does in the long run.",
        paired("test_loss", lower="larger rate", than="more epochs", by="arm", table="curves"),
        expected=HOLDS,
        ask="Four times the epochs or ten times the rate: which remedy ends lower, and which costs less?",
        why="Rate times updates grows tenfold with the one and fourfold with the other, and only the epochs cost time.",
        beware="The comparison is of ten times with four times; equal factors would make rate times updates the same.",
    ),
)
