"""The network of the section on masks: its gradient, its masks, and what counts as an error."""

import numpy as np
import pytest

from chapters.ch5 import fixed_masks
from textbook.seeding import stream

X, Y = np.random.default_rng(0).normal(size=(6, 5)), np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def network():
    return fixed_masks._Network(X, Y, 3)


def test_the_gradient_is_that_of_the_loss_with_any_mask(network):
    w, mask = network.drawn(stream(0, "weights")), network.mask(stream(0, "masks"), 0.5)
    chosen = network.coordinates(stream(0, "coordinates"))
    numeric = network.differences(w, chosen, 1e-6, mask, mask)
    assert np.allclose(network.gradient(w, mask, mask)[chosen], numeric, atol=1e-8)
    forgotten = network.gradient(w, mask, np.ones_like(mask))[chosen]
    assert np.abs(forgotten - numeric).max() > 0.01


def test_a_forgotten_mask_spoils_the_tensors_below_it_alone(network):
    w, mask = network.drawn(stream(0, "weights")), network.mask(stream(0, "masks"), 0.5)
    every = np.arange(network.ends[-1])
    wrong = network.gradient(w, mask, np.ones_like(mask)) != network.gradient(w, mask, mask)
    assert set(network.tensor_of(every[wrong])) == {0, 1}


def test_masks_keep_the_mean(network):
    network.x = np.zeros((2000, 5))
    mask = network.mask(stream(0, "masks"), 0.25)
    assert set(np.unique(mask)) == {0.0, 1 / 0.75} and mask.mean() == pytest.approx(1, abs=0.01)


def test_every_tensor_has_its_coordinates(network):
    chosen = network.coordinates(stream(0, "coordinates"))
    assert np.bincount(network.tensor_of(chosen)).tolist() == [20, 20, 20, 3]
    assert len(set(chosen)) == len(chosen)


def test_the_error_is_that_of_the_worst_tensor_and_weights_without_gradient_do_not_count():
    tensors = np.array([0, 0, 0, 1, 1])
    numeric = np.array([1.0, 1.0, 0.0, 1.0, 1.0])
    analytic = np.array([1.0, 1.0, 0.0, 1.1, 1.1])
    assert fixed_masks._worst_median(tensors, analytic, numeric) == pytest.approx(0.1 / 1.1)
