import numpy as np
import pytest

from chapters.ch6 import tuned_and_trained as section
from textbook.experiment import Run


@pytest.fixture(scope="module")
def part():
    return Run(seeds=(0,)).splits("digits")(0)


def test_only_parameters_are_moved_by_the_gradient(part):
    table = section._parts(part, (4,))
    by_kind = table.groupby("kind")[["moved", "by_gradient"]].any()
    assert by_kind.loc["parameter"].all() and not by_kind.loc["hyperparameter"].any()
    assert by_kind.moved[["statistic", "optimizer state", "random state"]].all()
    assert not by_kind.by_gradient["statistic"]


def test_counts_follow_from_the_sizes(part):
    table = section._counts(part, (4, 3))
    # 64·4 + 4·3 + 3·10 weights, 10 biases, γ and β of 7 units; mean and variance of 7
    assert table.formula.tolist() == [256 + 12 + 30 + 10 + 14, 14, 336]
    assert np.array_equal(table.keras, table.formula)
