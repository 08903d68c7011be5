"""Means over enumerated masks, and the four ways to predict."""

import keras
import numpy as np
import pandas as pd

from chapters.ch8 import weight_scaling as section
from textbook.models import mlp
from textbook.splits import Splitter


def test_masks_are_weighed_by_their_probability():
    masks = pd.DataFrame({"rate": 0.2, "seed": 1, "probability": [0.2, 0.8], "output": [-1.0, 3.0], "scaled": 2.2})
    means = section._means(masks.assign(relu=masks.output.clip(lower=0))).iloc[0]
    assert np.isclose(means.linear, 2.2) and np.isclose(means.bent, 2.4) and means.scaled_bent == 2.2


def test_signs_are_mixed_so_that_a_relu_has_something_to_cut():
    masks = section._enumerated([5, 6], 0.5)
    assert (masks.groupby("seed").output.min() < 0).all() and (masks.groupby("seed").output.max() > 0).all()
    means = section._means(masks)
    np.testing.assert_allclose(means.linear, means.scaled)
    assert (means.bent > means.scaled_bent).all()


def test_scaling_twice_halves_the_logits_and_leaves_the_model_as_it_was():
    rng = np.random.default_rng(0)
    split = Splitter((rng.normal(size=(120, 6)).astype("float32"), np.arange(120) % 3))(0)
    keras.utils.set_random_seed(0)
    model = mlp((6,), 3, hidden=(8,), dropout=0.5)
    before = model.get_weights()
    answers, approach = section._answers(model, split.test, 0.5, seed=1)
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    halved = [*before[:2], before[2] / 2, before[3]]
    model.set_weights(halved)
    logits = np.asarray(model(split.test.x), float)
    loss = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(split.test)), split.test.y])
    assert np.isclose(answers.set_index("way").test_loss[section._TWICE], loss, atol=1e-6)
    assert approach.masks.tolist() == list(section._NUMBERS) and approach.apart.between(0, 1).all()


def test_keras_divides_in_training_and_leaves_inference_alone():
    found = section._by_keras([1, 2], 0.2)
    assert len(found) == 8 and found.groupby("phase").factor.agg(["min", "max"]).round(6).to_numpy().tolist() == [
        [1.0, 1.0], [1.25, 1.25]
    ]  # fmt: skip
    np.testing.assert_allclose(found.factor, found.inverted, rtol=1e-6)
    assert set(zip(found.phase, found.text, strict=True)) == {("training", 1.0), ("inference", 0.8)}
