"""Trials whose networks share a graph, and what of them differs by trial: one `Condition` of the replica trainer."""

import dataclasses
import logging
import traceback
import warnings
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import keras

from textbook.replicas import Condition, EarlyStopping
from textbook.replicas.initial import global_seed
from textbook.replicas.numbers import loss_numbers, model_numbers, optimizer_numbers
from textbook.replicas.structure import structure
from textbook.search.builders import Compiled, Network
from textbook.search.recording import Recorded, record, verify
from textbook.search.trials import Job

_LOG = logging.getLogger("textbook.search")

# networks with other structural values that are not built again when they come up again
_REMEMBERED = 256
# trials of a network and a wave that are built plainly to see whether it is theirs; some milliseconds each
_COMPARED = 4


@dataclass
class Stack:
    """Trials that are trained at once.

    Attributes:
        network: a builder of the network, uncompiled.
        compiled: what it is compiled with, up to numbers.
        own: name → value of those numbers in the network and what it is compiled with.
        jobs: the trials.
        rates: learning rate of each.
        numbers: name → value of each, of everything else that may differ by replica.
    """

    network: Network
    compiled: Compiled
    own: dict[str, float]
    jobs: list[Job] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    numbers: list[dict[str, float]] = field(default_factory=list)

    def condition(self, stop: EarlyStopping | None) -> Condition:
        """All trials of the stack as one condition, with a number a seed where they differ."""
        seeds = [job.seed for job in self.jobs]
        by_name = {name: [numbers[name] for numbers in self.numbers] for name in self.numbers[0]}
        own = {}
        for name in ("momentum", "weight_decay"):
            values = by_name.pop(f"optimizer.{name}", None)
            own[name] = values and dict(zip(seeds, values, strict=True))
        starts = {job.seed: job.start for job in self.jobs if job.start is not None}
        return Condition(
            learning_rate=dict(zip(seeds, self.rates, strict=True)),
            optimizer=self.compiled.optimizer,
            **own,
            # what no trial has otherwise than the network itself may stay a constant of the graph
            strengths={n: dict(zip(seeds, v, strict=True)) for n, v in by_name.items() if {*v} != {self.own[n]}},
            batch_size=self.jobs[0].batch_size,
            loss=self.compiled.loss,
            loss_weights=self.compiled.loss_weights,
            stop=None if starts or getattr(self.compiled.optimizer, "use_ema", False) else stop,
            start=starts or None,
        )


class Stacks:
    """Sorts trials into stacks, calling the builder as seldom as can be.

    A hyperparameter that reaches nothing but numbers of the optimizer needs no build of its own; `recording` finds out
    which do. For every other combination of values the builder is called, and what it returns is compared.

    Args:
        build: a keras-tuner builder.
    """

    def __init__(self, build):
        self._build, self._track = build, True
        self._known: deque[_Built] = deque(maxlen=_REMEMBERED)

    def sort(self, jobs: Sequence[Job]) -> tuple[list[Stack], dict[int, str]]:
        """(stacks, trial number → what its builder raised, in full)."""
        built, errors = self._build_all(jobs)
        difference = self._difference(jobs, built) if self._track else None
        if difference:
            _LOG.warning("building every trial by itself, since the builder looks past the tracking: %s", difference)
            self._track = False
            self._known.clear()
            built, errors = self._build_all(jobs)
        stacks: dict[Hashable, Stack] = {}
        for job in jobs:
            if job.number in errors:
                continue
            one = built[job.number]
            begun = job.start.epochs if job.start else 0
            place = (one.key, job.batch_size, job.epochs, begun)
            stack = stacks.setdefault(place, Stack(one.network, one.compiled, one.own))
            rate, numbers = one.numbers_of(job)
            stack.jobs.append(job)
            stack.rates.append(rate)
            stack.numbers.append(numbers)
        return list(stacks.values()), errors

    def _build_all(self, jobs: Sequence[Job]) -> tuple[dict[int, "_Built"], dict[int, str]]:
        built, errors = {}, {}
        for job in jobs:
            try:
                built[job.number] = self._built(job)
            except Exception:  # a trial whose builder raises has failed, and the others go on
                errors[job.number] = traceback.format_exc()
        return built, errors

    def _built(self, job: Job) -> "_Built":
        for known in self._known:
            if known.fits(job):
                return known
        # the first is compared with a plain build of itself, later ones only where they stand for other trials
        made = _Built(self._build, job, track=self._track, trusted=bool(self._known))
        self._known.append(made)
        return made

    def _difference(self, jobs: Sequence[Job], built: dict[int, "_Built"]) -> str | None:
        """Build some trials of each network plainly, the first and the last among them, and compare."""
        trials: dict[int, list[Job]] = {}
        for job in jobs:
            if job.number in built:
                trials.setdefault(id(built[job.number]), []).append(job)
        for own in trials.values():
            for place in sorted({round(i * (len(own) - 1) / (_COMPARED - 1)) for i in range(_COMPARED)}):
                difference = built[own[place].number].check(own[place])
                if difference:
                    return difference
        return None


class _Built:
    """A network that was built once, and the trials it stands for."""

    def __init__(self, build, job: Job, *, track: bool, trusted: bool):
        self._build = build
        with global_seed(0):
            recorded = record(build, job.hyperparameters, track=track)
        model, hyperparameters = recorded.model, recorded.hyperparameters
        self.recorded: Recorded = dataclasses.replace(recorded, model=None)  # hundreds of models would fill the memory
        late = sorted({one.name for one in hyperparameters.space} - {one.name for one in job.hyperparameters.space})
        if late:
            warnings.warn(
                f"expected hyperparameters that the search knew from the start, got {', '.join(late)} in trial "
                f"{job.number}: they keep their defaults; mend by hp.conditional_scope in the builder, or by space=",
                stacklevel=2,
            )
        self.compiled = Compiled.of(model)
        self.network = Network(build, hyperparameters)
        optimizer, loss = self.compiled.optimizer, self.compiled.loss
        self._rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        self.own = model_numbers(model) | optimizer_numbers(optimizer)
        if isinstance(loss, keras.losses.Loss):
            self.own |= loss_numbers(loss)
        self.key = (structure(model), self.compiled.key())
        self._checked = {job.number} if trusted else set()

    def fits(self, job: Job) -> bool:
        """Whether this network, with other numbers in its optimizer, is the trial's."""
        values = job.hyperparameters.values
        if not self.recorded.fits(values):
            return False
        try:
            self.recorded.numbers(values)
        except ValueError:
            return False  # out of the optimizer's range: the builder is called, and what it raises is the trial's error
        return True

    def check(self, job: Job) -> str | None:
        """Build the trial in earnest; what is other than expected, or None."""
        if job.number in self._checked:
            return None
        self._checked.add(job.number)
        with global_seed(0):
            return verify(self.recorded, self._build, job.hyperparameters)

    def numbers_of(self, job: Job) -> tuple[float, dict[str, float]]:
        """(learning rate, name → value of the other numbers) of a trial."""
        free = self.recorded.numbers(job.hyperparameters.values)
        rate = free.pop("learning_rate", self._rate)
        return rate, self.own | {f"optimizer.{name}": value for name, value in free.items()}
