"""A convolution as the product of a matrix of patches and one made of the kernel, channels last.

A stack of matrix products is what both backends compute fast, each replica with a matrix of its own. T neighbouring
outputs of a row are computed together: their patches share pixels, so that fewer numbers are copied, and the kernel w
becomes a wider band,

    y[o, t, f] = Σ_{i, a, c} patch[o, i, a, c] · band[i, a, c, t, f]
    band[i, t·stride + j·dilation, c, t, f] = w[i, j, c, f], elsewhere 0

where i counts the rows of the kernel, j its columns, and a the pixels that T outputs see.
"""

import itertools
import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

# Columns of a product that a CPU computes at full speed: T outputs of all filters fill about as many.
_COLUMNS = 32

# Groups of T outputs cut out of one row at most; wider rows are cut by the columns of the kernel, with T = 1.
_CUTS = 64


@dataclass(frozen=True)
class Axis:
    """How a kernel moves along one spatial axis; all in pixels but `out`, the number of its places."""

    length: int
    kernel: int
    stride: int
    dilation: int
    before: int
    out: int

    @classmethod
    def of(cls, length, kernel, stride, dilation, padding):
        reach = (kernel - 1) * dilation + 1
        if padding.lower() == "valid":
            return cls(length, kernel, stride, dilation, 0, (length - reach) // stride + 1)
        out = -(-length // stride)
        return cls(length, kernel, stride, dilation, max(0, (out - 1) * stride + reach - length) // 2, out)

    def seen(self, places: int) -> int:
        """Pixels that so many neighbouring places see together."""
        return (places - 1) * self.stride + (self.kernel - 1) * self.dilation + 1

    def after(self, places: int) -> int:
        """Zeros needed behind the last pixel for so many places."""
        return max(0, self.seen(places) - self.length - self.before)

    def joint(self, filters: int) -> tuple[int, int]:
        """(groups, outputs of a group): how the outputs along this axis are computed together."""
        groups = -(-self.out // max(1, _COLUMNS // filters))
        if groups > _CUTS or groups == self.out:
            return self.out, 1
        return groups, -(-self.out // groups)


def axes_of(lengths, kernel, strides, dilations, padding) -> list[Axis] | None:
    """The spatial axes; None where a length is open or nothing would come out, which Keras refuses in its own words.

    Args:
        lengths: pixels of the input, kernel: of the kernel, one number an axis.
        strides, dilations: a number, or one an axis.
        padding: "valid" or "same".
    """
    if None in lengths:
        return None
    strides, dilations = ((v,) * len(lengths) if isinstance(v, int) else v for v in (strides, dilations))
    axes = [Axis.of(*axis, padding) for axis in zip(lengths, kernel, strides, dilations, strict=True)]
    return axes if all(axis.out > 0 for axis in axes) else None


def numbers(axes, channels: int, filters: int) -> int:
    """Numbers in the patches of one sample."""
    groups, together = axes[-1].joint(filters)
    pixels = axes[-1].seen(together) if together > 1 else axes[-1].kernel
    return math.prod(axis.kernel * axis.out for axis in axes[:-1]) * groups * pixels * channels


def convolve(inputs, kernel, axes):
    """The convolution.

    Args:
        inputs: (batch, *pixels, channels); the channels may be several groups of those of the kernel.
        kernel: (*pixels, channels, filters).

    Returns: (batch, *places, filters).
    """
    *_, channels, filters = kernel.shape
    groups, together = axes[-1].joint(filters)
    if inputs.shape[-1] != channels:
        return _grouped(inputs, kernel, axes)
    if together > 1:
        places = [*(axis.out for axis in axes[:-1]), groups * together]
        patches = _joint_patches(_padded(inputs, axes, places), axes, groups, together)
        result = ops.matmul(patches, _band(kernel, axes, together))
        return _cut(ops.reshape(result, (-1, *places, filters)), len(axes), 0, axes[-1].out)
    pieces = cut(inputs, axes)
    patches = ops.reshape(_side_by_side(pieces), (-1, len(pieces) * channels))
    result = ops.matmul(patches, ops.reshape(kernel, (-1, filters)))
    return ops.reshape(result, (-1, *(axis.out for axis in axes), filters))


def _grouped(inputs, kernel, axes):
    *_, channels, filters = kernel.shape
    groups, pieces = inputs.shape[-1] // channels, cut(inputs, axes)
    patches = ops.reshape(ops.stack(pieces, axis=-2), (-1, len(pieces), groups, channels))
    kernel = ops.reshape(kernel, (len(pieces), channels, groups, filters // groups))
    result = ops.einsum("npgc,pcgf->ngf", patches, kernel)
    return ops.reshape(result, (-1, *(axis.out for axis in axes), filters))


def cut(inputs, axes) -> list:
    """For each position in the kernel, the pixels under it at every place: (batch, *places, channels) each."""
    return _rows(_padded(inputs, axes, [axis.out for axis in axes]), axes)


def _rows(x, axes) -> list:
    pieces = [x]
    for place, axis in enumerate(axes, start=1):
        starts = [position * axis.dilation for position in range(axis.kernel)]
        pieces = [_cut(piece, place, start, axis.out, axis.stride) for piece in pieces for start in starts]
    return pieces


def _joint_patches(padded, axes, groups, together):
    """What each group of outputs sees: (batch · rows · groups, rows of the kernel · pixels · channels)."""
    *_, last, channels = padded.shape
    flat = ops.reshape(padded, (-1, *padded.shape[1:-2], last * channels))
    step, width = together * axes[-1].stride * channels, axes[-1].seen(together) * channels
    cuts = ops.stack([_cut(flat, len(axes), group * step, width) for group in range(groups)], axis=-2)
    rows = _rows(cuts, axes[:-1])
    return ops.reshape(_side_by_side(rows), (-1, len(rows) * width))


def _band(kernel, axes, together):
    """The kernel as a matrix (rows of the kernel · pixels · channels, outputs of a group · filters)."""
    *sizes, channels, filters = kernel.shape
    pixels, axis, rows = axes[-1].seen(together), axes[-1], math.prod(sizes[:-1])
    select = np.zeros((pixels, together, axis.kernel))
    for output, column in itertools.product(range(together), range(axis.kernel)):
        select[output * axis.stride + column * axis.dilation, output, column] = 1
    select = ops.convert_to_tensor(select.reshape(1, pixels * together, axis.kernel), kernel.dtype)
    band = ops.matmul(select, ops.reshape(kernel, (rows, axis.kernel, channels * filters)))
    band = ops.transpose(ops.reshape(band, (rows, pixels, together, channels, filters)), (0, 1, 3, 2, 4))
    return ops.reshape(band, (rows * pixels * channels, together * filters))


def _padded(inputs, axes, places):
    """The inputs with the zeros around them that so many places along each axis need."""
    pads = [(axis.before, axis.after(count)) for axis, count in zip(axes, places, strict=True)]
    return ops.pad(inputs, [(0, 0), *pads, (0, 0)]) if any(map(any, pads)) else inputs


def _side_by_side(pieces):
    return ops.concatenate(pieces, axis=-1) if len(pieces) > 1 else pieces[0]


def _cut(x, axis, start, count, step=1):
    """`count` slices along an axis, from `start` on."""
    if start == 0 and step == 1 and count == x.shape[axis]:
        return x
    if step == 1 and keras.backend.backend() == "tensorflow":  # the gradient of an index takes twice as long there
        starts, sizes = [0] * len(x.shape), [-1] * len(x.shape)
        starts[axis], sizes[axis] = start, count
        return ops.slice(x, starts, sizes)
    index = [slice(None)] * len(x.shape)
    index[axis] = slice(start, start + (count - 1) * step + 1, step)
    return x[tuple(index)]
