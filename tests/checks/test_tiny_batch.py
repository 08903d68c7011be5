"""Sound models learn twenty rows by heart, planted bugs are named, and the model is left as it was."""

import keras
import matplotlib
import numpy as np
import pytest

from textbook.checks import overfit_tiny_batch
from textbook.checks.bug_zoo import training
from textbook.models import mlp

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(100, 12)).astype("float32"), np.arange(100) % 5
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(model, loss=LOGITS, optimizer=None, **settings):
    model.compile(optimizer or keras.optimizers.SGD(0.1, momentum=0.9), loss, **settings)
    return model


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(1)


def test_a_sound_network_with_everything_on_learns_by_heart_and_is_left_as_it_was():
    settings = {"dropout": 0.5, "batch_norm": True, "l2": 0.05}
    model = compiled(mlp((12,), 5, **settings), metrics=["accuracy"])
    before = [v.numpy() for v in model.variables]
    found = overfit_tiny_batch(model, X, Y)
    assert found.passed and found.accuracy == 1 and found.loss < 0.01 and not found.suspects
    assert any("Dropout" in text for text in found.switched_off)
    assert any("penalty of" in text for text in found.switched_off)
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, model.variables, strict=True))
    assert model.layers[0].kernel_regularizer is not None and model.losses


def test_training_goes_on_as_if_there_had_been_no_check():
    def curve(checked):
        keras.utils.set_random_seed(2)
        model = compiled(mlp((12,), 5, dropout=0.5, l2=0.01))
        if checked:
            overfit_tiny_batch(model, X, Y, updates=5)
        return model.fit(X, Y, epochs=2, verbose=0).history["loss"]

    assert curve(True) == curve(False)


def test_with_regularisation_left_on_the_same_network_does_not_get_there():
    model = compiled(mlp((12,), 5, dropout=0.5, l2=0.05))
    model.fit(X[:20], Y[:20], batch_size=20, epochs=100, verbose=0)
    assert model.evaluate(X[:20], Y[:20], verbose=0) > 0.1


@pytest.mark.parametrize("bug", training.TRAINING_BUGS)
def test_the_zoo_s_bugs_are_named_or_known_to_be_unseen(bug):
    says = training.TRAINING_BUGS[bug].tiny_batch
    found = overfit_tiny_batch(*training.plant(bug, lambda: mlp((12,), 5), X, Y), updates=100)
    if says is None:
        assert found.passed and "shuffled" in found.missing[0]
    else:
        assert says in str(found).partition("Not caught")[0]


@pytest.mark.parametrize("bug", ["softmax applied twice", "learning rate 0", "inputs zeroed"])
def test_blatant_bugs_fail(bug):
    found = overfit_tiny_batch(*training.plant(bug, lambda: mlp((12,), 5), X, Y), updates=100)
    assert not found.passed and "NOT" in str(found)


def test_the_loss_of_a_softmax_applied_twice_stays_above_its_floor():
    found = overfit_tiny_batch(*training.plant("softmax applied twice", lambda: mlp((12,), 5), X, Y), updates=100)
    assert found.curve.loss.min() > np.log(1 + 4 / np.e) - 1e-4


def test_too_few_updates_are_told_from_a_bug():
    found = overfit_tiny_batch(compiled(mlp((12,), 5), optimizer=keras.optimizers.SGD(0.01)), X, Y, updates=30)
    assert found.suspects == ("the loss still falls: give it more updates=, or a larger learning rate",)
    assert found.updates == 30 and len(found.curve) == 31


def test_rows_that_contradict_each_other_are_named():
    found = overfit_tiny_batch(compiled(mlp((12,), 5)), np.repeat(X[:1], 20, axis=0), Y[:20], updates=20)
    assert not found.passed and any("same x and different labels" in text for text in found.suspects)


def test_a_diverging_run_is_named():
    optimizer = keras.optimizers.SGD(1e6)
    found = overfit_tiny_batch(compiled(mlp((12,), 1), "mse", optimizer), X, X[:, 0], updates=50)
    assert not found.passed and any("too large a learning rate" in text for text in found.suspects)


def test_a_regression_is_held_against_its_best_constant():
    y = 10 * X[:, 0]
    model = compiled(mlp((12,), 1), "mse", keras.optimizers.Adam(0.02))
    found = overfit_tiny_batch(model, X, y, updates=300)
    assert found.passed and np.isnan(found.accuracy) and found.threshold > 0.1


def test_label_smoothing_noise_and_decay_are_off_meanwhile():
    smoothed = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    layers = [keras.layers.GaussianNoise(1.0), keras.layers.GaussianDropout(0.5), *mlp((12,), 5).layers]
    model = compiled(
        keras.Sequential([keras.Input((12,)), *layers]), smoothed, keras.optimizers.AdamW(0.02, weight_decay=5.0)
    )
    found = overfit_tiny_batch(model, X, np.eye(5)[Y])
    assert found.passed
    assert {"label smoothing", "the optimizer's weight decay"} <= set(found.switched_off)
    assert smoothed._fn_kwargs["label_smoothing"] == 0.2 and model.optimizer.weight_decay == 5.0
    assert "call" not in vars(layers[0])


def test_dropout_inside_recurrent_layers_is_off_too():
    x = RANDOM.normal(size=(30, 4, 3)).astype("float32")
    layers = [keras.layers.SimpleRNN(16, dropout=0.8, recurrent_dropout=0.5), keras.layers.Dense(5)]
    model = compiled(keras.Sequential([keras.Input((4, 3)), *layers]), optimizer=keras.optimizers.Adam(0.03))
    assert overfit_tiny_batch(model, x, Y[:30], rows=10).passed


def test_an_interrupted_check_puts_everything_back(monkeypatch):
    model = compiled(mlp((12,), 5, dropout=0.5, l2=0.05))
    before = model.get_weights()
    train, calls = model.train_on_batch, []

    def interrupted(*arguments, **settings):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(1)
        return train(*arguments, **settings)

    monkeypatch.setattr(model, "train_on_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        overfit_tiny_batch(model, X, Y)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.layers[0].kernel_regularizer is not None and model.losses


def test_the_picture_shows_curve_and_threshold():
    found = overfit_tiny_batch(compiled(mlp((12,), 5)), X, Y)
    figure = found.plot()
    (ax,) = figure.axes
    assert isinstance(figure, matplotlib.figure.Figure)
    assert np.allclose(ax.get_lines()[0].get_ydata(), found.curve.loss)
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_yscale() == "log"


def test_more_rows_than_there_are_is_refused():
    with pytest.raises(ValueError, match="1 to 10 rows"):
        overfit_tiny_batch(compiled(mlp((12,), 5)), X[:10], Y[:10])
