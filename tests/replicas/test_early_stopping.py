"""Each replica of a stack stops for itself, as Keras's callback would stop it."""

import functools

import keras
import numpy as np
import pandas as pd
import pytest

from textbook.models import mlp
from textbook.replicas import Condition, EarlyStopping, ReplicaTrainer, train_replicas

SMALL = functools.partial(mlp, hidden=(8,))
WOBBLY = {"learning_rate": 0.3, "momentum": 0.8}  # rough enough that seeds stop at different epochs
STOPS = {
    "plain": EarlyStopping(patience=1),
    "restored": EarlyStopping(patience=2, restore_best_weights=True),
    "late": EarlyStopping(patience=1, start_from_epoch=4, min_delta=0.05),
    "accuracy": EarlyStopping(monitor="val_accuracy", patience=1, restore_best_weights=True),
    "target": EarlyStopping(monitor="clean_accuracy", target=0.5),
    "baseline": EarlyStopping(patience=2, baseline=0.1),
}
# on JAX `fit` compiles every model anew, for seconds
SEEDS = range(4 if keras.backend.backend() == "jax" else 6)


@pytest.fixture(scope="module")
def results(few_digits):
    conditions = {name: Condition(**WOBBLY, stop=stop) for name, stop in STOPS.items()} | {"never": Condition(**WOBBLY)}
    return {
        engine: ReplicaTrainer(SMALL, few_digits, conditions=conditions, seeds=SEEDS, epochs=12, engine=engine).run()
        for engine in ("replicas", "fit")
    }


def test_every_replica_ends_where_keras_ends_it(results, same_tables):
    ours, oracle = (results[engine].table for engine in ("replicas", "fit"))
    runs = ["condition", "seed"]
    pd.testing.assert_series_equal(ours.groupby(runs).epoch.max(), oracle.groupby(runs).epoch.max())
    same_tables(ours, oracle)
    lengths = ours.groupby(runs).epoch.max().unstack("seed")
    assert (lengths.loc["never"] == 12).all()
    assert lengths.drop(index="never").nunique(axis=1).max() > 2, "seeds end at different epochs"


def test_a_replica_that_stops_leaves_the_others_as_they_were(results):
    """Whoever has stopped leaves the stack; those that stay must not notice."""
    table = results["replicas"].table
    full = table[table.condition == "never"].set_index(["seed", "epoch"])
    for name in STOPS:
        part = table[table.condition == name].set_index(["seed", "epoch"])
        same = full.loc[part.index]
        for column in ("loss", "val_loss", "clean_accuracy"):
            assert (part[column] == same[column]).all(), (name, column)


def test_the_weights_that_are_kept_are_those_of_the_selected_epoch(results, few_digits):
    for engine, result in results.items():
        rows = result.table[result.table.condition == "restored"]
        selected = rows[rows.selected].set_index("seed")
        assert len(selected) == len(SEEDS)
        best = rows.loc[rows.groupby("seed").val_loss.idxmin()].set_index("seed")
        assert (selected.epoch == best.epoch).all()
        assert (rows.test_loss.notna() == rows.selected).all(), "the test part sees the kept weights only"
        for seed in SEEDS:
            split = few_digits(seed)
            outputs = result.trained("restored", seed)(split.validation.x)
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(split.validation.y, outputs)
            assert float(loss) == pytest.approx(selected.val_loss[seed], rel=1e-5), engine


def test_a_target_ends_a_replica_once_it_is_reached(results):
    rows = results["replicas"].table.query("condition == 'target'")
    last = rows.groupby("seed").last()
    assert ((last.clean_accuracy >= 0.5) | (last.epoch == 12)).all() and (last.epoch < 12).sum() > 2
    before = rows[rows.epoch < rows.groupby("seed").epoch.transform("max")]
    assert (before.clean_accuracy < 0.5).all()


def test_time_to_a_target_is_read_from_the_table(results):
    times = results["replicas"].reached("clean_accuracy", 0.5)
    times = times[times.condition == "target"]
    rows = results["replicas"].table.query("condition == 'target'").groupby("seed").last()
    assert times.arrived.tolist() == (rows.clean_accuracy >= 0.5).tolist()
    never = (~times.arrived).astype(int).to_numpy()  # counts one epoch more than it was trained
    assert times.epochs.tolist() == (rows.epoch + never).tolist()
    assert times.updates.tolist() == (4 * (rows.epoch + never)).tolist()


def test_nan_ends_nothing_that_keras_would_not_end(few_digits):
    broken = {"c": Condition(learning_rate=1e30, stop=EarlyStopping(patience=2, restore_best_weights=True))}
    ours, oracle = (
        train_replicas(SMALL, few_digits, conditions=broken, seeds=range(2), epochs=6, engine=engine)
        for engine in ("replicas", "fit")
    )
    assert ours.groupby("seed").epoch.max().tolist() == oracle.groupby("seed").epoch.max().tolist()
    assert ours.selected.tolist() == oracle.selected.tolist()
    assert np.isnan(ours.val_loss).any()


def test_what_cannot_be_monitored_is_refused(few_digits):
    def attempt(**settings):
        stop = EarlyStopping(**{"patience": 1, **settings})
        optimizer = keras.optimizers.SGD(use_ema=True) if "restore_best_weights" in settings else "sgd"
        conditions = {"c": Condition(stop=stop, optimizer=optimizer)}
        train_replicas(SMALL, few_digits, conditions=conditions, seeds=[0], epochs=1)

    with pytest.raises(ValueError, match="expected stop to monitor a column that is measured after every epoch"):
        attempt(monitor="test_loss")
    with pytest.raises(ValueError, match=r"one of accuracy, clean_accuracy, .* got 'val_auc'"):
        attempt(monitor="val_auc")
    with pytest.raises(ValueError, match="expected restore_best_weights without averaged weights"):
        attempt(restore_best_weights=True)
    with pytest.raises(ValueError, match="expected patience, target or both, got neither"):
        EarlyStopping()
    with pytest.raises(ValueError, match="expected a patience of 0 or more"):
        EarlyStopping(patience=-1)
    with pytest.raises(ValueError, match=r"expected stop as textbook.replicas.EarlyStopping, got int"):
        Condition(stop=3)
