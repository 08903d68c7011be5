"""Best of k against the enumeration of all subsets."""

from itertools import combinations

import numpy as np
import pytest

from textbook.statistics import best_of


def enumerated(chosen_by, judged_by, k):
    """The same by looking at every subset."""
    apparent, real = [], []
    for subset in combinations(range(len(chosen_by)), k):
        top = max(chosen_by[i] for i in subset)
        apparent.append(top)
        real.append(np.mean([judged_by[i] for i in range(len(chosen_by)) if chosen_by[i] == top]))
    return np.mean(apparent) - np.mean(chosen_by), np.mean(real) - np.mean(judged_by)


@pytest.mark.parametrize("k", [1, 2, 4, 7])
@pytest.mark.parametrize("ties", [False, True])
def test_as_enumeration(k, ties):
    rng = np.random.default_rng(k)
    chosen_by, judged_by = rng.normal(size=7), rng.normal(size=7)
    if ties:
        chosen_by = np.round(chosen_by)
    gain = best_of(chosen_by, judged_by, k)
    assert (gain.apparent, gain.real) == pytest.approx(enumerated(chosen_by, judged_by, k))


def test_one_try_gains_nothing():
    gain = best_of([0.9, 0.95, 0.97], [0.8, 0.99, 0.9], 1)
    assert (gain.apparent, gain.real) == pytest.approx((0, 0))


def test_a_score_that_predicts_the_other_leaves_no_optimism():
    scores = [0.9, 0.95, 0.97, 0.91]
    assert best_of(scores, scores, 3).optimism == pytest.approx(0)


def test_unrelated_scores_give_nothing_but_optimism():
    rng = np.random.default_rng(0)
    gains = [best_of(*rng.normal(size=(2, 12)), 8) for _ in range(400)]
    # the best of eight standard normal numbers is 1.42 on average
    assert np.mean([gain.apparent for gain in gains]) == pytest.approx(1.42, abs=0.06)
    assert np.mean([gain.real for gain in gains]) == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [1.0, 2.0], 3), "k from 1 to 2"),
        (([1.0, 2.0], [1.0], 1), "two scores per run"),
        (([1.0, np.nan], [1.0, 2.0], 1), "finite"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        best_of(*arguments)
