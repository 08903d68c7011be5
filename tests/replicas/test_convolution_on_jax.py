"""On JAX, in a process of its own, convolutions and poolings under jax.vmap equal Keras's own, replica by replica."""

import importlib.util
import os
import subprocess
import sys

import pytest

ON_JAX = """
import jax, jax.numpy as jnp, keras, numpy as np
from keras import layers
from keras.src import backend
from textbook.replicas.convolution import stackable

LAYERS = [
    ((6, 7, 2), layers.Conv2D(5, 3, padding="same", activation="relu")),
    ((8, 8, 2), layers.Conv2D(5, 3, strides=(2, 3), padding="same")),
    ((4, 4, 2), layers.Conv2D(33, 2)),
    ((4, 4, 3), layers.Conv2D(5, 1, strides=2)),
    ((1, 140, 1), layers.Conv2D(16, (1, 3), padding="same")),
    ((5, 5, 4), layers.Conv2D(6, 3, groups=2)),
    ((2, 6, 7), layers.Conv2D(5, 3, data_format="channels_first", padding="same", dilation_rate=2)),
    ((9, 2), layers.Conv1D(5, 3, padding="causal")),
    ((4, 4, 5, 2), layers.Conv3D(3, 2, padding="same")),
    ((6, 6, 2), layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same")),
    ((6, 6, 2), layers.SeparableConv2D(5, 3, strides=2, padding="same")),
    ((2, 4, 5), layers.Conv2DTranspose(3, 3, strides=2, data_format="channels_first", output_padding=1)),
    ((4, 5, 2), layers.Conv2DTranspose(3, 3, strides=2, padding="same")),
    ((6, 2), layers.Conv1DTranspose(3, 2, strides=3)),
    ((6, 2), layers.Conv1DTranspose(3, 3, dilation_rate=2)),
    ((6, 6, 2), layers.MaxPooling2D()),
    ((7, 6, 2), layers.MaxPooling2D()),
    ((2, 7, 6), layers.MaxPooling2D(data_format="channels_first")),
    ((6, 6, 2), layers.MaxPooling2D(3, strides=2, padding="same")),
    ((7, 6, 2), layers.MaxPooling2D(padding="same")),
    ((6, 6, 2), layers.MaxPooling2D(3)),
    ((7, 2), layers.MaxPooling1D(2)),
]
own = backend.nn.conv

def total(outputs):
    return jnp.sum(outputs * jnp.cos(jnp.arange(outputs.size, dtype=float)).reshape(outputs.shape))

for shape, layer in LAYERS:
    name = f"{layer.name} {shape}"
    draw = np.random.default_rng(0)
    layer.build((None, *shape))
    stacks = [jnp.array(draw.normal(size=(3, *v.shape)), "float32") for v in layer.trainable_variables]
    x = jnp.array(draw.integers(-2, 3, size=(3, 4, *shape)), "float32")  # integers, so that greatest pixels are equal

    def single(weights, x):
        outputs = layer.stateless_call(weights, [], x)[0]
        return total(outputs), outputs

    def formed(weights, x):
        with stackable():
            return single(weights, x)

    def slopes(function):
        return jax.grad(function, (0, 1), has_aux=True)  # (gradients, outputs)

    stacked = jax.jit(jax.vmap(slopes(formed))).trace(stacks, x)
    assert str(stacked.jaxpr).count("conv_general_dilated") == 0, name
    found, alone = stacked.lower().compile()(stacks, x), jax.jit(slopes(single))
    for replica in range(3):
        expected = alone([w[replica] for w in stacks], x[replica])
        for ours, value in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(ours[replica], value, atol=1e-5 * max(1, np.abs(value).max()), err_msg=name)

pixels = jnp.array([np.nan, 1, 2, np.nan, 3, 4, 5, 6]).reshape(1, 2, 4, 1)
with stackable():
    np.testing.assert_array_equal(keras.ops.max_pool(pixels, 2).ravel(), [np.nan, np.nan])
    assert "reduce_window" not in str(jax.make_jaxpr(lambda x: keras.ops.max_pool(x, 2))(pixels))
    half = keras.ops.conv(jnp.ones((1, 3, 3, 1), "float32"), jnp.ones((2, 2, 1, 1), "bfloat16"))
    assert half.dtype == "bfloat16"

assert backend.nn.conv is own
try:
    with stackable():
        assert backend.nn.conv is not own
        raise KeyError
except KeyError:
    pass
assert backend.nn.conv is own
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="expected jax, which is not installed")
def test_stacked_equals_single_under_vmap():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ON_JAX],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
