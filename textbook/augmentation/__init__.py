"""More training data out of those there are: images shifted, turned and flipped, sentences with words moved.

`RandomShift`, `RandomRotation`, `RandomFlip` and `RandomWarp` (shift and rotation in one interpolation) are Keras
layers: in a model they work in training alone, in `tf.data` they are mapped. `shift`, `rotate` and `flip` are the same
transforms in NumPy by given amounts, `augmented_copies` makes a larger data set for learners without layers, and
`consistency` says how often a classifier keeps its answer when the image moves.

For sentences, `RandomWords` deletes, swaps and moves words, in lists or in `tf.data`, and leaves negations alone;
`delete_words`, `swap_words` and `move_words` do so at given places, and `label_noise` counts the labels that go wrong.

Importing this package loads no Keras: each name is loaded when it is first used.
"""

import importlib

# name → module that holds it
_PUBLIC = {
    "Consistency": "agreement",
    "RandomFlip": "flip_layer",
    "RandomRotation": "warp_layers",
    "RandomShift": "warp_layers",
    "RandomWarp": "warp_layers",
    "RandomWords": "random_words",
    "augmented_copies": "copies",
    "consistency": "agreement",
    "delete_words": "text",
    "flip": "images",
    "label_noise": "label_change",
    "move_words": "text",
    "negations": "negation",
    "neighbours": "images",
    "rotate": "images",
    "shift": "images",
    "swap_words": "text",
    "warp": "images",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"expected one of {', '.join(__all__)}, got textbook.augmentation.{name}")
    return getattr(importlib.import_module(f"textbook.augmentation.{_PUBLIC[name]}"), name)


def __dir__():
    return __all__
