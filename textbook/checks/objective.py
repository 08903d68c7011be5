"""The loss of a model on given rows as a function of its weights, data and penalties apart."""

import contextlib

import keras
import numpy as np
from keras.src.trainers.compile_utils import CompileLoss

from textbook.checks.lent_precision import computing_in
from textbook.checks.verdicts import DATA, PENALTY, TOTAL


class Objective:
    """What `fit` minimises on these rows, in a precision of its own; use it within `with objective:`.

    Attributes:
        names: of the terms: "data" and, where the model has some, "penalty" (regularizers and `add_loss`); or only
            "total" for a model with a `compute_loss` of its own, whose terms nobody can tell apart.
    """

    def __init__(self, model, x, y, *, sample_weight, training: bool, loss, dtype: str):
        self.model, self.dtype, self._training = model, dtype, training
        self._given = x, y, sample_weight
        self._own = loss is None and type(model).compute_loss is not keras.Model.compute_loss
        self.names: tuple[str, ...] = (TOTAL,) if self._own else (DATA, PENALTY)
        compiled = model._compile_loss if loss is None else None
        self._user_loss = keras.losses.get(loss) if compiled is None else compiled._user_loss
        self._weights = None if compiled is None else compiled._user_loss_weights
        self._output_names = getattr(model, "output_names", None) if compiled is None else compiled.output_names
        self._open = None

    def __enter__(self):
        self._open = contextlib.ExitStack()
        losses = [loss for loss in keras.tree.flatten(self._user_loss) if isinstance(loss, keras.losses.Loss)]
        self._open.enter_context(computing_in(self.model, self.dtype, losses=losses))
        # one of our own: building the model's would be a trace, and change the order in which JAX's fit draws
        self._loss = None
        if self._user_loss is not None:
            self._loss = CompileLoss(self._user_loss, self._weights, output_names=self._output_names)
        before = self.model._compile_loss
        object.__setattr__(self.model, "_compile_loss", self._loss)
        self._open.callback(object.__setattr__, self.model, "_compile_loss", before)
        self.x, self.y, self.sample_weight = (_tensors(part) for part in self._given)
        self.trainable = [self._cast(variable) for variable in self.model.trainable_variables]
        self.other = [self._cast(variable) for variable in self.model.non_trainable_variables]
        return self

    def __exit__(self, *raised):
        self._open.__exit__(*raised)

    def terms(self, trainable) -> list:
        """The terms at these values of the trainable variables, a scalar each; nothing of the model changes."""
        model = self.model
        state = [
            *zip(model.trainable_variables, trainable, strict=True),
            *zip(model.non_trainable_variables, self.other, strict=True),
        ]
        with keras.StatelessScope(state_mapping=state, collect_losses=True):
            outputs = model(self.x, training=self._training)
            if self._own:
                given = {"x": self.x, "y": self.y, "y_pred": outputs, "sample_weight": self.sample_weight}
                return [model.compute_loss(**given)]
            terms = [] if self._loss is None else [self._loss(self.y, outputs, self.sample_weight)]
            penalties = [model._aggregate_additional_loss(loss) for loss in model.losses]
        if penalties:
            terms.append(sum(penalties[1:], penalties[0]))
        self.names = ((DATA,) if self._loss is not None else ()) + ((PENALTY,) if penalties else ())
        return [keras.ops.cast(term, self.dtype) for term in terms]

    def _cast(self, variable):
        values = np.array(keras.ops.convert_to_numpy(variable.value))
        return keras.ops.convert_to_tensor(values, dtype=variable.dtype)


def _tensors(part):
    return None if part is None else keras.tree.map_structure(keras.ops.convert_to_tensor, part)
