"""A model's state comes back whole: variables, optimizer, schedule, metrics, flags and random numbers."""

import random

import keras
import numpy as np
import pytest

from textbook.model_state import ModelState, rate_of, set_optimizer, set_rate

X, Y = np.random.default_rng(0).normal(size=(2, 32, 4)).astype("float32")


def compiled(optimizer=None, **settings):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), keras.layers.Dense(4)]
    )
    model.compile(optimizer or keras.optimizers.Adam(0.1), "mse", metrics=["mae"], **settings)
    return model


def everything(model):
    metrics = [variable for metric in model.metrics for variable in metric.variables]
    every = [*model.variables, *model.optimizer.variables, *metrics]
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in every]


def equal(one, two):
    return len(one) == len(two) and all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_all_variables_come_back_seeds_slots_and_metrics_included():
    model = compiled()
    model.fit(X, Y, epochs=1, verbose=0)
    state, before = ModelState.of(model), everything(model)
    model.fit(X, Y, epochs=2, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, everything(model), strict=True)]
    assert sum(changed) > 15  # weights, statistics, seeds, both moments of Adam, iterations, metrics
    state.restore(model)
    assert equal(before, everything(model))


def test_what_follows_is_the_same_twice():
    model = compiled()
    state, results = ModelState.of(model), []
    for _ in range(2):
        history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0, shuffle=False).history
        results.append((history, everything(model)))
        state.restore(model)
    assert results[0][0] == results[1][0]
    assert equal(results[0][1], results[1][1])


def test_an_optimizer_without_slots_gets_them_as_new():
    model = compiled()
    assert not model.optimizer.built
    state = ModelState.of(model)
    assert model.optimizer.built
    model.fit(X, Y, epochs=1, verbose=0)
    state.restore(model)
    slots = [v for v in model.optimizer.variables if v is not rate_of(model.optimizer)]
    assert all(not keras.ops.convert_to_numpy(variable).any() for variable in slots)


def test_the_rate_the_flags_and_the_random_numbers_come_back():
    model = compiled()
    model.stop_training = True
    state = ModelState.of(model)
    expected = random.random(), np.random.random(), _drawn()
    model.optimizer.learning_rate = 5.0
    model.stop_training, model._initial_epoch = False, 7
    random.seed(1), np.random.seed(1), keras.utils.set_random_seed(99)
    state.restore(model)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)
    assert model.stop_training is True
    assert model._initial_epoch is None
    assert (random.random(), np.random.random(), _drawn()) == expected


def _drawn():
    return float(keras.random.uniform(()))


@pytest.mark.parametrize("wrapped", (False, True))
def test_a_schedule_and_another_optimizer_are_put_back(wrapped):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9)
    model = compiled(keras.optimizers.LossScaleOptimizer(optimizer) if wrapped else optimizer)
    model.fit(X, Y, epochs=1, verbose=0)
    state, before, original, function = ModelState.of(model), everything(model), model.optimizer, model.train_function
    set_rate(model.optimizer, keras.Variable(0.5, trainable=False))
    assert float(original.learning_rate) == 0.5
    set_optimizer(model, keras.optimizers.SGD(1.0))
    model.train_function = None
    model.fit(X, Y, epochs=1, verbose=0)
    state.restore(model)
    assert model.optimizer is original
    assert rate_of(original) is schedule
    assert model.train_function is function
    assert equal(before, everything(model))
    model.fit(X, Y, epochs=1, verbose=0)


def test_it_can_be_taken_and_restored_in_the_midst_of_fit():
    model, seen = compiled(), {}

    class BackAndForth(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                seen["state"] = ModelState.of(self.model)
                seen["weights"] = self.model.get_weights()
            if batch == 3:
                seen["state"].restore(self.model)

    model.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=[BackAndForth()])  # four batches
    assert equal(seen["weights"], model.get_weights())


def test_wrong_models_are_refused_in_words():
    model = compiled()
    with pytest.raises(ValueError, match="expected the model whose state this is"):
        ModelState.of(model).restore(compiled())
    with pytest.raises(ValueError, match="expected a model compiled with an optimizer"):
        ModelState.of(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    lazy = keras.Sequential([keras.layers.Dense(1)])
    lazy.compile("sgd", "mse")
    with pytest.raises(ValueError, match="expected a built model"):
        ModelState.of(lazy)
