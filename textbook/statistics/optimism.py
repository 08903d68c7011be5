"""How much the score of a winner overstates it, when the rows that score it have also chosen it."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from textbook.seeding import stream


def winners_luck(models: int, rows: int, *, accuracy: float) -> float:
    """Expected accuracy of the best of M equally good classifiers on n test rows, less their true accuracy.

    Exact for classifiers whose errors are independent: Σ over k of P(best count > k) / n − accuracy, with the count of
    each binomial(n, accuracy). About √(2 ln M · accuracy(1 − accuracy)/n) for large M. Classifiers that err on the same
    rows have less luck; `choice_optimism` measures how much.

    Args:
        models: M, 1 or more.
        rows: n of the test set.
        accuracy: true share of right answers, 0…1, of all of them.

    >>> round(100 * winners_luck(20, 300, accuracy=0.9), 2)
    3.1
    >>> abs(winners_luck(1, 300, accuracy=0.9)) < 1e-12
    True
    """
    _refuse_no_count(models=models, rows=rows)
    if not 0 <= accuracy <= 1:
        raise ValueError(f"expected accuracy as a share from 0 to 1, got {accuracy!r}; mend by 0.9 for 90 %")
    # the mean of a count is the sum of the chances to exceed 0, 1, …, n − 1
    exceeded = 1 - stats.binom.cdf(np.arange(rows), rows, accuracy) ** models
    return float(exceeded.sum() / rows - accuracy)


@dataclass(frozen=True)
class ChoiceOptimism:
    """What choosing by some rows does to the winner's score there; means over random draws of those rows.

    Attributes:
        apparent: the winner's score on the rows that chose it.
        fresh: its score on the other rows.
        best_mean: the highest mean score of a model over all rows, which is what a perfect choice would get.
        share: (models,) how often each model won.
    """

    apparent: float
    fresh: float
    best_mean: float
    share: tuple[float, ...]

    @property
    def optimism(self) -> float:
        """By how much the score that chose overstates the winner: apparent − fresh."""
        return self.apparent - self.fresh


def choice_optimism(scores, rows: int, *, repeats: int = 200, seed: int = 0) -> ChoiceOptimism:
    """Choose the best of several models on random rows and score the winner there and on the rows left over.

    Needs no training: the models' scores on each held-out row are enough. Ties go to the model that stands first.

    Args:
        scores: (models, held-out rows), higher is better: 1 for a right answer and 0 for a wrong one, or −loss.
        rows: how many of the held-out rows choose; the others judge.
        repeats: random draws of the rows.
        seed: of the draws.

    Raises: ValueError for scores that are no table or not finite, and where no row would be left to judge.

    >>> right = [[1, 1, 0, 1, 0, 1, 1, 0], [1, 0, 1, 1, 1, 0, 0, 1]]
    >>> found = choice_optimism(right, 4)
    >>> found.apparent > 5 / 8 > found.fresh
    True
    """
    scores = np.asarray(scores, float)
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise ValueError(f"expected finite scores as (models, rows), got shape {scores.shape} or values that are none")
    _refuse_no_count(rows=rows, repeats=repeats)
    if rows >= scores.shape[1]:
        raise ValueError(
            f"expected fewer than {scores.shape[1]} rows to choose by, got {rows}; the others have to judge the winner"
        )
    rng, total = stream(seed, "rows that choose"), scores.sum(axis=1)
    wins, apparent, fresh = np.zeros(len(scores)), 0.0, 0.0
    for _ in range(repeats):
        chosen_by = rng.permutation(scores.shape[1])[:rows]
        there = scores[:, chosen_by].sum(axis=1)
        winner = int(np.argmax(there))
        wins[winner] += 1
        apparent += there[winner] / rows
        fresh += (total[winner] - there[winner]) / (scores.shape[1] - rows)
    best = float(scores.mean(axis=1).max())
    return ChoiceOptimism(float(apparent / repeats), float(fresh / repeats), best, tuple((wins / repeats).tolist()))


def _refuse_no_count(**counts) -> None:
    for name, number in counts.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise ValueError(f"expected {name} as a whole number from 1 up, got {number!r}")
