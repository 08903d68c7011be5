"""What training a group of replicas yields: curves of shape (replicas, epochs), and the final weights."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Outcome:
    """Curves and weights of some replicas, in the order of the group.

    columns: name → (replicas, epochs), NaN where nothing was measured.
    weights: the model's trainable, then non-trainable variables, each (replicas, …).
    """

    columns: dict[str, np.ndarray]
    metrics: list[str]
    weights: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def empty(cls, replicas: int, epochs: int, metrics: list[str]) -> "Outcome":
        names = ["loss", *metrics, "clean_loss", *(f"clean_{m}" for m in metrics), "penalty"]
        for part in ("val", "test"):
            names += [f"{part}_loss", f"{part}_clean_loss", *(f"{part}_{m}" for m in metrics)]
        return cls({name: np.full((replicas, epochs), np.nan) for name in [*names, "seconds"]}, metrics)

    def record_training(self, epoch: int, means: np.ndarray) -> None:
        """Means over the epoch as Keras reports them: loss with penalties, then the metrics."""
        for name, values in zip(["loss", *self.metrics], means.T, strict=True):
            self.columns[name][:, epoch] = values

    def record(self, part: str, epoch: int, means: np.ndarray) -> None:
        """An evaluation: data loss, penalty, then the metrics; part is "clean" (the training rows), "val" or "test"."""
        loss, penalty, *metrics = means.T.astype(float)
        if part == "clean":
            self.columns["clean_loss"][:, epoch] = loss
            self.columns["penalty"][:, epoch] = penalty
        else:
            self.columns[f"{part}_clean_loss"][:, epoch] = loss
            self.columns[f"{part}_loss"][:, epoch] = loss + penalty
        for name, values in zip(self.metrics, metrics, strict=True):
            self.columns[f"{part}_{name}"][:, epoch] = values

    @classmethod
    def joined(cls, outcomes: list["Outcome"]) -> "Outcome":
        """Several waves as one group, in order."""
        first = outcomes[0]
        columns = {name: np.concatenate([o.columns[name] for o in outcomes]) for name in first.columns}
        weights = [np.concatenate(values) for values in zip(*(o.weights for o in outcomes), strict=True)]
        return cls(columns, first.metrics, weights)
