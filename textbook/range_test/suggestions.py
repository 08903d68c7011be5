"""What rate a range test suggests: four rules that are in use, each of which may have nothing to say."""

from dataclasses import dataclass

import numpy as np

# fewer points than this have no slope worth reading, and the interval of the slide rule does not fit in
LEAST_POINTS = 16
_LAST_POINTS = 5  # left out: there the loss is already exploding
_SLIDE_INTERVAL, _SLIDE_THRESHOLD = 15, 0.005


@dataclass(frozen=True)
class Suggestion:
    """A learning rate, or None, and why."""

    rate: float | None
    reason: str


@dataclass(frozen=True)
class Agreement:
    """How far apart the suggestions lie.

    Attributes:
        count: suggestions that name a rate.
        factor: the largest of them divided by the smallest; None for fewer than two.
    """

    count: int
    factor: float | None

    @classmethod
    def between(cls, suggestions: dict[str, Suggestion]) -> "Agreement":
        """Of one test's suggestions.

        >>> Agreement.between({"steepest": Suggestion(0.02, ""), "minimum": Suggestion(0.01, "")})
        Agreement(count=2, factor=2.0)
        """
        named = [suggestion.rate for suggestion in suggestions.values() if suggestion.rate is not None]
        return cls(len(named), max(named) / min(named) if len(named) > 1 else None)


def suggest(learning_rate, smoothed_loss, *, rates: int) -> dict[str, Suggestion]:
    """The suggestions steepest, minimum, valley and slide, from the curve [rates/10 : −5].

    Slopes are taken over the logarithm of the rate: over the rate itself the steepest point is always among the
    smallest rates, where the same change of the loss falls on next to no change of the rate.

    Args:
        learning_rate: of each update, increasing, shape (updates,).
        smoothed_loss: of each update, shape (updates,); where it is not finite, the curve ends.
        rates: how many the test was to try; it may have stopped earlier.

    Returns: name → `Suggestion`, whose rate is None where the curve does not show what the rule looks for.

    Sources: Smith (2017), "Cyclical learning rates for training neural networks"; valley, slide and the slice as in
    Howard and Gugger (2020), "fastai: a layered API for deep learning".
    """
    rate, loss = np.asarray(learning_rate, float), np.asarray(smoothed_loss, float)
    finite = np.isfinite(loss)
    seen = len(loss) if finite.all() else int(np.argmin(finite))
    part = slice(rates // 10, max(seen - _LAST_POINTS, 0))
    rate, loss = rate[part], loss[part]
    if len(rate) < LEAST_POINTS:
        nothing = Suggestion(
            None,
            f"{len(rate)} points are left of {seen} updates, and fewer than {LEAST_POINTS} show no shape; "
            "ask for more rates or a smaller start",
        )
        return dict.fromkeys(_RULES, nothing)
    return {name: rule(rate, loss) for name, rule in _RULES.items()}


def steepest(rate: np.ndarray, loss: np.ndarray) -> Suggestion:
    """The rate at which the loss falls fastest: argmin of d loss / d ln rate."""
    slope = np.gradient(loss, np.log(rate))
    at = int(np.argmin(slope))
    if not slope[at] < 0:
        return Suggestion(None, "the loss falls nowhere")
    if at > np.argmin(loss):
        return Suggestion(None, "the steepest fall comes after the lowest loss, when the loss has exploded already")
    return Suggestion(float(rate[at]), "there the loss falls fastest over the logarithm of the rate")


def minimum(rate: np.ndarray, loss: np.ndarray) -> Suggestion:
    """A tenth of the rate with the lowest loss, where there is a lowest one inside the curve."""
    at = int(np.argmin(loss))
    if at == 0:
        return Suggestion(None, "the loss is lowest at the first rate; try a smaller start")
    if at == len(loss) - 1:
        return Suggestion(None, "the loss still falls at the last rate, so its minimum lies beyond; try a larger end")
    return Suggestion(float(rate[at]) / 10, f"a tenth of {rate[at]:.3g}, where the loss is lowest")


def valley(rate: np.ndarray, loss: np.ndarray) -> Suggestion:
    """Half the way through the longest falling run of losses, which may skip points in between.

    A run of L falling points that ends at index e counts as the valley from e − L to e, and the suggestion is
    e − L + ⌊L/3⌋ + ⌊L/6⌋. For a short run that begins at once this is −1, which is nothing rather than the last rate.
    """
    length = np.ones(len(loss), int)
    for i in range(1, len(loss)):
        lower = length[:i][loss[:i] > loss[i]]
        length[i] = 1 + (lower.max() if len(lower) else 0)
    end = int(np.argmax(length))
    run = int(length[end])
    at = end - run + int(run / 3) + int(run / 6)
    if run < 3 or at < 0:
        return Suggestion(None, f"the longest fall has {run} points, too few to have a middle")
    return Suggestion(float(rate[at]), f"the middle of the longest fall, which has {run} points")


def slide(rate: np.ndarray, loss: np.ndarray) -> Suggestion:
    """From the right, an interval of 15 points slides left until the slopes at its two ends differ no more.

    Slopes are per update; the rate is the one at the interval's left end before it came to rest.
    """
    if len(rate) <= _SLIDE_INTERVAL:
        return Suggestion(None, f"the interval of {_SLIDE_INTERVAL} points does not fit into {len(rate)}")
    slope = np.gradient(loss)
    found = None
    for left in range(len(loss) - 1 - _SLIDE_INTERVAL, -1, -1):
        if abs(slope[left + _SLIDE_INTERVAL] - slope[left]) <= _SLIDE_THRESHOLD:
            if found is None:
                return Suggestion(None, "the slopes at the right end do not differ, so there is nothing to slide from")
            return Suggestion(float(rate[found]), "left of it the slope changes no more")
        found = left
    return Suggestion(None, "the slopes differ everywhere, so the interval never came to rest")


_RULES = {"steepest": steepest, "minimum": minimum, "valley": valley, "slide": slide}
