"""What the layers put out on a fixed batch, epoch by epoch: mean, spread, dead and saturated units."""

import keras
import numpy as np
import pandas as pd

from textbook.gradients import no_gradients, untouched_randomness
from textbook.schedules.arguments import share, whole

# activation → the values that it creeps towards where it has no slope left
_ASYMPTOTES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu6": (6.0,),
}


class ActivationStatistics(keras.callbacks.Callback):
    """Mean, standard deviation, share of dead units and of saturated outputs of each layer, on a probe, after epochs.

    A unit is dead when it gives the same output for every sample (and place) of the probe: a ReLU that never opens,
    whose slope is 0 everywhere. An output is saturated when it is within `margin` of a value that its activation has
    no slope at, as a share of the activation's range: 0 and 1 of a sigmoid, −1 and 1 of tanh or softsign, 6 of ReLU6.

    The probe runs as in inference: no dropout, batch norm by its moving statistics. Training is left as it is, bit
    for bit.

    Args:
        x: the probe, an array (or a structure of arrays) as the model takes it; some hundred samples will do.
        layers: names of layers to look at; by default every layer of the model that has one output of numbers and
            stands in it once, inputs aside. Of a model inside the model only the output is seen.
        every: epochs from one measurement to the next.
        margin: how close is saturated, above 0 and up to 1, as a share of the activation's range (6 for ReLU6).
        batch_size: samples of the probe computed at once.

    Attributes:
        table: a DataFrame, one row per measured epoch (counted from 1) and layer, in the model's order: epoch, layer,
            mean, std, dead, saturated (shares from 0 to 1; saturated is NaN for an activation without such values).

    Raises: ValueError for a subclassed model, a layer that is not there or cannot be read, or an empty probe.

    Source: Glorot and Bengio (2010) for saturation; Lu, Shin, Su, Karniadakis (2020) for dead ReLUs.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, "relu", name="hidden")])
    >>> model.layers[0].set_weights([np.array([[1.0, -1.0]]), np.zeros(2)])
    >>> model.compile(keras.optimizers.SGD(0.0), "mse")
    >>> probe = ActivationStatistics(np.array([[1.0], [3.0]]))
    >>> _ = model.fit(np.ones((2, 1)), np.ones((2, 2)), verbose=0, callbacks=[probe])
    >>> probe.table[["layer", "mean", "dead"]].values.tolist()
    [['hidden', 1.0, 0.5]]
    """

    def __init__(self, x, layers=None, *, every: int = 1, margin: float = 0.01, batch_size: int = 256):
        super().__init__()
        sizes = {len(part) for part in keras.tree.flatten(x)}
        if len(sizes) != 1 or 0 in sizes:
            raise ValueError(f"expected a probe of at least one sample, got sizes {sorted(sizes)}; mend by x[:256]")
        self._x, self._size = x, sizes.pop()
        self._layers = None if layers is None else list(layers)
        self._every = whole("every", every, least=1, mend="mend by every=1 for each epoch")
        self._margin = share("margin", margin)
        self._batch_size = whole("batch_size", batch_size, least=1, mend="mend by a number such as 256")
        self._rows, self._watched, self._outputs = [], [], None

    def on_train_begin(self, logs=None):
        self._rows = []
        self._watched = self._chosen()
        model = self.model
        self._outputs = keras.Model(model.inputs, [layer.output for layer in self._watched])

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self._every:
            return
        _ = self.model  # on JAX, the access that brings the weights up to date
        tallies = [_Tally(layer, self._margin) for layer in self._watched]
        for start in range(0, self._size, self._batch_size):
            at = slice(start, start + self._batch_size)
            batch = keras.tree.map_structure(lambda part, at=at: keras.ops.convert_to_tensor(part[at]), self._x)
            # what the pass would assign, such as a seed state, stays in the scope and is forgotten with it
            with keras.StatelessScope(), no_gradients(), untouched_randomness():
                outputs = self._outputs(batch, training=False)
            for tally, output in zip(tallies, keras.tree.flatten(outputs), strict=True):
                tally.see(np.asarray(keras.ops.convert_to_numpy(output), dtype=np.float64))
        self._rows += [{"epoch": epoch + 1, **tally.row()} for tally in tallies]

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self._rows, columns=["epoch", "layer", "mean", "std", "dead", "saturated"])

    def _chosen(self) -> list:
        model = self.model
        # a functional model, named subclasses included, knows the operations between its inputs and outputs
        if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
            raise ValueError(
                f"expected a Sequential or functional model, got the subclass {type(model).__name__}, whose layers' "
                "outputs cannot be reached; mend by building it from keras.Input"
            )
        known = {layer.name: layer for layer in model.layers}
        if self._layers is None:
            found = [layer for layer in known.values() if not isinstance(layer, keras.layers.InputLayer)]
            return [layer for layer in found if _readable(layer)]
        for name in self._layers:
            if name not in known:
                raise ValueError(
                    f"expected layers of the model ({', '.join(known)}), got {name!r}; mend by one of these"
                )
            if not _readable(known[name]):
                raise ValueError(
                    f"expected a layer with one output of numbers that stands in the model once, got {name!r}; "
                    "mend by leaving it out"
                )
        return [known[name] for name in self._layers]


def _readable(layer) -> bool:
    if len(layer._inbound_nodes) != 1:
        return False
    outputs = keras.tree.flatten(layer.output)
    return len(outputs) == 1 and keras.backend.is_float_dtype(outputs[0].dtype)


class _Tally:
    """Sums over the probe's batches of one layer's output, (samples, …, units) or channels first."""

    def __init__(self, layer, margin: float):
        self._layer = layer
        self._axis = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
        name = getattr(getattr(layer, "activation", None), "__name__", None)
        self._asymptotes = _ASYMPTOTES.get(name, ())
        low, high = (
            (0.0, 6.0) if name == "relu6" else (min(self._asymptotes, default=0), max(self._asymptotes, default=0))
        )
        self._near = margin * (high - low)
        self._count = self._mean = self._squares = self._saturated = 0.0
        self._low, self._high = np.inf, -np.inf

    def see(self, output: np.ndarray) -> None:
        # Chan, Golub and LeVeque's update, which does not lose a small spread beside a large mean
        count, mean = output.size, output.mean()
        together = self._count + count
        self._squares += ((output - mean) ** 2).sum() + (mean - self._mean) ** 2 * self._count * count / together
        self._mean += (mean - self._mean) * count / together
        self._count = together
        units = np.moveaxis(output, self._axis, -1) if output.ndim > 1 else output[:, None]
        units = units.reshape(-1, units.shape[-1])
        self._low, self._high = np.minimum(self._low, units.min(axis=0)), np.maximum(self._high, units.max(axis=0))
        near = np.zeros(output.shape, dtype=bool)
        for value in self._asymptotes:
            near |= np.abs(output - value) <= self._near
        self._saturated += near.sum()

    def row(self) -> dict:
        return {
            "layer": self._layer.name,
            "mean": float(self._mean),
            "std": float(np.sqrt(self._squares / self._count)),
            "dead": float((self._low == self._high).mean()),
            "saturated": float(self._saturated / self._count) if self._asymptotes else float("nan"),
        }
