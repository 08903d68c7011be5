"""A trial by plain `model.fit`, for models that cannot be stacked: whatever keras-tuner itself could train."""

import time

import keras
import numpy as np
import pandas as pd

from textbook import seeding
from textbook.random_state import RandomState
from textbook.replicas import EarlyStopping
from textbook.search.builders import Network, built
from textbook.search.trials import Job, Trained


def fit_trial(build, split, job: Job, *, stop: EarlyStopping | None) -> Trained:
    """Build the trial's model, fit it on the training part and validate it after every epoch.

    It starts at the first epoch whatever `job.start` says, which gives the same result and takes longer.

    Everything random comes from the trial's seed; the global generators of Python, NumPy, Keras and torch are put back
    (TensorFlow's own cannot be read, and stays seeded). There, `fit` after a seed deals the same mini-batches in every
    epoch (chapter 8, 8.1), where a stack shuffles anew for each.

    Raises: what the builder or `fit` raises.
    """
    before = RandomState.now()
    started = time.perf_counter()
    try:
        keras.utils.set_random_seed(seeding.word(job.seed, "weights"))
        model = build(job.hyperparameters.copy())
        keras.utils.set_random_seed(seeding.word(job.seed, "order"))
        best = [] if stop is None else [_best(stop)]
        train, validation = split.train, split.validation
        history = model.fit(
            train.x, train.y, sample_weight=train.sample_weight, batch_size=job.batch_size,
            epochs=job.epochs, validation_data=_data(validation), callbacks=best, verbose=0,
        )  # fmt: skip
    finally:
        before.restore()
    curves = pd.DataFrame(history.history).astype(float)
    curves.insert(0, "epoch", np.arange(1, len(curves) + 1))
    return Trained(
        job.number,
        curves=curves,
        engine="fit",
        seconds=time.perf_counter() - started,
        model=lambda: _network(build, model, job, split.samples(split.rows[0][:1])),
    )


def _network(build, model, job: Job, row):
    """The trained network, uncompiled as those are that come out of a stack."""
    network = built(Network(build, job.hyperparameters)(), row)
    network.set_weights(model.get_weights())
    return network


def _data(part) -> tuple:
    return (part.x, part.y) if part.sample_weight is None else (part.x, part.y, part.sample_weight)


def _best(stop: EarlyStopping) -> keras.callbacks.Callback:
    """Keras's own, which never stops and puts the best epoch's weights back at the end."""
    return keras.callbacks.EarlyStopping(
        monitor=stop.monitor, mode="max" if stop.rises else "min", patience=stop.patience, restore_best_weights=True
    )
