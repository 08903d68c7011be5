"""4.7.1 Trying learning rates (최적의 학습률)

The text tries 0.1, 0.01, 0.001 and 0.00001. Whether that list holds the best rate depends on the optimizer: Adam's best
lies inside it, plain SGD's lies above it, and momentum moves it down, because each update then adds up about ten
gradients. The list also skips 0.0001. When the best value tried is the largest or the smallest, the search has to go on
beyond it: a warning that a program can give.
"""

import pandas as pd
from matplotlib.ticker import MaxNLocator

from textbook import plots
from textbook.borders import border_check
from textbook.experiment import HOLDS, Claim, Run, contrast, paired, share
from textbook.learning_curves import epochs_to_target
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("4.7.1-a",)
DATA = "any"

_LIST = (0.1, 0.01, 0.001, 0.00001)
_RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_OPTIMIZERS = {"SGD": ("sgd", 0.0), "SGD, momentum": ("sgd", None), "Adam": ("adam", None)}


def measure(
    run: Run, *, momentum: float = 0.9, batch_size: int = 32, epochs: int = 12, accuracy: float = 0.95
) -> dict[str, pd.DataFrame]:
    """Train with every optimizer and rate; tuning seeds of their own choose the best of all rates and of the list.

    Twelve rates, half a decade apart. Twelve epochs instead of the book's twenty keep the section within its time, and
    can favour larger rates.
    """
    conditions, names = {}, []
    for optimizer, (kind, own) in _OPTIMIZERS.items():
        for rate in _RATES:
            strength = None if kind != "sgd" else momentum if own is None else own
            conditions[str(len(names))] = Condition(learning_rate=rate, optimizer=kind, momentum=strength)
            names.append((optimizer, rate))
    tuning = run.tuning(4)
    curves = train_replicas(
        mlp,
        run.splits("digits"),
        conditions=conditions,
        seeds=tuple(dict.fromkeys((*tuning, *run.seeds))),
        epochs=run.epochs(epochs),
        batch_size=batch_size,
    )
    number = curves.condition.astype(int)
    curves["optimizer"], curves["learning_rate"] = (number.map(lambda i, k=k: names[i][k]) for k in (0, 1))
    curves["error"] = 1 - curves.val_accuracy
    key = ["optimizer", "learning_rate", "seed"]
    arrival = epochs_to_target(curves, metric="error", target=1 - accuracy + 1e-9, by=key)
    ends = curves[curves.epoch == curves.epoch.max()].merge(arrival, on=key)
    for name in ("val_loss", "test_loss"):
        ends[name] = ends[name].where(~ends.diverged, ends.chance_loss)
    ends = ends[[*key, "val_loss", "test_loss", "chance_loss", "diverged", "epochs", "arrived"]].assign(target=accuracy)
    # a seed of the user's own may be one of the tuning block's: it is then both
    trials, judged = ends[ends.seed.isin(tuning)], ends[ends.seed.isin(run.seeds)]
    return {"ends": judged.reset_index(drop=True), "borders": _borders(judged), "tuned": _tuned(trials, judged)}


def _borders(ends: pd.DataFrame) -> pd.DataFrame:
    """Where the best rate of the text's list lies in that list, for each optimizer and seed."""
    rows = []
    for (optimizer, seed), runs in ends[ends.learning_rate.isin(_LIST)].groupby(["optimizer", "seed"], sort=False):
        found = border_check(runs, target="val_loss", hyperparameters=["learning_rate"], log=["learning_rate"]).iloc[0]
        side = {"optimizer": optimizer, "seed": seed, "best": found.best, "on_top": found.on_border == "high"}
        rows.append(side | {"advice": found.advice})
    return pd.DataFrame(rows)


def _tuned(trials: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """The runs at the best rate of the text's list, and at the best of all, both chosen on the tuning seeds."""
    rows = []
    for among, rates in (("the list", _LIST), ("all rates", _RATES)):
        means = (
            trials[trials.learning_rate.isin(rates)].groupby(["optimizer", "learning_rate"], sort=False).val_loss.mean()
        )
        for optimizer, best in means.groupby("optimizer", sort=False).idxmin().to_list():
            chosen = judged[(judged.optimizer == optimizer) & (judged.learning_rate == best)]
            rows.append(chosen.assign(among=among))
    return pd.concat(rows, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, validation loss by learning rate for each optimizer, the text's rates as grey bars; below, the epochs
    until the accuracy is reached.
    """
    ends, borders = tables["ends"], tables["borders"]
    fig, (above, below) = plots.figure(2, 1, sharex=True, height_ratios=[1.5, 1])
    plots.band(above, ends, x="learning_rate", y="val_loss", hue="optimizer", log=True, names="none")
    above.legend(loc="lower left", bbox_to_anchor=(0.03, 0), handlelength=2.2)  # beside the first grey bar
    plots.log_axis(above, "y")
    above.set(ylabel="validation loss (nats)")
    arrived = ends[ends.groupby(["optimizer", "learning_rate"]).arrived.transform("mean") > 0.5]
    looks = plots.looks(ends.optimizer.unique())
    if len(arrived):
        plots.band(below, arrived, x="learning_rate", y="epochs", hue="optimizer", looks=looks, names="none")
    else:
        plots.note(below, "no rate gets there in time for most seeds", at="upper left")
    below.set(
        ylabel=f"epochs to\n{ends.target.iloc[0]:.0%} accuracy", xlabel="learning rate", ylim=(0, ends.epochs.max())
    )
    below.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    for ax in (above, below):
        for rate in _LIST:
            ax.axvline(rate, color="#999999", linewidth=6, alpha=0.25, linestyle="-", zorder=0)
    plots.log_axis(below, "x", at=_RATES[::2])
    warned = borders.groupby("optimizer", sort=False).on_top.mean()
    above.set_title("grey bars: the rates that the text tries")
    plots.caption(
        fig,
        "Digits, MLP 64-64-10. Below: rates with which most seeds get there. Of the text's rates the largest is best: "
        + ", ".join(f"{name} {share:.0%}" for name, share in warned.items())
        + f" of the seeds. Bands: 95 %; {plots.seeds_text(ends)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "4.7.1-a/border",
        "With plain SGD, the best rate of the text's list is its largest, so that the search has to go on above it.",
        share("on_top", table="borders", where={"optimizer": "SGD"}),
        expected=HOLDS,
        ask="You tried 0.1, 0.01, 0.001 and 0.00001, and 0.1 was best. Are you done?",
        why="The best value on the border of a search says only that the loss still falls in that direction.",
        beware="A list belongs to an optimizer: 0.001 is a usual rate for Adam and far too small for plain SGD.",
        correction="The list lacks 0.0001, and the range to try depends on the optimizer: for plain SGD the best rate "
        "lies above the whole list.",
        reference="Bengio (2012), arXiv:1206.5533, section 3.1",
    ),
    Claim(
        "4.7.1-a/outside",
        "For plain SGD, the best rate of the whole grid ends lower on held-out data than the best rate of the list.",
        paired("test_loss", lower="all rates", than="the list", by="among", table="tuned", where={"optimizer": "SGD"}),
        expected=HOLDS,
        ask="How much does it cost to stop at the border of the list?",
        why="Within a fixed number of epochs a rate below the best one has not arrived yet.",
        beware="Both rates were chosen on other seeds; chosen on the test part they would flatter.",
    ),
    Claim(
        "4.7.1-a/optimizer",
        "Which rate is good depends on the optimizer: going from 0.003 to 0.3 harms Adam and helps plain SGD.",
        contrast(
            "test_loss",
            first=(("Adam", 0.3), ("Adam", 0.003)),
            second=(("SGD", 0.3), ("SGD", 0.003)),
            by=("optimizer", "learning_rate"),
            table="ends",
        ),
        expected=HOLDS,
        ask="Adam trains well at 0.003. Will plain SGD?",
        why="Adam divides each gradient by its usual size, so that its rate is about the length of a step; SGD's step "
        "is the rate times a gradient that is often far below 1.",
        beware="Comparing optimizers at the same rate compares rates. What is judged is the difference between the two "
        "changes; that they have opposite signs can be seen in the figure.",
    ),
)
