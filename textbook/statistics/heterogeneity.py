"""One claim in several settings: is it one effect, has it one sign, and would the verdict words differ anyway?

Five settings with one true effect seldom give five equal verdicts: noise and a threshold part them. So words that
differ show nothing. What does is a test of the effects: `same_effect` asks whether they are equal, `same_sign` whether
they point the same way, which does not depend on the scale they are measured on. `words_disagree` says how often words
would differ under one effect.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from textbook.seeding import stream
from textbook.statistics.intervals import mean_and_error
from textbook.statistics.replication import words_of


@dataclass(frozen=True)
class Heterogeneity:
    """What a test over settings found.

    Attributes:
        effect: the one effect that fits the settings best, each weighted by n/s².
        statistic: the test's; it grows as the settings disagree.
        p: probability of at least this statistic if the settings agreed.
    """

    effect: float
    statistic: float
    p: float


def same_effect(settings) -> Heterogeneity:
    """Welch's test that several means are equal, for unequal variances and few values.

    With k settings, weights w = n/s², W = Σw and m̄ = Σwm/W:
    F = [Σ w(m − m̄)²/(k − 1)] / [1 + 2(k − 2)/(k² − 1) · Λ], Λ = Σ (1 − w/W)²/(n − 1),
    which has k − 1 and (k² − 1)/(3Λ) degrees of freedom. Of two settings it is Welch's t test, F = t².

    Args:
        settings: for each setting its differences, one per seed. They are taken as independent between settings; seeds
            that share data between settings correlate them, as a rule positively, and the test then finds less.

    Raises: ValueError for fewer than two settings, fewer than two values in one, or equal values throughout one.

    How often it errs at p < 0.05, simulated for five settings whose spreads go from 0.3 to 6: 13 % with 2 seeds each,
    10 % with 3, 8 % with 4, 5 % with 16. So with two or three seeds a small p says little.

    Source: Welch (1951), On the comparison of several mean values: an alternative approach.

    >>> here, there = [1.0, 2.0, 3.0], [9.0, 8.0, 10.0]
    >>> same_effect([here, [1.5, 2.5, 2.5]]).p > 0.5, same_effect([here, there]).p < 0.01
    (True, True)
    """
    n, means, errors = _moments(settings)
    k, weights = len(n), 1 / errors**2
    shares = weights / weights.sum()
    middle = float(shares @ means)
    imbalance = float(((1 - shares) ** 2 / (n - 1)).sum())
    between = float(weights @ (means - middle) ** 2) / (k - 1)
    ratio = between / (1 + 2 * (k - 2) / (k**2 - 1) * imbalance)
    return Heterogeneity(middle, ratio, float(stats.f.sf(ratio, k - 1, (k**2 - 1) / (3 * imbalance))))


def same_sign(settings) -> Heterogeneity:
    """Gail and Simon's test that no two settings have effects of opposite signs.

    Q⁺ and Q⁻ are the sums of z² over the settings with positive and with negative means; their smaller one is the
    statistic Q, and p = Σ over h = 1 … k − 1 of C(k − 1, h)/2^(k − 1) · P(χ²(h) > Q): exact where one setting has a
    large effect and all others none, which is the hardest case, and too large elsewhere. For few seeds each z is the
    normal deviate that is as improbable as the setting's t.

    Args: as for `same_effect`. A setting whose mean is 0 counts on neither side.
    Source: Gail & Simon (1985), Testing for qualitative interactions between treatment effects and patient subsets.

    >>> same_sign([[1.0, 2.0, 3.0], [9.0, 8.0, 10.0]]).p, same_sign([[5.0, 5.1, 4.9], [-9.0, -9.1, -8.9]]).p < 0.01
    (1.0, True)
    """
    n, means, errors = _moments(settings)
    t = means / errors
    # from the upper tail of |t|, where a probability near 1 would be rounded to 1
    z = np.sign(t) * stats.norm.isf(stats.t.sf(np.abs(t), n - 1))
    smaller = float(min((z[z > 0] ** 2).sum(), (z[z < 0] ** 2).sum()))
    h = np.arange(1, len(n))
    p = 1.0 if smaller == 0 else float(stats.binom.pmf(h, len(n) - 1, 0.5) @ stats.chi2.sf(smaller, h))
    return Heterogeneity(float(np.average(means, weights=1 / errors**2)), smaller, p)


def words_disagree(settings, *, delta: float, effect: float | None = None, draws: int = 2000, seed: int = 0) -> float:
    """How often settings of one true effect would be given words that are not all the same.

    Differences are drawn from normal distributions of each setting's own spread and number of seeds, around one effect.

    Args:
        settings: as for `same_effect`.
        delta: smallest effect of interest, in the unit of the differences.
        effect: the true one; by default the one that `same_effect` finds.
        draws: of all settings; a share p has a standard error of √(p(1 − p)/draws).
        seed: of the draws.

    >>> nearly_exact = [[2.0, 2.01, 1.99, 2.0], [2.0, 2.02, 1.98, 2.0]]
    >>> words_disagree(nearly_exact, delta=1.0), words_disagree(nearly_exact, delta=2.0) > 0.4
    (0.0, True)
    """
    n, means, errors = _moments(settings)
    if draws < 1:
        raise ValueError(f"expected at least one draw, got {draws}")
    effect = float(np.average(means, weights=1 / errors**2)) if effect is None else effect
    random = stream(seed, "one effect")
    words = np.stack(
        [
            words_of(effect + error * np.sqrt(count) * random.standard_normal((draws, count)), delta)
            for count, error in zip(n, errors, strict=True)
        ]
    )
    return float((words != words[0]).any(axis=0).mean())


def _moments(settings):
    """Number, mean and standard error of the mean of each setting."""
    settings = [np.asarray(values, dtype=float) for values in settings]
    if len(settings) < 2 or any(values.ndim != 1 or len(values) < 2 for values in settings):
        raise ValueError(
            f"expected two or more settings with two or more differences each, got {[v.shape for v in settings]}; "
            "mend by more seeds"
        )
    counted = [(len(values), *mean_and_error(values)[1:]) for values in settings]
    n, means, errors = (np.array(column) for column in zip(*counted, strict=True))
    if not (errors > 0).all():
        raise ValueError(
            f"expected differences that vary in every setting, got standard errors {errors.tolist()}; mend by leaving "
            "out a setting in which every seed gives the same"
        )
    return n, means, errors
