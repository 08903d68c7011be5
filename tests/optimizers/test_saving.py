"""Schedules survive saving, in a fresh process too, and checkpoints are those of the plain optimizer."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.optimizers.linear_fit import (
    BATCH,
    START,
    UPDATES_AN_EPOCH,
    Listed,
    X,
    Y,
    always,
    linear_model,
    sgd,
    simulated,
)
from textbook.optimizers import SGD, Adam, AdamW, scheduled
from textbook.schedules import CosineDecay, StepDecay

ROOT = Path(__file__).parents[2]
FALLING = StepDecay(0.9, factor=0.7, every=3)


def fit(model, epochs=1):
    model.fit(X, Y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0)
    return model.get_weights()[0][:, 0]


def optimizers():
    """An optimizer of each kind with schedules, anew."""
    rate = CosineDecay(0.1, total=9, final=0.02).in_steps(2)
    momentum = FALLING.in_steps(2)
    return {
        "SGD": SGD(rate, momentum=momentum, nesterov=True, clipnorm=momentum),
        "Adam": Adam(0.01, beta_1=momentum, beta_2=0.99, amsgrad=True),
        "AdamW": AdamW(rate, weight_decay=momentum, gradient_accumulation_steps=2),
        "RMSprop": scheduled(keras.optimizers.RMSprop)(0.01, rho=momentum, momentum=Listed([0.0, 0.9])),
    }


kinds = pytest.mark.parametrize("kind", list(optimizers()))


@kinds
def test_config_round_trip(kind):
    optimizer = optimizers()[kind]
    config = keras.optimizers.serialize(optimizer)
    assert config["registered_name"] == f"textbook>{kind}"
    again = keras.optimizers.deserialize(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert again.hyperparameter_schedules.keys() == optimizer.hyperparameter_schedules.keys()
    if kind == "SGD":
        assert again.hyperparameter_schedules["momentum"].schedule == FALLING


def test_the_config_of_a_plain_optimizer_is_understood():
    plain = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    assert SGD.from_config(plain.get_config()).get_config() == plain.get_config()


IN_A_FRESH_PROCESS = """
import sys
import keras
import numpy as np
import textbook.optimizers
from tests.optimizers.linear_fit import BATCH, X, Y

for path in sys.argv[1:]:
    model = keras.models.load_model(path)
    model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0)
    np.save(path + ".npy", model.get_weights()[0][:, 0])
"""


def test_saved_in_mid_cycle_and_loaded_in_a_fresh_process_it_goes_on_alike(tmp_path):
    models, paths = {}, {}
    for kind in ("SGD", "RMSprop"):
        optimizer = optimizers()[kind]
        models[kind], paths[kind] = linear_model(optimizer), str(tmp_path / f"{kind}.keras")
        fit(models[kind])
        models[kind].save(paths[kind])
    environment = os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": keras.backend.backend()}
    subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS, *paths.values()], env=environment, check=True, timeout=300
    )
    for kind, model in models.items():
        np.testing.assert_allclose(np.load(paths[kind] + ".npy"), fit(model), atol=1e-6, err_msg=kind)
    assert np.abs(np.load(paths["SGD"] + ".npy") - START).max() > 0.1


def plain_and_ours():
    """The same variables in both: a velocity, and no schedule for the rate, which Keras keeps in a variable."""
    return keras.optimizers.SGD(0.05, momentum=0.9), SGD(0.05, momentum=FALLING.in_steps(1))


@pytest.mark.parametrize("first", ("plain", "ours"))
def test_checkpoints_go_from_the_plain_optimizer_to_ours_and_back(first, tmp_path):
    before, after = plain_and_ours() if first == "plain" else plain_and_ours()[::-1]
    trained, other = linear_model(before), linear_model(after)
    fit(trained)
    trained.save_weights(tmp_path / "half.weights.h5")
    other.optimizer.build(other.trainable_variables)
    other.load_weights(tmp_path / "half.weights.h5")
    assert int(after.iterations) == UPDATES_AN_EPOCH
    for one, loaded in zip(before.variables, after.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(loaded))
    first_half, second_half = (always(0.9), FALLING) if first == "plain" else (FALLING, always(0.9))
    expected = simulated(sgd(always(0.05), lambda k: (first_half if k < UPDATES_AN_EPOCH else second_half)(k)))
    np.testing.assert_allclose(fit(other), expected[2 * UPDATES_AN_EPOCH], atol=3e-6)


@pytest.mark.parametrize("first", ("plain", "ours"))
def test_a_saved_models_variables_fit_the_other_kind(first, tmp_path):
    before, after = plain_and_ours() if first == "plain" else plain_and_ours()[::-1]
    trained = linear_model(before)
    fit(trained)
    trained.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    assert type(loaded.optimizer) is type(before)
    model = linear_model(after)
    model.set_weights(loaded.get_weights())
    model.optimizer.build(model.trainable_variables)
    model.optimizer.set_weights([keras.ops.convert_to_numpy(v) for v in loaded.optimizer.variables])
    assert int(model.optimizer.iterations) == UPDATES_AN_EPOCH
    assert np.abs(fit(model) - START).max() > 0.1


@kinds
def test_no_variable_is_added(kind):
    ours = optimizers()[kind]
    schedules = ours.hyperparameter_schedules
    floats = {name: 0.9 for name in schedules}
    plain_class = getattr(keras.optimizers, kind)
    plain = plain_class.from_config({**ours.get_config(), **floats})
    weights = [keras.Variable(np.ones((2, 3))), keras.Variable(np.ones(3))]
    plain.build(weights)
    ours.build(weights)
    assert ours.name == plain.name  # Keras prefixes the variables' names with it
    assert [(v.path, v.shape, v.dtype) for v in ours.variables] == [(v.path, v.shape, v.dtype) for v in plain.variables]
