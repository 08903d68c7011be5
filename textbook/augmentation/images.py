"""Shift, rotation and flip of images in NumPy, by given amounts: what the layers do, computed pixel by pixel.

Images are (images, height, width) or (images, height, width, channels). A warped pixel is interpolated between the four
pixels around the place that it comes from (bilinear); beyond the border lies `fill`.
"""

import numpy as np

EDGE = "edge"
AXES = {"horizontal": 2, "vertical": 1}


def shift(images, down=0.0, *, across=0.0, fill: float | str = 0.0) -> np.ndarray:
    """Move images by `down` and `across` pixels; see `warp`, of which this is a part.

    >>> shift(np.array([[[1.0, 2.0, 3.0]]]), across=1)
    array([[[0., 1., 2.]]])
    >>> shift(np.array([[[1.0, 2.0, 3.0]]]), across=-0.5, fill="edge")
    array([[[1.5, 2.5, 3. ]]])
    """
    return warp(images, down=down, across=across, fill=fill)


def rotate(images, degrees, *, fill: float | str = 0.0) -> np.ndarray:
    """Turn images about their centre, anticlockwise as seen; see `warp`, of which this is a part.

    >>> np.round(rotate(np.array([[[1.0, 2.0], [3.0, 4.0]]]), 90), 6)
    array([[[2., 4.],
            [1., 3.]]])
    """
    return warp(images, degrees=degrees, fill=fill)


def warp(images, *, degrees=0.0, down=0.0, across=0.0, fill: float | str = 0.0) -> np.ndarray:
    """Turn each image about its centre, then move it, in one interpolation.

    The pixel at x = column − centre, y = row − centre of the result is that of the image at
    x cos θ − y sin θ, x sin θ + y cos θ, both after subtracting the shift.

    Args:
        images: (images, height, width) or (images, height, width, channels).
        degrees: anticlockwise; a number, or one for each image (images,).
        down, across: pixels, positive towards the bottom and the right; numbers or (images,).
        fill: what lies beyond the border: a value, or "edge" for the nearest pixel of the border.

    Returns: float64 of the images' shape. Whole shifts without a rotation are exact.
    Raises: ValueError for other shapes, and for another word than "edge".
    """
    pixels, channels = _as_images(images)
    count, height, width = pixels.shape[:3]
    amounts = [_each(value, count, name) for value, name in ((degrees, "degrees"), (down, "down"), (across, "across"))]
    angle, down, across = (value[:, None, None] for value in amounts)
    angle = np.deg2rad(angle)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    rows, columns = np.mgrid[:height, :width]
    x, y = columns - across - middle_x, rows - down - middle_y
    warped = _interpolated(
        pixels,
        np.cos(angle) * x - np.sin(angle) * y + middle_x,
        np.sin(angle) * x + np.cos(angle) * y + middle_y,
        fill,
    )
    return warped if channels else warped[..., 0]


def flip(images, *, axis: str = "horizontal") -> np.ndarray:
    """Mirror images: "horizontal" swaps left and right, "vertical" top and bottom. Twice gives the images back.

    >>> flip(np.array([[[1, 2, 3]]]))
    array([[[3, 2, 1]]])
    """
    if axis not in AXES:
        raise ValueError(f"expected axis among {', '.join(AXES)}, got {axis!r}; mend by passing one of these")
    _as_images(images)
    return np.flip(np.asarray(images), AXES[axis])


def neighbours(images, *, pixels: float = 1.0, fill: float | str = 0.0) -> list[np.ndarray]:
    """The images moved by so many pixels in each of the eight directions of a chess king.

    >>> len(neighbours(np.zeros((2, 5, 5))))
    8
    """
    steps = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1) if down or across]
    return [shift(images, pixels * down, across=pixels * across, fill=fill) for down, across in steps]


def _as_images(images) -> tuple[np.ndarray, bool]:
    """((images, height, width, channels) float64, whether there was an axis of channels)."""
    pixels = np.asarray(images, dtype=np.float64)
    if pixels.ndim not in (3, 4):
        raise ValueError(
            "expected images as (images, height, width) or (images, height, width, channels), got shape "
            f"{pixels.shape}; mend flat digits by x.reshape(-1, 8, 8), and one image by image[None]"
        )
    return (pixels, True) if pixels.ndim == 4 else (pixels[..., None], False)


def _each(value, count: int, name: str) -> np.ndarray:
    amounts = np.asarray(value, dtype=np.float64)
    if amounts.shape not in ((), (count,)):
        raise ValueError(
            f"expected {name} as a number or one for each of {count} images, got shape {amounts.shape}; "
            "mend by one axis of the length of the images"
        )
    return np.broadcast_to(amounts, (count,))


def _interpolated(pixels, x, y, fill) -> np.ndarray:
    """The images at places (images, height, width) between their pixels."""
    if isinstance(fill, str) and fill != EDGE:
        raise ValueError(f"expected fill as a number or {EDGE!r}, got {fill!r}; mend by passing one of these")
    count, height, width = pixels.shape[:3]
    image = np.arange(count)[:, None, None]
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    total = np.zeros((*x.shape, pixels.shape[-1]))
    for row, up in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, near in ((left, 1 - (x - left)), (left + 1, x - left)):
            found = pixels[image, row.clip(0, height - 1), column.clip(0, width - 1)]
            if fill != EDGE:
                inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
                found = np.where(inside[..., None], found, fill)
            total += (up * near)[..., None] * found
    return total
