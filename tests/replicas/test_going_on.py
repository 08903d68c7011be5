"""A training that goes on from where another ended is the training that never stopped, bit for bit."""

import dataclasses
import functools

import keras
import numpy as np
import pandas as pd
import pytest

from textbook.models import mlp
from textbook.replicas import Condition, EarlyStopping, ReplicaState, ReplicaTrainer, session
from textbook.schedules import ExponentialDecay

MLP = functools.partial(mlp, hidden=(5,))
MASKED = functools.partial(mlp, hidden=(7,), batch_norm=True, dropout=0.3)  # with a random state and moving averages
DECAY = ExponentialDecay(0.1, factor=0.5, every=1).per_update()
AVERAGED = keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3)
OPTIMIZERS = {
    "momentum": {"learning_rate": DECAY, "momentum": 0.9},
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
    "averaged": {"optimizer": AVERAGED},
}


@pytest.fixture(scope="module")
def digits(few_digits):
    return few_digits


def train(digits, conditions, *, build=MASKED, seeds=(0,), **settings):
    return ReplicaTrainer(build, digits, conditions=conditions, seeds=seeds, **settings).run()


def in_two_goes(digits, settings, *, first, then, seeds=(0, 1, 2), going_on=(2, 0), **others):
    """The result of going on, some of the seeds only, and the states that it began with."""
    begun = train(digits, {"c": Condition(**settings)}, seeds=seeds, epochs=first, keep_state=True, **others)
    start = {seed: begun.state("c", seed) for seed in going_on}
    went_on = {"c": Condition(**settings, start=start)}
    return train(digits, went_on, seeds=going_on, epochs=then, keep_state=True, **others), start


def rows(result, seeds, after: int = 0) -> pd.DataFrame:
    """Some seeds' rows of the epochs after one, without the clock."""
    table = result.table
    return table[table.seed.isin(seeds) & (table.epoch > after)].drop(columns="seconds").reset_index(drop=True)


def differing(result, oracle, seed: int, condition: str = "c") -> list[str]:
    """Names of what differs, in the last bit, between two states."""
    ours, other = result.state(condition, seed), oracle.state(condition, seed)
    assert (ours.epochs, ours.updates) == (other.epochs, other.updates)
    pairs = [(f"{kind} {i}", a, b) for kind in ("weights", "slots")
             for i, (a, b) in enumerate(zip(getattr(ours, kind), getattr(other, kind), strict=True))]  # fmt: skip
    return [name for name, a, b in pairs if a.dtype != b.dtype or not np.array_equal(a, b)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_goes_give_the_bits_of_one(digits, name):
    ours, _ = in_two_goes(digits, OPTIMIZERS[name], first=2, then=5)
    once = train(digits, {"c": Condition(**OPTIMIZERS[name])}, seeds=(0, 1, 2), epochs=5, keep_state=True)
    found, expected = rows(ours, (0, 2)), rows(once, (0, 2), after=2)
    assert found.epoch.tolist() == [3, 4, 5] * 2 and found.updates.max() == 20
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    for seed in (0, 2):
        assert not differing(ours, once, seed)
        for a, b in zip(
            ours.trained("c", seed).get_weights(), once.trained("c", seed).get_weights(), strict=True
        ):  # averaged ones, where the optimizer keeps an average
            np.testing.assert_array_equal(a, b)


def test_rungs_of_promotions_give_the_bits_of_one_go(digits):
    """Fewer go on from rung to rung, in another order; their numbers differ by replica even where one is left."""
    conditions = {
        f"rate {rate}": {"optimizer": "adam", "learning_rate": 0.01 / (1 + i), "strengths": {"rate": rate}}
        for i, rate in enumerate((0.1, 0.3, 0.5))
    }
    asked = {name: Condition(**settings) for name, settings in conditions.items()}
    once = train(digits, asked, seeds=[3], epochs=4, keep_state=True)
    result = train(digits, asked, seeds=[3], epochs=1, keep_state=True)
    for epochs, promoted in ((2, ("rate 0.5", "rate 0.3")), (4, ("rate 0.3",))):
        asked = {name: Condition(**conditions[name], start=result.state(name, 3)) for name in promoted}
        result = train(digits, asked, seeds=[3], epochs=epochs, keep_state=True)
    expected = once.table.query("condition == 'rate 0.3' and epoch > 2").reset_index(drop=True)
    pd.testing.assert_frame_equal(
        result.table.drop(columns="seconds"), expected.drop(columns="seconds"), check_exact=True
    )
    assert not differing(result, once, 3, "rate 0.3")


@pytest.mark.parametrize("forgotten", ["slots", "iterations", "averages of the norm", "random state", "order"])
def test_whatever_is_forgotten_shows(digits, forgotten):
    """Each part of a state matters: without it the bits are others. So the tests above can fail."""
    settings = OPTIMIZERS["adam"]
    begun = train(digits, {"c": Condition(**settings)}, epochs=2, keep_state=True)
    once = train(digits, {"c": Condition(**settings)}, epochs=3, keep_state=True)
    state = begun.state("c", 0)
    slots, weights = list(state.slots), list(state.weights)
    if forgotten == "slots":
        slots[2:] = [np.zeros_like(values) for values in slots[2:]]
    elif forgotten == "iterations":
        slots[0] = np.zeros_like(slots[0])
    elif forgotten != "order":  # the first frozen variables are the norm's averages, the last one the random state
        place = -1 if forgotten == "random state" else -2
        weights[place] = weights[place] + 1
    state = dataclasses.replace(state, slots=tuple(slots), weights=tuple(weights))
    if forgotten == "order":
        state = dataclasses.replace(state, epochs=1, updates=4)  # the orders of the epochs 2 and 3, not 3 alone
    ours = train(digits, {"c": Condition(**settings, start=state)}, epochs=3, keep_state=True)
    found, expected = rows(ours, (0,), after=2), rows(once, (0,), after=2)
    assert (found.val_loss != expected.val_loss).all()


@pytest.mark.parametrize("name", ["momentum", "adam", "averaged"])
def test_plain_fit_goes_on_as_well(digits, same_tables, name):
    """With `fit` going on is the training that never stopped, and the stack's own."""
    settings = OPTIMIZERS[name]
    goes = functools.partial(in_two_goes, digits, settings, first=1, then=3, going_on=(1,))
    ours, _ = goes(seeds=(1,), engine="fit")
    stacked, start = goes()
    once = train(digits, {"c": Condition(**settings)}, seeds=(1,), epochs=3, keep_state=True, engine="fit")
    same_tables(rows(ours, (1,)), rows(once, (1,), after=1), rtol=1e-5)
    same_tables(rows(stacked, (1,)), rows(ours, (1,)))
    for result in (once, stacked):
        for kind in ("weights", "slots"):
            pairs = zip(getattr(ours.state("c", 1), kind), getattr(result.state("c", 1), kind), strict=True)
            for place, (a, b) in enumerate(pairs):
                if (kind, place) != ("slots", 1):  # the rate, which the stack feeds
                    np.testing.assert_allclose(a, b, atol=1e-4)
    # from one engine to the other
    crossed = train(digits, {"c": Condition(**settings, start=start)}, seeds=(1,), epochs=3, engine="fit")
    same_tables(rows(crossed, (1,)), rows(ours, (1,)))


def test_fit_without_a_momentum_has_the_slots_of_the_stack(digits, same_tables):
    plain = {"learning_rate": 0.1, "momentum": 0.0}
    begun = train(digits, {"c": Condition(**plain)}, epochs=1, keep_state=True, engine="fit")
    start = begun.state("c", 0)
    by_engine = [
        rows(train(digits, {"c": Condition(**plain, start=start)}, updates=7, engine=engine), (0,))
        for engine in ("replicas", "fit")
    ]
    same_tables(*by_engine)
    assert by_engine[0].updates.tolist() == [7], "4 an epoch, and a part of one"


def test_a_momentum_that_differed_between_replicas_is_still_kept_alone(digits):
    """Beside others with momentum the slots are there; a replica without, left alone, would have none."""
    settings = {"optimizer": "rmsprop", "learning_rate": 0.01, "momentum": {0: 0.0, 1: 0.5}}
    ours, _ = in_two_goes(digits, settings, first=1, then=2, seeds=(0, 1), going_on=(0,))
    once = train(digits, {"c": Condition(**settings)}, seeds=(0, 1), epochs=2, keep_state=True)
    assert not differing(ours, once, 0)


def test_starts_at_different_epochs_and_none_train_in_one_call(digits):
    first = train(digits, {"a": Condition(epochs=1), "b": Condition(epochs=2)}, build=MLP, keep_state=True)
    conditions = {
        "a": Condition(start=first.state("a", 0)),
        "b": Condition(start=first.state("b", 0)),
        "c": Condition(),
    }
    trainer = ReplicaTrainer(MLP, digits, conditions=conditions, seeds=[0], epochs=4)
    assert sorted(trainer.plan().updates) == [8, 12, 16], "of 4 each epoch, those still to come"
    table = trainer.run().table
    assert table.groupby("condition").epoch.agg(list).to_dict() == {"a": [2, 3, 4], "b": [3, 4], "c": [1, 2, 3, 4]}
    last = table[table.epoch == 4]
    assert last.loss.nunique() == 1 and last.test_loss.nunique() == 1


def test_progress_counts_the_updates_that_are_made(digits):
    start = train(digits, None, build=MLP, epochs=2, keep_state=True).state("default", 0)
    for engine in ("replicas", "fit"):
        ticks = []
        with session(engine, progress=lambda done, total, ticks=ticks: ticks.append((done, total))):
            train(digits, {"c": Condition(start=start)}, build=MLP, epochs=3)
        assert ticks[-1] == (4, 4)


def test_a_trace_goes_on_and_a_part_of_an_epoch_may_end_it(digits):
    settings = {"learning_rate": DECAY, "momentum": 0.9}
    begun = train(digits, {"c": Condition(**settings, epochs=1)}, keep_state=True, trace=True)
    went_on = {"c": Condition(**settings, updates=11, start=begun.state("c", 0))}
    ours = train(digits, went_on, trace=True, snapshots=(2,), keep_state=True)
    once = train(digits, {"c": Condition(**settings, updates=11)}, trace=True, snapshots=(2,))
    pd.testing.assert_frame_equal(ours.trace, once.trace[4:].reset_index(drop=True), check_exact=True)
    pd.testing.assert_frame_equal(rows(ours, (0,)), rows(once, (0,), after=1), check_exact=True)
    for a, b in zip(
        ours.trained("c", 0, epoch=2).get_weights(), once.trained("c", 0, epoch=2).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"expected start of condition 'c', seed 0, at the end of an epoch of 4 upd"):
        train(digits, {"c": Condition(**settings, start=ours.state("c", 0))}, epochs=9)
    with pytest.raises(ValueError, match="expected curves from the first epoch on"):
        ours.reached("val_loss", 0.1)


def test_a_state_survives_its_file(digits, tmp_path):
    start = train(digits, {"c": Condition(optimizer="adam")}, epochs=1, keep_state=True).state("c", 0)
    path = tmp_path / "state"
    start.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["state"], "nothing half written is left, nor renamed"
    loaded = ReplicaState.load(path)
    for field in ("epochs", "updates", "optimizer", "varying"):
        assert getattr(loaded, field) == getattr(start, field)
    for kind in ("weights", "slots"):
        for a, b in zip(getattr(loaded, kind), getattr(start, kind), strict=True):
            assert a.dtype == b.dtype and np.array_equal(a, b)
    half = np.zeros(3, keras.ops.convert_to_numpy(keras.ops.zeros(3, "bfloat16")).dtype)
    dataclasses.replace(start, slots=(half,)).save(path)
    assert ReplicaState.load(path).slots[0].dtype == np.float32
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(ValueError, match=r"expected a file that ReplicaState\.save wrote, got .*other\.npz"):
        ReplicaState.load(tmp_path / "other.npz")


def test_a_checkpoint_of_another_start_is_not_taken(digits, tmp_path):
    begun = train(digits, None, build=MLP, seeds=(0, 1), epochs=1, keep_state=True)
    other = dataclasses.replace(begun.state("default", 0), weights=begun.state("default", 1).weights)

    def go_on(start):
        with session(checkpoint=tmp_path):
            return train(digits, {"c": Condition(start=start)}, build=MLP, epochs=2, keep_state=True)

    first = go_on(begun.state("default", 0))
    again = go_on(begun.state("default", 0))
    pd.testing.assert_frame_equal(first.table, again.table)  # the clock too, since nothing was trained again
    assert not differing(first, again, 0)
    assert go_on(other).table.loss.iat[0] != first.table.loss.iat[0]


def test_waves_go_on_alike(digits):
    settings = {"optimizer": "adam"}
    ours, start = in_two_goes(digits, settings, first=1, then=2, seeds=range(5), going_on=range(5))
    from textbook.replicas.memory import footing

    condition = {"c": Condition(**settings, start=start)}
    trainer = functools.partial(ReplicaTrainer, MASKED, digits, conditions=condition, seeds=range(5), epochs=2)
    needs = footing(trainer()._groups()[0])
    waves = trainer(memory_limit=needs.shared + 2 * needs.per_replica, keep_state=True)
    assert waves.plan().waves.tolist() == [3]
    result = waves.run()
    pd.testing.assert_frame_equal(rows(result, range(5)), rows(ours, range(5)), check_exact=True)
    assert not any(differing(result, ours, seed) for seed in range(5))


def test_one_start_may_branch_into_several_orders(digits):
    """A single state serves all seeds: they part only from there on."""
    start = train(digits, {"c": Condition()}, build=MLP, epochs=2, keep_state=True).state("c", 0)
    fixed = [digits(0)] * 3
    result = ReplicaTrainer(MLP, fixed, conditions={"c": Condition(start=start)}, seeds=[0, 1, 2], epochs=3).run()
    assert result.table.val_loss.nunique() == 3


def test_what_cannot_go_on_is_refused_in_words(digits):
    begun = train(digits, {"c": Condition()}, build=MLP, epochs=2, keep_state=True)
    state = begun.state("c", 0)

    def attempt(start=state, build=MLP, seeds=(0,), epochs=3, engine=None, batch_size=32, seconds=None, **settings):
        condition = {"c": Condition(start=start, **settings)}
        train(digits, condition, build=build, seeds=seeds, epochs=epochs, engine=engine, batch_size=batch_size,
              seconds=seconds)  # fmt: skip

    for engine in ("replicas", "fit"):
        with pytest.raises(ValueError, match=r"of the optimizer RMSprop, got one of SGD; go on with the same"):
            attempt(optimizer="rmsprop", engine=engine)
    with pytest.raises(ValueError, match=r"seed 0, of a model with variables of shapes .*\(64, 6\).*got .*\(64, 5\)"):
        attempt(build=functools.partial(mlp, hidden=(6,)))
    with pytest.raises(ValueError, match="seed 0, of SGD with variables of shapes"):
        attempt(optimizer=AVERAGED)
    with pytest.raises(ValueError, match=r"before the end of 8 updates, got one after 8 \(2 epochs\); epochs and upd"):
        attempt(epochs=2)
    with pytest.raises(ValueError, match="at the end of an epoch of 10 updates, got one after 8 updates and 2 epochs"):
        attempt(batch_size=10)
    with pytest.raises(ValueError, match="expected a start for seed 1, got seeds"):
        attempt(start={0: state}, seeds=(0, 1))
    with pytest.raises(ValueError, match="expected a start with a budget of epochs or updates, got one of seconds"):
        attempt(seconds=1.0)
    with pytest.raises(ValueError, match="expected start as a ReplicaState or a mapping seed → ReplicaState, got list"):
        Condition(start=[state])
    with pytest.raises(ValueError, match="expected start without stop, got both"):
        Condition(start=state, stop=EarlyStopping(patience=1))
    with pytest.raises(ValueError, match="expected start or initial_weights, got both"):
        Condition(start=state, initial_weights=[])
    with pytest.raises(ValueError, match="expected a training with keep_state=True, got one without"):
        train(digits, None, build=MLP, epochs=1).state("default", 0)
    with pytest.raises(ValueError, match=r"expected a condition and seed that were trained.*got \('d', 7\)"):
        begun.state("d", 7)


def test_a_state_is_that_of_the_last_epoch_not_of_the_best(digits):
    """A stopped replica's state is where it stood, whatever weights were put back."""
    stop = EarlyStopping(patience=1, min_delta=10.0, restore_best_weights=True)  # keeps epoch 1, ends after epoch 2
    settings = {"learning_rate": 0.1}
    stopped = train(digits, {"c": Condition(**settings, stop=stop)}, epochs=5, keep_state=True)
    plain = train(digits, {"c": Condition(**settings)}, epochs=2, keep_state=True)
    assert stopped.state("c", 0).epochs == 2
    assert not differing(stopped, plain, 0)
    assert not np.array_equal(stopped.trained("c", 0).get_weights()[0], plain.trained("c", 0).get_weights()[0])
