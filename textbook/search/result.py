"""What a hyperparameter search found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from textbook.search import reports
from textbook.search.retrained import Retrained, fresh_seeds, retrained
from textbook.search.scales import Scale, scales
from textbook.search.space import COLUMNS
from textbook.search.trials import COMPLETED, FAILED, INFEASIBLE

_STATUSES = (COMPLETED, INFEASIBLE, FAILED)


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult:
    """Every trial of a search, and what they say together.

    Attributes:
        table: a row per trial: `trial` (from 0), `status` ("completed", "infeasible": no finite score, "failed": an
            error), `score` (the objective in its best epoch; NaN unless completed), `best_epoch`, `epochs` (trained),
            a column per hyperparameter (NaN or None where it was inactive), `stage`, `bracket`, `round`, `parent` (the
            trial that a trial of Hyperband went on from), `seed`, `engine` ("replicas" or "fit"), `worker`, `seconds`,
            `error`.
        curves: a row per trial and epoch (from 1): `trial`, `epoch`, `loss`, `val_loss`, …, `learning_rate`.
        space: the `keras_tuner.HyperParameters` that were searched.
        objective: a `keras_tuner.Objective`.
        seed: of the search.
        build: the model builder.
        retrain: trains hyperparameter values (a dict) for several seeds and epochs and returns a row per seed and
            epoch: `seed`, `epoch`, the objective, `test_…`.
        models: trial number → its kept model; raises where none was kept.
        directory: of the project on disk.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    _: KW_ONLY
    space: object
    objective: object
    seed: int = 0
    build: Callable | None = None
    retrain: Callable[[dict, Sequence[int], int], pd.DataFrame] | None = None
    models: Callable | None = None
    directory: Path | None = None

    def __post_init__(self):
        columns = list(self.table.columns)
        taken = sorted(set(self.scales) & set(COLUMNS))
        if taken:
            raise ValueError(
                f"expected names of hyperparameters that are not the table's own, got {', '.join(taken)}; "
                "mend by other names in the model builder"
            )
        missing = [name for name in (*COLUMNS, *self.scales) if name not in columns]
        if missing:
            raise ValueError(f"expected a row per trial with a column {missing[0]!r}, got {', '.join(columns)}")
        unknown = sorted(set(self.table["status"]) - set(_STATUSES))
        if unknown:
            raise ValueError(f"expected a status among {', '.join(_STATUSES)}, got {', '.join(unknown)}")
        if self._completed["score"].isna().any():
            raise ValueError("expected a score of every completed trial, got NaN; mend by the status 'infeasible'")

    @cached_property
    def scales(self) -> dict[str, Scale]:
        """Hyperparameter → its declared range and the scale on which it was drawn."""
        return scales(self.space)

    @property
    def lower_is_better(self) -> bool:
        """True for a loss."""
        return self.objective.direction == "min"

    @property
    def _completed(self) -> pd.DataFrame:
        return self.table[self.table["status"] == "completed"]

    def best(self, n: int = 1) -> pd.DataFrame:
        """The n best completed trials (all, if there are fewer), best first; of equal scores the earlier trial first.

        Raises: ValueError if no trial was completed, with the first error.
        """
        if isinstance(n, bool) or n < 1:
            raise ValueError(f"expected a number of trials from 1 up, got {n!r}; mend by best(3)")
        self._require_a_score()
        ranked = self._completed.sort_values(["score", "trial"], ascending=[self.lower_is_better, True])
        return ranked.head(n).reset_index(drop=True)

    def best_hyperparameters(self, n: int = 1) -> list[dict]:
        """The values of the n best trials, as the builder got them; without those that were inactive."""
        return [
            {name: scale.native(row[name]) for name, scale in self.scales.items() if not pd.isna(row[name])}
            for row in self.best(n).to_dict("records")
        ]

    def hyperparameters(self, values: dict | None = None):
        """`keras_tuner.HyperParameters` with these values, of the best trial by default, for a call of the builder."""
        chosen = self.space.copy()
        chosen.values = dict(self.best_hyperparameters()[0] if values is None else values)
        return chosen

    def best_model(self):
        """The best trial's model, with the weights of its best epoch.

        Raises: ValueError if no trial was completed, or the search kept no models.
        """
        number = int(self.best().loc[0, "trial"])
        if self.models is None:
            raise ValueError(
                f"expected a search that keeps models, got one without trial {number}'s; "
                "mend by a directory=… for the search, or by building and training best_hyperparameters()[0]"
            )
        return self.models(number)

    def plot(self):
        """A Figure: the best score so far against trials and seconds, and the score against each hyperparameter.

        Hyperparameters are drawn over their declared range, on a log axis where they were sampled so. Trials without
        a score stand above the panels.

        Raises: ValueError if no trial was completed.
        """
        from textbook.search.pictures import overview

        self._require_a_score()
        return overview(self.table, self.scales, objective=self.objective)

    def plot_parallel(self, ax=None):
        """Parallel coordinates: a line per trial through its hyperparameters to its score; returns `ax`.

        Args:
            ax: axes to draw on; by default those of a new figure, as wide as the hyperparameters need.

        Raises: ValueError if no trial was completed.
        """
        from textbook.search.parallel import parallel

        self._require_a_score()
        return parallel(self.table, self.scales, objective=self.objective, ax=ax)

    def border_report(
        self, *, share: float = 0.08, limits: Mapping[str, tuple[float, float]] | None = None
    ) -> pd.DataFrame:
        """Which best values lie at an open end of their declared range, which way to go on, and what to try next.

        Each hyperparameter is judged by the best of the completed trials in which it was active, on the scale on which
        it was sampled: values within `share` of an end lie on the border. Of few values (up to twelve, or numbers in a
        list) only the first and the last do. Categories have no border.

        Args:
            share: of the range, that counts as border; above 0, below 0.5.
            limits: hyperparameter → (lowest, highest possible value), such as `{"momentum": (0, 0.999)}`; an end of
                the range that is a limit is not open. By default 0 and infinity where no value is negative, and 1 and
                infinity for whole numbers from 1 up.

        Returns: as `textbook.borders.border_check`: hyperparameter, best, low, high, on_border, advice, next_low,
            next_high; whole numbers for whole hyperparameters.
        Raises: ValueError if no trial was completed, and for limits of a hyperparameter that there is not.
        """
        self._require_a_score()
        better = {"lower_is_better": self.lower_is_better}
        return reports.border_report(self._completed, self.scales, share=share, limits=limits, **better)

    def importance(self, **settings) -> pd.DataFrame:
        """The share of the score's variance that each hyperparameter explains alone; functional ANOVA on a forest.

        An infeasible trial counts as the worst completed score. A failed trial says nothing about scores and is left
        out, as is one that another trial of Hyperband went on from. Where a hyperparameter was inactive its default
        stands in, so that the share of a conditional hyperparameter is about all trials and not only those with it.

        Args:
            settings: of `textbook.importance.importance`: within, trees, resamples, seed (by default the search's).

        Returns: columns hyperparameter, share, low, high; the most important first.
        Raises: ValueError for fewer than ten trials, or scores that are all equal.
        """
        self._require_a_score()
        given = {"seed": self.seed, **settings}
        return reports.importance_report(self.table, self.scales, lower_is_better=self.lower_is_better, **given)

    def retrained(self, seeds: int | Sequence[int] = 16, *, epochs: int | None = None) -> Retrained:
        """The winner trained again over fresh seeds, to see how much of its score was luck.

        Args:
            seeds: how many, at least 2, drawn from the search's seed; or the seeds themselves. None may be a trial's.
            epochs: by default as many as the winner was trained.

        Raises: ValueError if no trial was completed, for a trial's own seed, and where nothing can train.
        """
        winner = self.best().iloc[0]
        if self.retrain is None:
            raise ValueError("expected a search that can train again, got a table alone; mend by opening its project")
        used = set(self.table["seed"].dropna().astype(int))
        several = fresh_seeds(self.seed, seeds, used=used) if isinstance(seeds, int) else [int(seed) for seed in seeds]
        if len(several) < 2 or len(set(several)) < len(several):
            raise ValueError(f"expected at least two different seeds, got {seeds!r}; mend by retrained(16)")
        if used & set(several):
            again = ", ".join(map(str, sorted(used & set(several))))
            raise ValueError(f"expected seeds that no trial had, got {again}; mend by retrained(16)")
        values = self.best_hyperparameters()[0]
        epochs = int(winner["epochs"]) if epochs is None else epochs
        return retrained(self.retrain, winner, values, objective=self.objective, seeds=several, epochs=epochs)

    def summary(self) -> str:
        """A few lines: the trials, the best one, the ranges to extend and the first error."""
        before = self.table["parent"].map(self.table.set_index("trial")["epochs"]).fillna(0)
        epochs, seconds = int((self.table["epochs"] - before).sum()), self.table["seconds"].sum()
        lines = [f"{self._counts()}; {epochs} epochs, {seconds:.3g} s{self._on_disk()}"]
        if len(self._completed):
            row = self.best().iloc[0]
            at = f"trial {row['trial']}, epoch {int(row['best_epoch'])} of {int(row['epochs'])}"
            lines.append(f"best {self.objective.name} {row['score']:.4g} ({at}): {self._best_values()}")
            borders = self.border_report()
            on = borders[borders["on_border"] != ""]
            lines += [f"{row.hyperparameter}: {row.advice}" for row in on.itertuples()]
        return "\n".join([*lines, *self._first_error()])

    def __repr__(self) -> str:
        if not len(self._completed):
            return f"SearchResult({self._counts()})"
        score = f"best {self.objective.name} {self.best().loc[0, 'score']:.4g}"
        return f"SearchResult({len(self.table)} trials, {score}: {self._best_values()})"

    def disk_use(self) -> int:
        """Bytes of the project's folder: records of all trials, and the models of the best `keep`; 0 without one."""
        if self.directory is None:
            return 0
        return sum(path.stat().st_size for path in Path(self.directory).rglob("*") if path.is_file())

    def _on_disk(self) -> str:
        return f", {self.disk_use() / 2**20:.2g} MiB on disk" if self.directory is not None else ""

    def _best_values(self) -> str:
        values = self.best_hyperparameters()[0]
        return ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())

    def _counts(self) -> str:
        counted = self.table["status"].value_counts()
        parts = [f"{counted[status]} {status}" for status in _STATUSES if status in counted]
        return f"{len(self.table)} trials ({', '.join(parts) or 'none'})"

    def _first_error(self) -> list[str]:
        errors = self.table[self.table["error"].fillna("").astype(str) != ""].sort_values("trial")
        return [f"first error, trial {row.trial}: {_said(row.error)}" for row in errors.head(1).itertuples()]

    def _require_a_score(self) -> None:
        if not len(self._completed):
            first = "".join(f"; {line}" for line in self._first_error())
            raise ValueError(
                f"expected a completed trial, got {self._counts()}{first}; "
                "mend by ranges that hold values that train, such as smaller learning rates"
            )


def _said(error: str) -> str:
    """The line of an error that says what went wrong: the last of a traceback, the first of a message."""
    lines = str(error).strip().splitlines()
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]
