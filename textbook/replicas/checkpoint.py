"""Finished groups on disk, so that a killed training goes on where it stopped."""

import os
from pathlib import Path

import numpy as np

from textbook.replicas.outcome import Outcome


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
        with open(partial, "wb") as file:
            np.savez(
                file, digest=digest, metrics=np.array(outcome.metrics, dtype=str),
                **{f"column {name}": values for name, values in outcome.columns.items()},
                **{f"weight {i:05}": values for i, values in enumerate(outcome.weights)},
            )  # fmt: skip
        os.replace(partial, self._path(number))

    def load(self, number: int, digest: str) -> Outcome | None:
        """The outcome of a group if this very work was finished before, else None."""
        if self._folder is None or not self._path(number).exists():
            return None
        with np.load(self._path(number), allow_pickle=False) as stored:
            if str(stored["digest"]) != digest:
                return None
            columns = {n.removeprefix("column "): stored[n] for n in stored.files if n.startswith("column ")}
            weights = [stored[n] for n in sorted(stored.files) if n.startswith("weight ")]
            return Outcome(columns, [str(m) for m in stored["metrics"]], weights)
