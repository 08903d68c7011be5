"""Dropout taken apart: its masks, what they do on average, exactly, and what a trained model says under many of them.

`every_mask`, `mask_probabilities` and `dropped` are dropout in NumPy, in the classic form and in the inverted one that
Keras and torch have; `over_every_mask` gives the exact mean and spread of what stands behind a dropout of few units.
`monte_carlo` predicts with a Keras model under many masks, with nothing but its dropout at work: batch norm stays as it
is at inference, which `model(x, training=True)` would not leave it.

Importing this package loads no Keras: each name is loaded when it is first used.
"""

import importlib

# name → module that holds it
_PUBLIC = {
    "MaskedOutputs": "enumeration",
    "MonteCarlo": "prediction",
    "at_inference": "masks",
    "draw_masks": "masks",
    "dropout_layers": "layers",
    "dropped": "masks",
    "every_mask": "masks",
    "mask_probabilities": "masks",
    "monte_carlo": "prediction",
    "over_every_mask": "enumeration",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.dropout.{name}")
    return getattr(importlib.import_module(f"textbook.dropout.{_PUBLIC[name]}"), name)


def __dir__():
    return __all__
