"""Initial weights by seed, the same for all arms but for the weights that tell them apart."""

import keras
import numpy as np
import pytest

from chapters.shared.seeded_starts import seeded_starts
from textbook.splits import Splitter

SPLITS = Splitter((np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 2), sizes=(20, 10, 10))


class Leaky(keras.layers.Layer):
    def build(self, shape):
        self.slope = self.add_weight(name="slope", shape=(), initializer="ones", trainable=False)

    def call(self, inputs):
        return keras.ops.where(inputs > 0, inputs, self.slope * inputs)


def build(input_shape, outputs):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(3), Leaky(), keras.layers.Dense(outputs)])


def test_arms_differ_in_the_named_weight_alone_and_seeds_in_the_drawn_ones():
    starts = seeded_starts(build, SPLITS, (5, 6), {"flat": {"slope": 1.0}, "leaky": {"slope": 0.25}})
    flat, leaky, other = starts["flat"][5], starts["leaky"][5], starts["leaky"][6]
    differ = [i for i, (a, b) in enumerate(zip(flat, leaky, strict=True)) if not np.array_equal(a, b)]
    assert len(differ) == 1 and (flat[differ[0]], leaky[differ[0]]) == (1.0, 0.25)
    assert not np.array_equal(leaky[0], other[0])
    # they are what the model takes, and drawn again they are the same
    build(input_shape=(4,), outputs=2).set_weights(flat)
    again = seeded_starts(build, SPLITS, (6, 5), {"leaky": {"slope": 0.25}})["leaky"][5]
    assert all(np.array_equal(a, b) for a, b in zip(leaky, again, strict=True))


def test_a_name_that_no_weight_has_is_refused():
    with pytest.raises(ValueError, match="expected weights named slop, got"):
        seeded_starts(build, SPLITS, (5,), {"leaky": {"slop": 0.25}})
