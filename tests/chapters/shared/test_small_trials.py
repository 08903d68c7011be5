import functools

import keras
import numpy as np
import pytest

from chapters.shared import small_trials
from chapters.shared.trials import CHOICES, HYPERPARAMETERS
from textbook.experiment import Run
from textbook.models import mlp


@pytest.mark.parametrize("depth", [1, 2])
def test_a_network_among_units_of_zeros_is_trained_as_the_narrow_one(depth):
    # the same weights in a network of 3 units, and among the 8 of a wide one whose second layer is in use or not
    random = np.random.default_rng(0)
    x, y = random.normal(size=(32, 5)).astype("float32"), random.integers(3, size=32)
    wide, narrow = (small_trials.narrow_weights((5, *[3] * depth, 3), widest=widest, seed=7) for widest in (8, 3))
    builders = {
        functools.partial(small_trials.one_or_two_layers, units=8): small_trials._with_both_layers(wide),
        functools.partial(mlp, hidden=(3,) * depth): narrow,
    }
    losses = []
    for build, weights in builders.items():
        model = build((5,), 3)
        model.set_weights(weights)
        optimizer = keras.optimizers.SGD(0.3, momentum=0.9, weight_decay=0.01)
        model.compile(optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        losses.append(model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"])
        if len(losses) == 1:
            second, deep = model.get_weights()[2], model.get_weights()[4]
            assert deep == depth - 1 and second[:3, :3].all() == deep
            assert not second[3:].any() and not second[:3, 3:].any()
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_settings_are_within_their_ranges_and_differ_by_seed():
    pool = small_trials._draw(3, 1e-4, 1.0)
    assert pool.learning_rate.between(1e-4, 1).all() and set(pool.width) <= set(small_trials.WIDTHS)
    assert not pool.learning_rate.equals(small_trials._draw(4, 1e-4, 1.0).learning_rate)
    rates = np.log10(np.concatenate([small_trials._draw(seed, 1e-4, 1.0).learning_rate for seed in range(40)]))
    assert abs(rates.mean() + 2) < 0.15  # even on the log scale


def test_the_batch_sizes_spread_as_those_of_the_digits():
    shares = np.log(1024 / np.array(CHOICES["batch_size"])), np.log(small_trials.BATCHES_PER_EPOCH)
    assert np.isclose(shares[0].std(), shares[1].std(), rtol=0.03)
    assert np.isclose(shares[0].mean(), shares[1].mean(), rtol=0.03)


def test_a_pool_of_wine_has_every_column(monkeypatch):
    monkeypatch.setattr(small_trials, "TRIALS_PER_SEED", 6)
    monkeypatch.setattr(small_trials, "BATCHES_PER_EPOCH", (5,))
    monkeypatch.setattr(small_trials, "CHOICES", CHOICES | {"depth": (2,)})
    pool = small_trials.small_trials(Run(seeds=(0,), quick=True), data="wine", epochs=2)
    assert {*HYPERPARAMETERS, "seed", "trial", "val_loss", "diverged"} <= set(pool.columns)
    assert len(pool) == 6 and np.isfinite(pool.val_loss).all()
