"""Keras callbacks, one class a file. Importing this package loads no Keras: each name is loaded when it is first used.

Measure: `CleanTrainLoss`, `BatchLoss`, `UpdateRatio`, `GradientNoise`, `ActivationStatistics`. Change the training:
`HyperparameterScheduler`, `SnapshotEnsemble`, `WeightAverage`. Judge: `Diagnose` after it, `Conflicts` before it.
"""

import importlib

# name → module that holds it
_PUBLIC = {
    "ActivationStatistics": "textbook.callbacks.activation_statistics",
    "BatchLoss": "textbook.callbacks.batch_loss",
    "CleanTrainLoss": "textbook.callbacks.clean_train_loss",
    "Conflicts": "textbook.callbacks.conflicts",
    "Diagnose": "textbook.callbacks.diagnose",
    "GradientNoise": "textbook.callbacks.gradient_noise",
    "HyperparameterScheduler": "textbook.callbacks.hyperparameter_scheduler",
    "SnapshotEnsemble": "textbook.callbacks.snapshot_ensemble",
    "UpdateRatio": "textbook.callbacks.update_ratio",
    "WeightAverage": "textbook.callbacks.weight_average",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.callbacks.{name}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__():
    return __all__
