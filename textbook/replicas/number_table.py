"""Which numbers of Keras's classes may differ by replica, and where an instance keeps them.

Every entry of `TABLE` is held against Keras's own class at that Python float by a test. What is not in it keeps its
float: GaussianDropout takes a root of its rate in Python, and TensorFlow's LeakyReLU has its slope as a constant.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from keras import layers, losses, optimizers, regularizers


class Range(NamedTuple):
    """The values that a number may take; `open_below`, `open_above`: whether the bound itself is left out."""

    low: float = 0.0
    high: float = math.inf
    open_below: bool = False
    open_above: bool = False

    def has(self, value: float) -> bool:
        above = value > self.low if self.open_below else value >= self.low
        below = value < self.high if self.open_above else value <= self.high
        return bool(above and below and math.isfinite(value))

    def __str__(self) -> str:
        if self.low == -math.inf:
            return "a finite number"
        start = f"a number above {self.low:g}" if self.open_below else f"a number from {self.low:g}"
        if self.high == math.inf:
            return start if self.open_below else f"{start} up"
        return f"{start} to {'below ' if self.open_above else ''}{self.high:g}"


FROM_ZERO, ANY = Range(), Range(low=-math.inf)
FRACTION, UNIT, POSITIVE = Range(high=1.0, open_above=True), Range(high=1.0), Range(open_below=True)

# An attribute of this name has this range in every class; what is not named goes from 0 up.
RANGES = {
    **dict.fromkeys(("rate", "dropout", "recurrent_dropout"), FRACTION),
    **dict.fromkeys(("momentum", "beta_1", "beta_2", "adam_beta_1", "adam_beta_2", "rho", "ema_momentum"), UNIT),
    **dict.fromkeys(("label_smoothing", "stddev"), UNIT),
    # a threshold of 0 means to Keras that nothing is clipped, which is another graph
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm", "clip_threshold", "q"), POSITIVE),
    **dict.fromkeys(("muon_a", "muon_b", "muon_c", "learning_rate_power", "beta_2_decay"), ANY),
}


def range_of(name: str) -> Range:
    """The range of a number by its name, whose last part is the attribute."""
    return RANGES.get(name.rpartition(".")[2], FROM_ZERO)


def _own(thing, attribute: str):
    return ((vars(thing), attribute),)


def _random(layer, attribute: str):
    """A layer that was built with 0 has no random state, so the number cannot be raised."""
    return _own(layer, attribute) if hasattr(layer, "seed_generator") else ()


def _as_given(layer, attribute: str):
    """Keras describes a layer without a `get_config` of its own by the arguments that it was given."""
    return (*_own(layer, attribute), (layer._auto_config.config, attribute)) if layer._auto_config else ()


def _of_penalty(layer, attribute: str):
    return (*_own(layer, attribute), (vars(layer.activity_regularizer), attribute))


def _of_recurrent_cell(cell, attribute: str):
    """LSTM and GRU heed a recurrent dropout only if they were built for one."""
    heeded = attribute == "dropout" or isinstance(cell, layers.SimpleRNNCell) or hasattr(cell, "dropout_mask_count")
    return _own(cell, attribute) if heeded else ()


def _of_recurrent_layer(layer, attribute: str):
    return _of_recurrent_cell(layer.cell, attribute)


def _of_multi_head(layer, attribute: str):
    inner = getattr(layer, "_dropout_layer", None)
    held = f"_{attribute}" if isinstance(layer, layers.MultiHeadAttention) else attribute
    return (*_own(layer, held), *_own(inner, "rate")) if hasattr(inner, "seed_generator") else ()


def _of_function(loss, attribute: str):
    """Keras computes with the arguments of a loss's function and describes the loss by its attributes."""
    return ((loss._fn_kwargs, attribute), *(_own(loss, attribute) if attribute in vars(loss) else ()))


def _of_average(optimizer, attribute: str):
    return _own(optimizer, attribute) if optimizer.use_ema else ()


class Entry(NamedTuple):
    """A number of a Keras class. `places(instance, attribute)` are the (mapping, key) pairs that hold it; there are
    none where the instance was built so that the number cannot change."""

    kind: type
    attribute: str
    places: Callable = _own


def _entries(kinds, attributes: str, places: Callable = _own):
    return [Entry(kind, attribute, places) for kind in kinds for attribute in attributes.split()]


_RECURRENT = (layers.SimpleRNN, layers.GRU, layers.LSTM)
_CELLS = (layers.SimpleRNNCell, layers.GRUCell, layers.LSTMCell)
_ADAMS = (optimizers.Adam, optimizers.AdamW, optimizers.Adamax, optimizers.Nadam, optimizers.Lamb)
_OPTIMIZERS = (
    *_entries((optimizers.SGD,), "momentum"),
    *_entries((optimizers.RMSprop,), "rho momentum epsilon"),
    *_entries(_ADAMS, "beta_1 beta_2 epsilon"),
    *_entries((optimizers.Lion,), "beta_1 beta_2"),
    *_entries((optimizers.Adagrad,), "epsilon"),
    *_entries((optimizers.Adadelta,), "rho epsilon"),
    *_entries((optimizers.Adafactor,), "beta_2_decay epsilon_1 epsilon_2 clip_threshold"),
    *_entries(
        (optimizers.Ftrl,),
        "learning_rate_power l1_regularization_strength l2_regularization_strength "
        "l2_shrinkage_regularization_strength beta",
    ),
    *_entries((optimizers.Muon,), "momentum adam_beta_1 adam_beta_2 adam_weight_decay epsilon"),
    *_entries((optimizers.Muon,), "muon_a muon_b muon_c adam_lr_ratio rms_rate"),
)
KINDS = tuple(dict.fromkeys(entry.kind for entry in _OPTIMIZERS))  # the optimizers

TABLE: tuple[Entry, ...] = (
    *_entries((layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D), "rate", _random),
    *_entries((layers.SpatialDropout3D, layers.AlphaDropout), "rate", _random),
    *_entries((layers.GaussianNoise,), "stddev", _random),
    *_entries((layers.Attention, layers.AdditiveAttention), "dropout", _random),
    *_entries((layers.MultiHeadAttention, layers.GroupQueryAttention), "dropout", _of_multi_head),
    *_entries(_RECURRENT, "dropout recurrent_dropout", _of_recurrent_layer),
    *_entries(_CELLS, "dropout recurrent_dropout", _of_recurrent_cell),
    *_entries((layers.ELU,), "alpha", _as_given),
    *_entries((layers.BatchNormalization,), "momentum epsilon"),
    *_entries((layers.LayerNormalization, layers.GroupNormalization), "epsilon"),
    *_entries((layers.ActivityRegularization,), "l1 l2", _of_penalty),
    *_entries((regularizers.L1,), "l1"),
    *_entries((regularizers.L2,), "l2"),
    *_entries((regularizers.L1L2,), "l1 l2"),
    *_entries((regularizers.OrthogonalRegularizer,), "factor"),
    *_entries((losses.BinaryCrossentropy, losses.CategoricalCrossentropy), "label_smoothing", _of_function),
    *_entries((losses.BinaryFocalCrossentropy,), "label_smoothing alpha gamma", _of_function),
    *_entries((losses.CategoricalFocalCrossentropy,), "label_smoothing alpha gamma", _of_function),
    *_entries((losses.Huber,), "delta", _of_function),
    *_entries((losses.Tversky,), "alpha beta", _of_function),
    *_entries((losses.CategoricalGeneralizedCrossEntropy,), "q", _of_function),
    *_OPTIMIZERS,
    *_entries(KINDS, "weight_decay clipnorm clipvalue global_clipnorm"),
    *_entries(KINDS, "ema_momentum", _of_average),
    *_entries((optimizers.Optimizer,), "weight_decay"),
)
