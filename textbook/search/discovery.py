"""The space of a builder: every hyperparameter that it declares, those of conditional scopes included."""

import contextlib
from collections.abc import Callable

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds

from textbook.replicas.initial import global_seed


def discovered(
    build, space: keras_tuner.HyperParameters | None = None, *, check: Callable | None = None
) -> keras_tuner.HyperParameters:
    """Call a builder until every conditional scope was entered once, and every list tried, and return what it declared.

    Builders also declare hyperparameters in loops and behind an `if`, such as the widths of `hp.Int("layers", 1, 3)`
    layers. So the builder is called with each value of every `Choice` and `Boolean` and with both ends of every `Int`,
    one at a time, until nothing new comes up. What only a combination of them declares is not found.

    Args:
        build: a keras-tuner builder.
        space: hyperparameters to begin with; a range given here goes before the builder's own.
        check: called with what the builder first returns; raises where it is not what it should be.

    >>> def build(hp):
    ...     if hp.Boolean("dropout"):
    ...         with hp.conditional_scope("dropout", [True]):
    ...             hp.Float("drop", 0.1, 0.5)
    ...     for i in range(hp.Int("layers", 1, 3)):
    ...         hp.Int(f"units {i}", 4, 16)
    >>> [parameter.name for parameter in discovered(build).space]
    ['dropout', 'layers', 'units 0', 'drop', 'units 1', 'units 2']
    """
    known = keras_tuner.HyperParameters() if space is None else space.copy()
    entered, waiting = [], [[]]
    while waiting:
        scope = waiting.pop(0)
        asked = known.copy()
        for condition in scope:
            asked.values[condition.name] = condition.values[0]
        asked.ensure_active_values()
        with global_seed(0):
            returned = build(asked)
        if check is not None:
            check(returned)
        known.merge(asked, overwrite=False)
        # a scope counts as entered once it was asked for, even where the builder, by an `if`, did not get there
        entered += [scope, *asked.active_scopes]
        waiting += asked.inactive_scopes
        waiting = [one for i, one in enumerate(waiting) if one not in entered and one not in waiting[:i]]
    _try_lists(build, known)
    known.values = {}
    known.ensure_active_values()
    return known


def _try_lists(build, known: keras_tuner.HyperParameters) -> None:
    tried = set()
    while fresh := [pair for one in known.space for pair in _variants(one) if pair not in tried]:
        for parameter, value in fresh:
            tried.add((parameter, value))
            asked = known.copy()
            for one in known.space:
                if one.name == parameter:
                    asked.values |= {condition.name: condition.values[0] for condition in one.conditions}
            asked.values[parameter] = value
            asked.ensure_active_values()
            with global_seed(0), contextlib.suppress(Exception):  # a trial with this value will raise it, and fail
                build(asked)
            known.merge(asked, overwrite=False)


def _variants(parameter) -> list[tuple]:
    """(name, value) for what may change which hyperparameters there are."""
    if isinstance(parameter, kinds.Int):
        values = [parameter.min_value, parameter.max_value]
    elif isinstance(parameter, kinds.Choice | kinds.Boolean):
        values = list(parameter.values)
    else:
        values = []
    return [(parameter.name, value) for value in values if value != parameter.default]
