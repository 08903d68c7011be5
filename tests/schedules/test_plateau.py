"""Drops at a plateau replayed equal Keras's callback, fed with the same hand-written logs."""

import math
import types

import numpy as np
import pytest

from textbook.schedules.plateau import ReduceOnPlateau

CURVES = {
    "falls": [1.0, 0.8, 0.6, 0.5, 0.4],
    "rises at once": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    "turns": [1.0, 0.6, 0.5, 0.55, 0.52, 0.6, 0.7, 0.49, 0.8, 0.9, 1.0, 1.1],
    "flat": [0.5] * 12,
    "creeps": [0.5 - 6e-5 * k for k in range(12)],
    "ties in single precision": [0.5, 0.5 - 1e-9, 0.5 - 2e-9, 0.4, 0.4, 0.4],
    "no number first": [math.nan, 0.5, 0.4, 0.3, 0.3, 0.3],
    "no number later": [0.5, math.nan, math.nan, 0.4, math.inf, 0.3],
    "one epoch": [0.7],
}
SETTINGS = [
    {"patience": patience, **more}
    for patience in (0, 1, 2, 3)
    for more in ({}, {"min_delta": 0.0}, {"min_delta": 0.03}, {"mode": "max"}, {"cooldown": 2}, {"min_rate": 0.02})
]


def kerass(values, *, initial, min_rate=0.0, mode="min", **settings):
    """The rate that every epoch trains with under Keras's own callback."""
    import keras

    callback = keras.callbacks.ReduceLROnPlateau(monitor="seen", mode=mode, min_lr=min_rate, **settings)
    optimizer = keras.optimizers.SGD(initial)
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        rates.append(float(optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"seen": value})
    return rates


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_it_is_what_kerass_callback_does(curve, settings):
    rule = ReduceOnPlateau(0.1, factor=0.3, **settings)
    np.testing.assert_allclose(
        rule.rates(CURVES[curve]), kerass(CURVES[curve], initial=0.1, factor=0.3, **settings), rtol=1e-6
    )


def test_the_comparison_would_see_an_epoch_of_difference():
    late = ReduceOnPlateau(0.1, factor=0.3, patience=3).rates(CURVES["flat"])
    assert not np.allclose(late, kerass(CURVES["flat"], initial=0.1, factor=0.3, patience=2))


def test_defaults_are_kerass():
    curve = [0.5] * 30
    np.testing.assert_allclose(ReduceOnPlateau(0.1).rates(curve), kerass(curve, initial=0.1), rtol=1e-6)


def test_a_rate_depends_on_earlier_epochs_alone():
    rule, curve = ReduceOnPlateau(0.1, patience=1), CURVES["turns"]
    whole = rule.rates(curve)
    for epochs in range(1, len(curve)):
        assert rule.rates(curve[:epochs]) == whole[:epochs]
        assert rule.rates([*curve[:epochs], 0.0])[: epochs + 1] == whole[: epochs + 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 1.0}, "factor below 1"),
        ({"factor": 0.0}, "factor above 0"),
        ({"patience": -1}, "patience as a whole number from 0"),
        ({"cooldown": 0.5}, "cooldown as a whole number"),
        ({"min_delta": -0.1}, "min_delta from 0"),
        ({"min_rate": math.inf}, "min_rate"),
        ({"mode": "auto"}, "mode 'min' or 'max'"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ReduceOnPlateau(0.1, **settings)
