"""7.3 Do small rates overfit? (작은 학습률과 과대적합)

The text says that too small a rate can overfit, that a larger one regularises, and that too large a one diverges. The
last is plain. The first two come from deep convolutional networks, where the noise of large steps keeps training away
from some solutions; they are no law. After equal epochs a small rate has learnt less, so its gap between training and
validation loss is smaller, the opposite of overfitting. The fair questions are how the validation loss stands when the
training loss is the same, and how low it ever gets.
"""

import functools

import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, REVERSED, Claim, Run, paired, share, trend
from textbook.matched_loss import at_matched_loss
from textbook.models import mlp
from textbook.replicas import Condition, EarlyStopping, train_replicas

ENTRIES = ("7.3-a",)
DATA = "any"

_CLEAN, _NOISY = "clean labels", "wrong labels"
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
# with wrong labels, rate 0.01 would need several hundred epochs to 0.05; at 0.4 it has begun to learn them by heart
_TARGETS = {_CLEAN: 0.05, _NOISY: 0.4}
# training goes on to here: with clean labels the validation loss is lowest about here, with wrong ones long before
_ENDS = {_CLEAN: 0.03, _NOISY: 0.36}
_ON_THE_WAY = (1.0, 0.8, 0.65, 0.5, 0.4)


def measure(
    run: Run,
    *,
    rows: int = 300,
    width: int = 128,
    label_noise: float = 0.2,
    momentum: float = 0.9,
    too_large: float = 3.0,
    epochs: int = 120,
    equal_epochs: int = 5,
) -> dict[str, pd.DataFrame]:
    """Train with rates from 0.01 to 0.3 until the training loss is low, and with one that is too large.

    Convolutional networks, on which the statement rests, take too long here at small rates.

    Args:
        rows: of the training part; few, so that there is something to overfit.
        label_noise: share of wrong training labels in the second setting.
        epochs: at most; a run ends somewhat below the training loss at which rates are compared.
        equal_epochs: after which rates are compared at equal epochs; the rate that is too large is trained as long.
    """
    if too_large in RATES:
        raise ValueError(f"expected a rate too_large that is none of {RATES}, got {too_large:g}; mend by a larger one")
    epochs, equal = run.epochs(epochs), min(equal_epochs, run.epochs(epochs))
    noise = {_CLEAN: 0.0, _NOISY: label_noise}
    parts = {labels: run.splits("digits", (rows, 473, 300), label_noise=share) for labels, share in noise.items()}
    conditions = {
        f"{rate:g}/{labels}": Condition(
            learning_rate=rate,
            momentum=momentum,
            splits=splits,
            stop=EarlyStopping(monitor="clean_loss", target=_ENDS[labels]),
        )
        for labels, splits in parts.items()
        for rate in RATES
    }
    conditions[f"{too_large:g}/{_CLEAN}"] = Condition(learning_rate=too_large, momentum=momentum, epochs=equal)
    curves = train_replicas(
        functools.partial(mlp, hidden=(width,)),
        parts[_CLEAN],
        conditions=conditions,
        seeds=run.seeds,
        epochs=epochs,
        batch_size=32,
    )
    curves["rate"] = curves.condition.str.split("/").str[0].astype(float)
    curves["labels"] = curves.condition.str.split("/").str[1]
    for name in ("clean_loss", "val_loss"):
        curves[name] = curves[name].where(~curves.diverged, curves.chance_loss)
    usual = curves[curves.rate.isin(RATES)]
    return {
        "matched": _matched(usual),
        "best": _best(usual),
        "equal": _equal(curves, equal).assign(rows=rows, width=width, label_noise=label_noise),
        "way": _way(usual[usual.labels == _NOISY]),
    }


def _matched(curves: pd.DataFrame) -> pd.DataFrame:
    """Validation loss at the setting's training loss, for each rate and seed."""
    found = [
        at_matched_loss(mine, target=_TARGETS[labels], by=("labels", "rate", "seed")).assign(target=_TARGETS[labels])
        for labels, mine in curves.groupby("labels", sort=False)
    ]
    return pd.concat(found, ignore_index=True)


def _best(curves: pd.DataFrame) -> pd.DataFrame:
    """The epoch of lowest validation loss of each run."""
    at = curves.groupby(["labels", "rate", "seed"]).val_loss.idxmin()
    return curves.loc[at, ["labels", "rate", "seed", "epoch", "val_loss"]].reset_index(drop=True)


def _equal(curves: pd.DataFrame, epoch: int) -> pd.DataFrame:
    """Both losses after as many epochs with clean labels, and whether the training loss is no better than a guess's."""
    mine = curves[(curves.epoch <= epoch) & (curves.labels == _CLEAN)]
    # a run that had arrived before counts with its end
    mine = mine.loc[mine.groupby(["rate", "seed"]).epoch.idxmax()]
    kept = mine[["rate", "seed", "epoch", "clean_loss", "val_loss", "chance_loss", "diverged"]].reset_index(drop=True)
    kept["gap"] = kept.val_loss - kept.clean_loss
    kept["usual"] = kept.rate.isin(RATES)
    return kept.assign(useless=kept.clean_loss >= 0.98 * kept.chance_loss)


def _way(curves: pd.DataFrame) -> pd.DataFrame:
    """Validation loss at one training loss after the other, of three rates."""
    few = curves[curves.rate.isin(RATES[::2])]
    stations = [
        at_matched_loss(few, target=target, by=("rate", "seed")).assign(target=target) for target in _ON_THE_WAY
    ]
    return pd.concat(stations, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, validation loss by learning rate at equal training loss and at the best epoch, for clean and for wrong
    labels; below, the losses after equal epochs, and the validation loss while the training loss falls.
    """
    matched, best, equal, way = (tables[name] for name in ("matched", "best", "equal", "way"))
    fig, ((clean, noisy), (epochs, down)) = plots.figure(2, 2)
    for ax, labels in ((clean, _CLEAN), (noisy, _NOISY)):
        mine = matched[matched.labels == labels]
        names = f"at training loss {mine.target.iloc[0]:g}", "best epoch"
        lines = pd.concat([mine.assign(when=names[0]), best[best.labels == labels].assign(when=names[1])])
        plots.band(ax, lines, x="rate", y="val_loss", hue="when", names="legend")
        ax.set(title=labels, ylim=(0, 1.4 * lines.groupby(["when", "rate"]).val_loss.mean().max()))
        ax.set(xlabel="learning rate", ylabel="validation loss (nats)")
        ax.legend(loc="upper left" if labels == _CLEAN else "lower left", fontsize=9.5)
    usual = equal[equal.usual]
    parts = {"validation": "val_loss", "training": "clean_loss"}
    both = pd.concat([usual.assign(part=part, loss=usual[name]) for part, name in parts.items()])
    plots.band(epochs, both, x="rate", y="loss", hue="part", log=True, names="legend",
               looks={"validation": plots.look(2), "training": plots.look(3)})  # fmt: skip
    plots.log_axis(epochs, "y")
    epochs.set(xlabel="learning rate", ylabel="loss (nats)", title=f"clean, after {equal.epoch.max()} epochs")
    epochs.legend(fontsize=9.5)
    there = way[way.groupby(["rate", "target"]).arrived.transform("all")]
    names = there.sort_values("rate").assign(name=there.rate.map(lambda rate: f"rate {rate:g}"))
    if len(names):
        plots.band(down, names, x="target", y="val_loss", hue="name", names="legend")
    down.set(
        xlabel="training loss (nats), falling →", ylabel="validation loss (nats)", title="wrong labels, on the way"
    )
    down.legend(fontsize=9.5) if len(names) else plots.note(down, "no rate gets there in time")
    for ax in (clean, noisy, epochs):
        plots.log_axis(ax, "x", at=(0.01, 0.03, 0.1, 0.3))
    plots.log_axis(down, "x", at=_ON_THE_WAY)
    down.invert_xaxis()
    first, large = equal.iloc[0], equal[~equal.usual]
    late = int((~matched.arrived).sum())
    plots.caption(
        fig,
        f"Digits, {first['rows']} training images, MLP 64-{first.width}-10, SGD with momentum; {first.label_noise:.0%} "
        f"of the training labels wrong, or none. {late} of {len(matched)} runs did not get there and count with their "
        f"end. Rate {large.rate.iloc[0]:g}: no better than a guess in {int(large.useless.sum())} of "
        f"{len(large)} runs. Mean, 95 % band; {plots.seeds_text(equal)}.",
    )
    return fig


_LAW = (
    "That a large first rate regularises has been found for deep convolutional networks with decaying rates; it is no "
    "general law. Compare rates at equal training loss or at their best epoch: after equal epochs a small rate has "
    "only learnt less."
)
_LI = "Li, Wei and Ma (2019), arXiv:1907.04595; Smith (2018), arXiv:1803.09820"

CLAIMS = (
    Claim(
        "7.3-a/matched",
        "A smaller rate overfits more: at the same training loss, 0.05, the validation loss falls with the rate.",
        trend("val_loss", over="rate", direction="falls", table="matched", where={"labels": _CLEAN}),
        expected=FAILS,
        ask="Six networks have the same training loss, reached with rates from 0.01 to 0.3. Which has the lowest "
        "loss on other images?",
        why="Had small steps led to worse solutions, it would show here, where all have fitted the images equally "
        "well. Large steps have a price of their own: they silence units and swing about the bottom.",
        beware="300 images and one hidden layer. The statement was made for deep convolutional networks.",
        correction=_LAW,
        reference=_LI,
    ),
    Claim(
        "7.3-a/best",
        "A larger rate regularises: the lowest validation loss of a run falls with the rate.",
        trend("val_loss", over="rate", direction="falls", table="best", where={"labels": _CLEAN}),
        expected=FAILS,
        ask="Each rate may stop at its best epoch. Does the largest get lowest?",
        why="With early stopping a small rate only takes longer to come to about the same place. The largest rates "
        "do not get as low.",
        beware="The lowest of many noisy epochs is flattered, and small rates have more epochs to choose from. On the "
        "other hand they are stopped soon after the matched loss, while still getting a little lower.",
        correction=_LAW,
        reference=_LI,
    ),
    Claim(
        "7.3-a/noise",
        "With a fifth of the training labels wrong, a smaller rate overfits more: at training loss 0.4 the validation "
        "loss falls with the rate.",
        trend("val_loss", over="rate", direction="falls", table="matched", where={"labels": _NOISY}),
        expected=HOLDS,
        ask="Now there are labels that should not be learnt. Do large steps keep from learning them?",
        why="Large steps are thought to regularise because they cannot stay in the narrow places that a wrong label "
        "asks for. They also silence units and shake what has been learnt, and the largest rates pay for that.",
        beware="At a training loss of 0.4 all of them have begun to learn wrong labels; none should be used as it is. "
        "Where the curve turns upwards, the rate is on its way to being too large.",
        correction=_LAW,
        reference=_LI,
    ),
    Claim(
        "7.3-a/noise-best",
        "With wrong labels, the lowest validation loss of a run falls with the rate.",
        trend("val_loss", over="rate", direction="falls", table="best", where={"labels": _NOISY}),
        expected=FAILS,
        ask="Stopped at the best epoch, before the wrong labels are learnt: which rate gets lowest?",
        why="Early stopping does by itself what a regularising rate would do. What is left for a larger rate to gain "
        "is small, and near the unstable rates it is lost again.",
        beware="A line through all six rates says nothing of its two halves: look at the left one by itself. And with "
        "large rates the curve swings, so that the best epoch is partly luck.",
    ),
    Claim(
        "7.3-a/gap",
        "After equal epochs, the gap between validation and training loss is larger at rate 0.01 than at 0.1.",
        paired("gap", higher=0.01, than=0.1, by="rate", unit="nats", delta=0.01, table="equal"),
        expected=REVERSED,
        ask="A gap between the two losses is what overfitting looks like. After five epochs, which rate shows it?",
        why="The gap opens as the training images are learnt, and the small rate has not got so far.",
        beware="So at equal epochs a small rate looks less overfitted, and is merely under-trained.",
        correction=_LAW,
        reference=_LI,
    ),
    Claim(
        "7.3-a/diverges",
        "Too large a rate, 3, does not converge: after five epochs its training loss is no better than a guess's.",
        share("useless", table="equal", where={"usual": False}),
        expected=HOLDS,
        ask="Thirty times a good rate: a wild start that settles, or nothing at all?",
        why="Each step overshoots by more than the last, until most units are silent and nothing but the classes' "
        "shares can be learnt.",
        beware="It need not become infinite. A loss that stays near that of a guess is as lost as one that is not a "
        "number.",
    ),
)
