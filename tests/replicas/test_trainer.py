"""The table of a training: what is in it, what it says when asked for the impossible, and that seeds decide it."""

import functools

import keras
import numpy as np
import pandas as pd
import pytest

from textbook import datasets, splits
from textbook.models import mlp
from textbook.replicas import Condition, ReplicaTrainer, Seeds, session, train_replicas
from textbook.schedules import ExponentialDecay, StepDecay

SMALL = functools.partial(mlp, hidden=(8,))


@pytest.fixture(scope="module")
def digits(few_digits):
    return few_digits


def test_a_row_per_condition_seed_and_epoch(digits):
    conditions = {"b": Condition(learning_rate=0.1), "a": Condition(learning_rate=0.1, epochs=2)}
    table = train_replicas(SMALL, digits, conditions=conditions, seeds=[3, 1], epochs=3)
    assert list(table.condition.unique()) == ["b", "a"], "conditions keep the order they were given in"
    assert table.groupby("condition").size().to_dict() == {"b": 6, "a": 4}
    first = table[(table.condition == "b") & (table.seed == 1)]
    assert list(first.epoch) == [1, 2, 3]
    assert list(first.updates) == [4, 8, 12], "a smaller last batch is kept: ceil(100 / 32) updates an epoch"
    assert first.test_loss.notna().tolist() == [False, False, True]
    assert np.allclose(first.chance_loss, np.log(10)) and np.allclose(first.chance_accuracy, 0.1)


def test_the_same_seeds_give_the_same_bits_and_other_seeds_do_not(digits):
    def run(seeds):
        table = train_replicas(SMALL, digits, conditions={"c": Condition(learning_rate=0.2)}, seeds=seeds, epochs=2)
        return table.drop(columns="seconds")

    pd.testing.assert_frame_equal(run([5, 6]), run([5, 6]), check_exact=True)
    alone, pair, many = run([5]), run([5, 6]), run([5, 6, 7, 8, 9])
    pd.testing.assert_frame_equal(alone, pair[pair.seed == 5].reset_index(drop=True), check_exact=True)
    pd.testing.assert_frame_equal(alone, many[many.seed == 5].reset_index(drop=True), check_exact=True)
    assert pair.loss.nunique() == len(pair)


def test_conditions_of_a_seed_share_split_weights_and_order(digits):
    conditions = {"one": Condition(learning_rate=0.1), "two": Condition(learning_rate=0.1)}
    table = train_replicas(SMALL, digits, conditions=conditions, seeds=range(3), epochs=2)
    one, two = (table[table.condition == name].reset_index(drop=True) for name in conditions)
    shared = ["seed", "epoch", "loss", "val_loss", "test_loss"]
    pd.testing.assert_frame_equal(one[shared], two[shared], check_exact=True)


def test_crossed_seeds_hold_what_they_hold(digits):
    table = train_replicas(SMALL, digits, seeds=Seeds(split=0, weights=[1, 2], order=[3, 4], masks=0), epochs=1)
    assert len(table) == 4
    assert table[["split_seed", "weights_seed", "order_seed", "masks_seed"]].to_numpy().tolist() == [
        [0, 1, 3, 0],
        [0, 1, 4, 0],
        [0, 2, 3, 0],
        [0, 2, 4, 0],
    ]
    assert table.loss.nunique() == 4


def test_a_bare_schedule_is_held_within_the_epoch_and_per_update_is_not(digits):
    halved = StepDecay(0.2, factor=0.5, every=2)
    smooth = ExponentialDecay(0.2, factor=0.5, every=1)
    conditions = {"held": Condition(learning_rate=halved), "per update": Condition(learning_rate=smooth.per_update())}
    table = train_replicas(SMALL, digits, conditions=conditions, seeds=[0], epochs=4)
    held = table[table.condition == "held"]
    assert np.allclose(held.learning_rate, [0.2, 0.2, 0.1, 0.1])
    last = table[table.condition == "per update"]
    assert np.allclose(last.learning_rate, 0.2 * 0.5 ** (np.arange(1, 5) - 1 / 4)), "the epoch's last update"


def test_a_decay_that_lies_beyond_the_last_step_changes_nothing_and_one_before_does(digits):
    beyond, before = StepDecay(0.2, factor=0.1, every=3), StepDecay(0.2, factor=0.1, every=2)
    conditions = {
        "constant": Condition(learning_rate=0.2),
        "beyond": Condition(learning_rate=beyond),
        "before": Condition(learning_rate=before),
    }
    last = train_replicas(SMALL, digits, conditions=conditions, seeds=[0], epochs=3).groupby("condition").loss.last()
    assert last["constant"] == last["beyond"] != last["before"]


def test_plain_sgd_is_not_momentum_in_disguise(digits):
    conditions = {"plain": Condition(learning_rate=0.1), "momentum": Condition(learning_rate=0.1, momentum=0.9)}
    last = train_replicas(SMALL, digits, conditions=conditions, seeds=[0], epochs=2).groupby("condition").loss.last()
    assert abs(last["plain"] - last["momentum"]) > 1e-3


def test_the_order_changes_from_epoch_to_epoch(digits):
    orders = ReplicaTrainer(SMALL, digits, seeds=[0], epochs=1)._groups()[0].replicas[0].orders()
    first, second = next(orders), next(orders)
    assert (first != second).any()
    assert sorted(first) == sorted(second) == list(range(100))
    assert {tuple(sorted(first[:32]))} != {tuple(sorted(second[:32]))}, "minibatches are not frozen"


def test_a_replica_that_diverges_is_marked_and_disturbs_nobody(digits):
    conditions = {"good": Condition(learning_rate=0.1), "bad": Condition(learning_rate=1e6, momentum=0.0)}
    both = train_replicas(SMALL, digits, conditions=conditions, seeds=range(2), epochs=3)
    assert both[both.condition == "bad"].groupby("seed").diverged.last().all()
    good = both[both.condition == "good"]
    assert not good.diverged.any()
    alone = train_replicas(SMALL, digits, conditions={"good": conditions["good"]}, seeds=range(2), epochs=3)
    assert (alone.loss.to_numpy() == good.loss.to_numpy()).all()


def test_trained_gives_the_network_of_the_table(digits):
    build = functools.partial(mlp, hidden=(8,), batch_norm=True, dropout=0.2)
    result = ReplicaTrainer(build, digits, seeds=[0, 1], epochs=2).run()
    split = digits(1)
    model = result.trained("default", 1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(split.test.y, model(split.test.x))
    expected = result.table[(result.table.seed == 1) & (result.table.epoch == 2)].test_loss.iat[0]
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=r"expected a condition and seed that were trained.*got \('default', 7\)"):
        result.trained("default", 7)


def test_columns_say_what_keras_reports_and_what_is_clean(digits):
    build = functools.partial(mlp, hidden=(8,), l2=0.01)
    table = train_replicas(build, digits, seeds=[0], epochs=2)
    assert np.allclose(table.val_loss, table.val_clean_loss + table.penalty)
    model = ReplicaTrainer(build, digits, seeds=[0], epochs=2).run().trained("default", 0)
    by_hand = 0.01 * sum(float((layer.kernel.numpy() ** 2).sum()) for layer in model.layers if layer.weights)
    assert table.penalty.iat[-1] == pytest.approx(by_hand, rel=1e-5)


def test_scaled_splits_are_scaled_per_replica():
    data = datasets.load("wine")
    scaled = splits.Splitter(data, sizes=(100, 40, 38), scale="standard")
    by_engine = {
        engine: train_replicas(SMALL, scaled, seeds=range(2), epochs=2, engine=engine) for engine in ("replicas", "fit")
    }
    assert np.allclose(by_engine["replicas"].val_loss, by_engine["fit"].val_loss, rtol=1e-4)
    raw = train_replicas(SMALL, splits.Splitter(data, sizes=(100, 40, 38)), seeds=range(2), epochs=2)
    assert not np.allclose(raw.val_loss, by_engine["replicas"].val_loss, rtol=0.01)


def test_regression_has_its_own_loss_and_guess():
    data = datasets.load("diabetes")
    splitter = splits.Splitter(data, sizes=(200, 100, 100), scale="standard")
    adam = {"adam": Condition(optimizer="adam", learning_rate=0.01)}
    tables = {
        engine: train_replicas(
            SMALL, splitter, conditions=adam, seeds=[0], epochs=2, metrics=("mean_absolute_error",), engine=engine
        )
        for engine in ("replicas", "fit")
    }
    table = tables["replicas"]
    assert table.chance_loss.iat[0] == pytest.approx(np.var(splitter(0).train.y), rel=1e-5)
    assert "accuracy" not in table
    for column in ("loss", "val_loss", "val_mean_absolute_error", "clean_mean_absolute_error", "test_loss"):
        np.testing.assert_allclose(table[column], tables["fit"][column], rtol=1e-4, err_msg=column)
    error = table.val_mean_absolute_error.iat[-1]
    assert 0 < error**2 <= table.val_loss.iat[-1], "a mean absolute error is never above the root of the squared one"


def test_a_session_sets_the_engine_and_resumes_finished_groups(digits, tmp_path, monkeypatch):
    conditions = {"a": Condition(learning_rate=0.1), "b": Condition(learning_rate=0.1, batch_size=50)}
    ticks = []
    with session("fit", progress=lambda done, total: ticks.append((done, total))):
        table = train_replicas(SMALL, digits, conditions=conditions, seeds=[0], epochs=1)
    assert set(table.engine) == {"fit"} and ticks[-1] == (6, 6)

    def train():
        with session(checkpoint=tmp_path):
            return train_replicas(SMALL, digits, conditions=conditions, seeds=[0], epochs=1)

    first = train()
    from textbook.replicas import stack_engine

    trained = []
    real = stack_engine.train
    monkeypatch.setattr(stack_engine, "train", lambda *a, **k: trained.append(1) or real(*a, **k))
    pd.testing.assert_frame_equal(train(), first)
    assert not trained, "both groups came from the checkpoint"
    next(tmp_path.glob("*group-1*")).unlink()
    pd.testing.assert_frame_equal(train().drop(columns="seconds"), first.drop(columns="seconds"))
    assert len(trained) == 1, "only the group that was lost is trained again"
    conditions["a"] = Condition(learning_rate=0.2)
    assert train().loss.iat[0] != first.loss.iat[0], "a checkpoint of other work is not taken"


def test_what_does_not_fit_is_refused_with_the_way_to_mend_it(digits):
    def attempt(build=SMALL, data=digits, **settings):
        return train_replicas(build, data, **{"seeds": [0], "epochs": 1, **settings})

    with pytest.raises(ValueError, match="expected epochs as a whole number from 1 up, got 0"):
        attempt(epochs=0)
    with pytest.raises(ValueError, match="expected engine as one of replicas, fit, jax, got 'fast'"):
        attempt(engine="fast")
    with pytest.raises(ValueError, match="expected at least one seed and none twice"):
        attempt(seeds=[1, 1])
    with pytest.raises(ValueError, match="ends in logits, got one that ends in softmax; drop the last activation"):
        attempt(lambda: keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, activation="softmax")]))
    with pytest.raises(ValueError, match=r"expected build\(\) to return a keras.Model, got int"):
        attempt(lambda: 3)
    with pytest.raises(ValueError, match="expected build as a function that returns a new model, got Sequential"):
        attempt(mlp((64,), 10))
    with pytest.raises(ValueError, match="expected every condition to be a Condition, got 'a': float"):
        attempt(conditions={"a": 0.1})
    with pytest.raises(ValueError, match="expected momentum= with an optimizer that has one, such as 'sgd', got adam"):
        attempt(conditions={"a": Condition(optimizer="adam", momentum=0.9)})
    with pytest.raises(ValueError, match="expected one split per seed, 1 in all, got 2"):
        attempt(data=[digits(0), digits(1)])
    with pytest.raises(ValueError, match=r"expected momentum from 0 to 1, got 1\.5"):
        Condition(momentum=1.5)
    with pytest.raises(ValueError, match="got 'brier'"):
        attempt(metrics=("brier",))
    with pytest.raises(ValueError, match="expected a learning_rate for seed 0, got seeds"):
        attempt(conditions={"a": Condition(learning_rate={5: 0.1})})


def test_training_leaves_the_global_seeds_alone(digits):
    import random

    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    train_replicas(SMALL, digits, seeds=[0], epochs=1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
