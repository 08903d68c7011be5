"""A pass of a model over rows during which its batch norms are watched, and nothing of the model is assigned."""

import contextlib
import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import keras
import numpy as np
from keras.src.trainers.compile_utils import CompileLoss

from textbook.gradients import no_gradients, untouched_randomness
from textbook.normalisation.input_moments import InputMoments


@dataclass
class WatchedPass:
    """What a pass found.

    Attributes:
        moments: layer → the `InputMoments` of what entered it.
        outputs: of the model, one structure of arrays a batch.
        loss: without penalties, where it was asked for.
        order: the layers as they ran.
    """

    moments: Mapping = field(repr=False)
    outputs: list = field(repr=False)
    loss: float | None
    order: list = field(repr=False)

    def place_of(self, layer) -> int:
        """When the layer ran first; those that never ran come last."""
        return self.order.index(layer) if layer in self.order else len(self.order)


def watched_pass(
    model,
    batches,
    layers,
    *,
    training: bool = False,
    by_batch: bool = False,
    statistics: Mapping | None = None,
    loss: bool = False,
) -> WatchedPass:
    """Run the model over the batches.

    Args:
        model: a built `keras.Model`.
        batches: tuples (x, y, sample_weight) of arrays.
        layers: the batch norms to watch.
        training: run all layers as in training.
        by_batch: let the batch norms normalise by the batch, and the other layers run as `training` says.
        statistics: layer → (mean, variance), (channels,) each, to use in place of its moving ones.
        loss: compute the compiled loss without penalties, the mean over rows.
    """
    moments = {layer: InputMoments(layer.axis) for layer in layers}
    outputs, losses, sizes, order = [], [], [], []
    own = _loss_of_its_own(model, batches[0]) if loss else None
    with contextlib.ExitStack() as stack:
        for layer, seen in moments.items():
            stack.enter_context(_watched(layer, seen, order, by_batch=by_batch))
        if own is not None:
            stack.enter_context(in_place(model, "_compile_loss", own))
        stack.enter_context(warnings.catch_warnings())
        # Keras says so of outputs that are probabilities although the loss was told from_logits=True
        warnings.filterwarnings("ignore", message=".*received `from_logits=True`")
        for x, y, weight in batches:
            with _nothing_assigned(model, statistics or {}), no_gradients(), untouched_randomness():
                predicted = called(model, x, training=training)
                outputs.append(keras.tree.map_structure(keras.ops.convert_to_numpy, predicted))
                if loss:
                    losses.append(_loss(model, x, y, weight, predicted, training))
            sizes.append(len(keras.tree.flatten(x)[0]))
    return WatchedPass(moments, outputs, float(np.average(losses, weights=sizes)) if loss else None, order)


def called(model, x, *, training: bool):
    """The model's outputs, with `training` where its `call` knows that word, run as `fit` and `predict` run it."""
    mode = {"training": training} if "training" in model.call_signature_parameters else {}
    # on JAX they go by `stateless_call`, which does not hand `training` down by itself to what a subclass holds
    run = model.call if keras.backend.backend() == "jax" else model
    return run(keras.tree.map_structure(keras.ops.convert_to_tensor, x), **mode)


@contextlib.contextmanager
def _watched(layer, seen: InputMoments, order: list, *, by_batch: bool):
    call = layer.call

    @functools.wraps(call)
    def watching(inputs, training=None, mask=None):
        if not seen.calls:
            order.append(layer)
        seen.see(inputs, mask)
        seen.told.add(bool(training))
        return call(inputs, training=True if by_batch else training, mask=mask)

    with in_place(layer, "call", watching):
        yield


@contextlib.contextmanager
def in_place(holder, name: str, value):
    """An attribute of the object itself for a while, past the bookkeeping of Keras and torch."""
    own = vars(holder)
    had, before = name in own, own.get(name)
    object.__setattr__(holder, name, value)
    try:
        yield
    finally:
        if had:
            object.__setattr__(holder, name, before)
        else:
            object.__delattr__(holder, name)


def _nothing_assigned(model, statistics: Mapping) -> keras.StatelessScope:
    """A scope that forgets what layers assign; Keras takes the penalties of weights from the values named here."""
    values = {id(variable): variable.value for variable in model.variables}
    for layer, (mean, variance) in statistics.items():
        for place, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            values[id(place)] = keras.ops.cast(keras.ops.convert_to_tensor(value), place.dtype)
    return keras.StatelessScope([(variable, values[id(variable)]) for variable in model.variables], collect_losses=True)


def _loss_of_its_own(model, batch):
    """The compiled loss once more: building the model's would change what its next `fit` begins with."""
    compiled = model._compile_loss
    if compiled is None:
        return None
    own = CompileLoss(compiled._user_loss, compiled._user_loss_weights, output_names=compiled.output_names)
    x, y, _ = batch
    with _nothing_assigned(model, {}), no_gradients(), untouched_randomness():
        predicted = called(model, x, training=False)
    own.build(_tensors(y), predicted)
    return own


def _loss(model, x, y, weight, predicted, training: bool) -> float:
    total = model.compute_loss(
        x=_tensors(x), y=_tensors(y), y_pred=predicted, sample_weight=_tensors(weight), training=training
    )
    penalty = sum(float(keras.ops.convert_to_numpy(part)) for part in model.losses)
    return float(keras.ops.convert_to_numpy(total)) - penalty


def _tensors(data):
    return None if data is None else keras.tree.map_structure(keras.ops.convert_to_tensor, data)
