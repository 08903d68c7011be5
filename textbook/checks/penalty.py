"""Does the loss that is trained on contain its penalties, and does it rise with their strength?"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from textbook.checks.lent_model import arrays, lent
from textbook.checks.loss_parts import loss_parts
from textbook.checks.symptoms import refuse_labels_off
from textbook.replicas.number_places import numbers_of, placed

_STRENGTHS = ("l1", "l2", "factor")  # what Keras calls them
_MULTIPLES = (0.0, 0.5, 1.0, 2.0, 4.0)
_TOLERANCE = 1e-4  # of the total loss: float32 sums


@dataclass(frozen=True)
class PenaltyCheck:
    """The total loss at multiples of a model's own penalty strengths.

    Attributes:
        passed: None where the model has no penalty to check.
        slope: rise of the total loss for one multiple of the strengths, by a straight line.
        penalty: what the slope should be: the penalty at the model's own strengths.
        data_loss: the loss without penalties.
        strengths: name → number, of the penalties that were varied.
        table: a row per multiple: multiple, total, penalty, data_loss.
        problems: what is wrong, in sentences.
        notes: what else to know.
    """

    passed: bool | None
    slope: float
    penalty: float
    data_loss: float
    strengths: dict[str, float]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    table: pd.DataFrame = field(repr=False)

    def __str__(self) -> str:
        if self.passed is None:
            first = "No penalty to check."
        else:
            verdict = "rises with its penalty" if self.passed else "does not follow its penalty"
            first = (
                f"The loss {verdict}: {self.slope:.4g} for every multiple of "
                f"{', '.join(f'{name} = {value:g}' for name, value in self.strengths.items())}, and the penalty is "
                f"{self.penalty:.4g}; the data's loss is {self.data_loss:.4g}."
            )
        return "\n".join([first, *(f"- {text}" for text in (*self.problems, *self.notes))])


def check_penalty_raises_loss(model, x, y) -> PenaltyCheck:
    """Vary the strength of a model's penalties at fixed weights: total(m) = data loss + m · penalty.

    All L1, L2 and orthogonal strengths of the model are multiplied by m = 0, ½, 1, 2 and 4. The total is what
    `model.compute_loss` gives, so a loss of your own that forgets `model.losses` is found out. The model is left as it
    was.

    Args:
        model: a compiled Keras model with one output.
        x, y: data (rows, …) and labels as `fit` takes them; all rows are one batch.

    Returns: a `PenaltyCheck`; `print` shows it.

    Raises: ValueError for a model that is not compiled, has several outputs, for data without rows, or labels that the
        loss does not take.

    Source: chapter 5, 5.5; cs231n, "Neural Networks Part 3", sanity checks.

    Σw² is 4 · 0.5² = 1, and the strength 0.1:

    >>> import keras, numpy as np
    >>> half = keras.initializers.Constant(0.5)
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "linear", False, half, None, "l2")])
    >>> model.layers[0].kernel_regularizer.l2 = 0.1
    >>> model.compile("sgd", "mse")
    >>> found = check_penalty_raises_loss(model, np.ones((3, 4)), np.zeros((3, 1)))
    >>> found.passed, round(found.slope, 4), round(found.data_loss, 4)
    (True, 0.1, 4.0)
    """
    x, y = arrays(x, y)
    with lent(model, x, y):
        refuse_labels_off(model, x, y)
        strengths = {
            name: number.value
            for name, number in numbers_of(model).items()
            if name.rpartition(".")[2] in _STRENGTHS and number.value
        }
        rows = []
        for multiple in _MULTIPLES:
            with placed(model, {name: multiple * value for name, value in strengths.items()}):
                parts = loss_parts(model, x, y)
            rows.append((multiple, parts.total, parts.penalty, parts.data))
        decay = getattr(model.optimizer, "weight_decay", None)
    table = pd.DataFrame(rows, columns=["multiple", "total", "penalty", "data_loss"])
    lasting = float(table.penalty[0])
    slope = float(np.polyfit(table.multiple, table.total, 1)[0])
    penalty = float(table.penalty[_MULTIPLES.index(1.0)]) - lasting
    problems = _problems(table, slope, penalty) if strengths else ()
    return PenaltyCheck(
        None if not strengths else not problems,
        slope,
        penalty,
        float(table.data_loss[0]),
        strengths,
        problems,
        _notes(strengths, lasting, decay),
        table,
    )


def _problems(table: pd.DataFrame, slope: float, penalty: float) -> tuple[str, ...]:
    slack = _TOLERANCE * max(1.0, float(table.total.abs().max()))
    line = table.total[0] + table.multiple * slope
    found = []
    if not np.isfinite(table.to_numpy()).all():
        return ("a loss that is not a finite number: look at weights and inputs first",)
    if penalty < 0:
        found.append("a penalty below 0: it rewards large weights; give a strength above 0")
    elif penalty == 0:
        found.append("a penalty of 0 although its strength is not: all weights that it reads are 0, or frozen")
    if abs(slope - penalty) > slack:
        found.append(
            f"the total rises by {slope:.4g} and not by the penalty, {penalty:.4g}, for a multiple of the strengths: "
            "the loss leaves model.losses out, or counts it otherwise; look at compute_loss"
        )
    elif np.abs(table.total - line).max() > slack:
        found.append("the total is no straight line over the strengths: a penalty that does not multiply its strength")
    return tuple(found)


def _notes(strengths, lasting: float, decay) -> tuple[str, ...]:
    notes = []
    if lasting:
        notes.append(
            f"penalties of {lasting:.4g} stay at every multiple: of a regulariser or an add_loss whose strength is "
            "not known here"
        )
    if not strengths and not lasting:
        notes.append("the model adds no penalty to its loss; give a layer kernel_regularizer=keras.regularizers.L2(…)")
    if decay:
        notes.append(
            f"weight_decay = {decay:g} of the optimizer shrinks the weights without any term in the loss, so no loss "
            "shows it"
        )
    return tuple(notes)
