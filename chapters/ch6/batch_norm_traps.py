"""6.3 Batch norm's traps (배치 정규화의 함정)

Batch norm is one line in Keras, and what it does depends on more than that line: on the mode in which it is called, on
the batch, on its momentum, on what is frozen. Its moving averages, which inference uses, begin at 0 and 1. With Keras's
momentum of 0.99 they need 458 updates to forget that, and until then the network is better than its validation loss
says. `textbook.normalisation.batch_norm_report` looks for all of this in a model of your own.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.one_batch_norm import Trained, cross_entropy, network
from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, UsageError, equivalent, exact, paired
from textbook.replicas import Condition

ENTRIES = ("6.3-h",)
DATA = "any"

MOMENTA = (0.5, 0.9, 0.99, 0.999)
_SOUND, _SHORT, _UNITS = "none of them", "momentum 0.1, torch's", "inputs twice as large"
_NEVER = "averages never updated"
# training mode at inference
_FEW, _ALONE, _SORTED = "by batches of 4", "by batches of 1", "by batches of one class"


def measure(
    run: Run, *, hidden: int = 64, learning_rate: float = 0.1, momentum: float = 0.9, epochs: int = 20
) -> dict[str, pd.DataFrame]:
    """Train networks that differ in the batch norm's momentum alone, set traps for the trained ones, plant them all.

    Args:
        hidden: units in front of the batch norm.
        momentum: of the optimizer; that of the batch norm is 0.5, 0.9, 0.99 and 0.999.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    splits = run.splits("digits")
    if splits(run.seeds[0]).classes is None:
        raise UsageError("expected classes to tell apart, got a regression; mend by data with whole labels")
    conditions = {
        f"{norm:g}": Condition(
            learning_rate=learning_rate,
            momentum=momentum,
            model=functools.partial(network, hidden=hidden, momentum=norm),
        )
        for norm in (*MOMENTA, 0.1)
    }
    result = ReplicaTrainer(network, splits, conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs)).run()
    curves = result.table
    curves["momentum"] = curves.condition.astype(float)
    for part in ("val_loss", "test_loss"):
        curves[part] = curves[part].where(~curves.diverged, curves.chance_loss)
    trained = {
        (norm, seed): Trained.of(result.trained(f"{norm:g}", seed)) for norm in (*MOMENTA, 0.1) for seed in run.seeds
    }
    kept = curves[curves.momentum.isin(MOMENTA)][["momentum", "seed", "epoch", "val_loss", "diverged"]]
    first, last = (kept[kept.epoch == epoch].reset_index(drop=True) for epoch in (1, kept.epoch.max()))
    return {
        "curves": kept.reset_index(drop=True).assign(hidden=hidden),
        "first": first,
        "last": last,
        "weights": _weights(trained, run.seeds),
        "costs": _costs(trained, run.seeds, splits),
        "one_row": _one_row(trained[0.99, run.seeds[0]], splits(run.seeds[0])),
        "found": _found(splits(run.seeds[0]).train, every=4 if run.quick else 1),
        "written": _written(splits(run.seeds[0]).train.x),
    }


def _weights(trained: dict, seeds) -> pd.DataFrame:
    """Largest difference between the trained weights and those at momentum 0.99."""
    rows = [
        (momentum, seed, max(np.abs(getattr(trained[momentum, seed], name) - getattr(trained[0.99, seed], name)).max()
                             for name in ("kernel", "gamma", "beta", "last", "bias")))
        for momentum in MOMENTA if momentum != 0.99
        for seed in seeds
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["momentum", "seed", "difference"])


def _costs(trained: dict, seeds, splits) -> pd.DataFrame:
    """Test loss of the trained networks with their statistics spoilt, or others put in their place."""
    rows = []
    for seed in seeds:
        one, test = trained[0.99, seed], splits(seed).test
        order = np.argsort(test.y, kind="stable")
        logits = {
            _SOUND: one.logits(test.x),
            _SHORT: trained[0.1, seed].logits(test.x),
            _UNITS: one.logits(2 * test.x),
            _NEVER: one.logits(test.x, (0.0, 1.0)),
            _FEW: one.logits_by_batch(test.x, 4),
            _ALONE: one.logits_by_batch(test.x, 1),
            _SORTED: one.logits_by_batch(test.x[order], 16)[np.argsort(order)],
        }
        rows += [(name, seed, cross_entropy(values, test.y)) for name, values in logits.items()]
    return pd.DataFrame(rows, columns=["condition", "seed", "test_loss"])


def _one_row(one: Trained, split) -> pd.DataFrame:
    """What Keras's layer gives for batches of one row in training mode, beside β."""
    import keras

    layer = keras.layers.BatchNormalization(dtype="float64")  # in float32, x/√ε would round off a few 1e-6
    layer.build((None, len(one.gamma)))
    layer.gamma.assign(one.gamma)
    layer.beta.assign(one.beta)
    sums = split.test.x[:8].reshape(8, -1) @ one.kernel
    rows = [keras.ops.convert_to_numpy(layer(row[None].astype("float64"), training=True))[0] for row in sums]
    return pd.DataFrame(
        [(row, unit, got, beta) for row, values in enumerate(rows)
         for unit, (got, beta) in enumerate(zip(values, one.beta, strict=True))],
        columns=["row", "unit", "output", "beta"],
    )  # fmt: skip


def _found(train, *, every: int = 1) -> pd.DataFrame:
    """The report on a network for each trap, or some of them: whether it names it, there and in the sound network."""
    from textbook.normalisation.traps import TRAPS

    # centred, since the pixels of the book's images are positive
    rows = np.arange(160) % len(train)  # small data of a reader's own are gone through again
    x = train.x[rows].reshape(len(rows), -1).astype("float32")
    x, y = x - x.mean(axis=0), train.y[rows]
    sound = next(trap for trap in TRAPS if not trap.kind)(x, y).report().kinds
    table = []
    for trap in [trap for trap in TRAPS if trap.kind][::every]:
        kinds = trap(x, y).report().kinds
        table += [(trap.kind, trap.title, True, trap.kind in kinds), (trap.kind, "", False, trap.kind in sound)]
    return pd.DataFrame(table, columns=["kind", "title", "planted", "found"])


def _written(x) -> pd.DataFrame:
    """Whether an epoch of fit moves the averages of a base that was meant to stand still, as guides write it."""
    import keras

    rows = []
    for way in ("nothing done", "training=False in the call", "trainable=False"):
        inputs, norm = keras.Input(x.shape[1:]), keras.layers.BatchNormalization()
        base = keras.Model(inputs, norm(keras.layers.Flatten()(inputs)))
        base.trainable = way != "trainable=False"
        told = {"training": False} if way == "training=False in the call" else {}
        outer = keras.Input(x.shape[1:])
        model = keras.Model(outer, keras.layers.Dense(1)(base(outer, **told)))
        model.compile("sgd", "mse", run_eagerly=True)  # two updates are not worth a compilation
        model.fit(1 + x[:64], np.zeros(64), verbose=0)
        moved = bool(np.any(keras.ops.convert_to_numpy(norm.moving_mean) != 0))
        rows.append((way, moved, way == "nothing done"))
    return pd.DataFrame(rows, columns=["way", "moved", "meant"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, validation loss by epoch for several momenta of batch norm's averages; below, the test loss of the trained
    network in each trap.
    """
    curves, costs = tables["curves"], tables["costs"]
    fig, (above, below) = plots.figure(2, 1, height_ratios=[1, 1.05], size=(7, 7.4))
    named = curves.assign(name=curves.momentum.map(lambda momentum: f"momentum {momentum:g}"))
    plots.band(above, named, x="epoch", y="val_loss", hue="name", log=True)
    plots.log_axis(above, "y")
    above.xaxis.get_major_locator().set_params(integer=True)
    above.set(xlabel="epochs completed", ylabel="validation loss (nats)")
    above.set_title("the same weights, other moving averages")
    plots.dots(below, costs, value="test_loss", looks=dict.fromkeys(costs.condition.unique(), plots.look(0)))
    below.set_xscale("log")
    plots.log_axis(below, "x")
    below.set(xlabel="test loss (nats)")
    below.set_title("the trained network in a trap")
    found = tables["found"]
    planted = found[found.planted]
    plots.caption(
        fig,
        f"Digits, MLP 64-{curves.hidden.iloc[0]}-10, batch norm before the ReLU, SGD with momentum, batches of 32; "
        f"below, after {curves.epoch.max()} epochs, batch norm's momentum 0.99. By batches: left in training mode, "
        f"each test batch by its own statistics. Mean, 95 % band. The report names {int(planted.found.sum())} of "
        f"{len(planted)} planted traps. {plots.seeds_text(curves)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "6.3-h/first-epoch",
        "After one epoch the validation loss is lower with momentum 0.9 in the batch norm than with 0.99.",
        paired("val_loss", lower=0.9, than=0.99, by="momentum", table="first"),
        expected=HOLDS,
        ask="Two networks differ in nothing but the momentum of their batch norm's moving averages. Which one looks "
        "better after the first epoch?",
        why="Validation uses the moving averages. An epoch of the digits is 32 updates, after which 0.99 has kept 72 % "
        "of the first 0 and 1, 0.9 only 3 %.",
        beware="A bad validation loss in the first epochs, with a good training loss, is often this and no "
        "overfitting. What counts is the number of updates, so small data sets and large batches suffer most.",
    ),
    Claim(
        "6.3-h/same-weights",
        "The momentum of a batch norm changes no trained weight.",
        exact(measured="difference", expected=0.0, tolerance=1e-6, table="weights"),
        expected=EXACT,
        ask="The validation losses differ. Do the weights?",
        why="Training normalises by the batch, never by the moving averages: these are written and not read.",
        beware="Early stopping and the choice of the best epoch read them, by way of the validation loss.",
    ),
    Claim(
        "6.3-h/later",
        "At the end of training, momenta 0.9 and 0.99 give the same validation loss, and 0.999 does not.",
        equivalent("val_loss", conditions=(0.9, 0.99), bad=0.999, by="momentum", table="last"),
        expected=HOLDS,
        ask="On the digits 20 epochs are 640 updates. Who has caught up?",
        why="0.99 forgets all but 1 % of its start in 458 updates, 0.999 in 4603. What is left then is that the "
        "weights go on moving, and a long memory trails them.",
        beware="MobileNet and others use 0.999: on a small data set of your own that is far too slow.",
    ),
    Claim(
        "6.3-h/one-row",
        "In training mode a batch of one row leaves a batch norm as exactly β, whatever the row.",
        exact(measured="output", expected="beta", tolerance=1e-6, table="one_row"),
        expected=EXACT,
        ask="What does a batch norm behind a dense layer make of a batch of a single row?",
        why="The row is its own mean: x − μ is 0.",
        beware="It happens by accident too, in the last batch of an epoch, when one row is left over.",
    ),
    Claim(
        "6.3-h/report",
        "The report names every planted trap, and none of them in the sound network.",
        exact(measured="found", expected="planted", table="found"),
        expected=EXACT,
        ask="A network for each fault, and one without. Can all be told from rows and weights alone?",
        why="Each fault leaves a trace: averages that do not fit the data, a mode that does not fit the call, a "
        "channel without spread.",
        beware="Thresholds decide what is worth a word. A report that finds nothing proves nothing about the training.",
    ),
    Claim(
        "6.3-h/written",
        "In a functional model, the batch norms of a base stand still in fit if training=False was written into the "
        "base's call, or if it is frozen.",
        exact(measured="moved", expected="meant", table="written"),
        expected=VIOLATED,
        ask="Guides to fine-tuning write base(x, training=False). Does that keep the averages as they are?",
        why="In a functional model Keras 3 hands the training of the model's own call down to every layer, in place of "
        "what was written when the graph was built.",
        beware="What does keep them still is trainable = False on the batch norms, also after the rest is unfrozen. In "
        "the call of a layer or model of your own, training=False does count, and likewise where a functional model is "
        "called without saying training.",
        correction="In Keras 3, fit overrides training=False written into a functional call, and the moving averages "
        "move. Freezing does stand: a frozen batch norm runs as in inference.",
        reference="Keras 3.15.1, operation_fn in models/functional.py and BatchNormalization.call; keras-team/keras "
        "issue 20285.",
    ),
)
