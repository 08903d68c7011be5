"""keras-tuner's tuners with its own calls, on our oracles: seeded, resumable, and stacked where the data are arrays."""

from pathlib import Path

import keras
import keras_tuner
import numpy as np

from textbook import seeding, splits
from textbook.search.discovery import discovered
from textbook.search.oracles import BayesianOracle, GridOracle, HyperbandOracle, RandomOracle, SobolOracle
from textbook.search.project import described, settings_differ
from textbook.search.result import SearchResult
from textbook.search.runner import Runner, Settings
from textbook.search.trials import seed_of

_LAST = "last.weights.h5"


class Tuner(keras_tuner.Tuner):
    """A `keras_tuner.Tuner` whose trial k is trained from a seed that depends on (oracle's seed, k) alone.

    `search` takes what keras-tuner's takes. Arrays with validation data are trained as stacks, and `result()` then has
    tables and plots; anything else, such as datasets or callbacks, goes through keras-tuner's own loop, one by one.

    Args:
        oracle: one of `textbook.search.oracles`.
        hypermodel: a builder or a `keras_tuner.HyperModel`.
        keep: of the stacked trials, so many of the best keep their models.
        options: keras-tuner's `directory`, `project_name`, `overwrite`, `max_model_size`, ….
    """

    def __init__(self, oracle, hypermodel=None, *, keep: int = 1, **options):
        self._keep, self._runner = keep, None
        self._changed = sorted({"loss", "optimizer", "metrics", "max_model_size"} & options.keys())
        given = oracle.get_space()
        super().__init__(oracle, hypermodel, **options)
        # while a folder is reloaded the space is the folder's; the builder's present one has to be the same
        oracle = getattr(self.oracle, "_oracle", self.oracle)
        if oracle.trials:
            oracle.refuse_other_space(discovered(self.hypermodel.build, given))

    def _populate_initial_space(self) -> None:
        # keras-tuner's hook: its own way finds no hyperparameters that are declared in a loop or behind an `if`
        self.oracle.update_space(discovered(self.hypermodel.build, self.oracle.get_space()))

    def search(self, x=None, y=None, *, validation_data=None, **fit) -> None:
        """Run all trials.

        Args:
            x, y, validation_data, fit: as of `model.fit`. With NumPy arrays as x, y and validation_data, and nothing
                else but epochs, batch_size and verbose, trials are stacked.

        Raises: ValueError for an objective of the validation without validation data, and for a folder of a search
            with other data, epochs or batches.
        """
        if self._objective().startswith("val_") and validation_data is None and not fit.get("validation_split"):
            raise ValueError(
                f"expected validation data for the objective {self._objective()!r}, got none; mend by validation_data="
            )
        self._obstacle = self._why_not_stacked(y, validation_data, fit)
        if self._obstacle:
            given = {"x": x, "y": y, "validation_data": validation_data}
            super().search(**{name: value for name, value in given.items() if value is not None}, **fit)
            return
        epochs, batch_size = fit.get("epochs", 1), fit.get("batch_size") or 32
        settings = Settings(epochs=epochs, batch_size=batch_size, keep=self._keep)
        split = _split((x, y), validation_data)
        found = settings_differ(Path(self.project_dir), described(split, epochs=epochs, batch_size=batch_size))
        if found:
            raise ValueError(
                f"expected the search that {self.project_dir} belongs to, got another one: {'; '.join(found)}; mend by "
                "the earlier settings, or by overwrite=True"
            )
        self._runner = Runner(
            self.hypermodel.build, split, self.oracle, settings, Path(self.project_dir), goes_on=self._goes_on
        )
        self._runner.run()
        self.save()

    def result(self) -> SearchResult:
        """Tables, curves and plots of a search whose trials were stacked.

        Raises: ValueError before such a search.
        """
        if self._runner is None:
            raise ValueError(
                f"expected a search whose trials were stacked, got {self._obstacle}; mend by search(x, y, "
                "validation_data=(x, y)) without it, or read keras-tuner's own results_summary()"
            )
        return self._runner.result()

    def load_model(self, trial):
        """The trained model of a trial, compiled; see `get_best_models`."""
        return super().load_model(trial) if self._runner is None else self._runner.model(int(trial.trial_id))

    _goes_on = False

    def run_trial(self, trial, *args, **kwargs):
        """keras-tuner's, seeded."""
        keras.utils.set_random_seed(seeding.word(seed_of(self._seed(), int(trial.trial_id)), "weights"))
        return super().run_trial(trial, *args, **kwargs)

    def _seed(self) -> int:
        return getattr(self.oracle, "_oracle", self.oracle).seed

    _obstacle = "none so far"

    def _objective(self) -> str:
        return getattr(self.oracle.objective, "name", "")

    def _why_not_stacked(self, y, validation_data, fit: dict) -> str:
        """What keras-tuner's own loop is needed for, or ""."""
        if y is None or not (isinstance(validation_data, tuple) and len(validation_data) == 2):
            return "data that are no arrays, or no validation_data"
        others = sorted(fit.keys() - {"epochs", "batch_size", "verbose"})
        if others or self._changed:
            return f"{', '.join([*others, *self._changed])}="
        if type(self.hypermodel).fit is not keras_tuner.HyperModel.fit:
            return "a HyperModel with a fit of its own"
        if type(self).run_trial not in (Tuner.run_trial, Hyperband.run_trial):
            return "a run_trial of its own"
        if self.executions_per_trial != 1:
            return f"executions_per_trial={self.executions_per_trial}"
        alone = self.distribution_strategy is None and not hasattr(self.oracle, "_oracle")
        return "" if alone else "a search in several places"


class RandomSearch(Tuner):
    """`keras_tuner.RandomSearch`.

    Args:
        hypermodel, options: as of `Tuner`.
        objective, max_trials, seed, hyperparameters: as of keras-tuner's.
    """

    def __init__(
        self,
        hypermodel=None,
        objective="val_loss",
        max_trials: int = 10,
        seed: int = 0,
        hyperparameters=None,
        **options,
    ):
        super().__init__(RandomOracle(hyperparameters, objective, trials=max_trials, seed=seed), hypermodel, **options)


class SobolSearch(Tuner):
    """The same with quasi-random trials; see `sobol_search`."""

    def __init__(
        self,
        hypermodel=None,
        objective="val_loss",
        max_trials: int = 16,
        seed: int = 0,
        hyperparameters=None,
        **options,
    ):
        super().__init__(SobolOracle(hyperparameters, objective, trials=max_trials, seed=seed), hypermodel, **options)


class GridSearch(Tuner):
    """`keras_tuner.GridSearch`; None as `max_trials` is the whole grid."""

    def __init__(
        self, hypermodel=None, objective="val_loss", max_trials: int | None = None, seed: int = 0, hyperparameters=None,
        **options,
    ):  # fmt: skip
        super().__init__(GridOracle(hyperparameters, objective, trials=max_trials, seed=seed), hypermodel, **options)


class BayesianOptimization(Tuner):
    """`keras_tuner.BayesianOptimization`."""

    def __init__(
        self, hypermodel=None, objective="val_loss", max_trials: int = 16, num_initial_points: int | None = None,
        alpha: float = 1e-4, beta: float = 2.6, seed: int = 0, hyperparameters=None, **options,
    ):  # fmt: skip
        oracle = BayesianOracle(
            hyperparameters, objective, trials=max_trials, seed=seed, num_initial_points=num_initial_points,
            alpha=alpha, beta=beta,
        )  # fmt: skip
        super().__init__(oracle, hypermodel, **options)


class Hyperband(Tuner):
    """`keras_tuner.Hyperband`, with the paper's sizes; a promoted trial goes on with weights and optimizer state."""

    _goes_on = True

    def __init__(
        self, hypermodel=None, objective="val_loss", max_epochs: int = 27, factor: int = 3,
        hyperband_iterations: int = 1, seed: int = 0, hyperparameters=None, **options,
    ):  # fmt: skip
        oracle = HyperbandOracle(
            hyperparameters, objective, max_epochs=max_epochs, factor=factor, iterations=hyperband_iterations, seed=seed
        )
        super().__init__(oracle, hypermodel, **options)

    def run_trial(self, trial, *args, **kwargs):
        """Trains from the epoch of the trial that it goes on from to the end of the round, whatever `epochs` says."""
        values = trial.hyperparameters.values
        kwargs |= {"epochs": values["tuner/epochs"], "initial_epoch": values["tuner/initial_epoch"]}
        last = _KeepLast(str(Path(self.get_trial_dir(trial.trial_id)) / _LAST))
        kwargs["callbacks"] = [*kwargs.get("callbacks", ()), last]
        return super().run_trial(trial, *args, **kwargs)

    def _build_hypermodel(self, hp):
        model = super()._build_hypermodel(hp)
        parent = hp.values.get("tuner/trial_id")
        if parent is not None:
            model.optimizer.build(model.trainable_variables)  # or its state would not be read
            model.load_weights(Path(self.get_trial_dir(parent)) / _LAST)
        return model


class _KeepLast(keras.callbacks.Callback):
    """Saves weights and optimizer state after the last epoch; keras-tuner itself keeps the best epoch's weights."""

    def __init__(self, path: str):
        super().__init__()
        self._path = path

    def on_train_end(self, logs=None):
        self.model.save_weights(self._path)


def _split(train: tuple, validation: tuple) -> splits.Split:
    """Training and validation data as one split without a test part."""
    x, y = (
        keras.tree.map_structure(lambda *leaves: np.concatenate([np.asarray(leaf) for leaf in leaves]), *pair)
        for pair in zip(train, validation, strict=True)
    )
    counts = [len(keras.tree.flatten(part)[0]) for part in (train[1], validation[1])]
    rows = np.arange(sum(counts))
    none = rows[:0]
    return splits.Splitter((x, y)).with_rows((rows[: counts[0]], rows[counts[0] :], none), seed=0)
