"""A hyperparameter of the optimizer set from a callback, where the training step reads it; a refusal elsewhere."""

from collections.abc import Callable

import keras
import numpy as np

from textbook.callbacks.reach import obstacle, optimizer_of
from textbook.schedules.base import PerUpdate, Schedule
from textbook.schedules.keras_schedule import InSteps


class HyperparameterScheduler(keras.callbacks.Callback):
    """Sets the optimizer's `name` to schedule(t), and refuses before training where that would change nothing.

    Keras reads `learning_rate` from a variable. `momentum`, `beta_1`, `weight_decay`, `clipnorm` and the like are
    Python numbers, baked into the step that TensorFlow and JAX compile: set from a callback, the attribute shows the
    new value and training goes on with the old one. So this works for

    - `learning_rate`, unless compile was given a schedule;
    - every number of the optimizer, where the step is not compiled: `run_eagerly=True`, JAX with `jit_compile=False`,
      and torch as it comes;
    - a number that is held in a `keras.Variable` of the optimizer.

    Everywhere else a ValueError names the remedy: `textbook.optimizers`, which evaluates schedules inside the step.

    Args:
        name: of the optimizer's attribute, such as "momentum".
        schedule: what to set it to. A `textbook.schedules` schedule or a function of the epoch, counted from 0, is held
            within the epoch; `schedule.per_update()`, `schedule.in_steps(n)` and Keras's own schedules are evaluated at
            every update.

    Each epoch's logs get the last value set, under `name`. The optimizer is left with it.

    Raises: ValueError when training begins, as said above; for `steps_per_execution` above 1 with a schedule of
        updates, which would be held for whole blocks; for a value that is not a finite number.
    Source: chapter 4, 4.7; the silence of compiled steps was measured on Keras 3.15.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse", run_eagerly=True)
    >>> falling = HyperparameterScheduler("momentum", lambda epoch: 0.9 - 0.2 * epoch)
    >>> history = model.fit(np.ones((4, 1)), np.ones(4), epochs=3, verbose=0, callbacks=[falling])
    >>> [round(momentum, 6) for momentum in history.history["momentum"]]
    [0.9, 0.7, 0.5]
    """

    def __init__(self, name: str, schedule: Schedule | PerUpdate | Callable):
        super().__init__()
        if not isinstance(name, str) or not (isinstance(schedule, PerUpdate) or callable(schedule)):
            raise ValueError(
                f"expected the name of a hyperparameter and a schedule, got {name!r} and {schedule!r}; "
                'mend by HyperparameterScheduler("momentum", StepDecay(0.9, factor=0.5, every=5)), for instance'
            )
        self.name, self.schedule = name, schedule
        self._of_updates = isinstance(schedule, PerUpdate | keras.optimizers.schedules.LearningRateSchedule)

    @property
    def sets(self) -> tuple[str, ...]:
        """What of the training this callback sets, for `Conflicts`."""
        return (self.name,)

    def obstacle(self, model) -> str | None:
        """Why this callback would fail or be ignored with a compiled model; None where it works."""
        if self._of_updates and model.steps_per_execution > 1:
            return (
                f"expected steps_per_execution=1 for a {self.name} that changes at every update, got "
                f"{model.steps_per_execution}, for which a callback is called once; mend by a schedule of epochs, or "
                f"by giving {self.name}=schedule.in_steps(n) to the optimizer in compile"
            )
        return obstacle(model, self.name)

    def on_train_begin(self, logs=None):
        found = self.obstacle(self.model)
        if found:
            raise ValueError(found)
        self._steps = self.params.get("steps")
        if isinstance(self.schedule, PerUpdate) and not self._steps:
            raise ValueError(
                "expected data of known length for a schedule per update, got an iterator without; mend by "
                "schedule.in_steps(math.ceil(rows / batch_size)) or fit(steps_per_epoch=…)"
            )
        optimizer = optimizer_of(self.model)
        # as schedules in the graph count: micro-batches where gradients are accumulated
        accumulated = getattr(optimizer, "gradient_accumulation_steps", None) or 1
        self._update = int(keras.ops.convert_to_numpy(optimizer.iterations)) * accumulated

    def on_epoch_begin(self, epoch, logs=None):
        if not self._of_updates:
            self._set(self.schedule(epoch))

    def on_train_batch_begin(self, batch, logs=None):
        if self._of_updates:
            self._set(self._at_update())

    def on_train_batch_end(self, batch, logs=None):
        self._update += 1

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs[self.name] = self._value

    def _at_update(self):
        if isinstance(self.schedule, PerUpdate):
            return self.schedule.schedule(self._update / self._steps)
        if isinstance(self.schedule, InSteps):  # on the host, for no more than the price of a number
            return self.schedule.schedule(self._update / self.schedule.steps_per_epoch)
        return self.schedule(self._update)

    def _set(self, value) -> None:
        number = np.asarray(keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else value)
        if number.shape or number.dtype.kind not in "fiu" or not np.isfinite(number):
            raise ValueError(
                f"expected a finite number as {self.name}, got {value!r}; mend by a schedule that returns one"
            )
        self._value = float(number)
        optimizer = optimizer_of(self.model)
        current = getattr(optimizer, self.name)
        # of an optimizer's learning_rate the setter assigns the variable
        if isinstance(current, keras.Variable) and self.name != "learning_rate":
            current.assign(self._value)
        else:
            setattr(optimizer, self.name, self._value)
