"""The generated data, and Adam without its two additions."""

import numpy as np

from chapters.ch5 import optimizers_tuned
from textbook.experiment import exact


def test_the_generated_features_differ_by_the_ratio_and_are_always_the_same():
    first, again = (optimizers_tuned._unequal_scales(1000.0)(0).train.x for _ in range(2))
    sizes = first.std(axis=0)
    assert first.shape == (1024, 64) and np.array_equal(first, again)
    assert 700 < sizes.max() / sizes.min() < 1400
    assert np.argmax(sizes) != 0 or np.argmin(sizes) != 63  # not in the order of their informativeness


def test_adam_without_momentum_and_correction_is_rmsprop_and_with_a_fault_it_is_not():
    test = exact(measured="adam", expected="rmsprop", tolerance=1e-6)
    family = optimizers_tuned._family()
    assert test.judge(family).verdict == "exact"
    assert family.rmsprop.abs().min() < 0.9  # it moved
    assert test.judge(family.assign(adam=family.adam.shift(2, fill_value=1.0))).verdict == "violated"


def test_every_optimizer_has_as_many_trials():
    assert {len(grid) for grid in optimizers_tuned.GRIDS.values()} == {5}
