"""A search on disk: oracle.json and a trial.json for each trial, and how a search that was killed goes on from them."""

import contextlib
import json
import os

import keras_tuner

from textbook.search.oracles import files

_TRIAL_FIELDS = ("trial_id", "hyperparameters", "metrics", "score", "best_step", "status", "message")


class Resumable:
    """The half of `Mended` that writes and reads the state; oracle.json is the truth, trial files are its details."""

    # arguments that may be raised when a search goes on
    _GROWING: tuple[str, ...] = ("trials",)

    def _start_saving(self, space) -> None:
        self._directory = self._project_name = None
        self._declared = None if space is None else json.loads(json.dumps(space.get_config()["space"]))
        self._saves_held, self._save_due = 0, False

    @contextlib.contextmanager
    def batched(self):
        """Write oracle.json once at the end instead of after every call: for asking and ending whole waves.

        A kill inside loses nothing: trials that oracle.json does not know are proposed again, and are the same.
        """
        self._saves_held += 1
        try:
            yield self
        finally:
            self._saves_held -= 1
            if self._save_due and not self._saves_held:
                self.save()

    def get_state(self) -> dict:
        """What oracle.json holds: keras-tuner's state, the arguments and space of the search, each trial's values."""
        values = {trial_id: self.trials[trial_id].hyperparameters.values for trial_id in self.start_order}
        mine = {"arguments": self.arguments(), "declared": self._declared, "values": values}
        return {**super().get_state(), **mine}

    def save(self) -> None:
        """Write oracle.json, whole or not at all."""
        with self._alone():
            self._save_due = bool(self._saves_held)
            if self._directory is not None and not self._saves_held:
                files.write_whole(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial) -> None:
        if self._directory is not None:
            path = os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")
            files.write_whole(path, trial.get_state())

    def reload(self) -> None:
        """Go on with the search in the project folder; trials that had not ended are handed out again first.

        Raises: ValueError for a damaged file, a folder of another kind of search, or a changed space or argument, with
        each difference. FileNotFoundError where there is no search yet.
        """
        with self._alone():
            path = self._get_oracle_fname()
            state = files.read_state(
                path,
                needs=("arguments", "declared", "values", "start_order", "end_order", "hyperparameters"),
                mend="a copy of this file, or by another project folder for a new search",
            )
            self._refuse(path, state)
            self.trials = {trial_id: self._load_trial(trial_id, state) for trial_id in state["start_order"]}
            ended = set(state["end_order"])
            self.set_state({**state, "ongoing_trials": {}})
            self._retry_queue = [trial_id for trial_id in state["start_order"] if trial_id not in ended]

    def _load_trial(self, trial_id: str, state: dict):
        path = os.path.join(self._get_trial_dir(trial_id), "trial.json")
        if not os.path.exists(path):
            # deleted, for instance because it was damaged: the same values are tried once more
            if trial_id in state["end_order"]:
                state["end_order"].remove(trial_id)
            space = keras_tuner.HyperParameters.from_config(json.loads(json.dumps(state["hyperparameters"])))
            space.values = dict(state["values"][trial_id])
            return keras_tuner.engine.trial.Trial(space, trial_id=trial_id)
        mend = "deleting it (this trial alone is then run again) or by a copy"
        return keras_tuner.engine.trial.Trial.from_state(files.read_state(path, needs=_TRIAL_FIELDS, mend=mend))

    def _refuse(self, path: str, state: dict) -> None:
        old, new = dict(state["arguments"]), json.loads(json.dumps(self.arguments()))
        for name in self._GROWING:
            if old.get("oracle") != new["oracle"] or name not in new:
                continue
            before, now = old.pop(name, None), new.pop(name)
            started = len(state["start_order"])
            least = started if name == "trials" else before
            if now is not None and least is not None and now < least:
                raise ValueError(
                    f"expected at least the {least} {name} that the search in {path} has begun, got {now}; mend by "
                    "raising the number or by another project folder"
                )
        found = files.differences(old, new)
        if self._declared is not None:
            known, grown = state["declared"], state["declared"] is None
            known = state["hyperparameters"]["space"] if grown else known
            found += files.space_differences(known, self._declared, grown=grown)
        self._raise_differences(path, found)

    def refuse_other_space(self, space) -> None:
        """Refuse a builder's space that is not the one of this search, after a `reload`.

        For a search whose space was discovered by its tuner, which a reload alone cannot compare.

        Raises: ValueError with each difference.
        """
        known = self.hyperparameters.get_config()["space"]
        self._raise_differences(
            self._get_oracle_fname(), files.space_differences(known, space.get_config()["space"], grown=True)
        )

    @staticmethod
    def _raise_differences(path: str, found: list[str]) -> None:
        if found:
            raise ValueError(
                f"expected the search that {path} belongs to, got another one: {'; '.join(found)}; nothing was "
                "changed; mend by the earlier settings or by another project folder"
            )
