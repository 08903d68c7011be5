"""8.4.3 What dropout costs and brings (드롭아웃의 한계)

Dropout may generalise better, says the text, but the loss converges more slowly and the training error rises. Three
numbers, then, against its rate: epochs until the validation loss is low, the training error, and the error on new
images. The training error has to be told apart from what is reported during training: that is measured with nodes
silenced, and evaluated without it is far lower.
"""

import functools

import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, paired
from textbook.learning_curves import epochs_to_target
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("8.4.3-d",)
DATA = "any"

_RATES = (0.0, 0.2, 0.5, 0.7)
_MANY, _FEW = "all rows", "few rows"


def measure(
    run: Run,
    *,
    few: int = 300,
    hidden: int = 128,
    target: float = 0.2,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    epochs: int = 20,
    few_epochs: int = 60,
) -> dict[str, pd.DataFrame]:
    """Train a network with each rate of dropout on all training rows and on few of them.

    Args:
        few: training rows of the small set.
        hidden: units of the hidden layer, which dropout follows.
        target: validation loss in nats; the epochs until it is first reached are counted.
        few_epochs: for the small set, where an epoch has fewer updates.
    """
    splits = {_MANY: run.splits("digits"), _FEW: run.splits("digits", (few, 473, 300))}
    conditions = {
        f"{rows}|{rate}": Condition(
            learning_rate=learning_rate,
            momentum=momentum,
            strengths={"rate": rate},
            splits=splits[rows],
            epochs=run.epochs(epochs if rows == _MANY else few_epochs),
        )
        for rows in splits
        for rate in _RATES
    }
    curves = train_replicas(
        functools.partial(mlp, hidden=(hidden,), dropout=0.5),  # a rate of 0 would leave the layer out
        splits[_MANY],
        conditions=conditions,
        seeds=run.seeds,
        epochs=run.epochs(max(epochs, few_epochs)),
    )
    named = curves.condition.str.split("|", expand=True)
    sizes = {rows: len(part(run.seeds[0]).train) for rows, part in splits.items()}
    curves = curves.assign(rows=named[0], dropout=named[1].astype(float), training_rows=named[0].map(sizes))
    arrival = epochs_to_target(curves, metric="val_loss", target=target, by=("rows", "dropout", "seed"))
    columns = ["rows", "training_rows", "dropout", "seed", "epoch", "diverged", "chance_loss", "chance_accuracy"]
    losses = ["loss", "clean_loss", "test_loss", "test_accuracy"]
    ends = curves.loc[curves.epoch == curves.groupby("rows").epoch.transform("max"), [*columns, *losses]]
    settings = {"hidden": hidden, "learning_rate": learning_rate, "momentum": momentum}
    return {"ends": ends.reset_index(drop=True).assign(**settings), "arrival": arrival.assign(target=target)}


def draw(tables: dict[str, pd.DataFrame]):
    """Against the rate of dropout: epochs to the target, both training losses, and the test loss and accuracy."""
    ends, arrival = tables["ends"], tables["arrival"]
    fig, ((speed, training), (loss, accuracy)) = plots.figure(2, 2, sharex=True)
    sizes = ends.groupby("rows", sort=False).training_rows.first()
    names = {rows: f"{count} rows" for rows, count in sizes.items()}
    looks = {name: plots.look(place) for place, name in enumerate(names.values())}
    ends = ends.assign(rows=ends.rows.map(names))
    guess = {"test_loss": "chance_loss", "loss": "chance_loss", "clean_loss": "chance_loss"}
    for column, chance in (guess | {"test_accuracy": "chance_accuracy"}).items():
        ends[column] = ends[column].where(~ends.diverged, ends[chance])
    plots.band(speed, arrival.assign(rows=arrival.rows.map(names)), x="dropout", y="epochs", hue="rows", looks=looks,
               log=True, names="none")  # fmt: skip
    plots.log_axis(speed, "y")
    many = ends[ends.rows == names[_MANY]]
    for place, (column, word) in enumerate((("loss", "as reported"), ("clean_loss", "dropout off"))):
        plots.band(training, many.assign(word=word), x="dropout", y=column, hue="word", log=True, names="legend",
                   looks={word: plots.look(3 + place)})  # fmt: skip
    plots.log_axis(training, "y")
    plots.band(loss, ends, x="dropout", y="test_loss", hue="rows", looks=looks, names="none")
    plots.band(accuracy, ends.assign(percent=100 * ends.test_accuracy), x="dropout", y="percent", hue="rows",
               looks=looks, names="legend")  # fmt: skip
    target = arrival.target.iloc[0]
    speed.set(ylabel=f"epochs to a validation\nloss of {target:g}")
    training.set(ylabel="training loss (nats)", title=names[_MANY])
    loss.set(xlabel="dropout rate p", ylabel="test loss (nats)")
    accuracy.set(xlabel="dropout rate p", ylabel="test accuracy (%)")
    first, late = ends.iloc[0], int((~arrival.arrived).sum())
    epochs = " or ".join(
        f"{epoch:.0f} ({rows})" for rows, epoch in ends.groupby("rows", sort=False).epoch.first().items()
    )
    plots.caption(
        fig,
        f"Digits, MLP 64-{first.hidden:.0f}-10, dropout behind the hidden layer, SGD with rate {first.learning_rate:g} "
        f"and momentum {first.momentum:g}, epochs: {epochs}. Means, 95 % bands. {late} of {len(arrival)} runs "
        f"never reached the target and count one epoch more than they had. {plots.seeds_text(ends)}",
    )
    return fig


def _at(table: str, rows: str) -> dict:
    return {"by": "dropout", "table": table, "where": {"rows": rows}}


CLAIMS = (
    Claim(
        "8.4.3-d/slower",
        "With half of the hidden nodes dropped the validation loss takes more epochs to fall to 0.2 than with none.",
        paired("epochs", higher=0.5, than=0.0, scale="log", **_at("arrival", _MANY)),
        expected=HOLDS,
        ask="Every update sees half of the hidden nodes. How many times as many epochs does the same loss take?",
        why="A node learns only from the samples for which it is kept, and the masks make each gradient noisier.",
        beware="At one learning rate for all. Dropout may bear another, and a wider layer as well. How many times as "
        "many is less certain than the interval says: with the digits 32 further seeds (3000–3031) gave 1.13 "
        "[1.04, 1.24]. Where the target is hardly reached at all, as on few rows, it tells little of speed.",
    ),
    Claim(
        "8.4.3-d/reported",
        "The training loss that is reported is higher with p = 0.5 than without dropout.",
        paired("loss", higher=0.5, than=0.0, **_at("ends", _MANY)),
        expected=HOLDS,
        ask="After the last epoch, which run reports the higher training loss?",
        why="It is measured on thinned networks, each with half of its hidden nodes.",
        beware="That is no training error of the network that is used afterwards.",
    ),
    Claim(
        "8.4.3-d/training-error",
        "So is the training loss of the whole network, with dropout off.",
        paired("clean_loss", higher=0.5, than=0.0, **_at("ends", _MANY)),
        expected=NO_DIFFERENCE,
        ask="Switch dropout off and measure on the same training images. Still higher?",
        why="The whole network fits the training images far better than its thinned parts do. How near it comes to one "
        "trained without dropout depends on the number of epochs, since dropout is slower.",
        beware="Against a margin of 0.01 nats: with a loss of some thousandths the ratio may still be large.",
    ),
    Claim(
        "8.4.3-d/strong",
        "With p = 0.7 it is: the training loss of the whole network is higher than without dropout.",
        paired("clean_loss", higher=0.7, than=0.0, **_at("ends", _MANY)),
        expected=HOLDS,
        ask="And with seven of ten nodes dropped?",
        why="What the masks add to a node's variance grows as p/(1 − p), from 1 at a half to 2.3 at 0.7.",
        beware="More epochs would lower it further; within these, dropout has not done yet.",
    ),
    Claim(
        "8.4.3-d/better",
        "With p = 0.5 the test loss is lower than without dropout.",
        paired("test_loss", lower=0.5, than=0.0, **_at("ends", _MANY)),
        expected=HOLDS,
        ask="Slower and noisier; is it worth it on new images?",
        why="A node that cannot rely on certain others has to be of use with many, and the network becomes less sure "
        "of itself where it knows little.",
        beware="On a network that does not overfit there is nothing to gain. With the digits a gain seen on the first "
        "16 seeds did not come again: 32 further seeds (3000–3031) gave −0.002 nats [−0.009, 0.005], no difference.",
    ),
    Claim(
        "8.4.3-d/better-few",
        "So it is with few training rows.",
        paired("test_loss", lower=0.5, than=0.0, **_at("ends", _FEW)),
        expected=HOLDS,
        ask="With fewer rows there is more overfitting. Is dropout worth it there?",
        why="The fewer rows, the more a network relies on chance features of them.",
        beware="At first the few rows had as many epochs as all rows, hence far fewer updates, and no gain was seen. "
        "That the number was raised afterwards makes the first judging weak evidence. On 32 seeds looked at only "
        "then (3000–3031, digits) the gain was half as large, 0.011 nats [0.000, 0.021].",
    ),
    Claim(
        "8.4.3-d/accuracy",
        "With few training rows the test accuracy is higher with p = 0.5, too.",
        paired("test_accuracy", higher=0.5, than=0.0, **_at("ends", _FEW)),
        expected=HOLDS,
        ask="A lower loss may just be a network that is less sure. Does it name more classes rightly?",
        why="Where dropout changes which features are learnt, and not just how sure the network is, accuracy follows.",
        beware="Here too the epochs were raised after a first look. On 32 seeds looked at only then (3000–3031, "
        "digits) there was no difference, −0.02 points [−0.45, 0.41]: do not rely on a gain in accuracy. Some tenths "
        "of a point are a sample or two of the test part.",
    ),
)
