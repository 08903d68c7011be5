"""Batch norm with noise behind it, which takes the steadiness away and leaves the rest: to find out what it was for."""

import math

import keras

from textbook.schedules.arguments import between, nonnegative


@keras.saving.register_keras_serializable(package="textbook")
class NoisyBatchNormalization(keras.layers.BatchNormalization):
    """Batch norm whose outputs are stretched and shifted anew at every step of training, each unit by its own numbers.

        y = s·BN(x) + m,  log s uniform within ± log(scale), m uniform within ± shift

    All samples of a batch share a unit's s and m, so that its distribution jumps from step to step: the internal
    covariate shift that batch norm is said to remove, put back. In inference, and where the layer is frozen, it is
    plain batch norm. With scale=1 and shift=0 it is plain batch norm always.

    Args:
        shift: how far the outputs are shifted at most, from 0; 1 is the standard deviation behind batch norm at γ = 1.
        scale: up to which factor they are stretched, from 1; or squeezed, to its inverse.
        seed: of the noise; None draws one.
        kwargs: those of `keras.layers.BatchNormalization`.

    Raises: ValueError for a shift below 0 and for a scale that is not from 1 to 1000.

    Source: after Santurkar, Tsipras, Ilyas and Mądry (2018), section 2, who add noise for each sample besides.

    >>> import numpy as np
    >>> layer = NoisyBatchNormalization(shift=1.0, scale=1.0, seed=0)
    >>> outputs = keras.ops.convert_to_numpy(layer(np.array([[1.0], [3.0]]), training=True))
    >>> float(np.round(np.ptp(outputs), 2)), bool(abs(outputs.mean()) > 0.01)
    (2.0, True)
    """

    def __init__(self, *, shift: float = 1.0, scale: float = 1.5, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.shift = nonnegative("shift", shift)
        self.scale = between("scale", scale, low=1, high=1e3)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=None, mask=None):
        outputs = super().call(inputs, training=training, mask=mask)
        if not training or not self.trainable:
            return outputs
        shape = [1] * len(inputs.shape)
        shape[self.axis] = inputs.shape[self.axis]
        factor, shift = (
            keras.random.uniform(shape, -1.0, 1.0, dtype=self.compute_dtype, seed=self.seed_generator) for _ in range(2)
        )
        return outputs * keras.ops.exp(factor * math.log(self.scale)) + shift * self.shift

    def get_config(self):
        return super().get_config() | {"shift": self.shift, "scale": self.scale, "seed": self.seed}
