"""Smith's procedure over seeds: where nothing is drawn each seed finds what the recipe finds on its data alone."""

import keras
import numpy as np
import pytest

from textbook import splits
from textbook.range_test import smith_recipe, smith_recipe_over_seeds

ON_TORCH = keras.backend.backend() == "torch"
stacked = pytest.mark.skipif(ON_TORCH, reason="replicas are stacked on TensorFlow and JAX")
ROWS = 40
SMALL = {"epochs": 5, "start": 1e-3, "rates": 30}


def build():
    """One weight that starts at 0, so that neither weights nor the order of a full batch depend on a seed."""
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])


@pytest.fixture(scope="module")
def parts():
    """Two seeds with different slopes and noise, whose parts have 40, 8 and 8 rows."""
    draw = np.random.default_rng(0)
    made = {}
    for seed, (slope, noise) in enumerate([(2.0, 0.1), (-1.0, 2.0)]):
        x = draw.normal(size=(56, 1)).astype("float32")
        y = slope * x[:, 0] + noise * draw.normal(size=56).astype("float32")
        made[seed] = splits.Splitter((x, y), sizes=(ROWS, 8, 8), scale=None)(seed)
    return made


def over_seeds(parts, **arguments):
    settings = {**SMALL, "momenta": (0.5, 0.9), "weight_decays": (0.0, 0.3), "batch_size": ROWS, **arguments}
    return smith_recipe_over_seeds(build, parts.__getitem__, seeds=range(2), **settings)


@pytest.fixture(scope="module")
def found(parts):
    return over_seeds(parts)


@stacked
def test_a_seed_finds_what_the_recipe_finds_on_its_data_alone(parts, found):
    seed = 1
    model = build()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    train = parts[seed].train
    alone = smith_recipe(
        model, train.x, train.y, momenta=(0.5, 0.9), weight_decays=(0.0, 0.3), batch_size=ROWS, **SMALL
    )  # fmt: skip
    one = found.recipes[seed]
    assert one.steps[["step", "tried", "updates"]].equals(alone.steps[["step", "tried", "updates"]])
    assert (one.momentum, one.weight_decay) == (alone.momentum, alone.weight_decay)
    assert one.schedule == alone.schedule
    pairs = [(one.rate_test, alone.rate_test)]
    for mine, theirs in (
        (one.momentum_test, alone.momentum_test),
        (one.weight_decay_test, alone.weight_decay_test),
    ):
        pairs += [(mine.tests[value], theirs.tests[value]) for value in theirs.tests]
    for mine, theirs in pairs:
        np.testing.assert_allclose(mine.table["learning_rate"], theirs.table["learning_rate"], rtol=1e-12)
        ours, oracle = mine.table["loss"].to_numpy(), theirs.table["loss"].to_numpy()
        # past the lowest loss rates are unstable, and rounding grows with every update
        tame = np.arange(len(oracle)) <= oracle.argmin()
        np.testing.assert_allclose(ours[tame], oracle[tame], rtol=1e-5)
        np.testing.assert_allclose(ours, oracle, rtol=2e-3)
        assert mine.stopped == theirs.stopped


@stacked
def test_the_cost_counts_the_updates_of_all_tests(found):
    for row in found.table.itertuples():
        one = found.recipes[row.seed]
        tests = [*one.momentum_test.tests.values(), *one.weight_decay_test.tests.values(), one.rate_test]
        assert len(tests) == 5
        assert row.updates == one.updates == sum(len(test.table) for test in tests)
        assert row.epochs_spent == row.updates  # a full batch: an update is an epoch
        assert row.maximum == one.schedule.maximum


@stacked
def test_beta_1_stands_for_the_momentum_of_adam(parts):
    found = over_seeds(parts, optimizer="adam", rates=20, batch_size=16)
    assert found.updates_per_epoch == 3  # the smaller last batch included
    assert found.table.epochs_spent.tolist() == pytest.approx((found.table.updates / 3).tolist())
    one = found.recipes[0]
    assert one.steps["step"].tolist() == ["beta_1", "weight_decay", "learning_rate"]
    losses = [test.table["loss"].to_numpy() for test in one.momentum_test.tests.values()]
    assert not np.allclose(losses[0][:15], losses[1][:15], rtol=1e-6)


@stacked
def test_wrong_arguments_are_refused_in_words(parts):
    with pytest.raises(ValueError, match="expected epochs above 0"):
        over_seeds(parts, epochs=0)
    with pytest.raises(ValueError, match="expected one or more different values of momentum"):
        over_seeds(parts, momenta=(0.9, 0.9))
    with pytest.raises(ValueError, match="expected an optimizer with a momentum"):
        over_seeds(parts, optimizer="adagrad")


@pytest.mark.skipif(not ON_TORCH, reason="the other backends can")
def test_torch_is_refused_in_words(parts):
    with pytest.raises(ValueError, match="expected Keras on TensorFlow or JAX"):
        over_seeds(parts)
