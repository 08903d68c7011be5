"""The rules of judgement: from differences between two arms, one per seed, to a verdict.

d is the paired difference in the claimed direction, m its mean, [lo, hi] its 95 % t interval, δ the smallest effect of
interest. The first that applies:

1. −δ < lo and hi < δ: no difference
2. lo > 0 and m ≥ δ: holds
3. hi < 0 and m ≤ −δ: reversed
4. hi < δ: fails (an effect of the claimed size is ruled out)
5. else inconclusive
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from textbook.statistics.intervals import mean_interval, mean_p_value, wilson_interval
from textbook.statistics.judgement import (
    EXACT,
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    NO_DIFFERENCE,
    REVERSED,
    VIOLATED,
    Judgement,
)

DIFFERENT = (HOLDS, REVERSED)
KNOB_VALUES_OF_A_TREND = 5


def five_way(mean, low, high, delta):
    """The verdict word of a mean and its interval; arrays of the same shape give an array of words.

    >>> str(five_way(0.02, 0.01, 0.03, 0.01))
    'holds'
    """
    delta = _checked_delta(delta)
    mean, low, high = np.asarray(mean), np.asarray(low), np.asarray(high)
    return np.select(
        [
            (-delta < low) & (high < delta),
            (low > 0) & (mean >= delta),
            (high < 0) & (mean <= -delta),
            high < delta,
        ],
        [NO_DIFFERENCE, HOLDS, REVERSED, FAILS],
        default=INCONCLUSIVE,
    )


def paired_verdict(differences, delta: float, *, unit: str = "") -> Judgement:
    """R1: judges a mean difference by the five-way rule.

    Args:
        differences: one per seed, positive in the claimed direction, in the unit of `delta`.
        delta: smallest effect of interest, above 0.
        unit: for the record.

    Raises: ValueError for no or non-finite differences, or a δ that is not positive.

    >>> paired_verdict([0.02, 0.03, 0.025, 0.03], 0.01).verdict
    'holds'
    """
    differences = _checked_series(differences)
    delta = _checked_delta(delta)
    record = {"n": len(differences), "unit": unit, "delta": delta, "differences": tuple(differences.tolist())}
    if len(differences) == 1:
        return Judgement(INCONCLUSIVE, float(differences[0]), None, note="One seed alone gives no interval.", **record)
    mean = float(differences.mean())
    low, high = mean_interval(differences)
    return Judgement(str(five_way(mean, low, high, delta)), mean, (low, high), p=mean_p_value(differences), **record)


def trend_verdict(changes, adjacent, delta: float, *, unit: str = "") -> Judgement:
    """R2: judges a trend by R1 on the fitted change; it does not hold if a step between neighbours is reversed by R1.

    Args:
        changes: per seed, fitted slope × range of the knob, positive in the claimed direction.
        adjacent: (seeds, steps): the difference across each step between neighbouring knob values, positive in the
            claimed direction. A trend needs five knob values, that is four steps.
        delta: smallest change of interest over the whole range.
    """
    adjacent = np.asarray(adjacent, dtype=float)
    if adjacent.ndim != 2 or adjacent.shape[1] + 1 < KNOB_VALUES_OF_A_TREND:
        raise ValueError(
            f"expected the steps between at least {KNOB_VALUES_OF_A_TREND} knob values, (seeds, steps), got an array "
            f"of shape {adjacent.shape}: measure more values of the knob"
        )
    judgement = paired_verdict(changes, delta, unit=unit)
    if adjacent.shape[0] != judgement.n:
        raise ValueError(
            f"expected steps of the same seeds as the changes, got {adjacent.shape[0]} seeds and {judgement.n}"
        )
    if judgement.verdict != HOLDS:
        return judgement
    backward = [
        step for step in range(adjacent.shape[1]) if paired_verdict(adjacent[:, step], delta).verdict == REVERSED
    ]
    if not backward:
        return judgement
    # A trend says that every step goes one way or stays; one that goes the other way, beyond δ, contradicts it.
    note = f"The change over the range holds, but step {', '.join(str(step + 1) for step in backward)} is reversed."
    return Judgement(**(vars(judgement) | {"verdict": FAILS, "note": note}))


def seeds_for_share(threshold: float, *, above: bool = True) -> int:
    """How many seeds a share needs before "holds" is within reach: n ≥ 3.84·p/(1−p), its mirror image for "below".

    >>> seeds_for_share(0.5), seeds_for_share(0.9), seeds_for_share(0.95)
    (4, 35, 73)
    """
    if not 0 < threshold < 1:
        raise ValueError(f"expected a threshold between 0 and 1, got {threshold}: write 90 % as 0.9")
    odds = threshold / (1 - threshold)
    return math.ceil(stats.norm.ppf(0.975) ** 2 * (odds if above else 1 / odds))


def share_verdict(events, threshold: float = 0.5, above: bool = True) -> Judgement:
    """R4: holds if Wilson's 95 % interval of the share of seeds lies above the threshold, fails if it lies below.

    Args:
        events: one truth value per seed.
        threshold: share to beat, between 0 and 1.
        above: whether the claim is a share above the threshold, or below it.

    Returns: a judgement whose effect is the share and whose δ is the threshold. With fewer than `seeds_for_share`
        seeds it is inconclusive, and the note says how many are needed.

    >>> share_verdict([True] * 16).verdict
    'holds'
    """
    needed = seeds_for_share(threshold, above=above)
    events = _checked_series(events)
    if not np.isin(events, (0, 1)).all():
        raise ValueError(f"expected events that are true or false, got {sorted(set(events.tolist()))[:5]}")
    n, count = len(events), int(events.sum())
    low, high = wilson_interval(count, n)
    beyond, short_of = (low > threshold, high < threshold) if above else (high < threshold, low > threshold)
    z = (count / n - threshold) / math.sqrt(threshold * (1 - threshold) / n)
    note = ""
    if n < needed:
        verdict, note = INCONCLUSIVE, f"A threshold of {threshold:.0%} needs {needed} seeds, there are {n}."
    else:
        verdict = HOLDS if beyond else FAILS if short_of else INCONCLUSIVE
    return Judgement(
        verdict,
        count / n,
        (low, high),
        n,
        "share of seeds",
        float(threshold),
        differences=tuple(events.tolist()),
        p=float(2 * stats.norm.sf(abs(z))),
        note=note,
    )


def equivalence_verdict(pairs, control, delta: float, *, unit: str = "") -> Judgement:
    """R5: holds if every pair of arms shows no difference while a known-bad arm is told apart from each of them.

    A control that is not told apart means that this experiment could not have seen a difference: inconclusive.
    Otherwise one pair judged different makes the claim fail.

    Args:
        pairs: (pairs, seeds): the differences of every pair of arms; or a dict that names each pair.
        control: (arms, seeds): the differences between the known-bad arm and each arm.
        delta: smallest difference of interest.

    Returns: a judgement with the effect and interval of the pair that is furthest from equality. It has no p-value:
        that of a pair speaks against "they are equal", and a large one is no evidence for it.
    """
    named = dict(pairs) if hasattr(pairs, "keys") else {f"pair {i + 1}": pair for i, pair in enumerate(pairs)}
    control = list(control)
    if not named or not control:
        raise ValueError(
            f"expected at least one pair and a positive control, got {len(named)} and {len(control)}: "
            "give the differences of an arm that is known to be bad"
        )
    judged = {name: paired_verdict(pair, delta, unit=unit) for name, pair in named.items()}
    worst = max(judged, key=lambda name: _distance(judged[name]))
    told_apart = all(paired_verdict(arm, delta).verdict in DIFFERENT for arm in control)
    if not told_apart:
        verdict, note = INCONCLUSIVE, "The positive control was not told apart."
    elif all(judgement.verdict == NO_DIFFERENCE for judgement in judged.values()):
        verdict, note = HOLDS, f"Furthest from equal: {worst}."
    elif any(judgement.verdict in DIFFERENT for judgement in judged.values()):
        verdict, note = FAILS, f"Different: {worst}."
    else:
        verdict, note = INCONCLUSIVE, f"Furthest from equal: {worst}."
    return Judgement(**(vars(judged[worst]) | {"verdict": verdict, "note": note, "p": None}))


def slope_verdict(slopes, theory: float, tolerance: float = 0.1) -> Judgement:
    """R6: holds if the 95 % interval of the mean slope lies within theory ± tolerance, fails if it lies outside.

    Args:
        slopes: one per seed, over a range fixed beforehand.

    >>> slope_verdict([-1.02, -0.98, -1.0, -1.01], theory=-1).verdict
    'holds'
    """
    tolerance = _checked_delta(tolerance)
    slopes = _checked_series(slopes)
    record = {"n": len(slopes), "unit": "slope", "delta": tolerance, "differences": tuple(slopes.tolist())}
    if len(slopes) == 1:
        return Judgement(INCONCLUSIVE, float(slopes[0]), None, note="One seed alone gives no interval.", **record)
    low, high = mean_interval(slopes)
    if theory - tolerance <= low and high <= theory + tolerance:
        verdict = HOLDS
    elif high < theory - tolerance or low > theory + tolerance:
        verdict = FAILS
    else:
        verdict = INCONCLUSIVE
    return Judgement(verdict, float(slopes.mean()), (low, high), note=f"Theory says {theory:g}.", **record)


def exact_verdict(max_error: float, tolerance: float) -> Judgement:
    """R3: an identity is exact if its largest error is within the tolerance, else violated; NaN violates it.

    >>> exact_verdict(3e-8, 1e-6).verdict
    'exact'
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"expected a tolerance of 0 or more, got {tolerance}: state the error that rounding may cause")
    finite = math.isfinite(max_error)
    return Judgement(
        EXACT if finite and max_error <= tolerance else VIOLATED,
        float(max_error) if finite else None,
        None,
        None,
        "largest error",
        None,
        note=f"Tolerance {tolerance:g}." if finite else f"The largest error is {max_error}.",
    )


def _distance(judgement: Judgement) -> tuple[bool, float]:
    """Order of pairs from equal to different: those judged different last, then by the far end of the interval."""
    ends: Sequence[float] = judgement.interval or (judgement.effect,)
    return judgement.verdict in DIFFERENT, max(abs(end) for end in ends)


def _checked_delta(delta):
    if not (math.isfinite(delta) and delta > 0):
        raise ValueError(f"expected a smallest effect of interest above 0, got {delta}: e.g. 0.01 nats or 0.5 points")
    return float(delta)


def _checked_series(values):
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"expected one value per seed, got an array of shape {values.shape}: select one arm or pair")
    if not np.isfinite(values).all():
        raise ValueError(
            f"expected finite values, got {np.count_nonzero(~np.isfinite(values))} that are not: "
            "replace a diverged run by the loss or accuracy of a guess"
        )
    return values
