"""Read a training history as a teacher would: converged, still improving, oscillating, diverging or overfitting.

`diagnose` looks at one run. Its thresholds were chosen on seeds 0–39 of `benchmarks/diagnosis.py`. On seeds 1000–1059
it raised an alarm on 15 of 540 well-tuned runs (2.8 %, Wilson 95 % interval 1.7–4.5 %), and found 740 of 780 planted
faults where it knew the loss of a guess, 620 where it did not; docs/diagnosis.md has the table.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

CONVERGED = "converged"
STILL_IMPROVING = "still improving"
OSCILLATING = "oscillating"
DIVERGING = "diverging"
OVERFITTING = "overfitting"
NOT_LEARNING = "not learning"
TOO_SHORT = "too short to tell"
VERDICTS = (CONVERGED, STILL_IMPROVING, OSCILLATING, DIVERGING, OVERFITTING, NOT_LEARNING, TOO_SHORT)

FEWEST_EPOCHS = 5
# a fall counts when it is this many standard errors, and this share of the level or of all that was learnt
_SURE, _FALL_OF_LEVEL, _FALL_OF_LEARNT = 4.0, 0.20, 0.15
# a swing counts when it is this share of the level and of all that was learnt, in one of two proportions
_SWINGS = ((0.15, 0.03), (0.01, 0.10))
# a rise since the best epoch counts when it is this share of the best loss and this many swings
_RISE_OF_BEST, _RISE_IN_SWINGS = 0.10, 3.5
# the training loss climbs back when it loses this share of what it had gained
_LOST_AGAIN = 0.25
# losses within this share of each other are the same: a guess's, or the best of a run that never fell
_SAME = 0.02


@dataclass(frozen=True)
class Diagnosis:
    """What one run's curves say: a verdict, the numbers that it rests on, and what to do."""

    verdict: str
    reason: str
    advice: str
    evidence: dict = field(repr=False)

    def __str__(self) -> str:
        return f"{self.verdict.capitalize()}: {self.reason} {self.advice}"


@dataclass(frozen=True)
class _Curve:
    """Numbers read from one finite curve of at least five epochs."""

    values: np.ndarray
    start: float
    chance: float | None

    @property
    def window(self) -> int:
        """The last third, in epochs."""
        return max(4, math.ceil(len(self.values) / 3))

    @property
    def tail(self) -> np.ndarray:
        return self.values[-self.window :]

    @property
    def level(self) -> float:
        return float(np.median(self.tail))

    @property
    def learnt(self) -> float:
        """The way down from the start to the best epoch."""
        return self.start - float(self.values.min())

    @property
    def swing(self) -> float:
        """Standard deviation from epoch to epoch over the last third; by second differences, so a slope adds none."""
        recent = self.values[-max(6, self.window) :]
        return float(np.sqrt((np.diff(recent, 2) ** 2).mean() / 6))

    @property
    def fall(self) -> float:
        """How far a straight line through the last third falls."""
        return -float(np.polyfit(np.arange(self.window), self.tail, 1)[0]) * (self.window - 1)

    @property
    def fall_error(self) -> float:
        """Standard error of the fall, from the swing or, where larger, from what the straight line leaves."""
        n, at = self.window, np.arange(self.window)
        rest = self.tail - np.polyval(np.polyfit(at, self.tail, 1), at)
        noise = max(self.swing, math.sqrt((rest**2).sum() / (n - 2)))
        return noise * (n - 1) / math.sqrt(n * (n * n - 1) / 12)

    @property
    def smooth(self) -> np.ndarray:
        """Running mean of three epochs, so that one lucky epoch is no best one."""
        return np.convolve(self.values, np.ones(3) / 3, "valid")

    @property
    def rise(self) -> float:
        """Mean of the last epochs (3 to 10 of them, all after the best) above the best running mean; 0 if too few."""
        after = len(self.smooth) - 1 - int(self.smooth.argmin())
        if after < 3:
            return 0.0
        return float(self.values[-min(after, self.window, 10) :].mean() - self.smooth.min())

    @property
    def falls(self) -> bool:
        return self.fall >= _SURE * self.fall_error and self.fall > 0


def diagnose(history, *, chance: float | None = None, unit: str = "nats") -> Diagnosis:
    """Say how one training run went, with the numbers behind it and what to do next.

    Args:
        history: what `model.fit` returned, a mapping of lists, or a table with a row per epoch; its columns "loss" and
            "val_loss". Without "val_loss" the training loss alone is read, and the answer says so.
        chance: the loss of a guess, such as ln(classes); without it, or a column "chance_loss", a run that never got
            better than a guess cannot be told from one that converged early.
        unit: of the loss, for the sentences.

    Returns: a `Diagnosis`; its verdict is one of `VERDICTS`. `str()` gives one paragraph.

    The rules, in this order, over the last third of the epochs (at least 4):

    - diverging: a loss is not finite; or the training loss has lost a quarter of its gain again; or it stays above
      `chance`.
    - too short to tell: fewer than 5 epochs.
    - overfitting: validation loss has risen by 10 % of its best value and by 3.5 swings. A swing is the standard
      deviation from epoch to epoch.
    - oscillating: the swing is 15 % of the level and 3 % of all that was learnt, or 1 % and 10 %.
    - still improving: the fall is 4 standard errors, and 20 % of the level or 15 % of all that was learnt.
    - not learning: the loss stays at `chance`. Otherwise: converged.

    Raises: ValueError for a table of several runs, a history without "loss", or lengths that differ.

    >>> falling = [2.3, 2.0, 1.75, 1.52, 1.33, 1.17]
    >>> diagnose({"loss": falling, "val_loss": falling}).verdict
    'still improving'
    """
    loss, val_loss, column_chance = _read(history)
    chance = column_chance if chance is None else chance
    finite = np.isfinite(loss) & (True if val_loss is None else np.isfinite(val_loss))
    if not finite.all():
        epoch = int(np.argmin(finite)) + 1
        return Diagnosis(
            DIVERGING,
            f"the loss is not a finite number from epoch {epoch} on.",
            "Lower the learning rate, by a factor of 3 to 10, and check the inputs for NaN.",
            {"epochs": len(loss), "first epoch that is not finite": epoch},
        )
    if len(loss) < FEWEST_EPOCHS:
        return Diagnosis(
            TOO_SHORT,
            f"{len(loss)} epoch{'s' if len(loss) != 1 else ''} cannot tell a trend from noise.",
            f"Train for at least {FEWEST_EPOCHS}.",
            {"epochs": len(loss)},
        )
    train = _Curve(loss, start=float(loss[0]), chance=chance)
    if val_loss is None:
        return _judge(train, train, which="training loss", unit=unit, alone=True)
    # the first training loss is a mean over the whole first epoch, so it shows where the run began; no more than three
    # times the first validation loss, because the updates before a rate has settled can be arbitrarily bad
    start = max(val_loss[0], min(loss[0], 3 * val_loss[0]))
    return _judge(train, _Curve(val_loss, start=float(start), chance=chance), which="validation loss", unit=unit)


def _in_units(change: float, unit: float) -> float:
    """change / unit; 0 where both are, as in a curve that never moves."""
    return change / unit if unit else math.copysign(math.inf, change) if change else 0.0


def _judge(train: _Curve, held: _Curve, *, which: str, unit: str, alone: bool = False) -> Diagnosis:
    epochs, window, level, learnt, swing = len(held.values), held.window, held.level, held.learnt, held.swing
    best = int(held.values.argmin()) + 1
    evidence = {
        "epochs": epochs,
        "epochs in the last third": window,
        f"level of the {which} ({unit})": level,
        f"learnt since the start ({unit})": learnt,
        f"fall over the last third ({unit})": held.fall,
        "fall, in standard errors": _in_units(held.fall, held.fall_error),
        f"swing from epoch to epoch ({unit})": swing,
        "best epoch": best,
        f"rise since the best epochs ({unit})": held.rise,
        "rise, in swings": _in_units(held.rise, swing),
        f"end of the training loss ({unit})": train.level,
    }
    if train.chance is not None:
        evidence[f"loss of a guess ({unit})"] = train.chance
    lately = f"over the last {window} of {epochs} epochs the {which}"
    blind = " Without a validation loss, overfitting cannot be seen." if alone else ""

    def found(verdict, reason, advice):
        return Diagnosis(verdict, reason, advice + blind, evidence)

    climbed = train.level - train.smooth.min()
    gained = train.start - train.smooth.min()
    if climbed > 0 and climbed >= max(_LOST_AGAIN * gained, 3 * train.swing, _SAME * abs(train.level)):
        return found(
            DIVERGING,
            f"the training loss had come down to {train.smooth.min():.3g} {unit} and is back at {train.level:.3g}.",
            "Lower the learning rate, by a factor of 3 to 10.",
        )
    if train.chance is not None and train.level > (1 + _SAME) * train.chance and not train.falls:
        return found(
            DIVERGING,
            f"the training loss stays at {train.level:.3g} {unit}, above the {train.chance:.3g} of a guess.",
            "Lower the learning rate, by a factor of 10.",
        )
    if (
        not alone
        and held.rise >= max(_RISE_OF_BEST * abs(held.smooth.min()), _RISE_IN_SWINGS * swing)
        and held.rise > 0
    ):
        return found(
            OVERFITTING,
            f"the validation loss was best at epoch {best} ({held.values.min():.3g} {unit}) and has risen by "
            f"{held.rise:.3g} since, {held.rise / max(swing, 1e-12):.0f} times its swing from epoch to epoch.",
            f"Stop near epoch {best} (early stopping with the best weights restored), regularise, or get more data.",
        )
    if any(swing >= of_level * abs(level) and swing >= of_learnt * learnt for of_level, of_learnt in _SWINGS):
        return found(
            OSCILLATING,
            f"the {which} swings by {swing:.2g} {unit} from epoch to epoch around {level:.3g}"
            + (f", {swing / learnt:.0%} of all that was learnt." if learnt > 0 else "."),
            "Lower the learning rate by a factor of about 3, or let it decay."
            + ("" if alone else " If the swing stays, the validation set is too small to tell."),
        )
    # a training loss near zero goes on shrinking for ever, so alone its fall is measured by what was learnt only
    large = held.fall >= _FALL_OF_LEARNT * learnt or (not alone and held.fall >= _FALL_OF_LEVEL * abs(level))
    if held.falls and large:
        return found(
            STILL_IMPROVING,
            f"{lately} fell by {held.fall:.3g} {unit} to {held.values[-1]:.3g}.",
            "Train for more epochs, or raise the learning rate by a factor of about 3.",
        )
    if train.chance is not None and train.level >= (1 - _SAME) * train.chance:
        return found(
            NOT_LEARNING,
            f"the training loss stays at {train.level:.3g} {unit}, that of a guess.",
            "Check labels and inputs; try rates a factor of 10 smaller and larger.",
        )
    little = level > 0.7 * held.values[0]
    doubt = f" But little was learnt after the first epoch: compare {level:.3g} with a guess's loss, try other rates."
    return found(
        CONVERGED,
        f"{lately} stayed near {level:.3g} {unit}, within ±{2 * swing:.2g}.",
        "More epochs at this rate will change little." + (doubt if little else ""),
    )


def _read(history) -> tuple[np.ndarray, np.ndarray | None, float | None]:
    """loss, val_loss and the loss of a guess, from any of the accepted forms."""
    columns = getattr(history, "history", history)  # keras.callbacks.History keeps its lists there
    if isinstance(columns, pd.DataFrame):
        for name in ("condition", "seed"):
            if name in columns and columns[name].nunique() > 1:
                values = columns[name].unique().tolist()
                raise ValueError(
                    f"expected the epochs of one run, got {len(values)} values of {name!r}; mend by picking one, "
                    f"such as table[table[{name!r}] == {values[0]!r}]"
                )
        if "epoch" in columns:
            if columns["epoch"].duplicated().any():
                raise ValueError("expected one row per epoch, got epochs twice; mend by selecting the rows of one run")
            columns = columns.sort_values("epoch")
    elif not isinstance(columns, Mapping):
        raise ValueError(
            f"expected a History, a mapping of lists or a DataFrame, got {type(history).__name__}; "
            "mend by passing what model.fit returned"
        )
    if "loss" not in columns:
        raise ValueError(
            f"expected a 'loss' in the history, got {', '.join(map(str, columns)) or 'nothing'}; mend by naming it so"
        )
    loss = np.asarray(columns["loss"], dtype=float)
    val_loss = np.asarray(columns["val_loss"], dtype=float) if "val_loss" in columns else None
    if not len(loss) or (val_loss is not None and len(val_loss) != len(loss)):
        raise ValueError(
            f"expected a loss and a val_loss for each epoch, got {len(loss)} and "
            f"{'none' if val_loss is None else len(val_loss)}; mend by validating every epoch (validation_freq=1)"
        )
    chance = float(np.asarray(columns["chance_loss"])[0]) if "chance_loss" in columns else None
    return loss, val_loss, chance
