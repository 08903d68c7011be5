"""A test part that is handed out once."""

import numpy as np
import pytest

from textbook import splits


@pytest.fixture
def split():
    return splits.split((np.arange(40.0).reshape(20, 2), np.arange(20) % 2), seed=3, sizes=(12, 4, 4))


def test_training_and_validation_are_free_and_the_test_part_is_not(split):
    vault = splits.TestVault(split)
    np.testing.assert_array_equal(vault.train.x, split.train.x)
    np.testing.assert_array_equal(vault.validation.y, split.validation.y)
    with pytest.raises(ValueError, match="expected no look at the test part before the choice"):
        _ = vault.test
    assert vault.openings == ()


def test_it_opens_once_and_says_so_when_asked_again(split):
    vault = splits.TestVault(split)
    np.testing.assert_array_equal(vault.open("width 64").x, split.test.x)
    with pytest.raises(ValueError, match="a second after 'width 64'"):
        vault.open("width 128")
    assert vault.openings == ("width 64",)


def test_a_second_look_that_is_meant_stays_on_record(split):
    vault = splits.TestVault(split)
    vault.open("width 64")
    np.testing.assert_array_equal(vault.open("width 128", again=True).y, split.test.y)
    assert vault.openings == ("width 64", "width 128")


@pytest.mark.parametrize("decision", ["", "  ", None, 3])
def test_a_look_without_a_decision_is_refused_and_leaves_it_shut(split, decision):
    vault = splits.TestVault(split)
    with pytest.raises(ValueError, match="expected the decision in words"):
        vault.open(decision)
    assert vault.openings == ()


def test_other_things_and_splits_without_a_test_part_are_refused(split):
    with pytest.raises(ValueError, match="expected a Split, got tuple"):
        splits.TestVault((split.train, split.test))
    with pytest.raises(ValueError, match="expected rows in the test part"):
        splits.TestVault(splits.split((np.arange(4.0)[:, None], np.arange(4) % 2), seed=0, sizes=(3, 1, 0)))
