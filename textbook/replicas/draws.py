"""Random numbers of many replicas, each from its own state: the very bits that one replica alone would draw.

TensorFlow has no kernel that draws from a stack of states. Its fallback is a loop with a dozen operations around each
draw, which was half the time of a small network with dropout. Here the loop takes eight replicas at a time.
"""

import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor as vectorizer

_BLOCK = 4


def in_blocks(pfor_input, original):
    """A converter of an operation that draws from its inputs alone and has no gradient."""
    op = pfor_input.op
    inputs = [pfor_input.input(i) for i in range(pfor_input.num_inputs)]
    kinds = [output.dtype for output in op.outputs]
    count = pfor_input.pfor.loop_len_vector[0]
    spare = tf.math.floormod(-count, _BLOCK)
    stacks = [_lengthened(value.t, spare) if value.is_stacked else value.t for value in inputs]

    def block(start, arrays):
        slices = [
            tf.unstack(stack[start : start + _BLOCK], num=_BLOCK) if value.is_stacked else [stack] * _BLOCK
            for value, stack in zip(inputs, stacks, strict=True)
        ]
        drawn = [
            vectorizer._create_op(op.type, list(one), kinds, attrs=op.node_def.attr).outputs
            for one in zip(*slices, strict=True)
        ]
        outputs = [tf.stack(values) for values in zip(*drawn, strict=True)]
        return start + _BLOCK, [array.write(start // _BLOCK, out) for array, out in zip(arrays, outputs, strict=True)]

    arrays = [tf.TensorArray(kind, (count + spare) // _BLOCK) for kind in kinds]
    _, arrays = tf.while_loop(lambda start, _: start < count, block, [0, arrays], parallel_iterations=1)
    return [vectorizer.wrap(array.concat()[:count], True) for array in arrays]


def _lengthened(stack, spare):
    """The stack with its last slice repeated, so that it fills whole blocks."""
    return tf.concat([stack, tf.repeat(stack[-1:], spare, axis=0)], axis=0)


CONVERTERS = dict.fromkeys(
    (
        "StatelessRandomGetKeyCounter",
        "StatelessRandomUniformV2",
        "StatelessRandomNormalV2",
        "StatelessTruncatedNormalV2",
        "StatelessRandomUniformIntV2",
        "StatelessRandomUniformFullIntV2",
        "StatelessRandomBinomial",
        "StatelessRandomGammaV3",
    ),
    in_blocks,
)
