"""Rprop by hand, and against torch's where it is installed."""

import numpy as np
import pytest

from tests.update_rules.course import BOWL, START
from textbook.surfaces import trajectory
from textbook.update_rules import Rprop


def test_lengths_grow_shrink_and_rest():
    rule = Rprop(1.0, largest=1.3)
    state, walked = rule.init(np.zeros(1)), []
    for gradient in (3.0, 0.2, 7.0, -1.0, -1.0, -1.0):
        change, state = rule.update(np.array([gradient]), state)
        walked.append(change.item())
    # 1.44 is cut to 1.3; after the turn a rest, a step of 0.65, and growth again
    np.testing.assert_allclose(walked, [-1.0, -1.2, -1.3, 0.0, 0.65, 0.78])


def test_the_size_of_the_loss_does_not_matter():
    class Scaled:
        def gradient(self, w):
            return 1e4 * BOWL.gradient(w)

    once, scaled = (trajectory(bowl, Rprop(0.1), start=START, steps=60) for bowl in (BOWL, Scaled()))
    assert np.array_equal(once, scaled)
    assert BOWL.value(once[-1]) < 1e-8


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="expected shrink below and grow above 1"):
        Rprop(0.1, grow=0.9)
    with pytest.raises(ValueError, match="expected an initial step from"):
        Rprop(100.0)


def test_fifty_updates_equal_torch():
    torch = pytest.importorskip("torch")
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Rprop([w], lr=0.1)
    path = [np.array(START)]
    for _ in range(50):
        w.grad = torch.from_numpy(BOWL.gradient(path[-1]))
        optimizer.step()
        path.append(w.detach().numpy().copy())
    np.testing.assert_allclose(trajectory(BOWL, Rprop(0.1), start=START, steps=50), path, atol=1e-12)
