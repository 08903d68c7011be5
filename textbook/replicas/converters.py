"""How TensorFlow vectorises, over replicas, operations that it has no converter for, or only a slow or a wrong one.

- A convolution whose kernel differs by replica runs replica by replica, in one loop forward and one for each gradient,
  with the kernels that Keras itself would use. TensorFlow's own fallback is such a loop too, but the gradient through
  it stores every input of every pass: it took 1.5 to 2 times as long. Joining the replicas into one large convolution
  is slower still, for kernels on a CPU are tuned for many channels of one image, and it takes more memory.
- Resizing and warping images take all replicas' images as one batch.
- `Squeeze` of every axis of length 1 leaves the replica axis in place, also in a stack of one.
"""

import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor as vectorizer
from tensorflow.python.ops.parallel_for.pfor import wrap

from textbook.replicas import custom_gradients


def each_replica(kernel: int):
    """A converter of an operation with one result: a loop over replicas where the kernel differs by replica.

    Args:
        kernel: the position of the kernel among the operation's inputs.
    """

    def convert(pfor_input, original):
        if not pfor_input.input(kernel).is_stacked:
            return original(pfor_input)
        op, inputs = pfor_input.op, [pfor_input.input(i) for i in range(pfor_input.num_inputs)]
        places = [place for place, value in enumerate(inputs) if value.is_stacked]

        def one(*slices):
            operands = [value.t for value in inputs]
            for place, value in zip(places, slices, strict=True):
                operands[place] = value
            kind = [op.outputs[0].dtype]
            return vectorizer._create_op(op.type, operands, kind, attrs=op.node_def.attr).outputs[0]

        likes = [op.inputs[place] for place in places]
        return wrap(_looped(one, likes, op.outputs[0])(*(inputs[place].t for place in places)), True)

    return convert


def _looped(function, likes, result):
    """`function` of the slices of stacks, one replica after another, with its gradient taken in the same way.

    Args:
        likes: what one replica's slices look like: tensors of their type and shape.
        result: what one replica's result looks like.
    """

    @tf.custom_gradient
    def stacked(*stacks):
        def backward(upstream):
            def of(place):
                def slope(*values):
                    *slices, upstream = values
                    with tf.GradientTape() as tape:
                        tape.watch(slices[place])
                        value = function(*slices)
                    return tape.gradient(value, slices[place], output_gradients=upstream)

                return _loop(slope, [*stacks, upstream], likes[place])

            # A loop for each, so that a gradient nobody asks for, such as that of the data, is never computed.
            return [of(place) if like.dtype.is_floating else None for place, like in enumerate(likes)]

        return _loop(function, stacks, result), backward

    return stacked


def _loop(function, stacks, like):
    """`function` of every replica's slices, stacked; each result is of the type and shape of `like`."""
    replicas = tf.shape(stacks[0])[0]
    results = tf.TensorArray(like.dtype, size=replicas, element_shape=like.shape)
    _, results = tf.while_loop(
        lambda replica, _: replica < replicas,
        lambda replica, results: (replica + 1, results.write(replica, function(*(stack[replica] for stack in stacks)))),
        (0, results),
    )
    return results.stack()


def as_one_batch(*batched: int):
    """A converter of an operation on images: those inputs are joined over replicas into one batch.

    Args:
        batched: positions of the inputs that have a batch axis; the others must be the same in all replicas.
    """

    def convert(pfor_input, original):
        sizes = {pfor_input.op.inputs[place].shape[0] for place in batched}
        if len(sizes) > 1:  # one row for the whole batch, such as a single transformation of all its images
            return original(pfor_input)
        return vectorizer._convert_flatten_batch(pfor_input, pfor_input.op_type, list(batched))

    return convert


def squeeze(pfor_input, original):
    """A converter of `Squeeze` that names the axes it takes away, as one replica has them."""
    if pfor_input.get_attr("squeeze_dims") or pfor_input.op.inputs[0].shape.rank is None:
        return original(pfor_input)
    axes = [axis + 1 for axis, length in enumerate(pfor_input.op.inputs[0].shape) if length == 1]
    stack = pfor_input.stacked_input(0)
    return wrap(tf.squeeze(stack, axes) if axes else stack, True)


CONVERTERS = {
    "Conv2D": each_replica(kernel=1),
    "Conv3D": each_replica(kernel=1),
    "Conv2DBackpropInput": each_replica(kernel=1),
    "Conv3DBackpropInputV2": each_replica(kernel=1),
    "ResizeBilinear": as_one_batch(0),
    "ResizeBicubic": as_one_batch(0),
    "ResizeNearestNeighbor": as_one_batch(0),
    "ImageProjectiveTransformV3": as_one_batch(0, 1),
    "IdentityN": custom_gradients.kept,
    "Squeeze": squeeze,
}
