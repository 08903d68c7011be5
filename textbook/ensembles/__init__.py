"""Several models that answer as one, what that gains and costs, and one model that learns to answer like them.

`Ensemble` averages predictions; its members are any models with the same inputs and outputs, files, snapshots of one
training (`textbook.callbacks.SnapshotEnsemble`), or by `top_k` the best trials of a search. `diversity` says how far
members differ and what that is worth, `distill` teaches a single model to predict like many, `compare` sets accuracy
beside latency.

`average_weights` makes one model of several, which is right only for models that are close together, as `linear_path`
shows. An average taken along a training is `textbook.callbacks.WeightAverage`, as SWA or, with `decay`, as a moving
average (EMA); Keras's optimizers keep one as well, with `use_ema=True`.

Importing this package loads no Keras: each name is loaded when it is first used.
"""

import importlib

# name → module that holds it
_PUBLIC = {
    "Diversity": "ambiguity",
    "Ensemble": "ensemble",
    "average_weights": "weight_space",
    "compare": "comparison",
    "distill": "distillation",
    "distillation_loss": "soft_targets",
    "distillation_targets": "soft_targets",
    "diversity": "ambiguity",
    "from_files": "members",
    "from_snapshots": "members",
    "interpolated": "weight_space",
    "label_accuracy": "soft_targets",
    "latencies": "comparison",
    "linear_path": "straight_line",
    "negative_log_likelihood": "probability",
    "probabilities": "probability",
    "top_k": "top_trials",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.ensembles.{name}")
    return getattr(importlib.import_module(f"textbook.ensembles.{_PUBLIC[name]}"), name)


def __dir__():
    return __all__
