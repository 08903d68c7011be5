"""After a range test the training that follows is, bit for bit, the one that would have been."""

import random

import keras
import numpy as np
import pytest

from textbook import schedules
from textbook.range_test import learning_rate_range_test

SETTINGS = {"batch_size": 16, "rates": 20}


def train(model, data, epochs=2):
    return model.fit(*data, batch_size=16, epochs=epochs, verbose=0)


@pytest.mark.parametrize("built", (False, True))
@pytest.mark.parametrize("optimizer", ("sgd", "adam"))
def test_the_training_that_follows_is_the_one_without_a_test(make, data, same_training, optimizer, built):
    oracle, ours = make(optimizer), make(optimizer)
    for model in (oracle, ours) if built else ():
        keras.utils.set_random_seed(1)
        train(model, data, epochs=1)
    keras.utils.set_random_seed(2)
    expected = train(oracle, data)
    keras.utils.set_random_seed(2)
    result = learning_rate_range_test(ours, *data, **SETTINGS)
    assert result.table["loss"].nunique() > 10
    history = train(ours, data)
    same_training(ours, oracle, history, expected)


def test_a_model_whose_weights_do_not_exist_yet_gets_the_ones_it_would_have_had(data, same_training):
    def lazy():
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.layers.Dense(5, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(3)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    oracle, ours = lazy(), lazy()
    keras.utils.set_random_seed(4)
    expected = train(oracle, data)
    keras.utils.set_random_seed(4)
    learning_rate_range_test(ours, *data, **SETTINGS)
    same_training(ours, oracle, train(ours, data), expected)


def test_a_schedule_is_set_aside_and_put_back(make, data, same_training):
    def scheduled():
        rate = schedules.ExponentialDecay(0.1, factor=0.5, every=1).in_steps(6)
        return make(keras.optimizers.SGD(rate, momentum=0.9))

    oracle, ours = scheduled(), scheduled()
    schedule = ours.optimizer._learning_rate
    keras.utils.set_random_seed(2)
    expected = train(oracle, data)
    keras.utils.set_random_seed(2)
    learning_rate_range_test(ours, *data, **SETTINGS)
    assert ours.optimizer._learning_rate is schedule
    same_training(ours, oracle, train(ours, data), expected)


@pytest.mark.parametrize("error", (RuntimeError, KeyboardInterrupt))
def test_an_error_or_ctrl_c_in_the_midst_restores_as_well(make, data, monkeypatch, error):
    from textbook.range_test import sweep

    model = make()
    train(model, data, epochs=1)
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in (*model.variables, *model.optimizer.variables)]
    python, numpy = random.getstate(), np.random.get_state()[1].copy()
    seen, see = [], sweep.Watch.see

    def fails(self, loss):
        seen.append(loss)
        random.random(), np.random.random()
        if len(seen) == 8:
            raise error("stop")
        return see(self, loss)

    monkeypatch.setattr(sweep.Watch, "see", fails)
    with pytest.raises(error, match="stop"):
        learning_rate_range_test(model, *data, **SETTINGS)
    after = [np.array(keras.ops.convert_to_numpy(v)) for v in (*model.variables, *model.optimizer.variables)]
    assert all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))
    assert random.getstate() == python
    assert np.array_equal(np.random.get_state()[1], numpy)
    model.fit(*data, batch_size=16, epochs=1, verbose=0)  # and it can still be trained


def test_the_compiled_train_function_is_used_and_kept(make, data):
    model = make()
    train(model, data, epochs=1)
    function = model.train_function
    learning_rate_range_test(model, *data, **SETTINGS)
    assert model.train_function is function


def test_stop_training_and_the_first_epoch_are_as_before(make, data):
    model = make()
    model.stop_training, model._initial_epoch = True, 3
    learning_rate_range_test(model, *data, **SETTINGS)
    assert model.stop_training is True
    assert model._initial_epoch == 3
