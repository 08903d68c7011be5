"""Train (conditions × seeds) copies of a Keras model at once, and put what happened into one tidy table."""

import logging
import warnings

import keras
import numpy as np
import pandas as pd

from textbook.learning_curves import epochs_to_target
from textbook.replicas import checkpoint, fit_engine, sessions, stack_engine
from textbook.replicas.condition import Condition, check_budget, check_count
from textbook.replicas.memory import footing, mebibytes
from textbook.replicas.outcome import Asked, Outcome
from textbook.replicas.plan import Group, Planner
from textbook.replicas.replica_state import ReplicaState
from textbook.replicas.stackability import obstacle
from textbook.replicas.table import tidy, traces

ENGINES = ("replicas", "fit", "jax")

_LOG = logging.getLogger("textbook.replicas")


class ReplicaTrainer:
    """Trains one model per condition and seed, all at once where they share a graph.

    Args:
        build: `build()`, or `build(input_shape, outputs)`, returning an uncompiled Keras model that ends in logits (or
            in values, for a regression).
        splits: a `Split` for all seeds, a list of them aligned with `seeds`, or a callable such as a `Splitter` that
            makes the split of a seed.
        conditions: name → `Condition`; None is one condition called "default".
        seeds: numbers, each standing for a split, initial weights, a data order and masks of its own; or `Seeds`.
        epochs, updates, seconds: budgets for the conditions that do not give one of their own; a replica ends with the
            first of them. Seconds are of training, per model, and need one of the others as a bound.
        batch_size: for the conditions that do not say otherwise. A smaller last batch is kept, as in Keras.
        metrics: names of functions in `keras.metrics` or functions (y, outputs) → (batch,); None is accuracy for
            classes and nothing for a regression. With several outputs, for each of them, or a dict by output.
        engine: "replicas" (on TensorFlow or JAX, whichever Keras runs on), "jax" (the same, and an error elsewhere), or
            "fit" for plain `model.fit` one by one; None asks the surrounding `session`.
        test_every_epoch: measure the test part after every epoch, for studies of stopping itself. Otherwise only the
            epoch whose weights are kept sees it, so that it cannot be used to choose.
        snapshots: epochs, from 1, after which the weights are kept for `trained(…, epoch=…)`.
        trace: record loss, gradient norm and update ratio of every update, for `.trace`.
        keep_state: keep what replicas need to go on later, for `.state(…)`: weights, and twice or thrice their memory
            for what the optimizer keeps.
        memory_limit: bytes that a wave of replicas may take; None is half of what is free.

    Raises: ValueError where an argument does not fit; the message says what was expected.
    """

    def __init__(
        self,
        build,
        splits,
        *,
        seeds,
        epochs: int | None = None,
        updates: int | None = None,
        seconds: float | None = None,
        conditions: dict[str, Condition] | None = None,
        batch_size: int = 32,
        metrics=None,
        engine: str | None = None,
        test_every_epoch: bool = False,
        snapshots=(),
        trace: bool = False,
        keep_state: bool = False,
        memory_limit: int | None = None,
    ):
        check_budget(epochs, updates, seconds)
        check_count(batch_size, "batch_size", also=("all",))
        check_count(memory_limit, "memory_limit")
        for epoch in snapshots:
            check_count(epoch, "snapshots")
        self._session = sessions.current()
        self._engine = _engine(engine or self._session.engine, trace)
        if conditions is not None and not conditions:
            raise ValueError("expected at least one condition, got an empty dict; pass None for the defaults")
        for name, condition in (conditions or {}).items():
            if not isinstance(condition, Condition):
                raise ValueError(
                    f"expected every condition to be a Condition, got {name!r}: {type(condition).__name__}; "
                    "write for instance Condition(learning_rate=0.1)"
                )
        if isinstance(build, keras.Model) or not callable(build):
            raise ValueError(
                f"expected build as a function that returns a new model, got {type(build).__name__}; "
                "wrap what makes the model in a function"
            )
        self._conditions = conditions or {"default": Condition()}
        self._seeds, self._memory_limit = seeds, memory_limit
        self._asked = Asked(test_every_epoch, tuple(snapshots), trace, keep_state)
        self._planner = Planner(
            build, splits, batch_size=batch_size, epochs=epochs, updates=updates, seconds=seconds, metrics=metrics
        )

    def plan(self) -> pd.DataFrame:
        """What `run` would do, before it takes memory or time: a row per group of replicas that share a graph.

        Columns: `conditions`; `replicas`; `engine`, "fit" for models that cannot be stacked; `obstacle`, why not;
        `updates` that each replica makes at most; `wave`, replicas trained at once; `waves`; `mib_per_replica` and
        `mib`, the memory of a wave, estimated.
        """
        return pd.DataFrame([self._row(group) for group in self._groups()])

    def run(self) -> "ReplicaResult":
        """Train everything and return the result; a session with a checkpoint folder resumes finished groups."""
        groups = self._groups()
        report = _Progress(sum(group.updates for group in groups), self._session.progress)
        store = checkpoint.Store(self._session.checkpoint, next(self._session.calls))
        outcomes = []
        for number, group in enumerate(groups):
            digest = checkpoint.digest(group, self._engine, self._asked)
            outcome = store.load(number, digest)
            if outcome is None:
                outcome = self._train(group, report)
                store.save(number, digest, outcome)
            else:
                report(group.updates)
            outcomes.append(outcome)
        return ReplicaResult(groups, outcomes, list(self._conditions))

    def _groups(self) -> list[Group]:
        return self._planner.groups(self._conditions, self._seeds, self._asked)

    def _train(self, group: Group, report) -> Outcome:
        if self._engine == "fit":
            return fit_engine.train(group, self._asked, report)
        reason = obstacle(group, self._asked)
        if reason is not None:
            if self._asked.trace:
                raise ValueError(f"expected a model that stacks for trace=True, got one that does not: {reason}")
            warnings.warn(f"trained one by one by model.fit, since it cannot be stacked: {reason}", stacklevel=3)
            return fit_engine.train(group, self._asked, report)
        needs = footing(group, self._memory_limit)
        _LOG.info(
            "%d replicas in waves of %d, about %d MiB each", len(group.replicas), needs.wave, mebibytes(needs.total)
        )
        return stack_engine.train(group, self._asked, report, needs)

    def _row(self, group: Group) -> dict:
        reason = None if self._engine == "fit" else obstacle(group, self._asked)
        stacked = self._engine != "fit" and reason is None
        needs = footing(group, self._memory_limit)
        wave = needs.wave if stacked else 1
        return {
            "conditions": ", ".join(dict.fromkeys(replica.condition for replica in group.replicas)),
            "replicas": len(group.replicas),
            "engine": "replicas" if stacked else "fit",
            "obstacle": reason or "",
            "updates": max(len(replica.rates) - replica.begun for replica in group.replicas),
            "wave": wave,
            "waves": -(-len(group.replicas) // wave),
            "mib_per_replica": mebibytes(needs.per_replica),
            "mib": mebibytes(needs.shared + wave * needs.per_replica),
        }


class ReplicaResult:
    """The tables of a training, and its models.

    Attributes:
        table: a row per condition, seed and epoch; `train_replicas` lists the columns. Of replicas that went on from a
            start it has the new epochs alone, counted from the very beginning.
        trace: with `trace=True`, a row per condition, seed and update: `loss` (the batch's own, with penalties),
            `gradient_norm` (of all weights, before clipping), `update_ratio` (|change| / |weights|), `learning_rate`,
            `momentum` (beta_1 for optimizers of Adam's kind). None otherwise.
    """

    def __init__(self, groups: list[Group], outcomes: list[Outcome], conditions: list[str]):
        self._groups, self._outcomes = groups, outcomes
        self.table: pd.DataFrame = tidy(groups, outcomes, conditions)
        traced = all(outcome.trace.size for outcome in outcomes)
        self.trace: pd.DataFrame | None = traces(groups, outcomes, conditions) if traced else None

    def trained(self, condition: str, seed: int, *, epoch: int | None = None):
        """The trained network of one replica: an ordinary, uncompiled `keras.Model` of its own.

        Args:
            epoch: one of the `snapshots` that were asked for; None is the network as training left it.
        """
        return _model(*self._place(condition, seed), epoch)

    def state(self, condition: str, seed: int) -> ReplicaState:
        """What one replica needs to go on with `Condition(start=…)`; kept where `keep_state=True` asked for it."""
        group, outcome, index = self._place(condition, seed)
        if not outcome.states:
            raise ValueError("expected a training with keep_state=True, got one without; ask for it and train again")
        values = [stack[index].copy() for stack in outcome.states]
        return ReplicaState(
            epochs=int(np.flatnonzero(outcome.updates[index])[-1]) + 1,
            updates=int(outcome.updates[index].max()),
            optimizer=type(group.optimizer).__name__,
            weights=tuple(values[: len(outcome.weights)]),
            slots=tuple(values[len(outcome.weights) :]),
            varying=group.varying,
        )

    def _place(self, condition: str, seed: int) -> tuple[Group, Outcome, int]:
        for group, outcome in zip(self._groups, self._outcomes, strict=True):
            for index, replica in enumerate(group.replicas):
                if (replica.condition, replica.seed) == (condition, seed):
                    return group, outcome, index
        have = sorted({(r.condition, r.seed) for g in self._groups for r in g.replicas})
        raise ValueError(f"expected a condition and seed that were trained, such as {have[0]}, got {(condition, seed)}")

    def reached(self, metric: str, target: float) -> pd.DataFrame:
        """The first epoch, and its updates, after which a column lies beyond a target; see `epochs_to_target`."""
        if any(group.begun for group in self._groups):
            raise ValueError(
                "expected curves from the first epoch on, got those of a training that went on from a start; join its "
                "table to the earlier one and give both to textbook.learning_curves.epochs_to_target"
            )
        return epochs_to_target(self.table, metric=metric, target=target, rises="accuracy" in metric)


def _model(group: Group, outcome: Outcome, index: int, epoch: int | None):
    if epoch is None:
        stacks = outcome.weights
    elif epoch in outcome.snapshots and outcome.updates[index, epoch - 1]:
        stacks = outcome.snapshots[epoch]
    else:
        have = [e for e in outcome.snapshots if outcome.updates[index, e - 1]]
        raise ValueError(f"expected epoch as one of the snapshots {have}, got {epoch}; ask for it with snapshots=")
    replica = group.replicas[index]
    model = group.blueprint.make(0)
    fit_engine.configure(model, group.blueprint.objective, replica)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, values in zip(variables, stacks, strict=True):
        variable.assign(values[index])
    return model


def _engine(engine: str, trace: bool) -> str:
    if engine not in ENGINES:
        raise ValueError(f"expected engine as one of {', '.join(ENGINES)}, got {engine!r}")
    backend = keras.backend.backend()
    if engine == "jax" and backend != "jax":
        raise ValueError(
            f"expected Keras on JAX for engine='jax', got {backend}; set KERAS_BACKEND=jax before the start"
        )
    if engine == "replicas" and backend not in ("tensorflow", "jax"):
        raise ValueError(f"expected Keras on TensorFlow or JAX to stack replicas, got {backend}; or pass engine='fit'")
    if engine == "fit" and trace:
        raise ValueError("expected trace=True with stacked replicas, got engine='fit', which shows no gradients")
    return engine


class _Progress:
    """Counts updates and tells the session."""

    def __init__(self, total: int, callback):
        self._done, self._total, self._callback = 0, total, callback

    def __call__(self, updates: int) -> None:
        self._done += updates
        if self._callback:
            self._callback(self._done, self._total)
