"""A full grid over learning rate, momentum and weight decay: each cell trained on each seed's split.

Measured once for the sections that look at its slices and replay searches on it. Neighbouring rates are half a decade
apart, and so are neighbouring 1 − momentum: along a diagonal of the two, rate / (1 − momentum) stays the same to 11 %.
Numbers alone differ, so that all cells are trained at once.
"""

import functools

import pandas as pd

from textbook.experiment import Run
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import OneCycle

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
MOMENTA = (0.0, 0.7, 0.9, 0.97)
WEIGHT_DECAYS = (0.0, 3e-4, 3e-3, 3e-2)
USUAL_MOMENTUM = 0.9
BATCH_SIZE = 32
CONSTANT, ONE_CYCLE = "constant", "1cycle"
SIZES = (512, 473, 300)


def tuning_grid(run: Run, *, hidden: int = 32, epochs: int = 8) -> pd.DataFrame:
    """Train every cell of `RATES` × `MOMENTA` × `WEIGHT_DECAYS` at a constant rate, and by 1cycle at `USUAL_MOMENTUM`.

    A multilayer perceptron on 512 rows. Weight decay is the classical one, of Smith's papers: w·θ is added to the
    gradient of a kernel, so that the momentum carries it as well (Keras's L2 of w/2). Losses are without the penalty.

    Args:
        hidden: units of the one hidden layer.
        epochs: of every cell.

    Returns: a row per cell and seed: `schedule`, `learning_rate` (of 1cycle: the highest), `momentum`, `weight_decay`,
        `seed`, `val_loss`, `test_loss` (of a guess, where the run `diverged`), `diverged`, `chance_loss`, `epochs`.
    """
    epochs = run.epochs(epochs)
    cells = [(CONSTANT, rate, momentum, w) for rate in RATES for momentum in MOMENTA for w in WEIGHT_DECAYS]
    cells += [(ONE_CYCLE, rate, USUAL_MOMENTUM, w) for rate in RATES for w in WEIGHT_DECAYS]
    curves = train_replicas(
        functools.partial(mlp, hidden=(hidden,), l2=WEIGHT_DECAYS[-1]),
        run.splits("digits", SIZES),
        conditions={_name(cell): _condition(*cell, epochs=epochs) for cell in cells},
        seeds=run.seeds,
        epochs=epochs,
        batch_size=BATCH_SIZE,
    )
    table = pd.DataFrame(cells, columns=["schedule", "learning_rate", "momentum", "weight_decay"])
    return table.assign(condition=list(map(_name, cells))).merge(ends(curves), on="condition").drop(columns="condition")


def ends(curves: pd.DataFrame) -> pd.DataFrame:
    """The last row of each run: losses without penalty, of a guess where the run diverged."""
    last = curves[curves.epoch == curves.epoch.max()]
    losses = {f"{part}_loss": last[f"{part}_clean_loss"].mask(last.diverged, last.chance_loss) for part in _PARTS}
    kept = last[["condition", "seed", "diverged", "chance_loss"]]
    return kept.assign(**losses, epochs=last.epoch)


_PARTS = ("val", "test")


def _name(cell: tuple) -> str:
    return "|".join(map(str, cell))


def _condition(schedule: str, rate: float, momentum: float, weight_decay: float, *, epochs: int) -> Condition:
    cycle = OneCycle(rate, total=epochs, momentum_range=None).per_update()
    return Condition(
        learning_rate=rate if schedule == CONSTANT else cycle,
        momentum=momentum,
        strengths={"l2": weight_decay / 2},
    )
