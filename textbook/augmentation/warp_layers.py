"""Keras layers that shift and turn each training image by amounts of its own, drawn by chance."""

import math
import numbers

import keras
from keras import ops

from textbook.augmentation.images import EDGE
from textbook.augmentation.layer_input import check_images


@keras.saving.register_keras_serializable(package="textbook")
class RandomWarp(keras.layers.Layer):
    """Turns each image about its centre and moves it, in one interpolation; in training alone.

    Each image draws its own amounts, evenly from −`degrees` to `degrees` and from −`pixels` to `pixels` in each
    direction. `textbook.augmentation.warp` is the same transform by given amounts. In inference, and with
    `training=False`, images pass as they are. Two layers one after the other interpolate twice, which blurs; this one
    does both at once.

    Keras's own layers measure in shares: `keras.layers.RandomRotation(0.1)` turns by up to 0.1 · 360 degrees,
    `RandomTranslation(0.1, 0.1)` moves by up to a tenth of the image, and both mirror the image beyond its border.

    Args:
        pixels: largest shift, at least 0; a number, or a pair (down, across).
        degrees: largest rotation to either side, 0…180.
        whole: shift by whole pixels only, which are then those of the image.
        fill: beyond the border: a value, or "edge" for the nearest pixel of the border.
        seed: of the layer's own stream; None draws one from Keras's global state. In `train_replicas` each replica has
            a stream of its own whatever the seed.
        data_format: "channels_last" or "channels_first"; by default as Keras is configured.

    Takes (batch, height, width, channels) or one image (height, width, channels); integers become floats.

    Raises: ValueError for amounts below 0 or not finite, and for what is neither a batch nor an image.

    >>> import numpy as np
    >>> images = np.random.default_rng(0).random((2, 8, 8, 1)).astype("float32")
    >>> layer = RandomWarp(pixels=1, degrees=15, seed=0)
    >>> tuple(layer(images, training=True).shape), bool(np.all(np.asarray(layer(images)) == images))
    ((2, 8, 8, 1), True)
    """

    def __init__(
        self, *, pixels=0.0, degrees: float = 0.0, whole=False, fill=0.0, seed=None, data_format=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.pixels = tuple(map(float, pixels)) if isinstance(pixels, tuple | list) else (float(pixels),) * 2
        self.degrees, self.whole, self.fill, self.seed = float(degrees), bool(whole), fill, seed
        self.data_format = data_format or keras.config.image_data_format()
        if len(self.pixels) != 2 or not all(0 <= value < math.inf for value in self.pixels):
            raise ValueError(
                f"expected pixels as a number from 0 up or a pair (down, across), got {pixels!r}; they are drawn on "
                "both sides of 0"
            )
        if not 0 <= self.degrees <= 180:
            raise ValueError(
                f"expected degrees from 0 to 180, got {degrees!r}; a share of a full turn, as Keras's layer has it, "
                "is 360 times that in degrees"
            )
        if fill != EDGE and not isinstance(fill, numbers.Real):
            raise ValueError(f"expected fill as a number or {EDGE!r}, got {fill!r}; mend by passing one of these")
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        """Images of the shape given, in the layer's dtype."""
        images = ops.cast(images, self.compute_dtype)
        sizes = (-2, -1) if self.data_format == "channels_first" else (-3, -2)
        check_images(images.shape, type(self).__name__, sizes=sizes if training else ())
        if not training:
            return images
        batch = images if len(images.shape) == 4 else images[None]
        warped = ops.image.affine_transform(
            batch,
            self._matrices(batch),
            interpolation="bilinear",
            fill_mode="nearest" if self.fill == EDGE else "constant",
            fill_value=0.0 if self.fill == EDGE else self.fill,
            data_format=self.data_format,
        )
        return warped if len(images.shape) == 4 else warped[0]

    def _matrices(self, batch):
        """(batch, 8): the place in the image, a0 x + a1 y + a2 and b0 x + b1 y + b2, that each pixel is taken from."""
        first = 2 if self.data_format == "channels_first" else 1
        height, width = batch.shape[first], batch.shape[first + 1]
        # one draw for all three: among replicas each draw is a loop
        drawn = keras.random.uniform((ops.shape(batch)[0], 3), -1.0, 1.0, dtype="float32", seed=self.seed_generator)
        down, across = drawn[:, 0] * self.pixels[0], drawn[:, 1] * self.pixels[1]
        if self.whole:
            down, across = (self._whole(drawn[:, i], self.pixels[i]) for i in (0, 1))
        angle = drawn[:, 2] * (self.degrees * math.pi / 180)
        cos, sin = ops.cos(angle), ops.sin(angle)
        # the place before the shift, seen from the centre
        x, y = -across - (width - 1) / 2, -down - (height - 1) / 2
        zero = ops.zeros_like(cos)
        rows = (cos, -sin, cos * x - sin * y + (width - 1) / 2, sin, cos, sin * x + cos * y + (height - 1) / 2)
        return ops.stack([*rows, zero, zero], axis=1)

    @staticmethod
    def _whole(drawn, most: float):
        """Each of the whole numbers from −most to most equally often, from −1…1."""
        most = math.floor(most)
        return ops.clip(ops.floor((drawn + 1) * (most + 0.5)) - most, -most, most)

    def compute_output_shape(self, input_shape):
        check_images(input_shape, type(self).__name__)
        return input_shape

    def get_config(self):
        names = ("pixels", "degrees", "whole", "fill", "seed", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="textbook")
class RandomShift(RandomWarp):
    """Moves each training image by up to `pixels`, down or up and to either side; see `RandomWarp`.

    >>> RandomShift(2).pixels, RandomShift((0, 3)).pixels
    ((2.0, 2.0), (0.0, 3.0))
    """

    def __init__(self, pixels=1.0, **kwargs):
        super().__init__(pixels=pixels, **kwargs)

    def get_config(self):
        return _without(super().get_config(), "degrees")


@keras.saving.register_keras_serializable(package="textbook")
class RandomRotation(RandomWarp):
    """Turns each training image about its centre by up to `degrees` to either side; see `RandomWarp`.

    >>> RandomRotation(15).degrees
    15.0
    """

    def __init__(self, degrees: float = 15.0, **kwargs):
        super().__init__(degrees=degrees, **kwargs)

    def get_config(self):
        return _without(super().get_config(), "pixels", "whole")


def _without(config: dict, *names: str) -> dict:
    return {name: value for name, value in config.items() if name not in names}
