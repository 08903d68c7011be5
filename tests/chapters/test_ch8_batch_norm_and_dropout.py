"""The variance that dropout adds, mask by mask; where the network drops, and what its switch does."""

import numpy as np

from chapters.ch8.batch_norm_and_dropout import _builder, _formula


def test_the_enumeration_agrees_with_random_masks_and_with_the_formula():
    table = _formula(0)
    np.testing.assert_allclose(table.enumerated, table.closed_form, rtol=1e-12)
    assert (table.closed_form / table.inference).is_monotonic_increasing
    from textbook.seeding import stream

    random = stream(0, "masks by hand")
    x, w = np.maximum(random.normal(size=(40, 8)), 0), random.normal(size=8)
    kept = np.random.default_rng(1).random((20_000, 40, 8)) >= 0.5
    drawn = ((kept * x / 0.5) @ w).var()
    assert abs(drawn / table.enumerated[table.dropout == 0.5].item() - 1) < 0.02


def test_dropouts_stand_behind_the_first_and_the_last_hidden_layer():
    names = [layer.name for layer in _builder(4)((6,), 2).layers]
    kinds = [name.rstrip("_0123456789") for name in names]
    block = ["dense", "switched", "activation"]
    assert kinds == ["flatten", *block, "early", *block, *block, "late", "dense"]


def test_a_switch_leaves_batch_norm_or_nothing():
    layer = _builder(4)((6,), 2).layers[2]
    x = np.random.default_rng(0).normal(3, 2, (8, 4)).astype("float32")
    standardised = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + layer.norm.epsilon)
    np.testing.assert_allclose(layer(x, training=True), standardised, atol=1e-5)
    layer.on.assign(0.0)
    for training in (True, False):
        np.testing.assert_array_equal(layer(x, training=training), x)
