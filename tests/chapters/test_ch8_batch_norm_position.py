"""The text's network, ported: its places, and its leaky slope."""

import numpy as np
import pytest

from chapters.ch8.batch_norm_position import AFTER, BEFORE, FIRST, SECOND, SLOPE, network


@pytest.mark.parametrize("place", [BEFORE, AFTER])
def test_batch_norm_stands_where_it_is_said_to(place):
    model = network((4,), 2, place=place, hidden=(3,))
    kinds = [type(layer).__name__ for layer in model.layers]
    middle = ["BatchNormalization", "Leaky"] if place == BEFORE else ["Leaky", "BatchNormalization"]
    assert kinds == ["Dense", *middle, "Dense"]
    leaky = model.layers[kinds.index("Leaky")]
    np.testing.assert_allclose(leaky(np.array([[-2.0, 0.0, 3.0]], "float32")), [[-0.02, 0.0, 3.0]], rtol=1e-6)


@pytest.mark.parametrize("place", [BEFORE, AFTER])
def test_the_network_trained_as_both_is_each_of_them(place):
    both, one = (network((4,), 2, place=wanted, hidden=(3, 5)) for wanted in (None, place))
    slopes = {FIRST: 1.0, SECOND: SLOPE} if place == BEFORE else {FIRST: SLOPE, SECOND: 1.0}
    shared = [weight for weight in both.weights if weight.name not in slopes]
    for weight in both.weights:
        if weight.name in slopes:
            weight.assign(slopes[weight.name])
    for there, here in zip([w for w in one.weights if w.name not in slopes], shared, strict=True):
        there.assign(here)
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    np.testing.assert_allclose(both(x, training=True), one(x, training=True), rtol=1e-5)
    other = network((4,), 2, place=AFTER if place == BEFORE else BEFORE, hidden=(3, 5))
    for there, here in zip([w for w in other.weights if w.name not in slopes], shared, strict=True):
        there.assign(here)
    assert np.abs(np.asarray(both(x, training=True)) - other(x, training=True)).max() > 0.01
