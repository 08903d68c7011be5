"""Early stopping replayed equals Keras's callback, fed with the same hand-written logs."""

import math

import numpy as np
import pytest

from textbook.stopping import Stop, early_stopping

CURVES = {
    "falls": [1.0, 0.8, 0.6, 0.5, 0.4],
    "rises at once": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    "turns": [1.0, 0.6, 0.5, 0.55, 0.52, 0.6, 0.7, 0.49, 0.8, 0.9, 1.0, 1.1],
    "flat": [0.5] * 8,
    "ties in single precision": [0.5, 0.5 - 1e-9, 0.5 - 2e-9, 0.4, 0.4, 0.4],
    "no number first": [math.nan, 0.5, 0.4, 0.3],
    "no number later": [0.5, math.nan, math.nan, 0.4, math.inf, 0.3],
    "one epoch": [0.7],
}
SETTINGS = [
    {"patience": patience, **more}
    for patience in (0, 1, 2, 3, 20)
    for more in (
        {},
        {"min_delta": 0.03},
        {"mode": "max"},
        {"mode": "max", "min_delta": 0.05},
        {"baseline": 0.55},
        {"start_from_epoch": 2},
    )
]


def by_keras(values, **settings):
    """What the callback itself does, on a model whose one weight says which epoch it is of."""
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(loss="mse")
    callback = keras.callbacks.EarlyStopping(**({"mode": "min"} | settings))
    callback.set_model(model)
    model.stop_training = False
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.layers[0].kernel.assign([[float(epoch + 1)]])
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    callback.on_train_end()
    return Stop(epoch + 1, int(model.layers[0].kernel.numpy()[0, 0]), early=bool(model.stop_training))


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("name", CURVES)
def test_equals_keras(name, restore):
    for settings in SETTINGS:
        settings = settings | {"restore_best_weights": restore}
        assert early_stopping(CURVES[name], **settings) == by_keras(CURVES[name], **settings), settings


def test_random_curves_equal_keras():
    random = np.random.default_rng(0)
    for _ in range(20):
        values = np.round(np.cumsum(random.normal(size=15)), 1).tolist()
        settings = {"patience": int(random.integers(0, 5)), "restore_best_weights": bool(random.integers(2))}
        assert early_stopping(values, **settings) == by_keras(values, **settings), (values, settings)


def test_hand_worked():
    # best at epoch 3; epochs 4, 5 and 6 bring nothing better
    values = [1.0, 0.6, 0.5, 0.55, 0.52, 0.6, 0.4]
    assert early_stopping(values, patience=3) == Stop(epochs=6, kept=6, early=True)
    assert early_stopping(values, patience=3, restore_best_weights=True) == Stop(epochs=6, kept=3, early=True)
    assert early_stopping(values, patience=4) == Stop(epochs=7, kept=7, early=False)


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        ([], {"patience": 1}, "expected at least one value"),
        ([1.0], {"patience": -1}, "expected a patience of 0 or more epochs, got -1"),
        ([1.0], {"patience": 1, "mode": "auto"}, "expected mode 'min' or 'max', got 'auto'"),
    ],
)
def test_refuses(values, settings, message):
    with pytest.raises(ValueError, match=message):
        early_stopping(values, **settings)
