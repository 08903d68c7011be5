"""The diagnosis of a run, made when it ends."""

import sys

import keras

from textbook.diagnosis import Diagnosis, diagnose


class Diagnose(keras.callbacks.Callback):
    """Reads the curves of the run as `textbook.diagnose` does, when training ends; also where it was stopped early.

    Args:
        chance: loss of a guess, in the unit of the loss, such as ln(classes); without it a run that never got better
            than a guess cannot be told from one that converged early.
        unit: of the loss, for the sentences.
        verbose: write the diagnosis to stderr when training ends.

    Attributes:
        diagnosis: `.verdict`, `.reason`, `.advice`, `.evidence`; None until training has ended.

    Raises: ValueError at the first epoch that has a validation loss where an earlier one had none, or the reverse.
    Source: chapter 4; docs/diagnosis.md says how often the words are wrong.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    >>> model.compile(keras.optimizers.SGD(0.01), "mse")
    >>> judge, x = Diagnose(), np.ones((8, 1))
    >>> history = model.fit(x, 0 * x, epochs=12, verbose=0, callbacks=[judge])
    >>> judge.diagnosis.verdict
    'still improving'
    """

    def __init__(self, *, chance: float | None = None, unit: str = "nats", verbose: bool = False):
        super().__init__()
        self._chance, self._unit, self._verbose = chance, unit, verbose
        self._history: dict[str, list[float]] = {}
        self.diagnosis: Diagnosis | None = None

    def on_train_begin(self, logs=None):
        self._history, self.diagnosis = {}, None

    def on_epoch_end(self, epoch, logs=None):
        seen = {name: float(logs[name]) for name in ("loss", "val_loss") if name in (logs or {})}
        if self._history and set(seen) != set(self._history):
            raise ValueError(
                f"expected {' and '.join(self._history)} in every epoch, got {' and '.join(seen) or 'neither'} in "
                f"epoch {epoch + 1}; mend by fit(validation_freq=1)"
            )
        for name, value in seen.items():
            self._history.setdefault(name, []).append(value)

    def on_train_end(self, logs=None):
        if not self._history:
            return  # no epoch was left to train
        self.diagnosis = diagnose(self._history, chance=self._chance, unit=self._unit)
        if self._verbose:
            print(self.diagnosis, file=sys.stderr)
