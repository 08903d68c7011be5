"""What the rules are walked over, and one of each."""

import numpy as np

from textbook.surfaces import Quadratic
from textbook.update_rules import (
    Adagrad,
    Adam,
    AveragedMomentum,
    DampedNewton,
    GradientDescent,
    HeavyBall,
    Nesterov,
    NesterovLookAhead,
    Newton,
    RMSprop,
    Rprop,
    SaddleFreeNewton,
    TorchMomentum,
)

BOWL = Quadratic((1, 25))
START = (1.0, 1.0)
WITH_RATE = (
    GradientDescent(0.01),
    HeavyBall(0.01, momentum=0.9),
    TorchMomentum(0.01, momentum=0.9),
    AveragedMomentum(0.1, beta=0.9),
    Nesterov(0.01, momentum=0.9),
    NesterovLookAhead(0.01, momentum=0.9),
    Adagrad(0.1),
    RMSprop(0.01),
    Adam(0.1),
)
WITHOUT_RATE = (Rprop(0.1),)
SECOND_ORDER = (Newton(), DampedNewton(0.5), SaddleFreeNewton(), SaddleFreeNewton(0.5))


def steps_on_a_constant_gradient(rule, updates, gradient=1.0):
    """Lengths of the steps, against the gradient, that the rule takes on it."""
    state, steps = rule.init(np.zeros(1)), []
    for _ in range(updates):
        change, state = rule.update(np.full(1, gradient), state)
        steps.append(-change.item())
    return np.array(steps)
