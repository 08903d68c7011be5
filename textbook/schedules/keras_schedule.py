"""A schedule as a Keras object, evaluated in the graph at update / steps_per_epoch. Importing this imports Keras."""

import keras

from textbook.schedules.arguments import whole
from textbook.schedules.base import Schedule, a_schedule
from textbook.schedules.config import from_config, to_config


@keras.saving.register_keras_serializable(package="textbook")
class InSteps(keras.optimizers.schedules.LearningRateSchedule):
    """The rate at update k, counted from 0: schedule(k / steps_per_epoch).

    Args:
        schedule: a `textbook.schedules` schedule, whose t is in epochs.
        steps_per_epoch: updates an epoch, math.ceil(rows / batch_size).

    Exact at every update, also with `steps_per_execution`. With `gradient_accumulation_steps` Keras hands every
    micro-batch over as an update; the classes of `textbook.optimizers` count updates.
    """

    def __init__(self, schedule: Schedule, steps_per_epoch: int):
        super().__init__()
        self.schedule = a_schedule("schedule", schedule)
        self.steps_per_epoch = whole(
            "steps_per_epoch", steps_per_epoch, least=1, mend="mend by math.ceil(rows / batch_size)"
        )
        self._resolved = schedule.with_updates(self.steps_per_epoch)

    def __call__(self, step):
        # float32 even where Keras computes in half precision: float16 cannot count past 2048
        dtype = "float64" if keras.config.floatx() == "float64" else "float32"
        t = keras.ops.cast(step, dtype) / self.steps_per_epoch
        return self._resolved.formula(t, keras.ops)

    @property
    def momentum(self) -> "InSteps":
        """The schedule's momentum at update k, for `textbook.optimizers`; AttributeError where it has none."""
        return InSteps(self.schedule.momentum, self.steps_per_epoch)

    def get_config(self):
        return {**to_config(self.schedule), "steps_per_epoch": self.steps_per_epoch}

    @classmethod
    def from_config(cls, config):
        return cls(from_config(config), config["steps_per_epoch"])

    def __repr__(self):
        return f"{self.schedule!r}.in_steps({self.steps_per_epoch})"
