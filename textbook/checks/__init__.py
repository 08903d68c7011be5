"""Checks before training: is the gradient right, is the first loss what it should be, can a tiny batch be learned?

`gradient_check` compares a model's gradients with centred differences, tensor by tensor; `gradient_check_function` does
it for a function with a gradient of its own. `forward_difference`, `centred_difference`, `numerical_gradient` and
`relative_error` are its parts. `check_initial_loss` compares a fresh model's loss with that of a guess,
`check_penalty_raises_loss` raises its penalties, `overfit_tiny_batch` has it learn twenty rows by heart. `bug_zoo`
holds gradients and trainings with planted mistakes, to see what checks find.

Importing this package loads no Keras: each name is loaded when it is first used.
"""

import importlib

# name → module that holds it; None for modules
_PUBLIC = {
    "bug_zoo": None,
    "centred_difference": "differences",
    "check_initial_loss": "initial_loss",
    "check_penalty_raises_loss": "penalty",
    "forward_difference": "differences",
    "gradient_check": "model_check",
    "gradient_check_function": "function_check",
    "numerical_gradient": "differences",
    "overfit_tiny_batch": "tiny_batch",
    "relative_error": "relative",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.checks.{name}")
    holder = _PUBLIC[name]
    loaded = importlib.import_module(f"textbook.checks.{holder or name}")
    return loaded if holder is None else getattr(loaded, name)


def __dir__():
    return __all__
