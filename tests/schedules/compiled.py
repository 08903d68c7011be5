"""A Keras schedule as a backend compiles it; Keras's own are slow without, on JAX, where they contain a condition."""

import keras


def compiled(rate):
    """`rate` for a whole number, compiled once where the backend compiles."""
    call = rate
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        call = tf.function(rate, input_signature=[tf.TensorSpec([], tf.int32)])
    if keras.backend.backend() == "jax":
        import jax

        call = jax.jit(rate)
    return lambda update: call(keras.ops.convert_to_tensor(update, "int32"))
