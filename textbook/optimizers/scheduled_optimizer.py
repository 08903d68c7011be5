"""What makes a Keras optimizer one whose hyperparameters may be schedules."""

import contextlib
import inspect
from contextvars import ContextVar
from types import MappingProxyType

import keras

from textbook.optimizers.hyperparameter import Hyperparameter, checked, first_value, schedulable
from textbook.optimizers.reading import reading

_NONE = MappingProxyType({})
# id of an optimizer → name → value, while Keras's code computes an update of it
_AT_WORK: ContextVar[dict[int, dict]] = ContextVar("at_work", default=_NONE)


class ScheduledOptimizer:
    """Comes before a Keras optimizer among the bases of a class; `scheduled` makes such classes.

    A scheduled hyperparameter h is h(k) at update k, counted from 0, computed in the graph from `iterations`. It has no
    variable of its own.

    With `gradient_accumulation_steps`, k counts updates, for these and for a scheduled learning rate. Keras counts
    micro-batches for the latter.
    """

    schedulable: tuple[str, ...] = ()

    def __init_subclass__(cls, **arguments):
        super().__init_subclass__(**arguments)
        if ScheduledOptimizer not in cls.__bases__:
            return  # somebody's subclass of ours
        keras_class = cls.__bases__[cls.__bases__.index(ScheduledOptimizer) + 1]
        cls.schedulable = schedulable(keras_class)
        for name in cls.schedulable:
            setattr(cls, name, Hyperparameter(name))
        cls._arguments = inspect.signature(keras_class.__init__)
        parameters = list(cls._arguments.parameters.values())[1:]
        cls.__signature__ = cls._arguments.replace(parameters=parameters)

    def __init__(self, *args, **kwargs):
        given = dict(self._arguments.bind(self, *args, **kwargs).arguments)
        for name, parameter in self._arguments.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                given |= given.pop(name, {})
        schedules = checked(given, self.schedulable)
        if schedules:  # Keras's constructor asks for floats
            starts = {name: first_value(name, schedule) for name, schedule in schedules.items()}
            itself = next(iter(self._arguments.parameters))
            super().__init__(**{name: value for name, value in given.items() if name != itself} | starts)
            # in the instance's dictionary, since Keras wraps and tracks what is assigned
            vars(self).update(dict.fromkeys(schedules), _hyperparameter_schedules=MappingProxyType(schedules))
        else:
            super().__init__(*args, **kwargs)

    @property
    def hyperparameter_schedules(self) -> MappingProxyType:
        """Name → schedule, of the hyperparameters that have one; the learning rate aside."""
        return vars(self).get("_hyperparameter_schedules", _NONE)

    def _scheduled_value(self, name: str):
        """Inside an update what Keras's code can compute with; elsewhere a scalar tensor, as of the learning rate."""
        at_work = _AT_WORK.get().get(id(self))
        return self.hyperparameter_schedules[name](self.iterations) if at_work is None else at_work[name]

    @contextlib.contextmanager
    def _at_work(self):
        """Evaluates every schedule once for all that is computed within."""
        others = _AT_WORK.get()
        if not self.hyperparameter_schedules or id(self) in others:
            yield
            return
        update = self.iterations
        values = {name: reading(schedule, update) for name, schedule in self.hyperparameter_schedules.items()}
        token = _AT_WORK.set({**others, id(self): values})
        try:
            yield
        finally:
            _AT_WORK.reset(token)

    def build(self, variables):
        with self._at_work():  # slots are made where a momentum is not 0, and one that varies never counts as 0
            super().build(variables)

    def apply(self, grads, trainable_variables=None):
        with self._at_work():
            return super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        with self._at_work():  # a distribution strategy updates its variables in another thread than `apply`
            return super().update_step(gradient, variable, learning_rate)

    def _get_current_learning_rate(self):
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return super()._get_current_learning_rate()

    def get_config(self):
        described = {
            name: keras.optimizers.schedules.serialize(schedule)
            for name, schedule in self.hyperparameter_schedules.items()
        }
        return {**super().get_config(), **described}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        read = {
            name: keras.optimizers.schedules.deserialize(value, custom_objects)
            for name, value in config.items()
            if name in cls.schedulable and isinstance(value, dict)
        }
        return super().from_config({**config, **read}, custom_objects)
