"""A data set cannot be changed, and is checked against its card."""

import dataclasses

import numpy as np
import pytest

from textbook import datasets


def small(x, y, **changes):
    fields = {
        "name": "small",
        "rows": len(x),
        "shape": x.shape[1:],
        "class_names": ("a", "b"),
        "task": "classification",
    }
    rest = dict.fromkeys(("title", "units", "target", "origin", "licence", "sha256"), "")
    return datasets.Dataset(x, y, datasets.Card(**(fields | rest | changes)))


def test_arrays_are_read_only_and_typed():
    data = small(np.zeros((3, 2)), [0, 1, 0])
    assert data.x.dtype == np.float32 and data.y.dtype == np.int64
    for values in (data.x, data.y):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.x = None


def test_the_callers_array_stays_writeable():
    x = np.zeros((3, 2), dtype=np.float32)
    small(x, [0, 1, 0])
    x[0] = 1


def test_the_digest_depends_on_values_shape_and_labels():
    x = np.arange(12.0).reshape(6, 2)
    y = np.arange(6) % 2
    digests = [
        small(x, y).digest,
        small(x + np.eye(6, 2), y).digest,
        small(x.reshape(6, 1, 2), y).digest,
        small(x, 1 - y).digest,
    ]
    assert len(set(digests)) == 4 and small(x.copy(), y).digest == digests[0]


def test_disagreement_with_the_card_is_refused():
    with pytest.raises(ValueError, match="as the card of 'small' says"):
        small(np.zeros((3, 2)), [0, 1, 0], rows=4)
    with pytest.raises(ValueError, match="expected finite values in 'small'"):
        small(np.array([[0.0], [np.nan]]), [0, 1])
