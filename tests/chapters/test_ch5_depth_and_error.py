"""Which weights of a network are checked."""

import numpy as np

from chapters.ch5 import depth_and_error
from chapters.shared.small_network import SmallNetwork
from textbook.seeding import stream


def test_some_of_every_tensor_are_checked_and_only_those_with_a_gradient():
    network = SmallNetwork(np.ones((2, 6)), np.array([0, 1]), 2, hidden=(4,))
    gradient = np.ones(network.weights)
    gradient[:22] = 0  # of the first kernel, 6 × 4, two weights are left
    chosen = depth_and_error._some_of_each(network, gradient, 3, stream(0, "test"))
    parts = np.searchsorted([24, 28, 36, 38], chosen, side="right")
    assert np.bincount(parts).tolist() == [2, 3, 3, 2] and len(set(chosen)) == 10
    assert (gradient[chosen] != 0).all()
