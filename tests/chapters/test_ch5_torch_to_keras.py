"""The two velocities against hand-made steps, and the noted defaults against torch itself where it is installed."""

import inspect

import pytest

from chapters.ch5 import torch_to_keras
from textbook.experiment import exact


def test_steps_around_a_cut_by_hand():
    steps = torch_to_keras._steps(0.5, 1.0, 0.1, 2)
    assert steps["Keras"].tolist() == pytest.approx([1.0, 1.5, 0.85, 0.525])
    assert steps["torch"].tolist() == pytest.approx([1.0, 1.5, 0.175, 0.1875])
    assert steps.excess.tolist() == pytest.approx(steps.closed_form.tolist())


def test_a_wrong_closed_form_is_violated():
    steps = torch_to_keras._steps(0.9, 0.1, 0.01, 60)
    test = exact(measured="excess", expected="closed_form", tolerance=1e-12)
    assert test.judge(steps).verdict == "exact"
    assert test.judge(steps.assign(closed_form=steps.closed_form * 0.999)).verdict == "violated"


def test_the_noted_numbers_are_torchs():
    torch = pytest.importorskip("torch")
    noted = {name: value for name, value, *_ in torch_to_keras.NUMBERS}

    def default(owner, name):
        return inspect.signature(owner).parameters[name].default

    found = {
        "SGD: rate": default(torch.optim.SGD, "lr"),
        "Adam: ε": default(torch.optim.Adam, "eps"),
        "RMSprop: 1 − ρ": 1 - default(torch.optim.RMSprop, "alpha"),
        "RMSprop: rate": default(torch.optim.RMSprop, "lr"),
        "Adagrad: rate": default(torch.optim.Adagrad, "lr"),
        "batch norm: new weight": default(torch.nn.BatchNorm1d, "momentum"),
        "batch norm: ε": default(torch.nn.BatchNorm1d, "eps"),
        "leaky ReLU: slope": default(torch.nn.LeakyReLU, "negative_slope"),
    }
    assert noted == pytest.approx(found)
