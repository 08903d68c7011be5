"""One curve of an experiment: what differs from the trainer's defaults."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Build = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What one condition trains with; `None` leaves the trainer's or the optimizer's own default.

    Args:
        learning_rate: a number; a `Schedule` (its t is the epoch, its value is held within the epoch);
            `schedule.per_update()` (evaluated at update/updates per epoch); or a mapping seed → number.
        optimizer: a name that `keras.optimizers.get` knows, or a Keras optimizer as a pattern to copy. Default "sgd".
        momentum: of SGD, a number or a mapping seed → number; conditions that differ only here are trained at once.
        weight_decay: decoupled, w ← w − w·weight_decay·learning_rate before each update, as in Keras.
        batch_size: samples, or "all" for the whole training part.
        model: a builder to use instead of the trainer's.
        loss: a Keras loss or its name.
        epochs: passes over the training part.
        splits: other data for this condition, in the forms that the trainer takes.
    """

    learning_rate: Any = None
    optimizer: Any = "sgd"
    momentum: float | Mapping[int, float] | None = None
    weight_decay: float | Mapping[int, float] | None = None
    batch_size: int | Literal["all"] | None = None
    model: Build | None = None
    loss: Any = None
    epochs: int | None = None
    splits: Any = None

    def __post_init__(self):
        check_count(self.batch_size, "batch_size", also=("all",))
        check_count(self.epochs, "epochs")
        for name, top in (("momentum", 1.0), ("weight_decay", math.inf)):
            value = getattr(self, name)
            for number in value.values() if isinstance(value, Mapping) else (value,):
                if number is not None and not 0 <= number <= top:
                    raise ValueError(f"expected {name} from 0 to {top:g}, got {number!r}")
        for rate in self.learning_rate.values() if isinstance(self.learning_rate, Mapping) else (self.learning_rate,):
            if isinstance(rate, int | float) and not (rate >= 0 and math.isfinite(rate)):
                raise ValueError(f"expected a learning_rate of at least 0, got {rate!r}")


def check_count(value, name: str, *, also: tuple = ()) -> None:
    """Refuse anything but a whole number from 1 up, None, or one of the words in `also`."""
    if value is None or value in also:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        words = "".join(f", or {word!r}" for word in also)
        raise ValueError(f"expected {name} as a whole number from 1 up{words}, got {value!r}")


def for_seed(value, seed: int, name: str):
    """A value that may be given per seed, for one seed."""
    if not isinstance(value, Mapping):
        return value
    if seed not in value:
        raise ValueError(f"expected a {name} for seed {seed}, got seeds {sorted(value)}; add it to the mapping")
    return value[seed]
