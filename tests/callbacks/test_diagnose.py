"""The callback says what `diagnose` says of the same history."""

import keras
import numpy as np
import pytest

from textbook import diagnose
from textbook.callbacks import Diagnose

OVERFIT = {"loss": np.linspace(1, 0.1, 12), "val_loss": np.r_[np.linspace(1, 0.5, 5), np.linspace(0.55, 1.2, 7)]}


def shown(callback, history):
    """The callback fed with hand-written logs, without training."""
    callback.on_train_begin()
    for epoch, values in enumerate(zip(*history.values(), strict=True)):
        callback.on_epoch_end(epoch, dict(zip(history, values, strict=True)) | {"accuracy": 0.5})
    callback.on_train_end()
    return callback


def test_it_is_the_diagnosis_of_the_history():
    found = shown(Diagnose(chance=2.3, unit="bits"), OVERFIT).diagnosis
    assert found == diagnose(OVERFIT, chance=2.3, unit="bits")
    assert found.verdict == "overfitting" and "bits" in found.reason and "epoch 5" in found.advice


def test_it_runs_in_fit_and_anew_in_each():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.02), "mse")
    judge, x = Diagnose(), np.ones((4, 1))
    assert judge.diagnosis is None
    for epochs in (2, 6):
        history = model.fit(x, 0 * x, epochs=epochs, verbose=0, validation_data=(x, 0 * x), callbacks=[judge])
        assert judge.diagnosis == diagnose(history)
        assert judge.diagnosis.evidence["epochs"] == epochs


def test_it_is_silent_unless_asked(capsys):
    shown(Diagnose(), OVERFIT)
    assert capsys.readouterr() == ("", "")
    shown(Diagnose(verbose=True), OVERFIT)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("Overfitting: ")


def test_a_run_of_no_epochs_has_no_diagnosis():
    assert shown(Diagnose(), {"loss": []}).diagnosis is None


def test_a_validation_loss_that_is_not_there_every_epoch_is_refused_at_once():
    callback = Diagnose()
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(ValueError, match=r"expected loss in every epoch, got loss and val_loss in epoch 2; mend by"):
        callback.on_epoch_end(1, {"loss": 0.9, "val_loss": 1.0})
