"""What is known of one batch norm after the passes: its settings, its statistics and what it saw."""

import math
from dataclasses import dataclass

import keras
import numpy as np

from textbook.normalisation.input_moments import InputMoments


@dataclass(frozen=True)
class LayerFacts:
    """One batch norm: the layer, its name in the model, and the moments of its inputs in both modes.

    Attributes:
        training, inference: of its inputs where all layers run as in training, and as in inference.
        quiet: where batch norms run as in training and all others as in inference, without dropout and noise.
        source: the linear layer right before it, or None.
        batch_size: rows of a training batch.
    """

    layer: object
    name: str
    training: InputMoments
    inference: InputMoments
    quiet: InputMoments
    source: object | None
    batch_size: int

    @property
    def seen(self) -> bool:
        """Whether the layer ran on the data, and its inputs could be read."""
        return self.training.batches > 0 and self.quiet.batches > 0

    @property
    def judged(self) -> bool:
        """Whether its inputs are numbers that vary within a batch; those of a dense layer in batches of one do not."""
        seen = self.training
        return self.seen and self.finite_inputs and not (seen.rows == seen.batches and seen.places <= 1)

    @property
    def finite_inputs(self) -> bool:
        """Whether no NaN and no infinity came in."""
        return all(bool(np.isfinite([seen.mean, seen.variance]).all()) for seen in (self.training, self.quiet))

    @property
    def by_chance(self) -> float:
        """How far the mean of so few rows may be from that of all by chance alone, as `batch_noise` for batches."""
        return self.batch_noise * math.sqrt(self.batch_size / self.training.rows)

    @property
    def moving_mean(self) -> np.ndarray:
        return _numbers(self.layer.moving_mean)

    @property
    def moving_variance(self) -> np.ndarray:
        return _numbers(self.layer.moving_variance)

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.moving_mean).all() and np.isfinite(self.moving_variance).all())

    @property
    def initial(self) -> bool:
        """Whether the moving statistics are the 0 and 1 that they begin with, exactly."""
        return not self.moving_mean.any() and bool((self.moving_variance == 1).all())

    @property
    def learns(self) -> bool:
        """Whether it normalises by the batch in training: it is not frozen, and told that it is training."""
        return self.layer.trainable and True in self.training.told

    @property
    def updates_needed(self) -> float:
        """Updates until 1 % of what the moving statistics were is left: ln 0.01 / ln momentum."""
        momentum = self.layer.momentum
        if not 0 < momentum < 1:
            return 0.0 if momentum <= 0 else math.inf
        return math.log(0.01) / math.log(momentum)

    @property
    def constant(self) -> np.ndarray:
        """Channels whose input has the same value everywhere. (channels,)"""
        variance, mean = self.training.variance + self.training.spread_of_rows, self.training.mean
        return variance <= 1e-10 * mean**2

    @property
    def below_epsilon(self) -> np.ndarray:
        """Channels that vary, but by less than ε, so that ε and not their spread is what they are divided by."""
        return ~self.constant & (self.training.variance < self.layer.epsilon)

    @property
    def without_scale(self) -> np.ndarray:
        """Channels that γ has switched off: |γ| < 0.001, while others have more. (channels,)"""
        if self.layer.gamma is None:
            return np.zeros(len(self.moving_mean), bool)
        size = np.abs(_numbers(self.layer.gamma))
        return (size < 1e-3) & (size.max() > 0)

    @property
    def mean_lag(self) -> np.ndarray:
        """(moving mean − mean of the data's batches), in standard deviations of the inputs. (channels,)"""
        return self._lags_behind(self.training)

    @property
    def variance_ratio(self) -> np.ndarray:
        """(moving variance + ε) / (variance of the data's batches + ε). (channels,)"""
        return self._ratios_to(self.training)

    @property
    def lag(self) -> float:
        """Root mean square of `mean_lag` over the channels, less what the choice of the rows alone makes of it."""
        return self.off_from(self.training)[0]

    @property
    def typical_ratio(self) -> float:
        """The `variance_ratio` whose distance from 1 is the median over the channels."""
        return self.off_from(self.training)[1]

    def off_from(self, seen: InputMoments) -> tuple[float, float]:
        """`lag` and `typical_ratio` of the moving statistics to these inputs, with dropout or without."""
        by_chance = seen.spread_of_rows / seen.rows / (seen.variance + self.layer.epsilon)
        ratios = self._ratios_to(seen)
        middle = np.argsort(np.abs(np.log(ratios)))[(len(ratios) - 1) // 2]
        return float(np.sqrt(max(np.mean(self._lags_behind(seen) ** 2 - by_chance), 0.0))), float(ratios[middle])

    def _lags_behind(self, seen: InputMoments) -> np.ndarray:
        return (self.moving_mean - seen.mean) / np.sqrt(seen.variance + self.layer.epsilon)

    def _ratios_to(self, seen: InputMoments) -> np.ndarray:
        # a variance below 0 cannot be, but a loaded file may hold one
        return np.maximum(self.moving_variance + self.layer.epsilon, 1e-30) / (seen.variance + self.layer.epsilon)

    @property
    def batch_noise(self) -> float:
        """Standard deviation of a batch's mean in standard deviations of the inputs, root mean square over channels."""
        share = self.training.spread_of_rows / self.batch_size / (self.training.variance + self.layer.epsilon)
        return float(np.sqrt(np.mean(share)))

    @property
    def average_noise(self) -> float:
        """The same for the moving mean, an exponential average of such means: √((1 − m)/(1 + m)) of it."""
        momentum = min(max(self.layer.momentum, 0.0), 1.0)
        return self.batch_noise * math.sqrt((1 - momentum) / (1 + momentum))

    @property
    def mode_ratio(self) -> float:
        """Variance of the inputs without dropout and noise by that with them, the median over channels that vary."""
        varies = ~self.constant
        if not varies.any():
            return 1.0
        ratio = (self.quiet.variance + self.layer.epsilon) / (self.training.variance + self.layer.epsilon)
        return float(np.median(ratio[varies]))

    def row(self) -> dict:
        """One row of the report's table; numbers that could not be measured are NaN."""
        layer, known = self.layer, self.judged and self.finite
        return {
            "layer": self.name,
            "channels": len(self.moving_mean),
            "momentum": float(layer.momentum),
            "epsilon": float(layer.epsilon),
            "trainable": bool(layer.trainable),
            "updates_needed": self.updates_needed,
            "lag": self.lag if known else math.nan,
            "worst_lag": float(np.abs(self.mean_lag).max()) if known else math.nan,
            "variance_ratio": self.typical_ratio if known else math.nan,
            "worst_variance_ratio": _furthest(self.variance_ratio) if known else math.nan,
            "batch_noise": self.batch_noise if self.judged else math.nan,
            "inference_variance_ratio": self.mode_ratio if self.judged else math.nan,
            "constant_channels": int(self.constant.sum()) if self.judged else 0,
            "channels_below_epsilon": int(self.below_epsilon.sum()) if self.judged else 0,
            "channels_without_scale": int(self.without_scale.sum()),
            "bias_before": "" if self.source is None or self.source.bias is None else self.source.name,
        }


def _furthest(ratios: np.ndarray) -> float:
    return float(ratios[np.abs(np.log(ratios)).argmax()])


def _numbers(variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable.value), dtype=np.float64)
