"""Synthetic pairs of arms whose true effect is known, to find out how often the rules of judgement err.

An effect and a spread are given in multiples of δ: the true mean of the paired differences in the claimed direction,
and their standard deviation. Arms share what a seed shares (the split, the initial weights), which cancels in the pair.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

CHANCE_LOSS, CHANCE_ACCURACY = np.log(10), 0.1
LEVEL_OF_A_SEED = 3.0  # standard deviation, in δ, of what both arms of a seed share
TEST_ROWS = 300  # accuracies are counts of these
TOGETHER, APART, ONE_ARM = 0.1, 0.15, 0.3  # shares of runs that diverge


@dataclass(frozen=True)
class Arms:
    """Many tables of two arms, (tables, seeds): the metric of each run, and which runs diverged."""

    favoured: np.ndarray
    other: np.ndarray
    favoured_diverged: np.ndarray
    other_diverged: np.ndarray
    truth: float  # the true effect in δ
    metric: str = "test_loss"

    @property
    def differences(self) -> np.ndarray:
        """In the unit of δ (nats, points), in the claimed direction; diverged runs count as a guess."""
        if self.metric == "test_accuracy":
            return 100 * (self.favoured - self.other)
        favoured = np.where(self.favoured_diverged, CHANCE_LOSS, self.favoured)
        return np.where(self.other_diverged, CHANCE_LOSS, self.other) - favoured

    @property
    def delta(self) -> float:
        return 0.5 if self.metric == "test_accuracy" else 0.01

    def table(self, index: int) -> pd.DataFrame:
        """One table as a measurement returns it: two epochs, the metric in the last, NaN where a run diverged."""
        arms = (("favoured", self.favoured, self.favoured_diverged), ("other", self.other, self.other_diverged))
        seeds = np.arange(self.favoured.shape[1])
        last = pd.concat(
            pd.DataFrame(
                {
                    "condition": name,
                    "seed": 1000 + seeds,
                    "epoch": 2,
                    self.metric: np.where(diverged[index], np.nan, values[index]),
                    "diverged": diverged[index],
                    "chance_loss": CHANCE_LOSS,
                    "chance_accuracy": CHANCE_ACCURACY,
                }
            )
            for name, values, diverged in arms
        )
        return pd.concat([last.assign(**{"epoch": 1, self.metric: np.nan, "diverged": False}), last])


def _losses(rng, shape, effect, noise, *, truth=None, favoured_diverged=False, other_diverged=False):
    """Loss arms 0.3 nats above zero; `noise` is a pair of arrays in δ."""
    seed_level = LEVEL_OF_A_SEED * rng.standard_normal(shape)
    favoured, other = (0.3 + 0.01 * (seed_level + arm) for arm in (noise[0], noise[1] + effect))
    masks = (np.broadcast_to(mask, shape) for mask in (favoured_diverged, other_diverged))
    return Arms(favoured, other, *masks, truth=effect if truth is None else truth)


def _normal_noise(rng, shape, spread):
    return spread / np.sqrt(2) * rng.standard_normal((2, *shape))


def lognormal(rng, shape, sigma):
    """Right-skewed, with mean 0 and standard deviation 1; its skewness is (e^σ² + 2)·√(e^σ² − 1)."""
    growth = np.exp(sigma**2)
    return (np.exp(sigma * rng.standard_normal(shape)) - np.sqrt(growth)) / np.sqrt(growth * (growth - 1))


def normal(rng, shape, effect, spread):
    return _losses(rng, shape, effect, _normal_noise(rng, shape, spread))


def skewed(rng, shape, effect, spread):
    """Each arm is lognormal with σ = 1 (skewness 6.2); their difference is heavy-tailed."""
    return _losses(rng, shape, effect, spread / np.sqrt(2) * lognormal(rng, (2, *shape), 1.0))


def tied(rng, shape, effect, spread):
    """Accuracies are counts of 300 test rows, so differences are multiples of ⅔ δ; random rounding keeps the mean."""
    seed_level = LEVEL_OF_A_SEED * rng.standard_normal(shape)
    noise = _normal_noise(rng, shape, spread)
    favoured, other = (
        np.floor(TEST_ROWS * (0.9 + 0.005 * (seed_level + arm)) + rng.random(shape)) / TEST_ROWS
        for arm in (noise[0] + effect, noise[1])
    )
    sound = np.zeros(shape, dtype=bool)
    return Arms(favoured, other, sound, sound, truth=effect, metric="test_accuracy")


def diverged_together(rng, shape, effect, spread):
    """A bad seed ruins both arms, one seed in ten: those differences are 0."""
    bad = rng.random(shape) < TOGETHER
    noise = _normal_noise(rng, shape, spread)
    shift = effect / (1 - TOGETHER)
    return _losses(rng, shape, shift, noise, truth=effect, favoured_diverged=bad, other_diverged=bad)


def diverged_apart(rng, shape, effect, spread):
    """Runs of both arms diverge, 15 % of each, one without the other."""
    bad = rng.random((2, *shape)) < APART
    noise = _normal_noise(rng, shape, spread)
    shift = effect / (1 - APART)
    return _losses(rng, shape, shift, noise, truth=effect, favoured_diverged=bad[0], other_diverged=bad[1])


def favoured_diverged(rng, shape, effect, spread, share=ONE_ARM):
    """Only the favoured arm diverges; among the sound runs it is better by `effect`. The truth is far below zero."""
    bad = rng.random(shape) < share
    truth = (1 - share) * effect - share * (CHANCE_LOSS - 0.3) / 0.01
    return _losses(rng, shape, effect, _normal_noise(rng, shape, spread), truth=truth, favoured_diverged=bad)


def other_diverged(rng, shape, effect, spread):
    """Only the other arm diverges. The truth is far above zero."""
    bad = rng.random(shape) < ONE_ARM
    truth = (1 - ONE_ARM) * effect + ONE_ARM * (CHANCE_LOSS - 0.3) / 0.01
    return _losses(rng, shape, effect, _normal_noise(rng, shape, spread), truth=truth, other_diverged=bad)


def lopsided(rng, shape, effect, spread, sigma=0.5):
    """Only one arm is noisy, and skewed, so that the differences themselves are: skewness 1.75 for σ = ½."""
    noise = np.zeros(shape), spread * lognormal(rng, shape, sigma)
    return _losses(rng, shape, effect, noise)


POPULATIONS: dict[str, Callable[..., Arms]] = {
    "normal": normal,
    "skewed arms": skewed,
    "tied accuracies": tied,
    "diverged together": diverged_together,
    "diverged in both arms": diverged_apart,
    "diverged in the favoured arm": favoured_diverged,
    "diverged in the other arm": other_diverged,
}
