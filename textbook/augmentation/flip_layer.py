"""A Keras layer that mirrors some of the training images."""

import keras
from keras import ops

from textbook.augmentation.images import AXES
from textbook.augmentation.layer_input import check_images


@keras.saving.register_keras_serializable(package="textbook")
class RandomFlip(keras.layers.Layer):
    """Mirrors each training image with probability `share`; pixels are moved, not interpolated.

    Right where a mirrored image has the same label: a tree, a shirt, a cat from the side. Not for digits, letters or
    anything that is told apart by its left and right.

    Args:
        share: of the images, 0…1.
        axis: "horizontal" swaps left and right, "vertical" top and bottom.
        seed: of the layer's own stream; None draws one from Keras's global state.
        data_format: "channels_last" or "channels_first"; by default as Keras is configured.

    Takes (batch, height, width, channels) or one image (height, width, channels); integers become floats.

    Raises: ValueError for a share beyond 0…1, another axis, and for what is neither a batch nor an image.

    >>> import numpy as np
    >>> np.asarray(RandomFlip(share=1.0)(np.array([[[[1.0], [2.0]]]]), training=True)).ravel().tolist()
    [2.0, 1.0]
    """

    def __init__(self, *, share: float = 0.5, axis: str = "horizontal", seed=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= share <= 1:
            raise ValueError(f"expected the share of flipped images from 0 to 1, got {share!r}")
        if axis not in AXES:
            raise ValueError(f"expected axis among {', '.join(AXES)}, got {axis!r}; for both, use two layers")
        self.share, self.axis, self.seed = float(share), axis, seed
        self.data_format = data_format or keras.config.image_data_format()
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        """Images of the shape given, in the layer's dtype."""
        images = ops.cast(images, self.compute_dtype)
        check_images(images.shape, type(self).__name__)
        if not training:
            return images
        batched = len(images.shape) == 4
        # counted from the end, so that one image alone needs no batch
        rows = -2 if self.data_format == "channels_first" else -3
        mirrored = ops.flip(images, axis=rows + (self.axis == "horizontal"))
        shape = (ops.shape(images)[0], 1, 1, 1) if batched else (1, 1, 1)
        drawn = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return ops.where(drawn < self.share, mirrored, images)

    def compute_output_shape(self, input_shape):
        check_images(input_shape, type(self).__name__)
        return input_shape

    def get_config(self):
        names = ("share", "axis", "seed", "data_format")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
