"""The first loss of sound models raises no alarm, and each planted fault is named."""

import math

import keras
import numpy as np
import pytest

from textbook.checks import check_initial_loss
from textbook.checks.bug_zoo import training
from textbook.losses import weston_watkins
from textbook.models import mlp

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(200, 12)).astype("float32"), np.arange(200) % 5
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(loss, *, outputs=5, ending=None, **settings):
    keras.utils.set_random_seed(1)
    model = mlp((12,), outputs, **settings)
    if ending is not None:
        model = keras.Sequential([*model.layers, ending])
    model.compile("sgd", loss)
    return model


SOUND = {
    "cross-entropy": (lambda: compiled(LOGITS), Y, math.log(5)),
    "by name, with softmax": (
        lambda: compiled("sparse_categorical_crossentropy", ending=keras.layers.Softmax()),
        Y,
        math.log(5),
    ),
    "one-hot": (
        lambda: compiled(keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)),
        np.eye(5)[Y],
        math.log(5),
    ),
    "binary": (lambda: compiled(keras.losses.BinaryCrossentropy(from_logits=True), outputs=1), Y % 2, math.log(2)),
    "categorical hinge": (lambda: compiled("categorical_hinge"), np.eye(5)[Y], 1.0),
    "hinge": (lambda: compiled("hinge", outputs=1), 2 * (Y % 2) - 1, 1.0),
    "Weston-Watkins": (lambda: compiled(weston_watkins()), Y, 4.0),
    "wider margin": (lambda: compiled(weston_watkins(2.0)), Y, 8.0),
    "squared error": (lambda: compiled("mse", outputs=1), X[:, 0], float(np.var(X[:, 0]))),
    "absolute error": (
        lambda: compiled("mae", outputs=1),
        X[:, 0],
        float(np.abs(X[:, 0] - np.median(X[:, 0])).mean()),
    ),
}


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_model_passes_and_the_guess_is_known(case):
    build, y, guess = SOUND[case]
    found = check_initial_loss(build(), X, y)
    assert found.passed, found
    assert found.expected == pytest.approx(guess, rel=1e-5)
    assert "as it should be" in str(found)


@pytest.mark.parametrize("kind", ["categorical_crossentropy", "binary_crossentropy", "categorical_hinge", "hinge"])
def test_what_a_guess_loses_is_what_keras_gives_equal_outputs(kind):
    outputs = 1 if kind in ("binary_crossentropy", "hinge") else 5
    y = (Y % 2).astype("float32")[:, None] if outputs == 1 else np.eye(5, dtype="float32")[Y]
    equal = {"categorical_crossentropy": 0.2, "binary_crossentropy": 0.5}.get(kind, 0.0)
    by_keras = float(np.mean(keras.losses.get(kind)(y, np.full(y.shape, equal, "float32"))))
    ending = {"categorical_crossentropy": "softmax", "binary_crossentropy": "sigmoid"}.get(kind, "linear")
    model = compiled(kind, outputs=outputs, ending=keras.layers.Activation(ending))
    assert check_initial_loss(model, X, y).expected == pytest.approx(by_keras, rel=1e-5)


def test_the_loss_is_the_one_that_evaluate_gives_with_penalties_apart():
    model = compiled(LOGITS, l2=0.01, dropout=0.5)
    found = check_initial_loss(model, X, Y)
    assert found.loss + found.penalty == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-4)
    assert found.penalty == pytest.approx(
        sum(0.01 * (w**2).sum() for w in model.get_weights() if w.ndim == 2), rel=1e-4
    )


@pytest.mark.parametrize("bug", training.TRAINING_BUGS)
def test_the_zoo_s_mistakes_are_named_or_known_to_be_unseen(bug):
    keras.utils.set_random_seed(1)
    says = training.TRAINING_BUGS[bug].initial_loss
    found = check_initial_loss(*training.plant(bug, lambda: mlp((12,), 5), X, Y))
    assert found.passed == (says is None)
    assert says is None or any(says in text for text in found.suspects)


FAULTS = {
    "unscaled inputs": lambda: (compiled(LOGITS), 100 * X, Y),
    "initial weights too large": lambda: (with_weights_times(8.0), X, Y),
    "labels off: they run from 1 to 5": lambda: (compiled(LOGITS), X, Y + 1),
    "does not add up to 1": lambda: (compiled("categorical_hinge"), X, 2 * np.eye(5)[Y]),
    "no softmax or sigmoid": lambda: (compiled("sparse_categorical_crossentropy"), X, Y),
    "sigmoid applied twice": lambda: (
        compiled(
            keras.losses.BinaryCrossentropy(from_logits=True), outputs=1, ending=keras.layers.Activation("sigmoid")
        ),
        X,
        Y % 2,
    ),
    "outputs that are the same for every row": lambda: (with_weights_times(0.0, but_last=True), X, Y),
    "NaN or infinite": lambda: (compiled(LOGITS), np.where(X > 2, np.nan, X), Y),
    "below that of a guess": lambda: (already_trained(), X[:20], Y[:20]),
    "unscaled targets": lambda: (compiled("mse", outputs=1), X, 1000 + X[:, 0]),
}


def with_weights_times(factor, *, but_last=False):
    model = compiled(LOGITS)
    for layer in model.layers[:-1] if but_last else model.layers:
        layer.set_weights([factor * w for w in layer.get_weights()])
    return model


def already_trained():
    model = compiled(LOGITS)
    model.compile(keras.optimizers.Adam(0.05), LOGITS)
    model.fit(X[:20], Y[:20], epochs=30, verbose=0)
    return model


@pytest.mark.parametrize("says", FAULTS)
def test_a_fault_is_named(says):
    found = check_initial_loss(*FAULTS[says]())
    assert not found.passed
    assert says in " ".join(found.suspects)


def test_scaled_inputs_are_not_blamed_for_large_weights():
    found = check_initial_loss(with_weights_times(8.0), X, Y)
    assert not any("inputs" in text for text in found.suspects)


def test_a_last_bias_at_the_class_frequencies_is_no_fault():
    y = np.where(np.arange(200) < 190, 0, Y)
    model = compiled(LOGITS)
    shares = np.bincount(y, minlength=5) / len(y)
    model.layers[-1].set_weights([np.zeros((64, 5)), np.log(shares + 1e-9)])
    found = check_initial_loss(model, X, y)
    assert found.loss < 0.5 * found.expected and found.passed


def test_an_output_layer_that_starts_at_zero_is_no_fault():
    model = compiled(LOGITS)
    model.layers[-1].set_weights([np.zeros((64, 5)), np.zeros(5)])
    assert check_initial_loss(model, X, Y).passed


def test_the_model_trains_on_as_if_it_had_not_been_checked():
    def curve(checked):
        model = compiled(LOGITS, dropout=0.3, batch_norm=True)
        if checked:
            check_initial_loss(model, X, Y)
        return model.fit(X, Y, epochs=2, verbose=0).history["loss"]

    assert curve(True) == curve(False)


def test_many_rows_are_thinned_out_evenly():
    x, y = np.repeat(X, 20, axis=0), np.repeat(Y, 20)
    assert check_initial_loss(compiled(LOGITS), x, y).loss == pytest.approx(
        check_initial_loss(compiled(LOGITS), X, Y).loss, abs=0.05
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda: (mlp((12,), 5), X, Y), "expected a compiled keras.Model"),
        (lambda: (compiled(LOGITS), X, Y[:5]), "as many rows"),
        (lambda: (compiled({"a": LOGITS, "b": LOGITS}), X, Y), "one output and one loss"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        check_initial_loss(*arguments())


def test_a_tolerance_that_is_none_is_refused():
    with pytest.raises(ValueError, match="tolerance"):
        check_initial_loss(compiled(LOGITS), X, Y, tolerance=0)
