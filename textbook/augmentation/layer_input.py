"""What the augmenting layers take: a batch of images with channels, or one image with channels."""


def check_images(shape, layer: str, *, sizes: tuple[int, ...] = ()) -> None:
    """Refuse what would be read as another thing than it is, such as rows of flat pixels read as one image.

    Args:
        shape: of the input; None where an axis is not known beforehand.
        layer: its name, for the message.
        sizes: axes, counted from the end, whose length the layer needs to know.

    Raises: ValueError for other than 3 or 4 axes, a batch without channels, and unknown sizes that are needed.

    >>> check_images((None, 8, 8, 1), "RandomWarp", sizes=(-3, -2))
    >>> check_images((None, 64), "RandomWarp")
    Traceback (most recent call last):
    ...
    ValueError: expected a batch of images with channels, or one image with channels, got shape (None, 64) in \
RandomWarp; mend flat images by keras.layers.Reshape((8, 8, 1)) before it
    """
    shape = tuple(shape)
    wanted = "expected a batch of images with channels, or one image with channels"
    if len(shape) not in (3, 4):
        raise ValueError(
            f"{wanted}, got shape {shape} in {layer}; mend flat images by keras.layers.Reshape((8, 8, 1)) before it"
        )
    # one image whose height alone is unknown does not occur: the first axis is that of the batch
    if len(shape) == 3 and shape[0] is None and shape[1] is not None:
        raise ValueError(
            f"{wanted}, got shape {shape} in {layer}, which is a batch without channels; mend by "
            f"keras.layers.Reshape({(*shape[1:], 1)}) before it"
        )
    if any(shape[axis] is None for axis in sizes):
        raise ValueError(
            f"expected images of a size known beforehand, got shape {shape} in {layer}; mend by resizing them first, "
            "or by image.set_shape in a pipeline"
        )
