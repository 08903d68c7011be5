"""Can a model learn twenty rows by heart? If it cannot, suspect a bug; if it can, not every bug is excluded."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import keras
import numpy as np
import pandas as pd

from textbook import plots
from textbook.checks.guesses import BINARY, REGRESSION, guess_of, kind_of, name_of, takes_logits
from textbook.checks.lent_model import arrays, lent
from textbook.checks.loss_parts import loss_parts
from textbook.checks.switched_off import regularisation_off
from textbook.checks.symptoms import blindness, mismatch, refuse_labels_off, summed
from textbook.model_state import rate_of
from textbook.seeding import stream

_ENOUGH = 1e-2  # nats, or share of a guess's loss
_LOOKS = 20  # times that the loss is measured apart from penalties, besides where it seems low enough


@dataclass(frozen=True)
class TinyBatch:
    """How a model learnt a few rows by heart.

    Attributes:
        passed: it classified every row rightly with a loss below `threshold`, all weights finite.
        updates: made until then, or in all.
        loss, accuracy: of the data at the end, in training mode with regularisation off; accuracy is NaN in a
            regression.
        threshold: of the loss.
        rows: how many.
        suspects: what is likely wrong; empty where it passed.
        notes: what is worth knowing even so, such as weights that never moved.
        switched_off: what was taken out for the while.
        curve: a row per update: `update` (completed before), `loss` (of the weights then).
        missing: what this check cannot catch.
    """

    passed: bool
    updates: int
    loss: float
    accuracy: float
    threshold: float
    rows: int
    suspects: tuple[str, ...]
    notes: tuple[str, ...]
    switched_off: tuple[str, ...]
    curve: pd.DataFrame = field(repr=False)

    missing: ClassVar[tuple[str, ...]] = (
        "shuffled or wrong labels: a network learns a few rows by heart, whatever they say",
        "penalties, dropout, augmentation and weight decay that are wrong or too strong: they are off here",
        "a wrong split or preprocessing of the validation or test data, and rows that leak into them",
        "a frozen layer, where the others suffice for so few rows",
        "unscaled inputs, a learning rate or a batch size that fit these rows and not the whole data",
        "poor generalisation",
    )

    def __str__(self) -> str:
        did = "learnt by heart" if self.passed else "NOT learnt by heart"
        right = "" if math.isnan(self.accuracy) else f", {self.accuracy:.0%} right"
        lines = [
            f"{self.rows} rows {did} after {self.updates} updates: loss {self.loss:.3g} (enough: below "
            f"{self.threshold:.3g}){right}."
        ]
        lines += [f"- {text}" for text in (*self.suspects, *self.notes)]
        if self.switched_off:
            lines.append(f"Off meanwhile: {', '.join(self.switched_off)}.")
        lines += ["Not caught by this check:", *(f"  {text}" for text in self.missing)]
        return "\n".join(lines)

    def plot(self):
        """The loss by update on a log axis, with the threshold; a Matplotlib Figure."""
        fig, ax = plots.figure()
        ax.plot(self.curve["update"], self.curve.loss, **{**plots.look(0), "marker": ""})
        ax.axhline(self.threshold, color=plots.GREY, linestyle="--")
        ax.annotate(
            "enough", (1, self.threshold), (-4, 4), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", color=plots.GREY,
        )  # fmt: skip
        plots.log_axis(ax, "y")
        ax.set(xlabel="updates completed", ylabel="loss of the rows")
        plots.note(ax, "passed" if self.passed else "not passed")
        plots.caption(fig, f"{self.rows} rows, all in every update, regularisation off; one run")
        return fig


def overfit_tiny_batch(
    model, x, y, *, rows: int = 20, updates: int = 200, loss_below: float | None = None, seed: int = 0
) -> TinyBatch:
    """Train on a few rows until all are right and the loss is near 0, with everything off that prevents it.

    With penalties, dropout or augmentation on, a loss of 0 is out of reach of a sound network as well, so they are
    switched off for the while, on the model itself, with its own optimizer, rate and `train_step`; everything is put
    back, to the last bit. Batch normalisation trains on the statistics of these rows and is judged by them.

    Args:
        model: a compiled Keras model with one output, not trained yet.
        x, y: data (rows, …) and labels as `fit` takes them.
        rows: drawn from the data by chance; all of them are in every update.
        updates: at most.
        loss_below: what counts as near 0. By default 0.01, in a regression and for a loss unknown here 0.01 times the
            loss of a guess.
        seed: of the rows.

    Returns: a `TinyBatch`; `print` shows it, `.plot()` draws its curve, `.missing` says what it cannot catch.

    Raises: ValueError for a model that is not compiled or has several outputs, labels that its loss does not take, more
        rows than there are, or counts below 1.

    Source: chapter 5, 5.5; cs231n, "Neural Networks Part 3", sanity checks.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    >>> model.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> found = overfit_tiny_batch(model, np.eye(2), np.arange(2), rows=2, updates=5)
    >>> found.passed, found.suspects
    (False, ('the learning rate is 0: nothing can move',))
    """
    x, y = arrays(x, y)
    if not 1 <= rows <= len(y) or updates < 1:
        raise ValueError(f"expected 1 to {len(y)} rows and at least one update, got {rows} and {updates}")
    chosen = stream(seed, "tiny batch").choice(len(y), rows, replace=False)
    x, y = x[chosen], y[chosen]
    with lent(model, x, y), regularisation_off(model) as off:
        model.train_function = None  # one that was traced before has its dropout and penalties inside
        model.steps_per_execution, steps = 1, model.steps_per_execution
        try:
            return _trained(model, x, y, updates, loss_below, off)
        finally:
            model.steps_per_execution = steps


def _trained(model, x, y, updates: int, loss_below: float | None, off) -> TinyBatch:
    refuse_labels_off(model, x, y)
    first = loss_parts(model, x, y, training=True)
    guess = guess_of(model, y, first.outputs, tolerance=1.0)
    relative = guess.kind in (REGRESSION, "other")
    threshold = loss_below if loss_below is not None else _ENOUGH * (guess.loss if relative else 1.0)
    before = {variable.path: _copied(variable) for variable in _weights(model)}
    parts, curve = first, []
    while not (passed := _learnt(model, y, parts, threshold)) and len(curve) < updates and math.isfinite(parts.total):
        for _ in range(min(max(1, updates // _LOOKS), updates - len(curve))):
            curve.append(float(model.train_on_batch(x, y, return_dict=True)["loss"]))
            if curve[-1] < threshold or not math.isfinite(curve[-1]):
                break
        parts = loss_parts(model, x, y, training=True)
    losses = [*curve, parts.total]
    unmoved = tuple(v.path for v in _weights(model) if np.array_equal(before[v.path], _copied(v)))
    sum_not_mean = summed(model.loss, first.data, guess.loss, len(y))
    return TinyBatch(
        passed,
        len(curve),
        parts.data,
        _accuracy(model, y, parts.outputs),
        threshold,
        len(y),
        () if passed else _suspects(model, x, y, losses, parts, unmoved, sum_not_mean),
        _notes(model, first, unmoved, sum_not_mean if passed else None),
        off,
        pd.DataFrame({"update": range(len(losses)), "loss": losses}),
    )


def _weights(model) -> list:
    """What is meant to be trained, frozen or not."""
    return [variable for layer in model._flatten_layers() for variable in layer._trainable_variables]


def _copied(variable) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(variable.value))


def _learnt(model, y, parts, threshold: float) -> bool:
    return parts.data < threshold and not _accuracy(model, y, parts.outputs) < 1


def _accuracy(model, y, outputs) -> float:
    """Share of the rows that are right; NaN where that has no meaning."""
    kind = kind_of(model.loss)
    if kind in (REGRESSION, "other"):
        return math.nan
    if kind == BINARY or name_of(model.loss) in ("hinge", "squared_hinge"):
        border = 0.5 if takes_logits(model.loss) is False else 0.0
        return float(np.mean((outputs > border).ravel() == (y > 0).ravel()))
    labels = y.argmax(axis=-1) if y.shape == outputs.shape else y.reshape(outputs.shape[:-1])
    return float(np.mean(outputs.argmax(axis=-1) == labels))


def _suspects(model, x, y, losses: list[float], parts, unmoved, sum_not_mean) -> tuple[str, ...]:
    rate = rate_of(model.optimizer)
    if isinstance(rate, keras.Variable) and float(keras.ops.convert_to_numpy(rate)) == 0:
        return ("the learning rate is 0: nothing can move",)
    if len(unmoved) == len(_weights(model)):
        return ("no weight moved at all: frozen layers, or a loss that does not depend on them",)
    if not math.isfinite(losses[-1]):
        return ("the loss is no longer a finite number: too large a learning rate, or NaN in the inputs",)
    odd = (mismatch(model.loss, parts.outputs), blindness(model, x, parts.outputs), sum_not_mean, _contradiction(x, y))
    found = [text for text in odd if text]
    if not found and losses[-1] > losses[0]:
        found.append("the loss rose: too large a learning rate, or a gradient of the wrong sign")
    if not found and losses[-1] < 0.995 * losses[len(losses) * 4 // 5]:
        found.append("the loss still falls: give it more updates=, or a larger learning rate")
    return tuple(found) or ("the loss got stuck above the threshold: look at the gradients, layer by layer",)


def _contradiction(x, y) -> str | None:
    kinds = {}
    for number, row in enumerate(np.ascontiguousarray(x)):
        first = kinds.setdefault(row.tobytes(), number)
        if not np.array_equal(y[first], y[number]):
            return f"rows {first} and {number} of those drawn have the same x and different labels"
    return None


def _notes(model, first, unmoved, sum_not_mean) -> tuple[str, ...]:
    notes = [sum_not_mean] if sum_not_mean else []
    if unmoved and len(unmoved) < len(_weights(model)):
        notes.append(f"never moved: {', '.join(unmoved)}; frozen, or without a gradient")
    if first.penalty:
        notes.append(f"a penalty of {first.penalty:.3g} by add_loss could not be switched off")
    return tuple(notes)
