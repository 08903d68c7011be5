"""The JAX engine agrees with the TensorFlow engine from the same initial weights.

One side is done here, the other in a process of its own, since Keras has one backend a process.
"""

import os
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest

from textbook import datasets, splits
from textbook.replicas import Condition, EarlyStopping, ReplicaTrainer, train_replicas
from textbook.schedules import StepDecay

layers = keras.layers
SEEDS = range(3)
MADE = {
    "dense": lambda: [layers.Dense(9, "relu", kernel_regularizer=keras.regularizers.L2(1e-3))],
    "norms": lambda: [layers.Dense(8, use_bias=False), layers.BatchNormalization(), layers.LayerNormalization()],
    "convolution": lambda: [
        layers.Reshape((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten()
    ],
    "words": lambda: [layers.Embedding(17, 3), layers.Flatten()],
    "recurrent": lambda: [layers.Reshape((8, 8)), layers.LSTM(5)],
}  # fmt: skip
CONDITIONS = {
    "momentum": {"learning_rate": StepDecay(0.02, factor=0.5, every=2), "momentum": 0.9},
    "Adam": {"optimizer": "adam", "learning_rate": 2e-3},
    "clipped": {"optimizer": keras.optimizers.AdamW(2e-3, clipnorm=0.2, use_ema=True, ema_momentum=0.8)},
    "stopped": {"learning_rate": 0.05, "stop": EarlyStopping(patience=1, min_delta=0.1, restore_best_weights=True)},
    "updates": {"learning_rate": 0.05, "updates": 7},
}
# each network twice or more, each condition twice or more: all pairs would compile twice as many programs
PAIRS = {
    "dense": list(CONDITIONS),
    "norms": ["momentum", "clipped"],
    "convolution": ["Adam", "stopped"],
    "words": ["updates", "Adam"],
    "recurrent": ["momentum", "clipped"],
}


def network(name: str) -> keras.Model:
    # words are grey levels as they are, everything else is scaled to 0…1
    light = [] if name == "words" else [layers.Rescaling(1 / 16)]
    return keras.Sequential([keras.Input((64,)), *light, *MADE[name](), layers.Dense(10)])


def weights(name: str, seed: int) -> list[np.ndarray]:
    """Initial weights that no backend has drawn; variances and scales are positive."""
    rng = np.random.default_rng(seed)
    return [0.1 + np.abs(rng.normal(0, 0.1, w.shape)) if w.ndim == 1 else rng.normal(0, 0.2, w.shape)
            for w in network(name).get_weights()]  # fmt: skip


def table(name: str) -> pd.DataFrame:
    """The curves of one network under its conditions."""
    splitter = splits.Splitter(datasets.load("digits"), sizes=(112, 40, 40))
    given = {seed: weights(name, seed) for seed in SEEDS}
    conditions = {label: Condition(**CONDITIONS[label], initial_weights=given) for label in PAIRS[name]}
    return train_replicas(lambda: network(name), splitter, conditions=conditions, seeds=SEEDS, epochs=4)


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    """{network: table} of the JAX engine."""
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("jax")
    # JAX mostly compiles here; without optimizing it does so in half the time
    environment = os.environ | {"KERAS_BACKEND": "jax", "TABLES": str(folder), "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run([sys.executable, "-m", __name__], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: pd.read_csv(folder / f"{name}.csv") for name in MADE}


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_both_backends_train_the_same_curves(on_jax, name, same_tables):
    ours = table(name)
    same_tables(on_jax[name][ours.columns], ours, rtol=2e-3)
    if "stopped" in PAIRS[name]:
        assert ours.groupby(["condition", "seed"]).epoch.max().loc["stopped"].min() < 4, "somebody stopped early"


def test_an_engine_of_another_backend_is_refused(few_digits):
    with pytest.raises(ValueError, match="expected Keras on JAX for engine='jax', got tensorflow; set KERAS_BACKEND"):
        ReplicaTrainer(lambda: network("dense"), few_digits, seeds=[0], epochs=1, engine="jax")


if __name__ == "__main__":
    for wanted in MADE:
        table(wanted).to_csv(os.path.join(os.environ["TABLES"], f"{wanted}.csv"), index=False)
