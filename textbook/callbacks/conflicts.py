"""Callbacks that would undo each other, said before training rather than epochs later."""

from collections import Counter
from collections.abc import Iterable

import keras

from textbook.callbacks.batch_loss import BatchLoss
from textbook.callbacks.clean_train_loss import CleanTrainLoss
from textbook.callbacks.hyperparameter_scheduler import HyperparameterScheduler
from textbook.callbacks.reach import has_rate_schedule

RATE, WEIGHTS = "learning_rate", "weights"
_CLEAN = ("clean_loss", "penalty", "clean_objective")


class Conflicts(keras.callbacks.Callback):
    """Refuses to train with callbacks that undo each other or the compiled optimizer.

    `fit` tells no callback about the others, so this one is made from their list:
    `model.fit(…, callbacks=Conflicts.among([…]))`. What it knows:

    - a schedule in compile and a callback that sets the rate: `LearningRateScheduler` raises at its first epoch,
      `ReduceLROnPlateau` at its first reduction, epochs in;
    - two callbacks that set the same thing: the rate, or the weights that the model is left with;
    - a `HyperparameterScheduler` that would be ignored, with its own reason;
    - `EarlyStopping`, `ReduceLROnPlateau` or `ModelCheckpoint` that monitors a clean loss before `CleanTrainLoss` has
      written it, or without one;
    - a `LearningRateScheduler`, which passes epochs, with a schedule of updates;
    - two `BatchLoss`, which set the same sum aside.

    A callback of your own takes part by an attribute `sets`, such as `sets = ("learning_rate",)`; "weights" stands for
    the weights at the end of training. What functions inside a `LambdaCallback` do cannot be seen.

    Args:
        callbacks: the others, in the order in which `fit` gets them.

    Raises: ValueError when training begins, with every conflict in it.
    Source: chapter 4, 4.7.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100)), "mse")
    >>> len(conflicts(model, [keras.callbacks.ReduceLROnPlateau()]))
    1
    >>> conflicts(model, [keras.callbacks.EarlyStopping()])
    []
    """

    def __init__(self, callbacks: Iterable[keras.callbacks.Callback]):
        super().__init__()
        self.callbacks = _flat(callbacks)

    @classmethod
    def among(cls, callbacks: Iterable[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
        """The callbacks with a `Conflicts` about them in front: the list for `fit`."""
        others = _flat(callbacks)
        return [cls(others), *others]

    def on_train_begin(self, logs=None):
        found = conflicts(self.model, self.callbacks)
        if found:
            raise ValueError("; and ".join(found))


def conflicts(model, callbacks: Iterable[keras.callbacks.Callback]) -> list[str]:
    """A sentence for each conflict of the callbacks with the compiled model or with each other; see `Conflicts`."""
    callbacks = _flat(callbacks)
    return [
        sentence
        for rule in (_obstacles, _rate_under_schedule, _set_twice, _units, _monitored_too_early, _losses_twice)
        for sentence in rule(model, callbacks)
    ]


def _obstacles(model, callbacks):
    schedulers = [callback for callback in callbacks if isinstance(callback, HyperparameterScheduler)]
    yield from filter(None, (scheduler.obstacle(model) for scheduler in schedulers))


def _rate_under_schedule(model, callbacks):
    if not has_rate_schedule(model):
        return
    for callback in callbacks:
        if RATE not in _sets(callback) or isinstance(callback, HyperparameterScheduler):
            continue
        when = {
            keras.callbacks.LearningRateScheduler: "Keras will raise at the first epoch",
            keras.callbacks.ReduceLROnPlateau: "Keras will raise at its first reduction, epochs in",
        }
        said = next((text for kind, text in when.items() if isinstance(callback, kind)), "one of them is ignored")
        yield (
            f"expected one owner of the learning rate, got a schedule in compile and {_name(callback)} ({said}); mend "
            "by compiling with a number or by leaving the callback out"
        )


def _set_twice(model, callbacks):
    owners = [(name, callback) for callback in callbacks for name in _sets(callback)]
    for name, count in Counter(name for name, _ in owners).items():
        if count < 2:
            continue
        listed = " and ".join(_name(callback) for owned, callback in owners if owned == name)
        if name == WEIGHTS:
            yield (
                f"expected one callback that decides which weights the model is left with, got {listed}, of which the "
                "later overwrites the earlier; mend by keeping one, such as EarlyStopping(restore_best_weights=False)"
            )
        else:
            yield (
                f"expected one callback that sets {name}, got {listed}, which overwrite each other; mend by keeping "
                "one of them"
            )


def _units(model, callbacks):
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.LearningRateScheduler) and isinstance(
            callback.schedule, keras.optimizers.schedules.LearningRateSchedule
        ):
            yield (
                "expected a function of the epoch in LearningRateScheduler, got a schedule of updates "
                f"({type(callback.schedule).__name__}); mend by compile(…(learning_rate=schedule)) or by the schedule "
                "without .in_steps(n)"
            )


def _monitored_too_early(model, callbacks):
    written = False
    for callback in callbacks:
        written = written or isinstance(callback, CleanTrainLoss)
        monitor = getattr(callback, "monitor", None)
        watched = isinstance(monitor, str) and (monitor in _CLEAN or monitor.startswith("clean_"))
        if watched and not written:
            yield (
                f"expected CleanTrainLoss before {_name(callback)}, which monitors {monitor!r}, got none before it; "
                "mend by putting CleanTrainLoss(x, y) earlier in the list"
            )


def _losses_twice(model, callbacks):
    count = sum(isinstance(callback, BatchLoss) for callback in callbacks)
    if count > 1:
        yield f"expected one BatchLoss, got {count}, which would set the same sum aside; mend by keeping one"


def _sets(callback) -> tuple[str, ...]:
    if isinstance(callback, keras.callbacks.LearningRateScheduler | keras.callbacks.ReduceLROnPlateau):
        return (RATE,)
    if isinstance(callback, keras.callbacks.EarlyStopping):
        return (WEIGHTS,) if callback.restore_best_weights else ()
    if isinstance(callback, keras.callbacks.SwapEMAWeights):
        return (WEIGHTS,)
    return tuple(getattr(callback, "sets", ()))


def _name(callback) -> str:
    return type(callback).__name__


def _flat(callbacks) -> list[keras.callbacks.Callback]:
    flat = keras.tree.flatten(list(callbacks))
    strange = [item for item in flat if not isinstance(item, keras.callbacks.Callback)]
    if strange:
        raise ValueError(
            f"expected Keras callbacks, got {strange[0]!r}; mend by passing the list that fit would get, such as "
            "Conflicts.among([EarlyStopping(), CleanTrainLoss(x, y)])"
        )
    return flat
