"""What a compiled model loses on given rows: outputs, loss and penalty apart, with nothing of the model assigned."""

import warnings
from typing import NamedTuple

import keras
import numpy as np


class LossParts(NamedTuple):
    """Outputs (rows, …), the whole loss that `fit` minimises, and the penalties in it."""

    outputs: np.ndarray
    total: float
    penalty: float

    @property
    def data(self) -> float:
        """The loss without the penalties."""
        return self.total - self.penalty


def loss_parts(model, x, y, *, training: bool = False) -> LossParts:
    """The loss of all rows as one batch, as `model.compute_loss` gives it, and the sum of `model.losses`.

    Weights, statistics, random seeds and metrics stay as they are.
    """
    with _nothing_assigned(model):
        return _parts(model, x, y, _called(model, x, training), training)


def outputs_of(model, x) -> np.ndarray:
    """Outputs (rows, …) in inference mode."""
    with _nothing_assigned(model):
        return keras.ops.convert_to_numpy(_called(model, x, False))


def loss_of_constant(model, y, shape, constant) -> float:
    """The data loss if every row's output were the same, whatever x is.

    Args:
        shape: of the outputs, (rows, …).
        constant: a number, or an array that broadcasts to the shape.
    """
    outputs = np.broadcast_to(np.asarray(constant, dtype=keras.config.floatx()), shape)
    with _nothing_assigned(model):
        return _parts(model, None, y, keras.ops.convert_to_tensor(outputs), False).data


def _called(model, x, training: bool):
    mode = {"training": training} if "training" in model.call_signature_parameters else {}
    return model(keras.ops.convert_to_tensor(x), **mode)


def _parts(model, x, y, outputs, training: bool) -> LossParts:
    penalty = sum(_number(loss) for loss in model.losses)
    total = model.compute_loss(x=x, y=keras.ops.convert_to_tensor(y), y_pred=outputs, training=training)
    return LossParts(keras.ops.convert_to_numpy(outputs), _number(total), penalty)


class _nothing_assigned(keras.StatelessScope):
    """A scope that throws away what layers assign, and a warning that the checks give themselves."""

    def __init__(self, model):
        # Keras takes the penalties of weights from the values that are named here
        super().__init__([(variable, variable.value) for variable in model.variables], collect_losses=True)
        self._quiet = warnings.catch_warnings()

    def __enter__(self):
        self._quiet.__enter__()
        # of outputs that are probabilities although the loss was told from_logits=True
        warnings.filterwarnings("ignore", message=".*received `from_logits=True`")
        return super().__enter__()

    def __exit__(self, *raised):
        super().__exit__(*raised)
        self._quiet.__exit__(*raised)


def _number(tensor) -> float:
    return float(keras.ops.convert_to_numpy(tensor))
