"""A schedule as a Keras object, evaluated in the graph at update / steps_per_epoch. Importing this imports Keras."""

import keras

from textbook.schedules.arguments import whole
from textbook.schedules.base import FAMILIES, Schedule


@keras.saving.register_keras_serializable(package="textbook")
class InSteps(keras.optimizers.schedules.LearningRateSchedule):
    """The rate at update k, counted from 0: schedule(k / steps_per_epoch).

    Args:
        schedule: a `textbook.schedules` schedule, whose t is in epochs.
        steps_per_epoch: updates an epoch, math.ceil(rows / batch_size).

    Exact at every update, also with `steps_per_execution`. With `gradient_accumulation_steps` Keras hands every
    micro-batch over as an update.
    """

    def __init__(self, schedule: Schedule, steps_per_epoch: int):
        super().__init__()
        if not isinstance(schedule, Schedule):
            raise ValueError(f"expected a schedule, got {schedule!r}; mend by StepDecay(…).in_steps(n) or the like")
        self.schedule = schedule
        self.steps_per_epoch = whole(
            "steps_per_epoch", steps_per_epoch, least=1, mend="mend by math.ceil(rows / batch_size)"
        )

    def __call__(self, step):
        # float32 even where Keras computes in half precision: float16 cannot count past 2048
        dtype = "float64" if keras.config.floatx() == "float64" else "float32"
        t = keras.ops.cast(step, dtype) / self.steps_per_epoch
        return self.schedule.formula(t, keras.ops)

    def get_config(self):
        family = type(self.schedule).__name__
        return {
            "family": family,
            "arguments": self.schedule.arguments(),
            "steps_per_epoch": self.steps_per_epoch,
        }

    @classmethod
    def from_config(cls, config):
        family = config["family"]
        if family not in FAMILIES:
            raise ValueError(
                f"expected one of the schedules {', '.join(sorted(FAMILIES))}, got {family!r}; "
                "mend by importing the module that defines it before the model is loaded"
            )
        return cls(FAMILIES[family](**config["arguments"]), config["steps_per_epoch"])

    def __repr__(self):
        return f"{self.schedule!r}.in_steps({self.steps_per_epoch})"
