"""What replicas see of the data: scaling and sample weights."""

import keras
import numpy as np

from textbook.replicas.blueprint import is_nested


def scalers(replicas) -> list:
    """For each flat input (offset, scale), each (replicas, …) float32, or None where nothing is scaled."""
    by_replica = [_flat_scaler(replica.split) for replica in replicas]
    return [
        None if leaf[0] is None else tuple(np.stack(values).astype(np.float32) for values in zip(*leaf, strict=True))
        for leaf in zip(*by_replica, strict=True)
    ]


def _flat_scaler(split) -> list:
    """For each flat input (offset, scale) or None."""
    if not is_nested(split.x):
        return [None if split.offset is None else (split.offset, split.scale)]
    if split.offset is None:
        return [None] * len(keras.tree.flatten(split.x))
    pairs = zip(keras.tree.flatten(split.offset), keras.tree.flatten(split.scale), strict=True)
    return [None if offset is None else (offset, scale) for offset, scale in pairs]


def sample_weights(replica, part: str) -> np.ndarray:
    """(rows,) float32: the weights of the data, times those of the classes in the training part, as in `fit`."""
    rows = getattr(replica.split, part)
    given = rows.sample_weight
    weights = np.ones(len(rows.indices), np.float32) if given is None else np.asarray(given, np.float32)
    if replica.class_weight and part == "train":
        of_class = {int(label): weight for label, weight in replica.class_weight.items()}
        weights = weights * np.array([of_class.get(int(label), 1.0) for label in rows.y], np.float32)
    return weights
