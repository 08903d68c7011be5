"""The Adam section's ablations: Keras's Adam with other settings takes the rules' steps, in both engines."""

import numpy as np
import pytest

from chapters.ch4 import adam
from chapters.shared.uncorrecting import Uncorrecting
from textbook import datasets, splits
from textbook.models import mlp
from textbook.replicas import train_replicas


def test_uncorrecting_is_the_inverse_of_adams_correction():
    rate = Uncorrecting(0.01, updates=32, beta_1=0.5, beta_2=0.75)
    # at the second update: (1 - 0.25) / √(1 - 0.5625)
    assert rate(1 / 32) == pytest.approx(0.01 * 0.75 / np.sqrt(0.4375), rel=1e-12)


@pytest.mark.parametrize("beta_2", (0.999, 0.9))
def test_every_ablation_equals_keras_with_its_settings(beta_2):
    table = adam._beside_keras(0.9, beta_2)
    for name, rows in table.groupby("rule"):
        np.testing.assert_allclose(rows.ours, rows.keras, rtol=0, atol=1e-6, err_msg=name)


def test_the_ablations_differ_from_each_other():
    table = adam._beside_keras(0.9, 0.999)
    ends = table[table["update"] == 50].groupby("rule").keras.first()
    assert np.diff(np.sort(ends)).min() > 1e-4


@pytest.mark.slow
def test_the_replicas_train_the_ablations_as_fit_does():
    digits = splits.Splitter(datasets.load("digits"), sizes=(1024, 473, 300))
    rates = {name: grid[2] for name, grid in adam.RATES.items()}
    conditions = {name: adam._condition(name, rate, 0.9, 0.999, 32) for name, rate in rates.items()}
    losses = [
        train_replicas(mlp, digits, conditions=conditions, seeds=(0, 1), epochs=1, engine=engine).val_loss
        for engine in ("replicas", "fit")
    ]
    np.testing.assert_allclose(*losses, rtol=1e-3)
