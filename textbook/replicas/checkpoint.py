"""Finished groups on disk, so that a killed training goes on where it stopped."""

import hashlib
import os
import warnings
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np

from textbook.replicas.outcome import Asked, Outcome
from textbook.replicas.plan import Group


class Store:
    """Keeps the outcomes of one training's groups in a folder; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, call: int):
        self._folder, self._call = folder, call

    def _path(self, number: int) -> Path:
        return self._folder / f"training-{self._call}-group-{number}.npz"

    def save(self, number: int, digest: str, outcome: Outcome) -> None:
        """Write a group's outcome whole or not at all."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._path(number).with_suffix(".partial")
        arrays = {f"column {name}": values for name, values in outcome.columns.items()}
        arrays |= {f"weight {i:05}": values for i, values in enumerate(outcome.weights)}
        arrays |= {f"state {i:05}": values for i, values in enumerate(outcome.states)}
        for epoch, stacks in outcome.snapshots.items():
            arrays |= {f"snapshot {epoch} {i:05}": values for i, values in enumerate(stacks)}
        with open(partial, "wb") as file:
            np.savez(
                file, digest=digest, engine=outcome.engine, metrics=np.array(outcome.metrics, dtype=str),
                updates=outcome.updates, kept=outcome.kept, trace=outcome.trace, **arrays,
            )  # fmt: skip
        os.replace(partial, self._path(number))

    def load(self, number: int, digest: str) -> Outcome | None:
        """The outcome of a group if this very work was finished before, else None; what is damaged is said to be so."""
        if self._folder is None or not self._path(number).exists():
            return None
        try:
            return self._read(number, digest)
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as damage:
            name = self._path(number).name
            warnings.warn(f"the checkpoint {name} is damaged ({damage}); training its replicas again", stacklevel=2)
            return None

    def _read(self, number: int, digest: str) -> Outcome | None:
        # NumPy leaves a file open that it opened itself and cannot read
        with open(self._path(number), "rb") as file, np.load(file, allow_pickle=False) as stored:
            if str(stored["digest"]) != digest:
                return None

            def under(prefix):
                return {n.removeprefix(prefix): stored[n] for n in stored.files if n.startswith(prefix)}

            snapshots: dict[int, list] = {}
            for name, values in under("snapshot ").items():
                snapshots.setdefault(int(name.split()[0]), []).append(values)
            return Outcome(
                engine=str(stored["engine"]),
                metrics=[str(m) for m in stored["metrics"]],
                columns=under("column "),
                updates=stored["updates"],
                kept=stored["kept"],
                weights=list(under("weight ").values()),
                snapshots=snapshots,
                trace=stored["trace"],
                states=list(under("state ").values()),
            )


def digest(group: Group, engine: str, asked: Asked) -> str:
    """A checkpoint fits only the very same work: same graph, data rows, seeds, rates, numbers and starts."""
    blueprint = group.blueprint
    work = (engine, keras.backend.backend(), asked, list(blueprint.objective.metrics), group.batch_size, group.seconds)
    settings = {
        key: value for key, value in group.optimizer.get_config().items() if key != "name"
    }  # Keras counts names
    shapes = [v.shape for v in blueprint.model.variables]
    found = hashlib.sha256(repr((work, shapes, settings, group.varying)).encode())
    for replica in group.replicas:
        own = (replica.condition, replica.seeds, sorted(replica.numbers.items()), replica.stop, replica.class_weight)
        own += (replica.begun,)
        found.update(repr(own).encode())
        found.update(replica.rates.tobytes())
        for part in (replica.split.train, replica.split.validation, replica.split.test):
            found.update(np.ascontiguousarray(part.indices).tobytes())
            for leaf in blueprint.labels(part.y):
                found.update(np.ascontiguousarray(leaf).tobytes())
        start = (*replica.start.weights, *replica.start.slots) if replica.start else ()
        for array in (*(replica.initial_weights or ()), *start, replica.split.sample_weight):
            if array is not None:
                found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
