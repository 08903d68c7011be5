"""The space of a builder: every hyperparameter that it declares, those of conditional scopes included."""

import keras_tuner

from textbook.replicas.initial import global_seed


def discovered(build, space: keras_tuner.HyperParameters | None = None) -> keras_tuner.HyperParameters:
    """Call a builder until every conditional scope was entered once, and return what it declared.

    Args:
        build: a keras-tuner builder.
        space: hyperparameters to begin with; a range given here goes before the builder's own.

    >>> def build(hp):
    ...     if hp.Boolean("dropout"):
    ...         with hp.conditional_scope("dropout", [True]):
    ...             hp.Float("drop", 0.1, 0.5)
    >>> [parameter.name for parameter in discovered(build).space]
    ['dropout', 'drop']
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
            build(asked)
        known.merge(asked, overwrite=False)
        # a scope counts as entered once it was asked for, even where the builder, by an `if`, did not get there
        entered += [scope, *asked.active_scopes]
        waiting += asked.inactive_scopes
        waiting = [one for i, one in enumerate(waiting) if one not in entered and one not in waiting[:i]]
    known.values = {}
    known.ensure_active_values()
    return known
