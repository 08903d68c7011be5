"""Dicts and tuples of arrays, as a functional Keras model of several inputs or outputs takes them.

A structure is a dict, or a tuple that holds arrays or structures; anything else is a single leaf. `keras.tree` would do
most of this, but importing Keras takes seconds, and it orders the leaves of a dict by key, not as they were given.
"""


def is_structure(value) -> bool:
    """Whether a value is several arrays; a tuple of numbers or of lists of them is one array, written down.

    >>> import numpy as np
    >>> is_structure((np.zeros(3), np.zeros(3))), is_structure(((1, 2), (3, 4)))
    (True, False)
    """
    if isinstance(value, tuple):
        return any(is_structure(item) or getattr(item, "ndim", 0) > 0 for item in value)
    return isinstance(value, dict)


def map_leaves(function, structure, *others):
    """function(leaf, *leaves of others), in the structure of the first; the others have the same structure there.

    >>> map_leaves(lambda a, b: a * b, {"z": 2, "a": (3, 4)}, {"z": 5, "a": (6, 7)})
    {'z': 10, 'a': (18, 28)}
    """
    if isinstance(structure, dict):
        return {key: map_leaves(function, item, *(o[key] for o in others)) for key, item in structure.items()}
    if isinstance(structure, tuple):
        return tuple(map_leaves(function, *items) for items in zip(structure, *others, strict=True))
    return function(structure, *others)


def map_named(function, value, name: str):
    """function(leaf, its name), in plain dicts and tuples, where name is such as x['image'] or y[0].

    Raises: ValueError for an empty dict.
    """
    if not is_structure(value):
        return function(value, name)
    if not value:
        raise ValueError(f"expected at least one array in {name}, got an empty dict; pass for instance {{'a': array}}")
    if isinstance(value, dict):
        return {key: map_named(function, item, f"{name}[{key!r}]") for key, item in value.items()}
    return tuple(map_named(function, item, f"{name}[{place}]") for place, item in enumerate(value))


def map_pairs(function, value, name: str) -> tuple:
    """Like map_named, for a function that returns a pair: the structure of the first ones, that of the second ones."""
    pairs = map_named(function, value, name)
    return tuple(map_leaves(lambda _, pair, place=place: pair[place], value, pairs) for place in (0, 1))


def leaves(structure) -> list:
    """The leaves in the order given, which for a dict is that of its keys."""
    found = []
    map_leaves(found.append, structure)
    return found
