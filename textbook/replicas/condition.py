"""One curve of an experiment: what differs from the trainer's defaults."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from textbook.replicas.early_stopping import EarlyStopping
from textbook.replicas.replica_state import ReplicaState

Build = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What one condition trains with; `None` leaves the trainer's or the optimizer's own default.

    Args:
        learning_rate: a number; a `Schedule` (its t is the epoch, its value is held within the epoch);
            `schedule.per_update()` (evaluated at update/updates per epoch); or a mapping seed → any of these. A
            schedule's momentum is not followed here: give it with an optimizer, as
            `optimizers.SGD(rate, momentum=rate.momentum)` with rate = schedule.in_steps(n).
        optimizer: a name that `keras.optimizers.get` knows, or a Keras optimizer as a pattern to copy. Default "sgd".
        momentum: of an optimizer that has one, a number or a mapping seed → number.
        weight_decay: decoupled, w ← w − w·weight_decay·learning_rate before each update, as in Keras; a number or a
            mapping seed → number.
        strengths: other numbers of model, loss and optimizer by name, such as {"rate": 0.3} for every dropout,
            {"head.l2": 1e-3} for the layer called head, {"label_smoothing": 0.1}, {"beta_1": 0.95}; each a number or a
            mapping seed → number. Conditions and seeds that differ only in such numbers are trained at once.
        batch_size: samples, or "all" for the whole training part.
        model: a builder to use instead of the trainer's.
        loss: a Keras loss, its name or a function (y, outputs) → (batch,); with several outputs, a dict or list.
        loss_weights: with several outputs, the weight of each one's loss in the sum: a dict or list. Default 1.
        class_weight: class → weight of its samples in the training loss, as in `fit`.
        epochs: passes over the training part, at most.
        updates: optimizer steps, at most; the last epoch may then be a part of one.
        seconds: training time per model, at most; evaluation and compiling do not count.
        stop: an `EarlyStopping`.
        initial_weights: a list as `model.get_weights()` gives it, to start from instead of drawn weights; or a mapping
            seed → list.
        splits: other data for this condition, in the forms that the trainer takes.
        start: a `ReplicaState` to go on from, or a mapping seed → ReplicaState. Everything else then counts from the
            very beginning: with a state after 3 epochs, epochs=9 trains the epochs 4 to 9, at the rates and in the
            orders of a training of 9, and where all else is as it was, with the same bits. Not with `stop`, `seconds`
            or `initial_weights`.
    """

    learning_rate: Any = None
    optimizer: Any = "sgd"
    momentum: float | Mapping[int, float] | None = None
    weight_decay: float | Mapping[int, float] | None = None
    strengths: Mapping[str, Any] | None = None
    batch_size: int | Literal["all"] | None = None
    model: Build | None = None
    loss: Any = None
    loss_weights: Any = None
    class_weight: Mapping[int, float] | None = None
    epochs: int | None = None
    updates: int | None = None
    seconds: float | None = None
    stop: EarlyStopping | None = None
    initial_weights: Any = None
    splits: Any = None
    start: ReplicaState | Mapping[int, ReplicaState] | None = None

    def __post_init__(self):
        check_count(self.batch_size, "batch_size", also=("all",))
        check_budget(self.epochs, self.updates, self.seconds)
        for name, top in (("momentum", 1.0), ("weight_decay", math.inf)):
            for number in _values(getattr(self, name)):
                if number is not None and not 0 <= number <= top:
                    raise ValueError(f"expected {name} from 0 to {top:g}, got {number!r}")
        for rate in _values(self.learning_rate):
            if isinstance(rate, int | float) and not (rate >= 0 and math.isfinite(rate)):
                raise ValueError(f"expected a learning_rate of at least 0, got {rate!r}")
        for name, value in (self.strengths or {}).items():
            for number in _values(value):
                if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
                    raise ValueError(f"expected strengths[{name!r}] as a number or seed → number, got {number!r}")
        for label, weight in (self.class_weight or {}).items():
            if not (weight >= 0 and math.isfinite(weight)):
                raise ValueError(f"expected a class_weight of at least 0, got {weight!r} for class {label!r}")
        if self.stop is not None and not isinstance(self.stop, EarlyStopping):
            raise ValueError(
                f"expected stop as textbook.replicas.EarlyStopping, got {type(self.stop).__name__}; "
                "write for instance stop=EarlyStopping(patience=5)"
            )
        self._check_start()

    def _check_start(self):
        if self.start is None:
            return
        for state in _values(self.start):
            if not isinstance(state, ReplicaState):
                raise ValueError(
                    f"expected start as a ReplicaState or a mapping seed → ReplicaState, got {type(state).__name__}; "
                    "take one from a result with result.state(condition, seed)"
                )
        if self.stop is not None:
            raise ValueError(
                "expected start without stop, got both; what an early stopping has seen of the epochs before is not "
                "kept, so train with it in one go"
            )
        if self.initial_weights is not None:
            raise ValueError("expected start or initial_weights, got both; a start brings its own weights")


def _values(value):
    return value.values() if isinstance(value, Mapping) else (value,)


def check_count(value, name: str, *, also: tuple = ()) -> None:
    """Refuse anything but a whole number from 1 up, None, or one of the words in `also`."""
    if value is None or value in also:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        words = "".join(f", or {word!r}" for word in also)
        raise ValueError(f"expected {name} as a whole number from 1 up{words}, got {value!r}")


def check_budget(epochs, updates, seconds) -> None:
    """Refuse budgets that are not positive."""
    check_count(epochs, "epochs")
    check_count(updates, "updates")
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        raise ValueError(f"expected seconds as a time above 0, got {seconds!r}")


def for_seed(value, seed: int, name: str):
    """A value that may be given per seed, for one seed."""
    if not isinstance(value, Mapping):
        return value
    if seed not in value:
        raise ValueError(f"expected a {name} for seed {seed}, got seeds {sorted(value)}; add it to the mapping")
    return value[seed]
