"""How far single updates move what each layer gets, while a model trains."""

import keras
import numpy as np
import pandas as pd

from textbook.gradients import no_gradients, untouched_randomness
from textbook.normalisation.drift import moment_drift
from textbook.schedules.arguments import switch, whole


class LayerInputDrift(keras.callbacks.Callback):
    """`moment_drift` of the inputs of each layer from before an update to after it, for one update in `every`.

    0.1 means that one update has moved means and standard deviations by a tenth of the spread: the internal covariate
    shift of Ioffe and Szegedy (2015), in numbers. The units are the last axis; of a feature map every place counts as a
    row. Training is left as it is: moving averages and seed states that the probe would advance are thrown away.

    Args:
        x: the probe, an array (or a structure of arrays) as the model takes it; a hundred samples will do. They are
            computed at once.
        layers: names of layers whose inputs to look at; by default all that have a kernel, but for those that get the
            data themselves, flattened or rescaled perhaps, which no update moves.
        every: updates from one measurement to the next; each runs the probe twice.
        training: run the probe as in training (batch norm by the probe's own statistics, dropout and noise on, new at
            every pass), which is what the layers get then; False as in inference.

    Attributes:
        table: a DataFrame, a row per measurement and layer: update (counted from 0), layer, drift. Empty before `fit`.

    Raises: ValueError for a layer that is not there or has several inputs, and, when `fit` begins, for a model whose
    inputs are not known: a subclass of `keras.Model`, or a `Sequential` without `keras.Input`.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="a"), keras.layers.Dense(1, name="b")])
    >>> model.compile(keras.optimizers.SGD(0.0), "mse")
    >>> drift = LayerInputDrift(np.array([[0.0], [1.0]]))
    >>> _ = model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[drift])
    >>> drift.table.to_dict("records")
    [{'update': 0, 'layer': 'b', 'drift': 0.0}]
    """

    def __init__(self, x, layers=None, *, every: int = 10, training: bool = True):
        super().__init__()
        self._x = x
        self._names = None if layers is None else list(layers)
        self._every = whole("every", every, least=1, mend="mend by every=1 for each update")
        self._training = switch("training", training)
        self._rows, self._watched, self._inputs, self._before = [], [], None, None

    def on_train_begin(self, logs=None):
        self._rows, self._before, self._updates = [], None, 0
        self._watched = self._chosen()
        self._inputs = keras.Model(self.model.inputs, [layer.input for layer in self._watched])

    def on_train_batch_begin(self, batch, logs=None):
        self._before = self._seen() if self._updates % self._every == 0 else None

    def on_train_batch_end(self, batch, logs=None):
        if self._before is not None:
            for layer, before, after in zip(self._watched, self._before, self._seen(), strict=True):
                drift = float(moment_drift(before, after))
                self._rows.append({"update": self._updates, "layer": layer.name, "drift": drift})
        self._updates += 1

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self._rows, columns=["update", "layer", "drift"])

    def _seen(self) -> list[np.ndarray]:
        _ = self.model  # on JAX, the access that brings the weights up to date
        x = keras.tree.map_structure(keras.ops.convert_to_tensor, self._x)
        # what the pass would assign stays in the scope and is forgotten with it
        with keras.StatelessScope(), no_gradients(), untouched_randomness():
            inputs = self._inputs(x, training=self._training)
        arrays = [np.asarray(keras.ops.convert_to_numpy(part), np.float64) for part in keras.tree.flatten(inputs)]
        return [array.reshape(-1, array.shape[-1]) for array in arrays]

    def _chosen(self) -> list:
        if not self.model.built or not hasattr(self.model, "inputs"):
            raise ValueError(
                f"expected a model with known inputs, got {self.model.name!r}; mend by a Sequential that begins with "
                "keras.Input, or by a functional model"
            )
        known = {layer.name: layer for layer in self.model.layers}
        if self._names is None:
            found = [
                layer
                for layer in known.values()
                if hasattr(layer, "kernel") and any(map(_trained, keras.tree.flatten(layer.input)))
            ]
        else:
            unknown = [name for name in self._names if name not in known]
            if unknown:
                raise ValueError(
                    f"expected layers of the model ({', '.join(known)}), got {unknown[0]!r}; mend by one of these"
                )
            found = [known[name] for name in self._names]
        for layer in found:
            if len(keras.tree.flatten(layer.input)) != 1:
                raise ValueError(f"expected layers with one input, got {layer.name!r}; mend by leaving it out")
        if not found:
            raise ValueError("expected a layer with a kernel behind another one, got none; mend by naming layers")
        return found


def _trained(tensor) -> bool:
    """Whether anything that training moves lies between the data and this tensor of a model."""
    made_by, node, _ = tensor._keras_history
    if getattr(made_by, "trainable_weights", None) or hasattr(made_by, "moving_mean"):
        return True
    return any(map(_trained, made_by._inbound_nodes[node].input_tensors))
