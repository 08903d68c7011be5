"""4.7.2.1 Step decay (계단형 감쇠)

Cutting the rate in steps keeps the first epochs fast and lets the last ones settle. The text halves it every five
epochs: 0.2 in epochs 0 to 4, 0.1 in epochs 5 to 9, and so on. The drop belongs to epoch 5, that is to update
5·⌈N/B⌉, neither one earlier nor one later.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import StepDecay

ENTRIES = ("4.7.2.1-a",)
DATA = "any"


def measure(run: Run, *, initial: float = 0.2, factor: float = 0.5, every: int = 5) -> dict[str, pd.DataFrame]:
    """Train the book's network with and without the steps, and write the schedule beside its closed form."""
    schedule = StepDecay(initial, factor=factor, every=every)
    conditions = {
        "constant": Condition(learning_rate=initial, momentum=0.9),
        "step decay": Condition(learning_rate=schedule, momentum=0.9),
    }
    curves = train_replicas(mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=run.epochs(30))
    return {"curves": curves, "schedule": _beside_keras(schedule)}


def _beside_keras(schedule: StepDecay) -> pd.DataFrame:
    """The rate of every epoch's first and last update: by the formula, by our schedule, and as Keras reads it."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    per_epoch = 32  # updates: 1024 samples in batches of 32
    updates = np.array([[e * per_epoch, (e + 1) * per_epoch - 1] for e in range(int(2 * schedule.every) + 1)]).ravel()
    epochs = updates // per_epoch
    # PiecewiseConstantDecay switches strictly after its boundary: the last update of the old rate is the boundary
    pieces = keras.optimizers.schedules.PiecewiseConstantDecay(
        [int(schedule.every * per_epoch * k) - 1 for k in (1, 2)],
        [schedule.initial * schedule.factor**k for k in range(3)],
    )
    ways = {
        "schedule(epoch)": [schedule(int(epoch)) for epoch in epochs],
        "schedule.in_steps(32)": [float(schedule.in_steps(per_epoch)(int(update))) for update in updates],
        "Keras PiecewiseConstantDecay": [float(pieces(int(update))) for update in updates],
    }
    formula = schedule.initial * schedule.factor ** (epochs // schedule.every)
    columns = {"update": updates, "epoch": epochs, "formula": formula}
    return pd.concat(pd.DataFrame({"way": name, **columns, "rate": rates}) for name, rates in ways.items())


def draw(tables: dict[str, pd.DataFrame]):
    """Above, validation loss by epoch at a constant rate and with step decay, with a 95 % band of the mean over seeds;
    below, both rates.
    """
    curves = tables["curves"]
    fig, (above, below) = plots.figure(2, 1, sharex=True, height_ratios=[2, 1])
    plots.band(above, curves, x="epoch", y="val_loss", log=True)
    plots.log_axis(above, "y")
    above.set_ylabel("validation loss (nats)")
    for name, look in plots.looks(curves.condition.unique()).items():
        rates = curves[(curves.condition == name) & (curves.seed == curves.seed.min())]
        # a rate holds from one number of completed epochs to the next
        below.stairs(
            rates.learning_rate, [0, *rates.epoch], baseline=None, color=look["color"], ls=look["linestyle"], lw=1.9
        )
    below.set(xlabel="epochs completed", ylabel="learning rate", ylim=(0, None))
    plots.caption(fig, f"Digits, MLP 64-64-10, SGD with momentum 0.9. {plots.seeds_text(curves)}")
    return fig


CLAIMS = (
    Claim(
        "4.7.2.1-a/formula",
        "The rate is initial · factor^⌊epoch / every⌋: it drops at epoch 5, not at 4 and not at 6.",
        exact(measured="rate", expected="formula", tolerance=1e-6, table="schedule"),
        expected=EXACT,
        ask="With a cut every five epochs, which rate does epoch 5 train with, if the first epoch is epoch 0?",
        why="⌊5 / 5⌋ is 1: the first cut belongs to epoch 5. Keras's PiecewiseConstantDecay switches after its "
        "boundary, so its boundary must be the last update of epoch 4.",
        beware="Counting updates instead of epochs moves the cut as soon as the batch size changes.",
    ),
    Claim(
        "4.7.2.1-a/loss",
        "Step decay ends at a lower loss on held-out data than the same rate held constant.",
        paired("test_loss", lower="step decay", than="constant", table="curves"),
        expected=HOLDS,
        ask="Both runs start at the same rate. Which one ends lower, and when does it get there?",
        why="Near the minimum a constant rate keeps jumping over it; a smaller one settles.",
        beware="The gain shrinks once the constant rate is itself tuned; see the section on decay.",
    ),
)
