"""The zoo's layers compute the right values whatever their gradients are, and refuse unknown mistakes."""

import keras
import numpy as np
import pytest
from keras import ops

from textbook.checks.bug_zoo import gradients as zoo
from textbook.losses import weston_watkins


@pytest.mark.parametrize("bug", [None, *zoo.LAYER_BUGS])
def test_values_are_those_of_a_dense_layer(bug):
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    layer = zoo.ReluDense(6, bug=bug)
    layer.build((None, 6))
    expected = np.maximum(x @ layer.kernel.numpy() + layer.bias.numpy(), 0)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, atol=1e-5)


@pytest.mark.parametrize("bug", [None, *zoo.LOSS_BUGS])
def test_values_are_those_of_the_hinge_that_sums(bug):
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=(7, 4)).astype("float32"), random.integers(4, size=7)
    one_hot = np.eye(4, dtype="float32")[labels]
    assert float(zoo.Hinge(bug=bug)(one_hot, scores)) == pytest.approx(
        float(weston_watkins()(labels, scores)), rel=1e-5
    )


@pytest.mark.parametrize("bug", [None, *zoo.PENALTY_BUGS])
def test_values_are_those_of_the_penalty(bug):
    weight = np.array([1.0, -2.0], dtype="float32")
    assert float(zoo.L2(0.1, bug=bug)(ops.convert_to_tensor(weight))) == pytest.approx(0.5)


@pytest.mark.parametrize("bug", [None, *zoo.BUGS])
def test_every_model_trains_without_a_word(bug):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(32, 8)), np.eye(4)[random.integers(4, size=32)]
    keras.utils.set_random_seed(0)
    model = zoo.model_with(bug)
    model.fit(x, y, epochs=2, verbose=0)
    assert np.isfinite(model.evaluate(x, y, verbose=0))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: zoo.ReluDense(4, bug="typo"), "missing mask"),
        (lambda: zoo.Hinge(bug="stale mask"), "missing margin indicator"),
        (lambda: zoo.L2(1.0, bug="typo"), "forgotten factor 2"),
        (lambda: zoo.model_with("typo"), "expected one of"),
        (lambda: zoo.ReluDense(4, bug="transposed kernel").build((None, 3)), "as many units as features"),
    ],
)
def test_unknown_mistakes_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
