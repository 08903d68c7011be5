"""Forms of Keras's convolutions that a stack of replicas computes fast.

Where the kernel differs by replica, a convolution has no fast form of its own. On JAX all convolutions become the
products of `patches.py`: within a loop over updates on a CPU, XLA's own, stacked, took 2 to 20 times as long. On
TensorFlow only small convolutions, and those with groups, do: the others run replica by replica (`converters.py`),
which is faster there and takes less memory.
"""

import contextlib
import functools
import math

import keras
import numpy as np
from keras import ops
from keras.src import backend
from keras.src.backend.common.backend_utils import compute_conv_transpose_padding_args_for_jax

from textbook.replicas import patches

# Numbers in the patches of one sample up to which, on TensorFlow, a product is faster than a loop over replicas.
LARGEST_PRODUCT = 2048

# Pixels of a window up to which, on JAX, comparing them one by one is faster than XLA's own pooling.
_WINDOW = 4


@contextlib.contextmanager
def stackable():
    """While a forward pass is traced, let Keras's layers compute in forms that stack well.

    Values and gradients are Keras's own up to rounding. The forms hold for the whole process until the block ends.

    Raises: ValueError for a backend without such forms.
    """
    name = keras.backend.backend()
    if name not in _FORMS:
        raise ValueError(f"expected the backend tensorflow or jax, got {name}; set KERAS_BACKEND to one of them")
    originals = {operation: getattr(backend.nn, operation) for operation in _FORMS[name]}
    for operation, form in _FORMS[name].items():
        setattr(backend.nn, operation, functools.partial(form, originals[operation]))
    try:
        yield
    finally:
        for operation, original in originals.items():
            setattr(backend.nn, operation, original)


def _convolution(original, inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    inputs, kernel = ops.convert_to_tensor(inputs), ops.convert_to_tensor(kernel)
    if keras.backend.backend() == "jax":
        inputs = ops.cast(inputs, kernel.dtype)  # as Keras does there, and only there
    first, lengths, channels = _layout(inputs, data_format)
    axes = patches.axes_of(lengths, kernel.shape[:-2], strides, dilation_rate, padding)
    if axes is None or channels % kernel.shape[-2] or not _as_product(axes, kernel, channels):
        return original(inputs, kernel, strides, padding, data_format, dilation_rate)
    return _first(patches.convolve(_last(inputs, first), kernel, axes), first)


def _as_product(axes, kernel, channels: int) -> bool:
    if keras.backend.backend() == "jax" or channels != kernel.shape[-2]:  # groups have no kernel on a CPU
        return True
    if any(axis.stride > 1 for axis in axes[:-1]):  # a gradient through slices with steps is slow
        return False
    if all(axis.kernel == axis.stride == 1 for axis in axes):  # the pixels are the patches
        return True
    return patches.numbers(axes, channels, kernel.shape[-1]) <= LARGEST_PRODUCT


def _depthwise(original, inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """A sum over the positions of the kernel, which XLA makes one pass of."""
    first, lengths, _ = _layout(inputs, data_format)
    axes = patches.axes_of(lengths, kernel.shape[:-2], strides, dilation_rate, padding)
    if axes is None:
        return original(inputs, kernel, strides, padding, data_format, dilation_rate)
    pieces = patches.cut(_last(inputs, first), axes)
    weights = ops.reshape(kernel, (len(pieces), *kernel.shape[-2:]))
    result = sum(piece[..., None] * weights[position] for position, piece in enumerate(pieces))
    return _first(ops.reshape(result, (*result.shape[:-2], -1)), first)


def _separable(original, inputs, depthwise, pointwise, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """As two convolutions, of which the second, of single pixels, is a product."""
    inputs = backend.nn.depthwise_conv(inputs, depthwise, strides, padding, data_format, dilation_rate)
    return backend.nn.conv(inputs, pointwise, data_format=data_format)


def _transposed(
    original, inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1
):
    """A convolution, with the kernel turned round, of the inputs with zeros put between them."""
    import jax  # here, because the library works without it

    first, lengths, _ = _layout(inputs, data_format)
    pads = compute_conv_transpose_padding_args_for_jax(
        inputs.shape, kernel.shape, strides, padding, output_padding, dilation_rate
    )
    steps = (strides,) * len(lengths) if isinstance(strides, int) else strides
    spread = [(before, after, step - 1) for (before, after), step in zip(pads, steps, strict=True)]
    inputs = jax.lax.pad(_last(inputs, first), np.zeros((), inputs.dtype), [(0, 0, 0), *spread, (0, 0, 0)])
    axes = patches.axes_of(inputs.shape[1:-1], kernel.shape[:-2], 1, dilation_rate, "valid")
    turned = ops.swapaxes(ops.flip(kernel, axis=tuple(range(len(lengths)))), -2, -1)
    return _first(patches.convolve(inputs, turned, axes), first)


def _max_pool(original, inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The greatest pixel of small windows that do not overlap; of equal ones the first takes the whole gradient."""
    first, lengths, _ = _layout(inputs, data_format)
    sizes = (pool_size,) * len(lengths) if isinstance(pool_size, int) else tuple(pool_size)
    steps = (strides,) * len(lengths) if isinstance(strides, int) else tuple(strides or sizes)
    axes = patches.axes_of(lengths, sizes, steps, 1, "valid")
    whole = padding.lower() == "valid" or all(length % size == 0 for length, size in zip(lengths, sizes, strict=True))
    if axes is None or steps != sizes or math.prod(sizes) > _WINDOW or not whole:
        return original(inputs, pool_size, strides, padding, data_format)
    pixels = patches.cut(_last(inputs, first), axes)
    # What is not a number stays, as in Keras.
    greatest = functools.reduce(lambda a, b: ops.where(ops.logical_or(a >= b, a != a), a, b), pixels)
    return _first(greatest, first)


def _layout(inputs, data_format):
    """(whether channels come first, pixels along each spatial axis, channels)."""
    if backend.standardize_data_format(data_format) == "channels_first":
        return True, inputs.shape[2:], inputs.shape[1]
    return False, inputs.shape[1:-1], inputs.shape[-1]


def _last(x, channels_first: bool):
    return ops.moveaxis(x, 1, -1) if channels_first else x


def _first(x, channels_first: bool):
    return ops.moveaxis(x, -1, 1) if channels_first else x


_FORMS = {
    "tensorflow": {"conv": _convolution, "separable_conv": _separable},
    "jax": {
        "conv": _convolution,
        "depthwise_conv": _depthwise,
        "conv_transpose": _transposed,
        "max_pool": _max_pool,
    },
}
