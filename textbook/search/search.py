"""The searches: each takes a keras-tuner builder and a split, and returns a `SearchResult`."""

import dataclasses
import difflib
import inspect
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path

import keras
import keras_tuner

from textbook.replicas.condition import check_count
from textbook.search.builders import Compiled
from textbook.search.discovery import discovered
from textbook.search.distributed import Place, refuse_folder, take_part
from textbook.search.oracles import (
    BayesianOracle,
    GridOracle,
    HyperbandOracle,
    RandomOracle,
    SobolOracle,
    cost,
)
from textbook.search.project import described, settings_differ
from textbook.search.result import SearchResult
from textbook.search.runner import Runner, Settings
from textbook.splits import Split

_OURS = "search.json"


def random_search(build, splits, *, trials: int, seed: int = 0, objective="val_loss", **settings) -> SearchResult:
    """Trials whose hyperparameters are drawn independently, trained at once where their networks share a graph.

    Args:
        build: a keras-tuner model builder, hp → compiled Keras model, or a `keras_tuner.HyperModel` with a `build`.
        splits: a `textbook.splits.Split`. Trials train on its training part and are scored on its validation part; its
            test part is not looked at.
        trials: how many.
        seed: of the search. Trial k's values and its training depend on (seed, k) alone, so the same seed gives the
            same table, whatever the wave, and after a resume.
        objective: a column of the curves, such as "val_loss" or "val_accuracy", or a `keras_tuner.Objective`. A trial's
            score is its best value over the epochs; one that ends at NaN has none.
        settings: the arguments of every search:
            epochs: of each trial, default 10.
            batch_size: samples, or the name of a hyperparameter that the builder declares; default 32.
            space: `keras_tuner.HyperParameters` that go before the builder's own of the same names, such as narrower
                ranges.
            directory: the project's folder. A search that is called again on it goes on where it was left, or returns
                what it had found. None is a temporary folder, which goes with the result. Another range, argument or
                data set is refused; a builder that was changed in any other way is not seen.
            overwrite: delete what a search left in the directory.
            keep: so many best trials keep their models; default 1.
            wave: trials trained at once, at most; by default all that the search can name, as many as fit into memory.
            engine: "replicas", or "fit" for `model.fit` one by one.
            progress: say on stderr how far it is; None does so on a terminal.
            stage: a word for the table's column of this name, which linked searches fill.

    Raises: ValueError for a bad argument, or a directory that belongs to another search; RuntimeError if all trials
        failed.
    Source: Bergstra & Bengio, "Random search for hyper-parameter optimization" (JMLR 2012).

    >>> import keras, numpy as np
    >>> from textbook import splits
    >>> def build(hp):
    ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    ...     model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-4, 1.0, sampling="log")), "mse")
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(60, 3))
    >>> part = splits.split((x, x.sum(axis=1)), seed=0, sizes=(40, 15, 5))
    >>> found = random_search(build, part, trials=8, seed=0, epochs=2)
    >>> list(found.best().columns[:6]), len(found.curves)
    (['trial', 'status', 'score', 'best_epoch', 'epochs', 'rate'], 16)
    """
    return _run(
        build,
        splits,
        lambda space: RandomOracle(space, objective, trials=trials, seed=seed),
        **_checked(settings, "trials seed objective"),
    )


def sobol_search(build, splits, *, trials: int, seed: int = 0, objective="val_loss", **settings) -> SearchResult:
    """Quasi-random search: trial k has point k of a scrambled Sobol sequence, which fills the space more evenly.

    Args:
        build, splits, trials, seed, objective, settings: as for `random_search`; a power of two is a good number.

    Source: Bergstra & Bengio (2012), section 2.4; Owen, "Scrambling Sobol' and Niederreiter–Xing points" (1998).
    """
    return _run(
        build,
        splits,
        lambda space: SobolOracle(space, objective, trials=trials, seed=seed),
        **_checked(settings, "trials seed objective"),
    )


def grid_search(
    build, splits, *, trials: int | None = None, points: int = 10, seed: int = 0, objective="val_loss", **settings
) -> SearchResult:
    """Every combination of the hyperparameters' values.

    Args:
        build, splits, seed, objective, settings: as for `random_search`.
        trials: at most; None for all combinations.
        points: values of a hyperparameter whose range has no step, evenly spaced on its scale.
    """
    return _run(
        build,
        splits,
        lambda space: GridOracle(space, objective, trials=trials, points=points, seed=seed),
        **_checked(settings, "trials points seed objective"),
    )


def bayesian_search(
    build, splits, *, trials: int, seed: int = 0, objective="val_loss", initial: int | None = None, **settings
) -> SearchResult:
    """Trials where a Gaussian process, fitted to the scores so far, expects most: keras-tuner's Bayesian optimization.

    A trial depends on the scores that were known when it was asked for, so here `wave` changes the result: the first
    trials are drawn at random in one wave, later ones four at a time unless told otherwise.

    Args:
        build, splits, trials, seed, objective, settings: as for `random_search`.
        initial: trials drawn at random; None is three times the number of hyperparameters.
    """
    wave = {"wave": settings["wave"]} if settings.get("wave") else {}
    return _run(
        build, splits,
        lambda space: BayesianOracle(space, objective, trials=trials, seed=seed, num_initial_points=initial, **wave),
        **_checked(settings, "trials initial seed objective"),
    )  # fmt: skip


def hyperband(
    build, splits, *, max_epochs: int = 27, factor: int = 3, iterations: int = 1, seed: int = 0, objective="val_loss",
    verbose: bool = True, **settings,
) -> SearchResult:  # fmt: skip
    """Many trials for few epochs, of which the best go on: with their weights, their optimizer's state and their place
    in the data order, so that a promoted trial is what it would have been without the halt.

    What it will cost is said on stderr before it starts. A trial that is promoted gets a row for each round; `parent`
    says which row it went on from, and its score is the best of all its epochs. Models that are kept are those of the
    last epoch.

    Args:
        build, splits, seed, objective, settings: as for `random_search`, without `epochs`.
        max_epochs: of the longest trials.
        factor: one trial in so many goes on.
        iterations: how often all brackets are run.
        verbose: say the cost.

    Source: Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization" (JMLR 2018).
    """
    if "epochs" in settings:
        raise ValueError(f"expected max_epochs for Hyperband, got epochs={settings['epochs']!r}; mend by max_epochs=27")
    _checked(settings, "max_epochs factor iterations seed objective verbose")
    trials, epochs = cost(max_epochs, factor, iterations)
    if verbose:
        print(f"Hyperband: {trials} trials, {epochs} epochs in all", file=sys.stderr)
    return _run(
        build, splits,
        lambda space: HyperbandOracle(
            space, objective, max_epochs=max_epochs, factor=factor, iterations=iterations, seed=seed
        ),
        epochs=max_epochs, goes_on=True, **settings,
    )  # fmt: skip


def _run(
    build, split, make_oracle: Callable, *, epochs: int = 10, batch_size: int | str = 32,
    space: keras_tuner.HyperParameters | None = None, directory=None, overwrite: bool = False, keep: int = 1,
    wave: int | None = None, engine: str | None = None, progress: bool | None = None, goes_on: bool = False,
    stage: str = "",
) -> SearchResult:  # fmt: skip
    """Run a search with the oracle that `make_oracle(space)` makes, or go on with the one in the directory."""
    for name, number in (("epochs", epochs), ("keep", keep), ("wave", wave)):
        check_count(number, name)
    if not isinstance(batch_size, str):
        check_count(batch_size, "batch_size")
    build = _builder(build)
    _check_split(split)
    settings = Settings(epochs=epochs, batch_size=batch_size, keep=keep, wave=wave, engine=engine, stage=stage)
    settings = dataclasses.replace(settings, progress=sys.stderr.isatty() if progress is None else progress)
    found = discovered(build, space, check=Compiled.of)
    _check_batch_size(batch_size, found)
    oracle = make_oracle(found)
    now, place, temporary = described(split, epochs=epochs, batch_size=batch_size), Place.here(), False

    def open_folder() -> tuple[Path, bool]:
        return _opened(oracle, directory, overwrite, now, alone=place is None)

    def runner_in(folder: Path, asked=oracle, **changes) -> Runner:
        return Runner(build, split, asked, dataclasses.replace(settings, **changes), folder, goes_on=goes_on)

    if place is None:
        folder, temporary = open_folder()
        runner = runner_in(folder)
        if temporary:  # models are read from it as long as anybody has the runner
            weakref.finalize(runner, shutil.rmtree, folder, ignore_errors=True)
        runner.run()
    else:
        if overwrite or directory is None:
            refuse_folder(directory)
        runner = take_part(place, oracle, Path(directory), now, wave=wave, open_folder=open_folder, runner_in=runner_in)
    return runner.result()


def _checked(settings: dict, own: str) -> dict:
    """The settings of a search, if they are any.

    Raises: ValueError for another argument, with the one that may have been meant.
    """
    known = [
        name for name in inspect.signature(_run).parameters if name not in ("build", "split", "make_oracle", "goes_on")
    ]
    for name in settings:
        if name not in known:
            meant = {"max_trials": "trials", "n_trials": "trials", "project_name": "directory", "verbose": "progress"}
            close = meant.get(name) or next(iter(difflib.get_close_matches(name, [*known, *own.split()])), None)
            raise ValueError(
                f"expected arguments among {', '.join([*own.split(), *known[:-1]])}, got {name!r}"
                + (
                    f"; mend by {close}="
                    if close
                    else "; a search trains itself: what fit takes beside these is not used"
                )
            )
    return settings


def _builder(build) -> Callable:
    if not isinstance(build, keras_tuner.HyperModel):
        if isinstance(build, keras.Model) or not callable(build):
            raise ValueError(
                f"expected build as a function hp → compiled model, got {type(build).__name__}; mend by wrapping what "
                "makes the model in a function"
            )
        return build
    if type(build).fit is not keras_tuner.HyperModel.fit:
        raise ValueError(
            f"expected a HyperModel whose fit is keras-tuner's, got {type(build).__name__} with a fit of its own, "
            "which a stack would not call; mend by textbook.search.tuners, which calls it one by one, or by batch_size="
        )
    return build.build


def _check_split(split) -> None:
    if not isinstance(split, Split):
        got = "a Splitter" if callable(split) else type(split).__name__
        raise ValueError(
            f"expected splits as a textbook.splits.Split, got {got}; mend by "
            + ("calling it with a seed, splitter(0)" if callable(split) else "splits.split((x, y), seed=0)")
        )


def _check_batch_size(batch_size, space) -> None:
    if not isinstance(batch_size, str):
        return
    own = [one for one in space.space if one.name == batch_size]
    whole = [isinstance(value, int) for one in own for value in one.values]
    if not own or any(one.conditions for one in own) or not all(whole):
        raise ValueError(
            f"expected batch_size as a number, or as a hyperparameter of every trial with whole numbers, got "
            f"{batch_size!r}; the builder has {', '.join(one.name for one in space.space)}; mend for instance by "
            f"hp.Choice({batch_size!r}, [32, 128]) outside of conditional scopes"
        )


def _opened(oracle, directory, overwrite: bool, now: dict, *, alone: bool) -> tuple[Path, bool]:
    """(the project's folder, whether it is a temporary one); the oracle knows what is in it.

    Raises: ValueError where that is another search, or anything else.
    """
    folder, temporary = _folder(directory, overwrite)
    if alone and not any(folder.glob("trial_*/record.json")):
        # nothing has been trained there: what was mistaken in the first call may be mended in the second
        for path in (*folder.glob("*.json"), *folder.glob("trial_*/trial.json")):
            path.unlink()
    oracle._set_project_dir(str(folder.parent), folder.name)
    differences = settings_differ(folder, now)
    if differences:
        raise ValueError(
            f"expected the search that {folder} belongs to, got another one: {'; '.join(differences)}; nothing was "
            "changed; mend by the earlier settings, another directory, or overwrite=True"
        )
    if (folder / "oracle.json").exists():
        oracle.reload()
    return folder, temporary


def _folder(directory, overwrite: bool) -> tuple[Path, bool]:
    """(the project's folder, whether it is a temporary one)."""
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="search-")), True
    folder = Path(directory)
    if folder.exists() and any(folder.iterdir()) and not (folder / _OURS).exists():
        raise ValueError(
            f"expected directory as a new or empty folder, or one of a search, got {folder} with "
            f"{next(folder.iterdir()).name} in it and no {_OURS}; mend by another directory"
        )
    if overwrite and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder, False
