"""The moments behind batch norm, of stages made by hand: right ones, and a batch norm with another variance."""

from types import SimpleNamespace

import numpy as np

from chapters.ch6 import normalised_values as section
from textbook.experiment import exact
from textbook.normalisation import batch_norm

GAMMA, BETA = np.array([2.0, -0.5]), np.array([1.0, 3.0])
NORM = SimpleNamespace(gamma=GAMMA, beta=BETA, epsilon=1e-3)
STAGES = [(1, "z", "into batch norm"), (1, "batch norm", "out of batch norm"), (1, "activation", "elsewhere")]
TEST = exact(measured="batch_norm", expected="closed_form", tolerance=1e-4)


def passed_on(*, factor=1.0):
    z = np.array([[0.0, 5.0], [2.0, 5.1], [7.0, 4.0]])
    y = BETA + factor * (batch_norm(z, GAMMA, BETA)[0] - BETA)
    return [[z, y, np.maximum(y, 0)]]


def test_moments_are_those_of_gamma_and_beta_and_a_wrong_variance_is_found():
    table = section._moments(section.BEFORE, None, STAGES, {1: NORM}, passed_on())
    assert len(table) == 4 and TEST.judge(table).verdict == "exact"
    assert (table.activation[table.moment == "mean"] > table.closed_form[table.moment == "mean"]).any()
    unbiased = section._moments(section.BEFORE, None, STAGES, {1: NORM}, passed_on(factor=np.sqrt(2 / 3)))
    assert TEST.judge(unbiased).verdict == "violated"
