"""What a training holds besides its curves: snapshots, traces, models, the plan made before."""

import functools

import keras
import numpy as np
import pandas as pd
import pytest

from textbook.models import mlp
from textbook.replicas import Condition, ReplicaTrainer, session
from textbook.schedules import ExponentialDecay

SMALL = functools.partial(mlp, hidden=(8,), batch_norm=True)


def loss_on(model, part) -> float:
    return float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(part.y, model(part.x)))


@pytest.mark.parametrize("engine", ["replicas", "fit"])
def test_snapshots_are_the_networks_of_their_epochs(few_digits, engine):
    result = ReplicaTrainer(SMALL, few_digits, seeds=[3, 5], epochs=4, snapshots=(1, 3), engine=engine).run()
    rows = result.table.set_index(["seed", "epoch"])
    for seed in (3, 5):
        for epoch in (1, 3):
            loss = loss_on(result.trained("default", seed, epoch=epoch), few_digits(seed).validation)
            assert loss == pytest.approx(rows.val_loss[seed, epoch], rel=1e-5)
    with pytest.raises(ValueError, match=r"expected epoch as one of the snapshots \[1, 3\], got 2"):
        result.trained("default", 3, epoch=2)


def test_a_replica_that_had_ended_has_no_snapshot(few_digits):
    conditions = {"short": Condition(epochs=1), "long": Condition(epochs=3)}
    result = ReplicaTrainer(SMALL, few_digits, conditions=conditions, seeds=[0], snapshots=(1, 2)).run()
    result.trained("long", 0, epoch=2)
    with pytest.raises(ValueError, match=r"expected epoch as one of the snapshots \[1\], got 2"):
        result.trained("short", 0, epoch=2)


@pytest.mark.tensorflow
def test_a_trace_has_what_happened_at_every_update(few_digits):
    """Held against one replica that is taken by the hand: batch by batch, with Keras's own pieces."""
    rate = ExponentialDecay(0.2, factor=0.5, every=1).per_update()
    condition = Condition(learning_rate=rate, momentum=0.9, batch_size=30)
    build = functools.partial(mlp, hidden=(8,), l2=0.01)
    trainer = ReplicaTrainer(build, few_digits, conditions={"c": condition}, seeds=range(3), epochs=2, trace=True)
    trace = trainer.run().trace
    assert trace.groupby("seed").size().tolist() == [8, 8, 8]
    group = trainer._groups()[0]
    replica, model = group.replicas[1], group.blueprint.model
    group.blueprint.initializer.set(replica.seeds)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    part, rows, expected = replica.split.train, iter(()), []
    orders = replica.orders()
    for update in range(8):
        if update % 4 == 0:
            order = next(orders)
            rows = iter([order[i : i + 30] for i in range(0, 100, 30)])
        batch = next(rows)
        expected.append(_one_update(model, optimizer, part.x[batch], part.y[batch], replica.rates[update]))
    ours = trace[trace.seed == 1]
    assert ours["update"].tolist() == list(range(1, 9))
    np.testing.assert_allclose(
        ours[["loss", "gradient_norm", "update_ratio", "learning_rate"]], np.array(expected), rtol=1e-4
    )
    assert (ours.momentum == 0.9).all()


def _one_update(model, optimizer, x, y, rate):
    import tensorflow as tf

    optimizer.learning_rate = rate
    before = [v.numpy() for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, model(x, training=True))
        loss += sum(model.losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    moved = [v.numpy() - old for v, old in zip(model.trainable_variables, before, strict=True)]
    return float(loss), _norm(gradients), _norm(moved) / _norm(before), rate


def _norm(tensors) -> float:
    return float(np.sqrt(sum(np.sum(np.square(np.asarray(t))) for t in tensors)))


def test_tracing_changes_nothing_else(few_digits):
    tables = [
        ReplicaTrainer(SMALL, few_digits, seeds=range(3), epochs=2, trace=trace).run().table.drop(columns="seconds")
        for trace in (False, True)
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_traces_are_refused_where_there_are_none(few_digits):
    with pytest.raises(ValueError, match="expected trace=True with stacked replicas, got engine='fit'"):
        ReplicaTrainer(SMALL, few_digits, seeds=[0], epochs=1, trace=True, engine="fit")
    assert ReplicaTrainer(SMALL, few_digits, seeds=[0], epochs=1).run().trace is None


def test_everything_survives_a_checkpoint(few_digits, tmp_path):
    def train():
        with session(checkpoint=tmp_path):
            return ReplicaTrainer(SMALL, few_digits, seeds=range(2), epochs=2, snapshots=(1,), trace=True).run()

    first, second = train(), train()
    pd.testing.assert_frame_equal(first.table, second.table)  # the clock readings too, since nothing was trained again
    pd.testing.assert_frame_equal(first.trace, second.trace)
    for epoch in (None, 1):
        for a, b in zip(
            first.trained("default", 1, epoch=epoch).get_weights(),
            second.trained("default", 1, epoch=epoch).get_weights(),
            strict=True,
        ):
            assert (a == b).all()


def test_waves_give_what_one_go_gives(few_digits):
    trainer = functools.partial(ReplicaTrainer, SMALL, few_digits, seeds=range(7), epochs=2, snapshots=(1,))
    plan = trainer().plan().iloc[0]
    assert (plan.replicas, plan.wave, plan.waves, plan.engine) == (7, 7, 1, "replicas")
    one_go = trainer().run()
    limit = _limit_for(trainer, wave=3)
    waves = trainer(memory_limit=limit)
    assert waves.plan().iloc[0][["wave", "waves"]].tolist() == [3, 3]
    pd.testing.assert_frame_equal(
        one_go.table.drop(columns="seconds"), waves.run().table.drop(columns="seconds"), check_exact=True
    )
    with pytest.raises(ValueError, match=r"expected a memory_limit of at least \d+ MiB for this model and data"):
        trainer(memory_limit=1000).run()


@pytest.mark.parametrize("order", [("short", "long"), ("long", "short")])
def test_waves_that_train_for_different_times_keep_all_snapshots(few_digits, order):
    conditions = {name: Condition(epochs={"short": 1, "long": 3}[name]) for name in order}
    trainer = functools.partial(
        ReplicaTrainer, SMALL, few_digits, conditions=conditions, seeds=range(3), snapshots=(2,)
    )
    waves = trainer(memory_limit=_limit_for(trainer, wave=3))
    assert waves.plan().iloc[0][["wave", "waves"]].tolist() == [3, 2]
    result, one_go = waves.run(), trainer().run()
    for seed in range(3):
        pairs = (r.trained("long", seed, epoch=2).get_weights() for r in (result, one_go))
        assert all((ours == theirs).all() for ours, theirs in zip(*pairs, strict=True))
        with pytest.raises(ValueError, match=r"expected epoch as one of the snapshots \[\], got 2"):
            result.trained("short", seed, epoch=2)


def _limit_for(trainer, wave: int) -> int:
    """Bytes with room for so many replicas."""
    from textbook.replicas.memory import footing

    needs = footing(trainer()._groups()[0])
    return needs.shared + wave * needs.per_replica


def test_averaged_weights_are_those_that_keras_leaves_in_the_model(few_digits, same_tables):
    average = keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.9)
    results = [
        ReplicaTrainer(
            SMALL, few_digits, conditions={"c": Condition(optimizer=average)}, seeds=range(2), epochs=3, engine=engine
        ).run()
        for engine in ("replicas", "fit")
    ]
    same_tables(*(result.table for result in results))
    ours, oracle = (result.trained("c", 1).get_weights() for result in results)
    for a, b in zip(ours, oracle, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    last = results[0].table.query("seed == 1").iloc[-1]
    test = few_digits(1).test
    assert loss_on(results[0].trained("c", 1), test) == pytest.approx(last.test_loss, rel=1e-5)
