"""The expected best of n draws, and what is Python."""

import itertools

import numpy as np
import pytest

from chapters.ch5 import log_scale as section


def test_the_expected_best_is_the_mean_over_all_draws():
    losses, weights = np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.3, 0.5])
    by_hand = sum(
        weights[list(drawn)].prod() * losses[list(drawn)].min() for drawn in itertools.product(range(3), repeat=3)
    )
    assert section._expected_best(losses, 10 * weights, 3) == pytest.approx(by_hand)
    assert section._expected_best(losses, np.ones(3), 1) == pytest.approx(2.0)


def test_a_name_with_a_space_is_no_python():
    assert not section._is_python("learning rate = 10 ** uniform(-6, 1)")
    assert section._is_python("learning_rate = 10 ** uniform(-6, 1)")


def test_the_shares_of_the_range():
    ranges = section._ranges().set_index("part")
    assert ranges.counted.to_dict() == pytest.approx(ranges.closed_form.to_dict(), abs=1e-4)
