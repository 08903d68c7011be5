"""The fast engine is held against plain `model.fit` on the same batches."""

import functools

import keras
import numpy as np
import pytest

from textbook import datasets, splits
from textbook.models import mlp
from textbook.replicas import Condition, ReplicaTrainer, train_replicas
from textbook.schedules import ExponentialDecay, StepDecay

MODELS = {
    "plain": mlp,
    "L2": functools.partial(mlp, l2=1e-3),
    "batch norm": functools.partial(mlp, batch_norm=True),
}
OPTIMIZERS = {
    "momentum": Condition(learning_rate=0.05, momentum=0.9),
    "Nesterov and decay": Condition(
        learning_rate=StepDecay(0.1, factor=0.5, every=4),
        optimizer=keras.optimizers.SGD(momentum=0.8, nesterov=True),
        weight_decay=1e-3,
    ),
    "per update": Condition(learning_rate=ExponentialDecay(0.2, factor=0.5, every=4).per_update()),
    "Adam": Condition(learning_rate=1e-3, optimizer="adam"),
    "AdamW, clipped": Condition(learning_rate=1e-3, optimizer=keras.optimizers.AdamW(clipnorm=0.5, weight_decay=0.01)),
}


# two replicas in a stack, and the second of them by `fit`, which takes seconds to compile each
SEEDS = {"replicas": [0, 1], "fit": [1]}


@pytest.mark.parametrize("model", MODELS)
def test_weights_after_one_update_equal_those_of_fit(digits, model):
    weights = {}
    for engine, seeds in SEEDS.items():
        trainer = ReplicaTrainer(
            MODELS[model], digits, conditions=OPTIMIZERS, seeds=seeds, epochs=1, batch_size="all", engine=engine
        )
        result = trainer.run()
        weights[engine] = [result.trained(name, 1).get_weights() for name in OPTIMIZERS]
    for ours, oracle in zip(weights["replicas"], weights["fit"], strict=True):
        for a, b in zip(ours, oracle, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_curves_after_ten_epochs_equal_those_of_fit(digits, model):
    tables = {
        engine: train_replicas(
            MODELS[model], digits, conditions=OPTIMIZERS, seeds=seeds, epochs=10, batch_size=32, engine=engine
        )
        for engine, seeds in SEEDS.items()
    }
    ours, oracle = tables["replicas"], tables["fit"]
    ours = ours[ours.seed == 1]
    for column in ours.columns:
        if column in ("engine", "seconds", "condition"):
            continue
        np.testing.assert_allclose(
            ours[column].astype(float), oracle[column].astype(float), rtol=1e-3, atol=1e-6, err_msg=column
        )


def test_masks_are_those_of_fit(digits, same_tables):
    """The same mask seed gives the same masks, so that dropout too can be held against its oracle number by number."""
    build = functools.partial(mlp, hidden=(32, 16), dropout=0.5)
    condition = {"dropout": Condition(learning_rate=0.05, momentum=0.9)}
    tables = [
        train_replicas(build, digits, conditions=condition, seeds=range(4), epochs=3, batch_size=100, engine=engine)
        for engine in ("replicas", "fit")
    ]
    same_tables(*tables, rtol=1e-4)


def test_masks_are_at_work_in_training_and_only_there(digits):
    """At a rate of 0 the weights stand still, so only masks can part the reported loss from the clean one."""
    still = {"still": Condition(learning_rate=0.0)}
    gap = {}
    for dropout in (0.0, 0.5):
        build = functools.partial(mlp, hidden=(32,), dropout=dropout)
        table = train_replicas(build, digits, conditions=still, seeds=range(8), epochs=2, batch_size=100)
        gap[dropout] = (table.loss - table.clean_loss).abs()
    assert gap[0.0].max() < 1e-5
    assert gap[0.5].min() > 1e-3
    assert gap[0.5].nunique() == len(gap[0.5]), "every replica and every epoch has masks of its own"


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(clipvalue=0.01),
        # 6 updates: the average replaces the weights after the 4th and is taken on from there
        keras.optimizers.SGD(momentum=0.5, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=4, name="average"),
        keras.optimizers.RMSprop(momentum=0.5, centered=True),
        keras.optimizers.Adam(amsgrad=True, global_clipnorm=0.3),
        keras.optimizers.Adamax(),
        keras.optimizers.Nadam(),
        keras.optimizers.Adagrad(),
        keras.optimizers.Adadelta(),
        keras.optimizers.Ftrl(),
        keras.optimizers.Lion(),
        keras.optimizers.Lamb(),
        keras.optimizers.Adafactor(),
        keras.optimizers.Muon(),
    ],
    ids=lambda optimizer: optimizer.name,
)
def test_every_optimizer_takes_the_steps_of_fit(optimizer):
    # not digits: some pixels are always 0, and Adafactor divides by the root of a squared gradient that is then 0
    wine = splits.Splitter(datasets.load("wine"), sizes=(100, 40, 38), scale="standard")
    build = functools.partial(mlp, hidden=(16,))
    condition = {"c": Condition(optimizer=optimizer, learning_rate=0.01)}
    losses = {}
    for engine in ("replicas", "fit"):
        table = train_replicas(
            build, wine, conditions=condition, seeds=range(2), epochs=3, batch_size=50, engine=engine
        )
        losses[engine] = table[["loss", "val_loss"]].to_numpy()
    np.testing.assert_allclose(losses["replicas"], losses["fit"], rtol=1e-3)
