"""A small search: a builder, data, and what of a table has to be the same from run to run."""

import keras
import keras_tuner
import numpy as np
import pandas as pd

from textbook import splits
from textbook.search import runner

MEASURED = ["seconds", "worker"]
SETTINGS = {"trials": 6, "epochs": 2, "seed": 3}


def build(hp):
    """3-8-3, rate and momentum to be searched."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])
    rate = hp.Float("rate", 1e-3, 1.0, sampling="log")
    optimizer = keras.optimizers.SGD(rate, momentum=1 - hp.Float("1 - momentum", 0.02, 1.0, sampling="log"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def part(seed: int = 0):
    """A split of 160 rows in three classes: 96 to train, 48 to validate, 16 to test."""
    random = np.random.default_rng(seed)
    y = np.arange(160) % 3
    x = (random.normal(size=(160, 4)) + 1.5 * np.eye(4)[y]).astype("float32")
    return splits.split((x, y), seed=seed, sizes=(96, 48, 16))


def same(table: pd.DataFrame) -> pd.DataFrame:
    """What does not depend on the clock or on who did it."""
    return table.drop(columns=[name for name in MEASURED if name in table])


def space_of_build() -> keras_tuner.HyperParameters:
    """The hyperparameters that the builder declares."""
    space = keras_tuner.HyperParameters()
    build(space)
    return space


def one_trial(space, *, seed: int, epochs: int, batch_size: int = 32) -> pd.DataFrame:
    """The curve of one network alone, trained in one go."""
    trainer = runner.Trainer(build, part(), objective="val_loss", direction="min", engine=None)
    ((trained,),) = trainer.train([runner.Job(0, space, seed, batch_size, epochs)])
    return trained.curves
