"""From coarse to fine: linked searches, each in ranges that the last one left, few epochs first."""

import inspect
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras_tuner
import pandas as pd

from textbook import seeding
from textbook.replicas.condition import check_count
from textbook.search.discovery import discovered
from textbook.search.distributed import Place, refuse_folder
from textbook.search.narrowing import check_narrowing, narrowed
from textbook.search.result import SearchResult
from textbook.search.search import random_search


@dataclass(frozen=True)
class Stage:
    """One of several linked searches.

    Attributes:
        trials: how many.
        epochs: of each trial.
    """

    trials: int
    epochs: int

    def __post_init__(self):
        for name, number in (("trials", self.trials), ("epochs", self.epochs)):
            if number is None:
                raise ValueError(f"expected {name} of a stage as a whole number from 1 up, got None")
            check_count(number, f"{name} of a stage")


def default_stages(number: int) -> tuple[Stage, ...]:
    """Half as many trials from stage to stage, down to 8, and four times as many epochs.

    >>> [(stage.trials, stage.epochs) for stage in default_stages(3)]
    [(32, 2), (16, 8), (8, 32)]
    """
    return tuple(Stage(trials=max(8, 32 >> i), epochs=2 * 4**i) for i in range(number))


def coarse_to_fine(
    build,
    splits,
    space: keras_tuner.HyperParameters | None = None,
    *,
    stages: int | Sequence[Stage] = 3,
    seed: int = 0,
    objective="val_loss",
    search: Callable = random_search,
    shrink: float = 1 / 3,
    limits: Mapping[str, tuple[float, float]] | None = None,
    directory=None,
    overwrite: bool = False,
    **settings,
) -> "CoarseToFine":
    """Linked searches: after each one its ranges shrink around the best, or shift where the best lies at an open edge.

    What the next stage searches is decided as `textbook.search.narrowing.narrowed` says. Few epochs favour large
    learning rates: that is why a later stage can shift a range again. Scores of stages with different epochs do not
    compare, and no trial is carried into the next stage; the best of all is the best of the last stage.

    Args:
        build, splits, seed, objective: as for `random_search`. Each stage draws from a seed of its own, made of `seed`
            and the stage's name.
        space: ranges to begin with, which go before the builder's own of the same names.
        stages: a `Stage(trials=…, epochs=…)` for each, or how many, see `default_stages`.
        search: `random_search`, `sobol_search`, `bayesian_search`, `grid_search`, or a function with their arguments,
            such as `functools.partial(bayesian_search, initial=4)`. Not `hyperband`, which has stages of its own.
        shrink: the smallest share of a range that a stage leaves of it, on the scale on which it was sampled.
        limits: hyperparameter → (lowest, highest possible value), which no shift passes: `{"dropout": (0, 0.9)}`.
        directory: a folder with a project for each stage: stage-1, stage-2, …. Called again on it, finished stages are
            read, and the unfinished one goes on; None is a temporary folder for each stage.
        overwrite: delete the stages in the directory.
        settings: further ones of `random_search`: batch_size, keep, wave, engine.

    Raises: ValueError for a bad argument, or a directory that belongs to another search; RuntimeError if all trials of
        a stage failed.

    >>> import keras
    >>> import numpy as np
    >>> from textbook import splits
    >>> def build(hp):
    ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    ...     model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-4, 1.0, sampling="log")), "mse")
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(60, 3))
    >>> part = splits.split((x, x.sum(axis=1)), seed=0, sizes=(40, 15, 5))
    >>> found = coarse_to_fine(build, part, stages=[Stage(trials=8, epochs=1), Stage(trials=4, epochs=2)])
    >>> found.table.groupby("stage").size().to_dict(), found.best().stage[0]
    ({'stage-1': 8, 'stage-2': 4}, 'stage-2')
    """
    plan = _plan(stages)
    _check_search(search, settings)
    build = build.build if isinstance(build, keras_tuner.HyperModel) else build
    check_narrowing(discovered(build, space), shrink, limits or {})
    folder = _folder(directory, overwrite)
    results, decisions = [], []
    for i, stage in enumerate(plan):
        name = f"stage-{i + 1}"
        place = {"directory": folder and folder / name, "stage": name, "space": space}
        own = {"seed": seeding.word(seed, name), "trials": stage.trials, "epochs": stage.epochs}
        try:
            result = search(build, splits, objective=objective, **own, **place, **settings)
        except Exception as error:
            error.add_note(f"in {name} of {len(plan)}")
            raise
        better = {"lower_is_better": result.lower_is_better}
        space, decided = narrowed(result.space, result.table, shrink=shrink, limits=limits, **better)
        decided.insert(0, "stage", name)
        results.append(result)
        decisions.append(decided)
    rows = [row for decided in decisions for row in decided.to_dict("records")]
    return CoarseToFine(tuple(results), plan, pd.DataFrame(rows, columns=decisions[0].columns), space)


@dataclass(frozen=True, eq=False, repr=False)
class CoarseToFine:
    """What linked searches found.

    Attributes:
        stages: a `SearchResult` for each.
        plan: a `Stage` for each.
        decisions: a row per stage and hyperparameter, what the trials of this stage decided: `stage`,
            `hyperparameter`, `when` (its conditions), `trials` (completed, where it was active), `best` (of them),
            `low`, `high`, `next_low`, `next_high` (NaN for lists), `values`, `next_values` (None for ranges), `why`.
            Those of the last stage are for a further one.
        next_space: `keras_tuner.HyperParameters` for a further stage.
    """

    stages: tuple[SearchResult, ...]
    plan: tuple[Stage, ...]
    decisions: pd.DataFrame
    next_space: keras_tuner.HyperParameters

    @cached_property
    def table(self) -> pd.DataFrame:
        """The trials of all stages, as in `SearchResult.table`; `stage` and `trial` together name one.

        Scores compare only where the epochs are the same.
        """
        # a later stage may have discovered more hyperparameters
        longest = max((result.table.columns for result in self.stages), key=len)
        rows = [row for result in self.stages for row in result.table.to_dict("records")]
        return pd.DataFrame(rows, columns=longest)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The curves of all stages, as in `SearchResult.curves`, with `stage` in front."""
        named = [result.curves.assign(stage=f"stage-{i + 1}") for i, result in enumerate(self.stages)]
        curves = pd.concat(named, ignore_index=True)
        return curves[["stage", *curves.columns.drop("stage")]]

    def best(self, n: int = 1) -> pd.DataFrame:
        """The n best completed trials of the last stage and of earlier ones with as many epochs, best first.

        Raises: ValueError unless n is a whole number from 1 up.
        """
        rows = [row for result in self._comparable for row in result.best(n).to_dict("records")]
        lower = self.stages[-1].lower_is_better
        return pd.DataFrame(sorted(rows, key=lambda row: row["score"] if lower else -row["score"])[:n])

    @property
    def best_stage(self) -> SearchResult:
        """The stage with the best trial: its `best_hyperparameters()`, `best_model()`, `retrained()`, …."""
        return self.stages[int(self.best().loc[0, "stage"].removeprefix("stage-")) - 1]

    def plot(self):
        """A Figure with a panel for each hyperparameter: the range of each stage as a bar, its trials as dots."""
        from textbook.search.funnel import funnel

        return funnel(self.stages, [f"{stage.trials} × {stage.epochs}" for stage in self.plan])

    def __repr__(self) -> str:
        trials = ", ".join(f"{len(result.table)} × {stage.epochs}" for result, stage in self._staged)
        return f"CoarseToFine({trials} trials × epochs; {self.best_stage!r})"

    @property
    def _staged(self) -> list[tuple[SearchResult, Stage]]:
        return list(zip(self.stages, self.plan, strict=True))

    @property
    def _comparable(self) -> list[SearchResult]:
        return [result for result, stage in self._staged if stage.epochs == self.plan[-1].epochs]


def _plan(stages) -> tuple[Stage, ...]:
    if isinstance(stages, int):
        if isinstance(stages, bool) or stages < 1:
            raise ValueError(f"expected stages as a number from 1 up, got {stages!r}; mend for instance by 3")
        return default_stages(stages)
    plan = tuple(stages)
    wrong = [stage for stage in plan if not isinstance(stage, Stage)]
    if not plan or wrong:
        raise ValueError(
            f"expected stages as a number or a list of Stage, got {wrong[0] if wrong else 'none'!r}; mend for instance "
            "by [Stage(trials=32, epochs=2), Stage(trials=16, epochs=8)]"
        )
    return plan


def _check_search(search: Callable, settings: Mapping) -> None:
    if "trials" not in inspect.signature(search).parameters:
        raise ValueError(
            f"expected a search that takes trials, got {getattr(search, '__name__', search)!r}; mend by random_search, "
            "sobol_search, bayesian_search or grid_search"
        )
    staged = sorted({"trials", "epochs", "stage"} & settings.keys())
    if staged:
        raise ValueError(f"expected {staged[0]} in each Stage, got {staged[0]}={settings[staged[0]]!r} beside them")


def _folder(directory, overwrite: bool) -> Path | None:
    if Place.here() is not None and (overwrite or directory is None):
        refuse_folder(directory)
    if directory is None:
        return None
    folder = Path(directory)
    if folder.exists() and any(folder.iterdir()) and not (folder / "stage-1").exists():
        raise ValueError(
            f"expected directory as a new or empty folder, or one with stage-1 in it, got {folder} with "
            f"{next(folder.iterdir()).name} in it; mend by another directory"
        )
    if overwrite:
        # the last one first: what is left after a kill still begins with stage-1
        for project in sorted(folder.glob("stage-*/search.json"), reverse=True):
            shutil.rmtree(project.parent)
    return folder
