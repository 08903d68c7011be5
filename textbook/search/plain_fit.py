"""A trial by plain `model.fit`, for models that cannot be stacked: whatever keras-tuner itself could train."""

import time

import keras
import numpy as np
import pandas as pd

from textbook import seeding
from textbook.random_state import RandomState
from textbook.replicas import EarlyStopping
from textbook.replicas.replica_state import ReplicaState
from textbook.search.builders import Network
from textbook.search.trials import Job, Trained


def fit_trial(build, split, job: Job, *, stop: EarlyStopping | None) -> Trained:
    """Build the trial's model, fit it on the training part and validate it after every epoch.

    Everything random comes from the trial's seed; the global generators of Python, NumPy, Keras and torch are put back
    (TensorFlow's own cannot be read, and stays seeded).

    Raises: what the builder or `fit` raises.
    """
    before = RandomState.now()
    started = time.perf_counter()
    try:
        keras.utils.set_random_seed(seeding.word(job.seed, "weights"))
        model = build(job.hyperparameters)
        begun = _put_back(model, job.start) if job.start else 0
        # another epoch, another order, whether or not the training was interrupted there
        keras.utils.set_random_seed(seeding.word(job.seed, f"order after {begun}"))
        best = [] if stop is None else [_best(stop)]
        train, validation = split.train, split.validation
        history = model.fit(
            train.x, train.y, sample_weight=train.sample_weight, batch_size=job.batch_size,
            initial_epoch=begun, epochs=job.epochs, validation_data=_data(validation), callbacks=best, verbose=0,
        )  # fmt: skip
    finally:
        before.restore()
    curves = pd.DataFrame(history.history).astype(float)
    curves.insert(0, "epoch", np.arange(begun + 1, begun + 1 + len(curves)))
    return Trained(
        job.number,
        curves=curves,
        engine="fit",
        seconds=time.perf_counter() - started,
        model=lambda: _network(build, model, job),
        state=_state(model, job) if stop is None else None,
    )


def _network(build, model, job: Job):
    """The trained network, uncompiled as those are that come out of a stack."""
    network = Network(build, job.hyperparameters)()
    network.set_weights(model.get_weights())
    return network


def _data(part) -> tuple:
    return (part.x, part.y) if part.sample_weight is None else (part.x, part.y, part.sample_weight)


def _best(stop: EarlyStopping) -> keras.callbacks.Callback:
    """Keras's own, which never stops and puts the best epoch's weights back at the end."""
    return keras.callbacks.EarlyStopping(
        monitor=stop.monitor, mode="max" if stop.rises else "min", patience=stop.patience, restore_best_weights=True
    )


def _state(model, job: Job) -> ReplicaState:
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return ReplicaState(
        epochs=job.epochs,
        updates=int(model.optimizer.iterations),
        optimizer=type(model.optimizer).__name__,
        weights=tuple(np.asarray(keras.ops.convert_to_numpy(v.value)) for v in variables),
        slots=tuple(np.asarray(keras.ops.convert_to_numpy(v.value)) for v in model.optimizer.variables),
    )


def _put_back(model, state: ReplicaState) -> int:
    """Give a new model the weights and the optimizer's variables of a state; the epochs behind it."""
    model.optimizer.build(model.trainable_variables)
    own = [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
    for variable, values in zip(own, (*state.weights, *state.slots), strict=True):
        variable.assign(values)
    return state.epochs
