"""keras-tuner's hyperparameters, giving out tracked numbers for floats and noting what else a builder asks for."""

import sys

import keras_tuner
from keras_tuner.src.engine.hyperparameters.hp_types import Float

from textbook.search.tracked import Ledger


class TrackingHyperParameters(keras_tuner.HyperParameters):
    """A copy of hyperparameters for one call of a builder. The values of others than floats are structural once asked
    for; so are those that decide whether another is active, and all of them once the values are read as a whole.

    Use `TrackingHyperParameters.of(hyperparameters, ledger)`.
    """

    @classmethod
    def of(cls, hyperparameters: keras_tuner.HyperParameters, ledger: Ledger) -> "TrackingHyperParameters":
        new = cls.from_config(hyperparameters.get_config())
        new._ledger = ledger
        return new

    def plain(self) -> keras_tuner.HyperParameters:
        """What the builder has made of them, without any tracking."""
        new = keras_tuner.HyperParameters.from_config(super().get_config())
        new.active_scopes, new.inactive_scopes = list(self.active_scopes), list(self.inactive_scopes)
        return new

    # --- one value ---

    def _retrieve(self, hp):
        return self._given_out(hp.name, super()._retrieve(hp))

    def get(self, name):
        full = self._get_name(name)
        if full not in self._values:
            self._ledger.mark([full], "asked for where it has no value")
        return self._given_out(full, super().get(name))

    def _given_out(self, name: str, value):
        if value is None:  # inactive, as its parents have decided
            return None
        kinds = self._hps.get(name, ())
        if kinds and all(isinstance(kind, Float) for kind in kinds) and isinstance(value, float):
            return self._ledger.give_out(name, value)
        self._ledger.mark([name], "not a float")
        return value

    # --- conditions ---

    def _conditions_are_active(self, conditions):
        self._ledger.mark([condition.name for condition in conditions], "decides whether another is active")
        return super()._conditions_are_active(conditions)

    # --- all values at once ---

    @property
    def values(self):
        self._check_caller(sys._getframe(1))
        return self._values

    @values.setter
    def values(self, values):
        self._check_caller(sys._getframe(1))
        self._values = values

    def _check_caller(self, frame) -> None:
        if frame.f_globals.get("__name__", "").partition(".")[0] != "keras_tuner":
            self._ledger.mark_everything("the builder uses hp.values")

    def get_config(self):
        self._ledger.mark_everything("the builder copies its hyperparameters or asks for their description")
        return super().get_config()

    def to_proto(self):
        self._ledger.mark_everything("the builder sends its hyperparameters elsewhere")
        return super().to_proto()

    def __reduce_ex__(self, protocol):
        self._ledger.mark_everything("the builder copies or pickles its hyperparameters")
        return self.plain().__reduce_ex__(protocol)
