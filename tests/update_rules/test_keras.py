"""The update rules against Keras's optimizers, over fifty updates."""

import math

import numpy as np
import pytest

from tests.update_rules.course import BOWL, START
from textbook.surfaces import trajectory
from textbook.update_rules import Adagrad, Adam, GradientDescent, HeavyBall, Nesterov, RMSprop


def keras_path(optimizer, surface, *, start, steps):
    import keras

    w = keras.Variable(np.asarray(start), dtype="float64")
    path = [np.copy(keras.ops.convert_to_numpy(w))]
    for _ in range(steps):
        optimizer.apply([keras.ops.convert_to_tensor(surface.gradient(path[-1]), "float64")], [w])
        path.append(np.copy(keras.ops.convert_to_numpy(w)))
    return np.asarray(path, dtype=np.float64)


PAIRS = (
    (GradientDescent(0.03), "SGD", {"learning_rate": 0.03}),
    (GradientDescent(0.0625), "SGD", {"learning_rate": 0.0625}),
    (HeavyBall(0.03, momentum=0.9), "SGD", {"learning_rate": 0.03, "momentum": 0.9}),
    (Nesterov(0.03, momentum=0.9), "SGD", {"learning_rate": 0.03, "momentum": 0.9, "nesterov": True}),
    (Adagrad(0.001), "Adagrad", {"learning_rate": 0.001}),
    (Adagrad(0.5), "Adagrad", {"learning_rate": 0.5}),
    (
        Adagrad(0.5, initial_accumulator=0, epsilon=1e-2),
        "Adagrad",
        {"learning_rate": 0.5, "initial_accumulator_value": 0, "epsilon": 1e-2},
    ),
    (RMSprop(0.01), "RMSprop", {"learning_rate": 0.01}),
    (RMSprop(0.1, rho=0.5, epsilon=1e-2), "RMSprop", {"learning_rate": 0.1, "rho": 0.5, "epsilon": 1e-2}),
    (Adam(0.001), "Adam", {"learning_rate": 0.001}),
    (
        Adam(0.1, beta_1=0.875, beta_2=1 - 2**-10),
        "Adam",
        {"learning_rate": 0.1, "beta_1": 0.875, "beta_2": 1 - 2**-10},
    ),
    (
        Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-2),
        "Adam",
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2},
    ),
)


@pytest.mark.parametrize(("rule", "name", "arguments"), PAIRS, ids=repr)
def test_fifty_updates_equal_keras(rule, name, arguments):
    import keras

    optimizer = getattr(keras.optimizers, name)(**arguments)
    # float64, because RMSprop and Adam divide by roots that float32 leaves with few digits near the minimum
    theirs = keras_path(optimizer, BOWL, start=START, steps=50)
    # relative to the start, which is 1: where a weight passes 0 Keras's rates, kept in 32 bits, have no digits left
    np.testing.assert_allclose(trajectory(BOWL, rule, start=START, steps=50), theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", (0.01, 0.1))
def test_adam_differs_by_keras_rounding_of_beta_2(rate):
    # Keras raises beta_2 to its power from float32 also for float64 weights: 1 - 0.999 is then off by 1.3e-5, a step by
    # half of that, which rates above 0.003 add up to more than 1e-6; a beta_2 that float32 holds exactly is among PAIRS
    import keras

    theirs = keras_path(keras.optimizers.Adam(rate), BOWL, start=START, steps=50)
    apart = np.abs(trajectory(BOWL, Adam(rate), start=START, steps=50) - theirs).max()
    rounded = (1 - float(np.float32(0.999))) / (1 - 0.999)
    assert 1e-6 < apart < 50 * rate * abs(math.sqrt(rounded) - 1)


@pytest.mark.parametrize(("rule", "name", "arguments"), PAIRS, ids=repr)
def test_the_comparison_would_notice_another_rule(rule, name, arguments):
    paths = {repr(other): trajectory(BOWL, other, start=START, steps=50) for other, _, _ in PAIRS}
    own = paths.pop(repr(rule))
    assert all(np.abs(path - own).max() > 1e-4 for path in paths.values())


def test_epsilon_stands_inside_the_root_in_rmsprop_and_outside_in_adam():
    # a tiny gradient, where the two places differ: √(s + ε) against √s + ε
    g = np.array([1e-6])
    step, _ = RMSprop(1.0, rho=0.9, epsilon=1e-7).update(g, RMSprop(1.0).init(g))
    assert step[0] == pytest.approx(-1e-6 / math.sqrt(0.1 * 1e-12 + 1e-7), rel=1e-12)
    step, _ = Adam(1.0).update(g, Adam(1.0).init(g))
    lift = math.sqrt(1 - 0.999) / (1 - 0.9)
    assert step[0] == pytest.approx(-lift * 0.1e-6 / (math.sqrt(0.001) * 1e-6 + 1e-7), rel=1e-9)
