"""Where a replica's training ended, with everything that it needs to go on as if it had never stopped."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_FIELDS = ("epochs", "updates", "optimizer", "varying")


@dataclass(frozen=True, eq=False)
class ReplicaState:
    """One replica at the end of its training: `ReplicaResult.state` gives it, `Condition(start=…)` goes on from it.

    The position in the data order needs no array: the order of epoch e depends on the seed and on e alone. Random
    states of masks are among the model's variables.

    Attributes:
        epochs: behind it, counted from the very beginning.
        updates: behind it, likewise.
        optimizer: name of the optimizer's class.
        weights: the model's trainable, then non-trainable variables, as the next update needs them: not averaged, and
            not those of a best epoch.
        slots: the optimizer's variables, in Keras's order: iterations, learning rate, then what it keeps per weight.
        varying: names of the numbers that were given per replica. They are again when it goes on, since an optimizer
            with such a momentum keeps more per weight than one without momentum.
    """

    epochs: int
    updates: int
    optimizer: str
    weights: tuple[np.ndarray, ...]
    slots: tuple[np.ndarray, ...]
    varying: tuple[str, ...] = ()

    def save(self, path) -> None:
        """Write everything to one .npz file, whole or not at all; a file that is there is replaced."""
        path = Path(path)
        arrays = {f"weight {i:05}": _storable(values) for i, values in enumerate(self.weights)}
        arrays |= {f"slot {i:05}": _storable(values) for i, values in enumerate(self.slots)}
        fields = {name: np.array(getattr(self, name)) for name in _FIELDS[:-1]}
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")  # processes may write the same state
        with open(partial, "wb") as file:
            np.savez(file, **fields, varying=np.array(self.varying, dtype=str), **arrays)
        os.replace(partial, path)

    @classmethod
    def load(cls, path) -> "ReplicaState":
        """Read what `save` wrote.

        Raises: FileNotFoundError where there is no file; ValueError for a file of something else.
        """
        with np.load(path, allow_pickle=False) as stored:
            if not set(_FIELDS) <= set(getattr(stored, "files", ())):
                raise ValueError(f"expected a file that ReplicaState.save wrote, got {path}; save a state there first")

            def under(prefix):
                return tuple(stored[name] for name in sorted(stored.files) if name.startswith(prefix))

            return cls(
                epochs=int(stored["epochs"]),
                updates=int(stored["updates"]),
                optimizer=str(stored["optimizer"]),
                weights=under("weight "),
                slots=under("slot "),
                varying=tuple(str(name) for name in stored["varying"]),
            )


def _storable(values) -> np.ndarray:
    """The values in a type that .npz files know; a bfloat16 is a float32 without loss, and becomes one again."""
    values = np.asarray(values)
    return values.astype(np.float32) if values.dtype.kind == "V" else values
