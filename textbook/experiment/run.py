"""What `measure` gets: seeds, data, epochs, and tables that it shares with other sections."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from textbook.experiment import data_choice, seed_blocks
from textbook.experiment import quick as quickly
from textbook.experiment.errors import UsageError


@dataclass(frozen=True)
class Run:
    """One run of a section.

    Args:
        seeds: the seeds to judge on; each draws its own split, weights, order and masks.
        quick: fewer epochs; the seeds are given as they are.
        engine: "replicas", "fit", or None for the default.
        chosen: a data set that the user put in the place of the sections' own, or None.
        measurer: how shared tables are measured and cached; None measures them each time, as tests want it.

    Attributes:
        used: {name: digest} of the data handed out so far.
    """

    seeds: tuple[int, ...] = seed_blocks.default(quick=False)
    quick: bool = False
    engine: str | None = None
    chosen: object | None = None
    measurer: Callable | None = field(default=None, repr=False, compare=False)
    used: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def default_seeds(self) -> bool:
        """Whether the seeds are a block of the rules of judgement rather than the user's own."""
        return self.seeds in (*(seed_blocks.default(quick=quick) for quick in (False, True)), seed_blocks.SECOND)

    def epochs(self, count: int) -> int:
        """This many epochs, or a quarter of them (at least two) with `--quick`."""
        return quickly.fewer(count) if self.quick else count

    def seeds_for(self, count: int) -> tuple[int, ...]:
        """At least `count` seeds from the start of the block, for claims that need more than 16.

        With `--quick`, or with seeds of the user's own, just `run.seeds`.
        """
        if self.quick or not self.default_seeds:
            return self.seeds
        return tuple(range(self.seeds[0], self.seeds[0] + max(count, len(self.seeds))))

    def tuning(self, count: int) -> tuple[int, ...]:
        """The first `count` seeds of the tuning block (0–99), which no verdict rests on; fewer with `--quick`."""
        if not 1 <= count <= 100:
            raise ValueError(f"expected 1 to 100 tuning seeds, got {count}; the tuning block is 0-99")
        return tuple(range(seed_blocks.TUNING, seed_blocks.TUNING + self.epochs(count)))

    def data(self, name: str = "digits"):
        """A data set by its registry name, or the one that the user chose in its place."""
        from textbook import datasets

        dataset = datasets.load(name) if self.chosen is None else self.chosen
        self.used[dataset.card.name] = dataset.digest
        return dataset

    def splits(self, name: str = "digits", sizes=None, *, scale="auto", stratify=None, label_noise: float = 0.0):
        """A callable seed → Split of a data set: (1024, 473, 300) stratified rows, or the same shares of other data.

        Args:
            name: the data set's registry name; data that the user chose takes its place.
            sizes: rows (or fractions) of the training, validation and test parts.
            scale: "standard", None, or "auto", which standardises data other than images.
            stratify: None stratifies by class where there are classes.
            label_noise: share of the training labels replaced by another class.

        Raises: UsageError where the user's data cannot be split so.
        """
        settings = {"sizes": sizes, "scale": scale, "stratify": stratify, "label_noise": label_noise}
        if self.chosen is None:
            return data_choice.splitter(self.data(name), **settings)
        try:
            splitter = data_choice.splitter(self.data(name), **settings, replaced=True)
            splitter(self.seeds[0])
        except ValueError as error:
            raise UsageError(f"{self.chosen.card.name}: {error}") from error
        return splitter

    def shared(self, measure: Callable, **knobs):
        """The tables of another measure function `measure(run, **knobs)`, measured once for all sections."""
        inner = replace(self, used={})
        tables = measure(inner, **knobs) if self.measurer is None else self.measurer(inner, measure, knobs).tables
        self.used.update(inner.used)
        return tables
