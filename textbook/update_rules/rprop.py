"""Rprop: a step length for each weight, from the signs of its gradients alone."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules.arguments import positive
from textbook.update_rules.rule import UpdateRule


@dataclass(frozen=True)
class Rprop(UpdateRule):
    """w ← w − Δ · sign(g), where a weight's Δ grows while its gradient keeps its sign and shrinks when it turns.

    Δ ← min(Δ · grow, largest) after two gradients of one sign. After a turn Δ ← max(Δ · shrink, smallest), and the
    weight stands still for one update, so that the next one counts neither as a turn nor as none. It is a rule for the
    gradient of all the data: the sign of a mini-batch's turns by chance.

    Source: Riedmiller and Braun (1993); the rest after a turn instead of a step back is Igel and Hüsken's (2000), and
    torch's `Rprop`.

    Args:
        initial: Δ of every weight at the start.
        grow, shrink: factors above and below 1.
        smallest, largest: bounds of Δ.

    >>> rule, state = Rprop(0.1), Rprop(0.1).init(np.zeros(2))
    >>> change, state = rule.update(np.array([5.0, -0.01]), state)
    >>> change.tolist()
    [-0.1, 0.1]
    >>> change, state = rule.update(np.array([5.0, 0.01]), state)
    >>> (change.round(3) + 0.0).tolist()
    [-0.12, 0.0]
    """

    initial: float
    _: KW_ONLY
    grow: float = 1.2
    shrink: float = 0.5
    smallest: float = 1e-6
    largest: float = 50.0

    def __post_init__(self):
        for name in ("initial", "smallest", "largest"):
            positive(name, getattr(self, name))
        if not 0 < self.shrink < 1 < self.grow:
            raise ValueError(
                f"expected shrink below and grow above 1, got {self.shrink!r} and {self.grow!r}; "
                "mend by the paper's 0.5 and 1.2"
            )
        if not self.smallest <= self.initial <= self.largest:
            raise ValueError(
                f"expected an initial step from {self.smallest!r} to {self.largest!r}, got {self.initial!r}; "
                "mend by wider bounds"
            )

    def init(self, w):
        w = np.asarray(w, dtype=np.float64)
        return np.full_like(w, self.initial), np.zeros_like(w)

    def update(self, gradient, state):
        """The state is (Δ, the gradient before), the latter 0 after a turn."""
        length, before = state
        kept = np.sign(gradient) * np.sign(before)
        length = np.where(kept > 0, np.minimum(length * self.grow, self.largest), length)
        length = np.where(kept < 0, np.maximum(length * self.shrink, self.smallest), length)
        gradient = np.where(kept < 0, 0.0, gradient)
        return -length * np.sign(gradient), (length, gradient)
