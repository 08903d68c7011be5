"""What the tests of the replica trainer share."""

import numpy as np
import pytest

from textbook import datasets, splits

NOT_COMPARED = ("condition", "engine", "seconds")


@pytest.fixture(scope="session")
def digits():
    return splits.Splitter(datasets.load("digits"), sizes=(500, 200, 200))  # 500 leaves a smaller last batch of 20


@pytest.fixture(scope="session")
def few_digits():
    return splits.Splitter(datasets.load("digits"), sizes=(100, 60, 50))


@pytest.fixture(scope="session")
def same_tables():
    """A check that two engines measured the same: every column but clock and names."""

    def check(ours, oracle, *, rtol=1e-3, atol=1e-6):
        assert list(ours.columns) == list(oracle.columns)
        assert len(ours) == len(oracle)
        for column in ours.columns.difference(NOT_COMPARED):
            np.testing.assert_allclose(
                ours[column].astype(float), oracle[column].astype(float), rtol=rtol, atol=atol, err_msg=column
            )

    return check
