"""Where a computation in torch has kinks, and on which side of each it lies, noted while it runs."""

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Watch(TorchDispatchMode):
    """While it is open, note for every kinked operation which side, or which argument, wins.

    Operations are seen as torch's own kernels are called, whoever calls them. A maximum behind a `detach` is noted
    too, and so are comparisons of constants: a model may be said to have kinks that has none.
    """

    def __init__(self):
        super().__init__()
        self._sides: list[np.ndarray] = []

    def sides(self) -> np.ndarray:
        """All that was noted, flat."""
        return np.concatenate(self._sides) if self._sides else np.zeros(0, dtype=bool)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        find = _SIDES.get(function.overloadpacket.__name__)
        if find is not None and isinstance(args[0], torch.Tensor) and args[0].is_floating_point():
            self._sides += [np.ravel(side.numpy(force=True)) for side in find(args, result)]
        return result


def _above_zero(args, result):
    return [args[0] > 0]


def _bounded(args, result):
    return [result == args[0]]


def _within_one(args, result):
    return [result > 0, result < 1]


def _within_three(args, result):
    return [args[0] > -3, args[0] < 3]


def _first_larger(args, result):
    return [args[0] > args[1]]


def _which(args, result):
    return [_bits(result[1])]


def _largest(args, result):
    if isinstance(result, tuple):
        return [_bits(result[1])]
    if len(args) == 1:
        return [args[0] == result]
    axes = args[1] if isinstance(args[1], list | tuple) else [args[1]]
    kept = result
    if kept.dim() < args[0].dim():
        for axis in sorted(axis % args[0].dim() for axis in axes):
            kept = kept.unsqueeze(axis)
    return [args[0] == kept]


def _bits(numbers):
    return (numbers[..., None] >> torch.arange(16, device=numbers.device)) & 1 > 0


def _itself(args, result):
    return [result if result.dtype == torch.bool else _bits(result)]


def _steps(args, result):
    return [result % 2 > 0, torch.floor(result / 2) % 2 > 0]


_SIDES = {
    **dict.fromkeys(("relu", "leaky_relu", "abs", "sign", "elu", "_prelu_kernel"), _above_zero),
    "hardsigmoid": _within_one,
    "hardswish": _within_three,
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max", "hardtanh", "relu6"), _bounded),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), _first_larger),
    **dict.fromkeys(("max", "min", "amax", "amin"), _largest),
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool3d_with_indices", "topk", "sort"), _which),
    **dict.fromkeys(("argmax", "argmin", "gt", "ge", "lt", "le", "eq", "ne"), _itself),
    **dict.fromkeys(("floor", "ceil", "round"), _steps),
}
