"""A learning rate that takes Adam's bias correction back, so that Keras's Adam runs without one."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from textbook.schedules import Schedule


@dataclass(frozen=True)
class Uncorrecting(Schedule):
    """initial · (1 − β₁ᵏ) / √(1 − β₂ᵏ) at update k = 1, 2, …: undoes the correction that Keras's Adam makes.

    Args:
        initial: the rate without correction.
        updates: per epoch.
        beta_1, beta_2: of the Adam whose correction is undone.
    """

    initial: float
    _: KW_ONLY
    updates: int
    beta_1: float
    beta_2: float

    def formula(self, t, xp):
        k = t * self.updates + 1
        beta_1, beta_2 = float(np.float32(self.beta_1)), float(np.float32(self.beta_2))  # as Keras rounds them
        return self.initial * (1 - beta_1**k) / xp.sqrt(1 - beta_2**k)
