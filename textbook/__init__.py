"""The library behind the book, named by idea.

`schedules` are pure functions of time, `optimizers` follow them in the graph, and `callbacks` watch or change a `fit`;
`range_test` finds a learning rate, `search` any hyperparameter; `splits` and `datasets` bring data, and `augmentation`
changes them; `normalisation` looks at batch normalisation, `dropout` at masks, `ridge` at what a penalty leaves free;
`replicas` trains many copies of a model at once; `model_parts` says what is in a model, `checks` look at it before it
is trained, `curvature` at its loss, `diagnosis` at its history, `calibration` at its probabilities; `ensembles` average
and distil models; `surfaces` and `update_rules` are the books' examples of few weights, and `race` films them;
`importance`, `borders` and `statistics` read tables of trials; `experiment` turns a section of the book into a figure
with verdicts. Importing this package loads no TensorFlow: each name is loaded when it is first used.
"""

import importlib

# name → (module that holds it, attribute or None for the module itself)
_PUBLIC = {
    "datasets": ("textbook.datasets", None),
    "splits": ("textbook.splits", None),
    "schedules": ("textbook.schedules", None),
    "optimizers": ("textbook.optimizers", None),
    "callbacks": ("textbook.callbacks", None),
    "range_test": ("textbook.range_test", None),
    "learning_rate_range_test": ("textbook.range_test", "learning_rate_range_test"),
    "model_state": ("textbook.model_state", None),
    "gradients": ("textbook.gradients", None),
    "noise_scale": ("textbook.noise_scale", None),
    "batch_statistics": ("textbook.batch_statistics", None),
    "replicas": ("textbook.replicas", None),
    "models": ("textbook.models", None),
    "checks": ("textbook.checks", None),
    "curvature": ("textbook.curvature", None),
    "model_parts": ("textbook.model_parts", None),
    "normalisation": ("textbook.normalisation", None),
    "augmentation": ("textbook.augmentation", None),
    "dropout": ("textbook.dropout", None),
    "ridge": ("textbook.ridge", None),
    "calibration": ("textbook.calibration", None),
    "ensembles": ("textbook.ensembles", None),
    "losses": ("textbook.losses", None),
    "race": ("textbook.race", None),
    "surfaces": ("textbook.surfaces", None),
    "update_rules": ("textbook.update_rules", None),
    "statistics": ("textbook.statistics", None),
    "plots": ("textbook.plots", None),
    "search": ("textbook.search", None),
    "seeding": ("textbook.seeding", None),
    "diagnose": ("textbook.diagnosis", "diagnose"),
    "importance": ("textbook.importance", None),
    "borders": ("textbook.borders", None),
    "loss_gap": ("textbook.loss_gap", None),
    "stopping": ("textbook.stopping", None),
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.{name}")
    module, attribute = _PUBLIC[name]
    loaded = importlib.import_module(module)
    return loaded if attribute is None else getattr(loaded, attribute)


def __dir__():
    return __all__
