"""Why the reported training loss differs from the validation loss: terms that add up to the gap exactly.

Keras reports a training loss that is a mean over an epoch of changing weights, with dropout on and penalties in, and a
validation loss of the weights after it, with dropout off and penalties in. `loss_gap` measures each step between them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from textbook.plots import COLOURS, GREY, style
from textbook.seeding import stream, word

LAG = "running average lag"
MODE = "training mode"
PENALTY = "penalty"
GENERALISATION = "generalisation gap"
LUCK = "split luck"
_LARGEST_BATCH = 1024


def loss_gap(
    model,
    train,
    *,
    validation,
    reported_loss: float,
    reported_val_loss: float | None = None,
    batch_size: int = 32,
    loss=None,
    penalty_in_validation: bool = True,
    other_validation_losses: Sequence[float] = (),
    repeats: int = 8,
    seed: int = 0,
) -> pd.DataFrame:
    """Split (reported training loss − validation loss) into its causes; a positive term makes training look worse.

    With R the reported loss, all others measured after the epoch on the model as it is:

    - running average lag: R − (training data, training mode). Early batches met worse weights.
    - training mode: (training mode) − (inference mode), on the training data: dropout, batch statistics, augmentation
      layers. Augmentation outside of the model is not seen here and stays in the lag.
    - penalty: penalties in the training loss − penalties in the validation loss; 0 in Keras, which counts them in both.
    - generalisation gap: training − validation, both in inference mode without penalties; negative where the model
      does better on what it was trained on.
    - split luck, with `other_validation_losses`: what other splits give on average − what this one gives. The
      generalisation gap is then measured against that average.

    The model is left as it was: weights, batch-norm statistics, dropout's seeds and the optimizer.

    Args:
        model: Keras model with one output, after the last epoch.
        train, validation: (x, y) arrays, or objects with `.x` and `.y`; rows first.
        reported_loss: `history.history["loss"][-1]`.
        reported_val_loss: `history.history["val_loss"][-1]`, to check that model, data and loss are the ones reported.
        batch_size: samples a batch in training; batch-norm's training mode depends on it.
        loss: a Keras loss or its name; by default what the model was compiled with, else sparse cross-entropy from
            logits for integer y and mean squared error for other y.
        penalty_in_validation: False where the validation loss was computed by hand, without penalties.
        other_validation_losses: inference-mode losses without penalties of the same training on other splits.
        repeats: passes in training mode, each with its own batches and masks.
        seed: of those.

    Returns: a row per cause: cause, nats (or the unit of the loss), error (standard error from the repeats), before and
        after (the loss before and after the term is taken away: from the reported loss down to the validation loss).
    Raises: ValueError for no rows, several losses, and a `reported_val_loss` that the model does not reproduce.
    """
    if repeats < 2:
        raise ValueError(f"expected at least 2 repeats to give an error, got {repeats}; mend by repeats=8")
    if not math.isfinite(reported_loss):
        raise ValueError(f"expected a finite reported loss, got {reported_loss}; mend by a run that did not diverge")
    evaluate = _Evaluation(model, _loss_of(model, loss, train))
    clean, penalty = evaluate.inference(*_arrays(train))
    val_clean, val_penalty = evaluate.inference(*_arrays(validation))
    if not penalty_in_validation:
        val_penalty = 0.0
    if reported_val_loss is not None and not math.isclose(reported_val_loss, val_clean + val_penalty, rel_tol=1e-3):
        raise ValueError(
            f"expected the reported val_loss {reported_val_loss:.6g}, got {val_clean + val_penalty:.6g} of this model; "
            "mend by passing the model as it was after the last epoch (not with best weights restored) and its data"
        )
    x, y = _arrays(train)
    passes = [evaluate.training(x, y, batch_size=batch_size, seed=seed, repeat=i) for i in range(repeats)]
    in_training_mode = float(np.mean(passes))
    error = float(np.std(passes, ddof=1) / math.sqrt(repeats))
    terms = [
        (LAG, reported_loss - in_training_mode, error),
        (MODE, in_training_mode - (clean + penalty), error),
        (PENALTY, penalty - val_penalty, 0.0),
    ]
    if len(other_validation_losses):
        others = float(np.mean(other_validation_losses))
        terms += [(GENERALISATION, clean - others, 0.0), (LUCK, others - val_clean, 0.0)]
    else:
        terms += [(GENERALISATION, clean - val_clean, 0.0)]
    table = pd.DataFrame(terms, columns=["cause", "nats", "error"])
    table["after"] = reported_loss - table.nats.cumsum()
    table["before"] = table.after + table.nats
    return table[["cause", "nats", "error", "before", "after"]]


@style()
def waterfall(ax, table: pd.DataFrame, *, unit: str = "nats"):
    """Bars that lead from the reported training loss, cause by cause, to the validation loss.

    A step down, hatched, is a positive term: it made the training loss look worse than the validation loss.

    Args:
        table: of `loss_gap`, or means of several such tables by cause, in their order.
        unit: of the loss.
    """
    start, end = table.before.iloc[0], table.after.iloc[-1]
    names = ["reported\ntraining loss", *(cause.replace(" ", "\n") for cause in table.cause), "validation\nloss"]
    last = len(names) - 1
    ax.bar([0, last], [start, end], color=GREY, width=0.62)
    for i, row in enumerate(table.itertuples(), start=1):
        colour, sign = (COLOURS[1], "−") if row.nats > 0 else (COLOURS[0], "+")
        ax.bar(
            i, row.after - row.before, bottom=row.before, color=colour, width=0.62, hatch="//" if row.nats > 0 else ""
        )
        ax.plot([i - 0.69, i + 0.31], [row.before] * 2, color=GREY, linewidth=0.9, linestyle="-", marker="")
        text = f"{sign}{abs(row.nats):.3f}" if abs(row.nats) >= 5e-4 else "0"
        ax.annotate(text, (i, max(row.before, row.after)), (0, 4), textcoords="offset points", ha="center")
    ax.plot([last - 1 - 0.31, last + 0.31], [end] * 2, color=GREY, linewidth=0.9, linestyle="-", marker="")
    for i, level in ((0, start), (last, end)):
        ax.annotate(f"{level:.3f}", (i, level), (0, 4), textcoords="offset points", ha="center")
    ax.set_xticks(range(len(names)), names, fontsize=9.5)
    ax.set_ylabel(f"loss ({unit})")
    ax.grid(visible=False, axis="x")
    heights = [0.0, *table.before, *table.after]
    ax.set_ylim(1.12 * min(heights), 1.12 * max(heights))
    ax.axhline(0, color=GREY, linewidth=0.9, linestyle="-")
    return ax


@dataclass(frozen=True)
class _Evaluation:
    """Losses of a model in either mode, by stateless calls: nothing in the model is assigned."""

    model: object
    loss: object

    def inference(self, x, y) -> tuple[float, float]:
        """Mean loss of the data and mean penalty, dropout off."""
        state = [variable.value for variable in self.model.non_trainable_variables]
        batches = np.array_split(np.arange(len(y)), math.ceil(len(y) / _LARGEST_BATCH))
        parts = [self._batch(x[rows], y[rows], state, training=False)[:2] for rows in batches]
        return tuple(np.average(parts, axis=0, weights=[len(rows) for rows in batches]).tolist())

    def training(self, x, y, *, batch_size: int, seed: int, repeat: int) -> float:
        """Mean loss with penalties over one pass in training mode, batches drawn anew."""
        rng = stream(seed, f"loss gap order {repeat}")
        order = rng.permutation(len(y))
        if not self.model.non_trainable_weights:
            # only layers with statistics, such as batch normalisation, care which samples share a batch: fewer calls
            batch_size = max(batch_size, _LARGEST_BATCH)
        batches = np.split(order, range(batch_size, len(y), batch_size))
        state = self._seeded(word(seed, f"loss gap masks {repeat}"))
        sums = []
        for rows in batches:
            data, penalty, state = self._batch(x[rows], y[rows], state, training=True)
            sums.append(len(rows) * (data + penalty))
        return sum(sums) / len(y)

    def _seeded(self, seed: int) -> list:
        """Copies of the non-trainable state with every random generator started anew."""
        rng, state = np.random.default_rng(seed), []
        for variable in self.model.non_trainable_variables:
            if "seed_generator" in variable.path:
                start = rng.integers(2**31, size=tuple(variable.shape))
                state.append(_tensor(start.astype(variable.dtype)))
            else:
                state.append(variable.value)
        return state

    def _batch(self, x, y, state, *, training: bool):
        weights = [variable.value for variable in self.model.trainable_variables]
        outputs, state, penalties = self.model.stateless_call(
            weights, state, _tensor(x), training=training, return_losses=True
        )
        data = float(np.mean(_array(self.loss(_tensor(y), outputs))))
        return data, float(sum(float(_array(penalty)) for penalty in penalties)), state


def _tensor(array):
    import keras  # here and below, because drawing a waterfall from a table must load no TensorFlow

    return keras.ops.convert_to_tensor(array)


def _array(tensor) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(tensor)


def _loss_of(model, loss, train):
    import keras

    loss = getattr(model, "loss", None) if loss is None else loss
    if loss is None:
        integers = np.issubdtype(np.asarray(_arrays(train)[1]).dtype, np.integer)
        return (
            keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            if integers
            else keras.losses.MeanSquaredError()
        )
    if isinstance(loss, (list, tuple, dict)):
        raise ValueError(f"expected one loss, got {loss!r}; mend by passing a model with one output")
    return keras.losses.get(loss)


def _arrays(part) -> tuple[np.ndarray, np.ndarray]:
    x, y = part if isinstance(part, tuple | list) else (part.x, part.y)
    x, y = np.asarray(x), np.asarray(y)
    if len(x) != len(y) or not len(y):
        raise ValueError(f"expected as many rows of x as of y, and at least one, got {len(x)} and {len(y)}")
    return x, y
