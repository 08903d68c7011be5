"""What training a group of replicas yields: curves of shape (replicas, epochs), weights, and what was asked besides."""

from dataclasses import dataclass, field

import numpy as np

TRACED = ("loss", "gradient_norm", "update_ratio")


@dataclass(frozen=True)
class Asked:
    """What is wanted besides the curves.

    Attributes:
        test_every_epoch: measure the test part after every epoch, not only the one whose weights are kept.
        snapshots: epochs, from 1, after which the weights are kept as well.
        trace: record the values named in `TRACED` at every update.
        keep_state: keep what a replica needs to go on.
    """

    test_every_epoch: bool = False
    snapshots: tuple[int, ...] = ()
    trace: bool = False
    keep_state: bool = False


@dataclass
class Outcome:
    """Curves and weights of some replicas, in the order of the group.

    Attributes:
        engine: which engine trained them.
        metrics: names of the metrics.
        columns: name → (replicas, epochs), NaN where nothing was measured.
        updates: (replicas, epochs), completed after each epoch; 0 for epochs that were not trained.
        kept: (replicas,), the epoch, from 1, whose weights are kept.
        weights: the model's trainable, then non-trainable variables, each (replicas, …).
        snapshots: epoch → such a list; NaN (0 for whole numbers) where a replica did not train that long.
        trace: (replicas, updates, 3), the values named in `TRACED`; empty unless asked for.
        states: the model's variables as training left them, then the optimizer's, each (replicas, …); empty unless
            asked for.
    """

    engine: str
    metrics: list[str]
    columns: dict[str, np.ndarray]
    updates: np.ndarray
    kept: np.ndarray
    weights: list[np.ndarray] = field(default_factory=list)
    snapshots: dict[int, list[np.ndarray]] = field(default_factory=dict)
    trace: np.ndarray = field(default_factory=lambda: np.empty((0, 0, len(TRACED))))
    states: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def empty(cls, engine: str, replicas: int, epochs: int, metrics: list[str]) -> "Outcome":
        names = ["loss", *metrics, "clean_loss", *(f"clean_{m}" for m in metrics), "penalty"]
        for part in ("val", "test"):
            names += [f"{part}_loss", f"{part}_clean_loss", *(f"{part}_{m}" for m in metrics)]
        columns = {name: np.full((replicas, epochs), np.nan) for name in [*names, "seconds"]}
        return cls(engine, metrics, columns, np.zeros((replicas, epochs), np.int64), np.zeros(replicas, np.int64))

    def record_training(self, replicas, epoch: int, means: np.ndarray) -> None:
        """Means over the epoch as Keras reports them: loss with penalties, then the metrics."""
        for name, values in zip(["loss", *self.metrics], means.T, strict=True):
            self.columns[name][replicas, epoch] = values

    def record(self, part: str, replicas, epoch, means: np.ndarray) -> None:
        """An evaluation: data loss, penalty, then the metrics; part is "clean" (the training rows), "val" or "test"."""
        loss, penalty, *metrics = means.T.astype(float)
        at = (replicas, epoch)
        if part == "clean":
            self.columns["clean_loss"][at] = loss
            self.columns["penalty"][at] = penalty
        else:
            self.columns[f"{part}_clean_loss"][at] = loss
            self.columns[f"{part}_loss"][at] = loss + penalty
        for name, values in zip(self.metrics, metrics, strict=True):
            self.columns[f"{part}_{name}"][at] = values

    def forget(self, part: str, replica: int, epoch: int) -> None:
        """Take an evaluation back that belongs to weights which were not kept."""
        for name, values in self.columns.items():
            if name.startswith(f"{part}_"):
                values[replica, epoch] = np.nan

    def keep(self, place: list[np.ndarray], replicas, values: list[np.ndarray]) -> list[np.ndarray]:
        """Write some replicas' weights into a list of stacks, made when it is empty."""
        count = len(self.kept)
        for i, stack in enumerate(values):
            if len(place) <= i:
                place.append(_blank(stack, count))
            place[i][replicas] = stack
        return place

    def _snapshot(self, epoch: int) -> list[np.ndarray]:
        """Weights after an epoch, blank where none of these replicas trained that long."""
        return self.snapshots.get(epoch) or [_blank(stack, len(stack)) for stack in self.weights]

    @classmethod
    def joined(cls, outcomes: list["Outcome"]) -> "Outcome":
        """Several waves as one group, in order."""
        if len(outcomes) == 1:
            return outcomes[0]
        first = outcomes[0]

        def stacked(lists):
            return [np.concatenate(values) for values in zip(*lists, strict=True)]

        return cls(
            first.engine,
            first.metrics,
            {name: np.concatenate([o.columns[name] for o in outcomes]) for name in first.columns},
            np.concatenate([o.updates for o in outcomes]),
            np.concatenate([o.kept for o in outcomes]),
            stacked(o.weights for o in outcomes),
            {epoch: stacked(o._snapshot(epoch) for o in outcomes) for epoch in _epochs(outcomes)},
            np.concatenate([o.trace for o in outcomes]),
            stacked(o.states for o in outcomes),
        )


def _epochs(outcomes: list[Outcome]) -> list[int]:
    return sorted({epoch for outcome in outcomes for epoch in outcome.snapshots})


def _blank(stack: np.ndarray, count: int) -> np.ndarray:
    return np.full((count, *stack.shape[1:]), np.nan if stack.dtype.kind == "f" else 0, stack.dtype)
