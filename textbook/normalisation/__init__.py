"""Batch norm in the open: its formulas in NumPy, what it does in a model of your own, and what goes wrong with it.

`batch_norm_report` looks for the layer's traps in a Keras model and says how to mend them; `TRAPS` holds networks with
one planted. `recalibrate` and `recalibrated` take the moving statistics anew on other data, for good or for a while.
`batch_norm`, `batch_norm_backward`, `batch_norm_inference` and `moving_statistics` are the layer's formulas, each small
enough to read, and held equal to Keras's `BatchNormalization` by tests.
`LayerInputDrift`, `moment_drift` and `gradient_smoothness` measure what the layer is said to change in training, and
`NoisyBatchNormalization` takes one of these changes away again.

Importing this package loads no Keras: each name is loaded when it is first used.
"""

import importlib

# name → module that holds it
_PUBLIC = {
    "BatchNormReport": "report",
    "Finding": "finding",
    "LayerInputDrift": "layer_input_drift",
    "NoisyBatchNormalization": "noisy",
    "Normalised": "reference",
    "TRAPS": "traps",
    "batch_norm": "reference",
    "batch_norm_backward": "reference",
    "batch_norm_inference": "reference",
    "batch_norm_report": "report",
    "gradient_smoothness": "smoothness",
    "moment_drift": "drift",
    "moving_statistics": "reference",
    "recalibrate": "recalibration",
    "recalibrated": "recalibration",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.normalisation.{name}")
    return getattr(importlib.import_module(f"textbook.normalisation.{_PUBLIC[name]}"), name)


def __dir__():
    return __all__
