import numpy as np
import pytest
from scipy import stats

from textbook.statistics import keep_discoveries


def test_the_step_up_rule_by_hand():
    # m = 5: bounds 0.01, 0.02, 0.03, 0.04, 0.05. The third smallest, 0.029, is the last within its bound, and it takes
    # with it 0.025, which is above its own.
    assert keep_discoveries([0.005, 0.025, 0.029, 0.3, 0.06]).tolist() == [True, True, True, False, False]


def test_it_agrees_with_scipys_adjusted_p_values():
    p = np.random.default_rng(0).uniform(size=200) ** 3
    assert (keep_discoveries(p) == (stats.false_discovery_control(p) <= 0.05)).all()


def test_none_and_nothing():
    assert keep_discoveries([0.5, 0.9]).tolist() == [False, False]
    assert keep_discoveries([]).tolist() == []


@pytest.mark.parametrize("p", [[1.2], [np.nan], [[0.1]]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(ValueError, match="p-values"):
        keep_discoveries(p)


def test_a_rate_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"0\.05 is usual"):
        keep_discoveries([0.1], rate=5)
