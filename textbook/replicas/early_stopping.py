"""When a replica ends before its budget is used up."""

from dataclasses import dataclass

from textbook.stopping import Watch


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Ends a replica that no longer improves, or that has arrived; each replica of a stack for itself.

    The arguments mean what they mean in `keras.callbacks.EarlyStopping`, with two differences: `monitor` may be any
    column of the table, and `target` ends the replica as soon as the monitored value is at least as good.

    Args:
        monitor: a column that is measured after every epoch, such as "val_loss" or "val_accuracy".
        patience: epochs without improvement that are waited for; None never ends for want of improvement.
        target: in the unit of `monitor`, from the first epoch on; None for no target.
        min_delta, baseline, start_from_epoch: as in Keras.
        restore_best_weights: keep the weights of the best epoch instead of the last ones; the test part is then
            measured with them.
        mode: "min", "max", or "auto": "max" where the name of the column says accuracy, else "min".

    Raises: ValueError where neither patience nor target is given, or patience is negative.
    """

    monitor: str = "val_loss"
    patience: int | None = None
    target: float | None = None
    min_delta: float = 0.0
    baseline: float | None = None
    restore_best_weights: bool = False
    start_from_epoch: int = 0
    mode: str = "auto"

    def __post_init__(self):
        if self.patience is None and self.target is None:
            raise ValueError("expected patience, target or both, got neither; write for instance patience=5")
        if self.mode not in ("auto", "min", "max"):
            raise ValueError(f"expected mode as 'auto', 'min' or 'max', got {self.mode!r}; 'max' for an accuracy")
        self.watch()  # refuses a negative patience now, not an hour later

    @property
    def rises(self) -> bool:
        """Whether larger values are better."""
        return "accuracy" in self.monitor if self.mode == "auto" else self.mode == "max"

    def watch(self) -> Watch:
        """A fresh observer of one replica."""
        return Watch(
            patience=2**62 if self.patience is None else self.patience,
            min_delta=self.min_delta,
            mode="max" if self.rises else "min",
            baseline=self.baseline,
            start_from_epoch=self.start_from_epoch,
        )

    def arrived(self, value: float) -> bool:
        """Whether a monitored value has reached the target."""
        if self.target is None:
            return False
        return value >= self.target if self.rises else value <= self.target
