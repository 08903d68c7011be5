"""Momentum and weight decay are really the ones named, and the model is left as it was."""

import keras
import numpy as np
import pytest

from textbook import plots
from textbook.range_test import learning_rate_range_test, momentum_range_test, weight_decay_range_test
from textbook.range_test.over_values import choose
from textbook.range_test.trial_optimizer import momentum_of, with_settings

X, Y = np.ones((8, 1), "float32"), np.full((8, 1), 2.0, "float32")
SHORT = {"batch_size": 8, "start": 1e-3, "end": 0.3, "rates": 20, "stop_factor": None}


def simulated(rates, *, momentum=0.0, weight_decay=0.0):
    """Losses (w − 2)² before each update, as Keras's SGD makes it: first the decay, then the step."""
    losses, w, v = [], 0.0, 0.0
    for rate in rates:
        losses.append((w - 2) ** 2)
        slope = 2 * (w - 2)
        w -= w * weight_decay * rate
        v = momentum * v - rate * slope
        w += v
    return losses


def test_each_momentum_is_the_one_that_the_updates_had(linear):
    model = linear(keras.optimizers.SGD(0.1, momentum=0.5))
    model.fit(X, Y, verbose=0)
    model.set_weights([np.zeros((1, 1))])
    result = momentum_range_test(model, X, Y, values=(0.0, 0.5, 0.9), **SHORT)
    assert result.name == "momentum"
    for momentum, test in result.tests.items():
        expected = simulated(test.table["learning_rate"], momentum=momentum)
        np.testing.assert_allclose(test.table["loss"], expected, rtol=1e-3, atol=1e-5)


def test_each_weight_decay_is_the_one_that_the_updates_had(linear):
    result = weight_decay_range_test(linear(), X, Y, values=(0.0, 0.5, 3.0), **SHORT)
    for decay, test in result.tests.items():
        expected = simulated(test.table["learning_rate"], weight_decay=decay)
        np.testing.assert_allclose(test.table["loss"], expected, rtol=1e-3, atol=1e-5)
    assert result.best.value == 0.0


def test_for_adam_it_is_beta_1_and_the_curves_differ(linear):
    result = momentum_range_test(linear(keras.optimizers.Adam(0.1)), X, Y, values=(0.1, 0.9), **SHORT)
    assert result.name == "beta_1"
    last = [test.table["loss"].iat[-1] for test in result.tests.values()]
    assert abs(last[0] - last[1]) > 1e-3


def test_loss_scaling_is_kept_around_the_other_optimizer():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.9), initial_scale=16.0)
    made = with_settings(scaled, momentum=0.3)
    assert made.inner_optimizer.momentum == 0.3
    assert made.initial_scale == 16.0
    assert scaled.inner_optimizer.momentum == 0.9


def test_the_training_that_follows_is_the_one_without_a_test(make, data, same_training):
    oracle, ours = make(), make()
    for model in (oracle, ours):
        keras.utils.set_random_seed(1)
        model.fit(*data, batch_size=16, epochs=1, verbose=0)
    optimizer, function = ours.optimizer, ours.train_function
    keras.utils.set_random_seed(2)
    expected = oracle.fit(*data, batch_size=16, epochs=2, verbose=0)
    keras.utils.set_random_seed(2)
    momentum_range_test(ours, *data, values=(0.5, 0.99), batch_size=16, rates=5)
    assert ours.optimizer is optimizer
    assert ours.train_function is function
    history = ours.fit(*data, batch_size=16, epochs=2, verbose=0)
    same_training(ours, oracle, history, expected)


def test_a_model_with_two_outputs_is_tested_and_trained_as_without_a_test():
    def two():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((1,))
        outputs = [keras.layers.Dense(1, name="a")(inputs), keras.layers.Dense(1, name="b")(inputs)]
        model = keras.Model(inputs, outputs)
        model.compile("sgd", loss=["mse", "mae"])
        return model

    oracle, ours = two(), two()
    keras.utils.set_random_seed(2)
    expected = oracle.fit(X, [Y, Y], batch_size=4, epochs=2, verbose=0).history
    keras.utils.set_random_seed(2)
    weight_decay_range_test(ours, X, [Y, Y], values=(0.0, 0.1), rates=4)
    assert ours.fit(X, [Y, Y], batch_size=4, epochs=2, verbose=0).history == expected


def test_the_runs_are_those_of_the_range_test_itself(linear):
    alone = learning_rate_range_test(linear(), X, Y, smoothing=0.9, **SHORT)
    among = momentum_range_test(linear(), X, Y, values=(0.9, 0.0), **SHORT).tests[0.0]
    np.testing.assert_allclose(among.table["loss"], alone.table["loss"], rtol=1e-5, atol=1e-9)


def test_the_table_and_the_picture_have_every_value(linear):
    result = momentum_range_test(linear(), X, Y, values=(0.0, 0.9), **SHORT)
    assert list(result.table.columns) == ["momentum", "update", "learning_rate", "loss", "smoothed_loss"]
    assert result.table.groupby("momentum").size().tolist() == [20, 20]
    fig, ax = plots.figure()
    assert result.plot(ax) is ax
    assert len(ax.get_lines()) == 2
    assert sum("(best)" in text.get_text() for text in ax.get_legend().get_texts()) == 1
    fig.canvas.draw()


def test_the_largest_of_tied_values_is_chosen_and_none_where_nothing_falls(linear):
    result = weight_decay_range_test(linear(), X, Y, values=(0.0, 1e-9, 1e-8, 5.0), **SHORT)
    assert result.best.value == 1e-8
    assert "largest of 3 values that tie" in result.best.reason
    done = linear()
    done.set_weights([np.full((1, 1), 2.0)])
    nothing = weight_decay_range_test(done, X, Y, values=(0.0, 1.0), **SHORT)
    assert nothing.best.value is None
    assert choose(nothing.tests).reason == "the loss falls for none of them"


@pytest.mark.parametrize(
    ("test", "values", "message"),
    (
        (momentum_range_test, (1.0,), "expected a momentum from 0 and below 1"),
        (weight_decay_range_test, (-1e-4,), "expected a weight decay from 0 up"),
        (weight_decay_range_test, (), "expected one or more different values"),
        (momentum_range_test, (0.9, 0.9), "expected one or more different values"),
    ),
)
def test_wrong_values_are_refused_in_words(linear, test, values, message):
    with pytest.raises(ValueError, match=message):
        test(linear(), X, Y, values=values)


def test_an_optimizer_without_momentum_is_refused_in_words():
    with pytest.raises(ValueError, match="expected an optimizer with a momentum or beta_1, got Adagrad"):
        momentum_of(keras.optimizers.Adagrad())
