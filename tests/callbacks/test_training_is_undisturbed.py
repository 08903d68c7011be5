"""Training under a callback that only looks ends with the very bits of training without it."""

import keras
import numpy as np
import pytest

from textbook.callbacks.activation_statistics import ActivationStatistics
from textbook.callbacks.gradient_noise import GradientNoise
from textbook.callbacks.snapshot_ensemble import SnapshotEnsemble
from textbook.callbacks.update_ratio import UpdateRatio
from textbook.callbacks.weight_average import WeightAverage

X = np.random.default_rng(0).normal(size=(22, 3)).astype("float32")
Y = X[:, :1] * X[:, 1:2]


def trained(*callbacks):
    """All that training leaves behind: weights, statistics, seed states, slots, metrics and the history's losses."""
    keras.utils.set_random_seed(6)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "mse", metrics=["mae"])
    history = model.fit(
        X, Y, batch_size=8, epochs=3, validation_data=(X, Y), verbose=0, callbacks=list(callbacks)
    ).history
    state = (*model.variables, *model.optimizer.variables, *model.metrics_variables)
    names = ("loss", "mae", "val_loss", "val_mae")
    return [
        *(np.array(keras.ops.convert_to_numpy(variable.value)) for variable in state),
        *(np.array(history[name]) for name in names),
    ]


@pytest.fixture(scope="module")
def alone():
    return trained()


@pytest.mark.parametrize(
    "callbacks",
    [
        lambda: [
            UpdateRatio(every=1),
            GradientNoise(X, Y, small=4),
            ActivationStatistics(X),
            SnapshotEnsemble(1),
            WeightAverage(decay=0.9, swap=False),
        ],
        lambda: [WeightAverage(X, validation=(X, Y), evaluate_every=1, batch_size=11, swap=False)],
    ],
    ids=["all at once", "evaluated weight average"],
)
def test_bit_for_bit(alone, callbacks):
    under = trained(*callbacks())
    assert len(under) == len(alone)
    for ours, theirs in zip(under, alone, strict=True):
        assert np.array_equal(ours, theirs)
