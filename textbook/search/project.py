"""A search's folder: what each trial yielded, written whole, and the models of the best."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from textbook.search.oracles.files import differences, read_state, write_whole
from textbook.search.trials import Trained

_RECORD, _STATE, _WEIGHTS = "record.json", "state.npz", "checkpoint.weights.h5"


@dataclasses.dataclass(frozen=True)
class Record:
    """One trial as it is kept: all that its row and its curve need and keras-tuner does not keep.

    Attributes:
        status, score, best_epoch: the verdict; see `trials.judge`.
        curves: column → values by epoch, of all epochs from the first, also where it went on from another trial.
        engine, seconds, worker, seed, stage, error: as in the table.
    """

    status: str
    score: float
    best_epoch: int
    curves: dict[str, list]
    engine: str
    seconds: float
    worker: str
    seed: int
    stage: str
    error: str

    @property
    def epochs(self) -> int:
        """Trained, those of the trials that it went on from included."""
        return len(self.curves.get("epoch", ()))


class Project:
    """The folder of one search. Beside keras-tuner's oracle.json and trial.json it holds, for each trial, a record.json
    with its curve, for the best k trials checkpoint.weights.h5, and state.npz for those that may go on.

    Args:
        folder: made where it is not there.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def trial(self, trial_id: str) -> Path:
        """The folder of a trial."""
        place = self.folder / f"trial_{trial_id}"
        place.mkdir(exist_ok=True)
        return place

    def write(self, trial_id: str, record: Record) -> None:
        """Keep a record, whole or not at all."""
        write_whole(str(self.trial(trial_id) / _RECORD), dataclasses.asdict(record))

    def read(self, trial_id: str) -> Record | None:
        """The record of a trial, None where there is none.

        Raises: ValueError for a damaged file.
        """
        path = self.folder / f"trial_{trial_id}" / _RECORD
        if not path.exists():
            return None
        needs = tuple(field.name for field in dataclasses.fields(Record))
        return Record(**read_state(str(path), needs=needs, mend="deleting the trial's folder: it is then run again"))

    def others(self, known: Collection[str]) -> dict[str, Record]:
        """The records of all trials but those that are known already."""
        ids = [path.parent.name.removeprefix("trial_") for path in self.folder.glob(f"trial_*/{_RECORD}")]
        return {trial_id: self.read(trial_id) for trial_id in ids if trial_id not in known}

    def keep_model(self, trial_id: str, model) -> None:
        """Write a model's weights, whole or not at all."""
        place = self.trial(trial_id)
        partial = place / f"partial.{os.getpid()}.weights.h5"  # Keras wants this ending
        model.save_weights(partial)
        os.replace(partial, place / _WEIGHTS)

    def forget_models(self, trials: Iterable[str]) -> None:
        """Delete the weights of some trials, where there are any."""
        for trial_id in trials:
            # (another worker of the search may have been faster)
            (self.folder / f"trial_{trial_id}" / _WEIGHTS).unlink(missing_ok=True)

    def weights(self, trial_id: str) -> Path:
        """The file with a trial's weights.

        Raises: ValueError where none were kept.
        """
        path = self.folder / f"trial_{trial_id}" / _WEIGHTS
        if not path.exists():
            kept = sorted(path.parent.name.removeprefix("trial_") for path in self.folder.glob(f"trial_*/{_WEIGHTS}"))
            raise ValueError(
                f"expected a trial whose model was kept, one of {', '.join(kept) or '(none)'}, got {trial_id}; "
                "mend by a search with a larger keep="
            )
        return path

    def keep_state(self, trial_id: str, state) -> None:
        """Keep what a trial needs to go on."""
        state.save(self.trial(trial_id) / _STATE)

    def state(self, trial_id: str) -> Path:
        """The file that `keep_state` writes."""
        return self.folder / f"trial_{trial_id}" / _STATE


def curves_of(trained: Trained, before: Record | None) -> pd.DataFrame:
    """A trial's curve from its first epoch, with the epochs of the trial that it went on from in front."""
    if before is None or trained.curves.empty or trained.curves["epoch"].iloc[0] == 1:
        return trained.curves
    return pd.concat([pd.DataFrame(before.curves), trained.curves], ignore_index=True)


def described(split, *, epochs: int, batch_size) -> dict:
    """What a search must keep when it goes on, beside its oracle's arguments: epochs, batch size and data."""
    digest = hashlib.sha256()
    parts = (split.rows, split.x, split.y, split.sample_weight, split.offset, split.scale)
    for part in parts:
        for array in (np.asarray(leaf) for leaf in keras.tree.flatten(part)):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(
                np.ascontiguousarray(array).tobytes() if array.dtype != object else repr(array.tolist()).encode()
            )
    digest.update(repr((split.label_noise, split.classes, split.seed if split.label_noise else 0)).encode())
    return {"epochs": epochs, "batch_size": batch_size, "data": digest.hexdigest()}


def settings_differ(folder: Path, settings: dict) -> list[str]:
    """What of a search's own settings is other than in the folder; writes them where there are none yet."""
    path = Path(folder) / "search.json"
    settings = json.loads(json.dumps(settings))
    if not path.exists():
        write_whole(str(path), settings)
        return []
    old = read_state(str(path), needs=(), mend="a copy of this file, or by another project folder")
    return differences(old, settings)
