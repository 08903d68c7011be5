import itertools

import numpy as np
import pytest

from textbook.search import efficiency, expected_best


def test_it_is_the_mean_over_all_draws():
    scores, weights, tests = [0.5, 0.2, 0.9], np.array([1.0, 2.0, 3.0]), [5.0, 7.0, 11.0]
    share = weights / weights.sum()
    for of in (scores, tests):
        mean = 0.0
        for draw in itertools.product(range(3), repeat=3):
            best = min(draw, key=lambda trial: scores[trial])
            mean += np.prod(share[list(draw)]) * of[best]
        assert expected_best(scores, weights, 3, of=of) == pytest.approx(mean)


def test_equal_weights_in_a_large_pool_are_plain_random_search():
    import pandas as pd

    scores = np.random.default_rng(0).random(4000)
    plain = efficiency(pd.DataFrame({"y": scores}), target="y", sizes=[5], quantiles=[]).best.iloc[0]
    assert expected_best(scores, np.ones(4000), 5) == pytest.approx(plain, rel=2e-3)


def test_weights_make_another_distribution_of_the_draws():
    # points even in log x, weighted by x, are even in x: the best of n of the score x is at 1/(n + 1) of the range
    x = np.exp(np.linspace(np.log(1e-6), 0, 20_001))
    assert expected_best(x, x, 4) == pytest.approx(1 / 5, rel=2e-3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0.1, 0.2], [1.0], 2), "for each trial"),
        (([0.1, np.nan], [1.0, 1.0], 2), "the score of a guess"),
        (([0.1, 0.2], [0.0, 0.0], 2), "not all 0"),
        (([0.1, 0.2], [1.0, 1.0], 0), "from 1 up, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        expected_best(*arguments)
