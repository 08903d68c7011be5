"""Trials are sorted into stacks with few calls of the builder, and never into one that is not theirs."""

import keras
import keras_tuner
import numpy as np
import pytest

from tests.search.small import build, part
from textbook.search.stacks import Stacks
from textbook.search.training import Trainer
from textbook.search.trials import Job

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def jobs(build, count=8, **changes):
    """Trials with random values of the builder's hyperparameters."""
    space = keras_tuner.HyperParameters()
    build(space)
    random, made = np.random.default_rng(0), []
    for number in range(count):
        hyperparameters = space.copy()
        hyperparameters.values = {one.name: one.prob_to_value(random.random()) for one in space.space}
        made.append(Job(number, hyperparameters, 100 + number, 32, changes.get("epochs", 1)))
    return made


def counted(build):
    calls = []

    def counting(hp):
        calls.append(1)  # and not hp.values, which would make them count
        return build(hp)

    return counting, calls


def test_rate_and_momentum_need_no_build_of_their_own():
    trials = jobs(build, 64)
    counting, calls = counted(build)
    (stack,), errors = Stacks(counting).sort(trials)
    assert not errors and len(stack.jobs) == 64
    assert len(calls) <= 6  # recorded, perhaps once more with what showed left plain, and four compared
    for job, rate, numbers in zip(stack.jobs, stack.rates, stack.numbers, strict=True):
        values = job.hyperparameters.values
        assert (rate, numbers["optimizer.momentum"]) == (values["rate"], 1 - values["1 - momentum"])


def test_a_later_wave_of_the_same_network_is_only_compared():
    counting, calls = counted(build)
    stacks = Stacks(counting)
    stacks.sort(jobs(build, 4))
    before = len(calls)
    stacks.sort(jobs(build, 8)[4:])
    assert len(calls) <= before + 4


def regular(hp):
    strength = keras.regularizers.L2(hp.Float("l2", 1e-4, 1e-1, sampling="log"))
    layers = [keras.Input((4,)), keras.layers.Dense(8, "relu", kernel_regularizer=strength)]
    model = keras.Sequential([*layers, keras.layers.Dropout(hp.Float("drop", 0.1, 0.5)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.1), LOSS)
    return model


def test_networks_that_differ_in_numbers_share_a_stack_and_each_is_what_it_is_alone():
    trials = jobs(regular, 4, epochs=2)
    (stack,), _ = Stacks(regular).sort(trials)
    assert len(stack.jobs) == 4
    (together,) = _trainer(regular).train(trials)
    ((alone,),) = _trainer(regular).train([trials[2]])
    assert len({float(one.curves["penalty"].iloc[0]) for one in together}) == 4
    np.testing.assert_allclose(together[2].curves["val_loss"], alone.curves["val_loss"], rtol=1e-5)


def test_widths_batches_and_epochs_are_stacks_of_their_own():
    def wide(hp):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Choice("units", [2, 4]))])
        model.add(keras.layers.Dense(3))
        model.compile(keras.optimizers.SGD(hp.Float("rate", 0.01, 0.1)), LOSS)
        return model

    trials = jobs(wide)
    stacks, _ = Stacks(wide).sort(trials)
    assert len(stacks) == 2
    for stack in stacks:
        assert len({job.hyperparameters.values["units"] for job in stack.jobs}) == 1
    some = [
        Job(k, trials[0].hyperparameters, k, size, epochs) for k, (size, epochs) in enumerate([(8, 1), (8, 2), (4, 1)])
    ]
    assert len(Stacks(wide).sort(some)[0]) == 3


@pytest.mark.parametrize("where", ["lambda", "loss", "metric"])
def test_code_of_the_builders_own_is_never_shared(where):
    """Two functions may look alike to Keras and compute something else."""

    def own(hp):
        power = hp.Choice("power", [1, 2])
        layers = [keras.Input((4,)), keras.layers.Dense(3)]
        if where == "lambda":
            layers.append(keras.layers.Lambda(lambda x: x * power, output_shape=(3,)))
        model = keras.Sequential(layers)

        def measured(y, outputs):
            return keras.ops.sum(keras.ops.abs(outputs), axis=-1) ** power

        model.compile("sgd", measured if where == "loss" else LOSS, metrics=[measured] if where == "metric" else None)
        return model

    stacks, errors = Stacks(own).sort(jobs(own))
    assert not errors
    for stack in stacks:
        assert len({job.hyperparameters.values["power"] for job in stack.jobs}) == 1


def test_a_builder_that_looks_past_the_tracking_is_found_out():
    def sly(hp):
        rate = hp.Float("rate", 0.01, 0.1)
        drop = 0.2 if type(rate) is float and rate < 0.05 else 0.4
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(drop), keras.layers.Dense(3)])
        model.compile(keras.optimizers.SGD(rate), LOSS)
        return model

    trials = jobs(sly, 6)
    stacks, _ = Stacks(sly).sort(trials)
    (name,) = [name for name in stacks[0].numbers[0] if name.endswith("dropout.rate")]
    found = {
        job.number: numbers[name] for stack in stacks for job, numbers in zip(stack.jobs, stack.numbers, strict=True)
    }
    expected = {job.number: 0.2 if job.hyperparameters.values["rate"] < 0.05 else 0.4 for job in trials}
    assert len(set(expected.values())) == 2 and found == expected


def test_a_rate_that_is_set_after_compile_counts():
    def late(hp):
        model = build(hp)
        model.optimizer.learning_rate = 0.25
        return model

    (stack,), _ = Stacks(late).sort(jobs(late, 3))
    assert stack.rates == [0.25] * 3


def _trainer(build) -> Trainer:
    return Trainer(build, part(), objective="val_loss", direction="min", engine=None)
