"""Is a network right as often as it says? Reliability, its error, and the one number that mends most of it.

`reliability_table` compares the confidence of predictions with how often they are right, bin by bin,
`plot_reliability` draws it, `expected_calibration_error` is its summary, and `error_if_calibrated` says how large that
summary is by chance alone. `fit_temperature` finds the number by which logits have to be divided, `calibrate` does it
for a Keras model and gives one that divides them.

Importing this package loads no Keras: each name is loaded when it is first used.
"""

import importlib

# name → module that holds it
_PUBLIC = {
    "Temperature": "temperature",
    "calibrate": "calibrated_model",
    "error_if_calibrated": "reliability",
    "expected_calibration_error": "reliability",
    "fit_temperature": "temperature",
    "plot_reliability": "picture",
    "reliability_table": "reliability",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.calibration.{name}")
    return getattr(importlib.import_module(f"textbook.calibration.{_PUBLIC[name]}"), name)


def __dir__():
    return __all__
