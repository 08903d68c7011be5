"""torch's momentum against torch.optim.SGD where it is installed; the formula itself is tested in test_momentum."""

import numpy as np
import pytest

from tests.update_rules.course import BOWL, START
from textbook.surfaces import trajectory
from textbook.update_rules import GradientDescent, Nesterov, TorchMomentum

torch = pytest.importorskip("torch")


def torch_path(rates, **arguments):
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=rates(0), **arguments)
    path = [np.array(START)]
    for k in range(50):
        optimizer.param_groups[0]["lr"] = rates(k)
        w.grad = torch.from_numpy(BOWL.gradient(path[-1]))
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("rates", (lambda k: 0.03, lambda k: 0.03 / (1 + k)), ids=("constant", "falling"))
def test_fifty_updates_equal_torch(rates):
    theirs = torch_path(rates, momentum=0.9)
    ours = trajectory(BOWL, TorchMomentum(rates, momentum=0.9), start=START, steps=50)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert np.abs(theirs - torch_path(rates)).max() > 1e-2  # momentum does something


def test_plain_descent_equals_torch_as_does_nesterov_at_a_constant_rate():
    for rule, arguments in (
        (GradientDescent(0.03), {}),
        (Nesterov(0.03, momentum=0.9), {"momentum": 0.9, "nesterov": True}),
    ):
        ours = trajectory(BOWL, rule, start=START, steps=50)
        np.testing.assert_allclose(ours, torch_path(lambda k: 0.03, **arguments), rtol=1e-9)
