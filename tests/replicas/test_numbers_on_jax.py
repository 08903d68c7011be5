"""On JAX, in a process of its own, the same numbers differ by replica under jax.vmap."""

import importlib.util
import os
import subprocess
import sys

import pytest

ON_JAX = """
import jax, keras, numpy as np
from keras import layers, losses, optimizers, regularizers
from textbook.replicas.numbers import assign, model_numbers, optimizer_numbers, stacks, structure, turned

VALUES = [0.0, 0.1, 0.37]

def same(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-6)

keras.utils.set_random_seed(0)
def build():
    return keras.Sequential([keras.Input((4, 3)),
        layers.Dense(3, kernel_regularizer="l2", bias_regularizer=regularizers.L1(0.1), bias_initializer="ones"),
        layers.BatchNormalization(), layers.Dropout(0.2), layers.ELU()])
model = build()
assert structure(model, own=1) == structure(build(), own=2)
x = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
weights = [[v.value for v in part] for part in (model.trainable_variables, model.non_trainable_variables)]
def forward():
    outputs, _, penalties = model.stateless_call(*weights, x, training=True, return_losses=True)
    return outputs, sum(penalties)
names = list(model_numbers(model))
assert len(names) == 6, names
values = {name: list(np.roll(VALUES, shift)) for shift, name in enumerate(names)}
def one(readings):
    with turned(model, readings):
        return forward()
ours = jax.jit(jax.vmap(one))(stacks(values))
for replica in range(3):
    assign(model, {name: numbers[replica] for name, numbers in values.items()})
    for stack, expected in zip(ours, forward()):
        same(stack[replica], expected)

loss = losses.CategoricalCrossentropy(label_smoothing=0.1)
y, p = np.eye(4, dtype="float32"), np.random.default_rng(0).dirichlet(np.ones(4), size=4).astype("float32")
def smoothed(readings):
    with turned(loss, readings):
        return loss(y, p)
ours = jax.jit(jax.vmap(smoothed))(stacks({"loss.label_smoothing": VALUES}))
same(ours, [losses.CategoricalCrossentropy(label_smoothing=v)(y, p) for v in VALUES])

w = keras.Variable(np.ones((3, 4), "float32"))
gradients = np.random.default_rng(2).normal(size=(3, 3, 4)).astype("float32")
for kind in (optimizers.SGD, optimizers.Adam, optimizers.Muon):
    optimizer = kind(clipvalue=0.5, weight_decay=0.1)
    values = {name: [v, v / 2 + 0.1, v / 3 + 0.2] for name, v in optimizer_numbers(optimizer).items()}
    with turned(optimizer, {name: (0.5,) for name in values}):
        optimizer.build([w])
    def three(optimizer):
        new, slots = [w.value], [v.value for v in optimizer.variables]
        for step in gradients:
            new, slots = optimizer.stateless_apply(slots, [step], new)
        return new[0]
    def stepped(readings):
        with turned(optimizer, readings):
            return three(optimizer)
    ours = jax.jit(jax.vmap(stepped))(stacks(values))
    for replica in range(3):
        own = {name.partition(".")[2]: numbers[replica] for name, numbers in values.items()}
        keras_own = kind(**{"clipvalue": 0.5, "weight_decay": 0.1, **own})
        keras_own.build([w])
        same(ours[replica], three(keras_own))
print("equal on", keras.backend.backend())
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_numbers_differ_by_replica_on_jax_too():
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    run = subprocess.run([sys.executable, "-c", ON_JAX], capture_output=True, text=True, env=environment)
    assert run.stdout.strip() == "equal on jax", run.stderr[-2000:]
