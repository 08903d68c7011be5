"""What the ensemble sections compute themselves: against hand-made predictions and weights."""

import itertools

import numpy as np
import pandas as pd
import pytest

from chapters.ch5.ensemble_size import _by_size
from chapters.ch5.moving_average import _bowl
from chapters.ch5.weights_or_predictions import SHAPES, _barriers, reordered_units
from chapters.shared.members import of_seed, outputs, predicted, start, unpacked


def random_members(count: int, rows: int = 12, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.dirichlet(np.ones(classes), size=(count, rows)), random.integers(classes, size=rows)


def test_every_ensemble_of_each_size_is_counted():
    each, y = random_members(4)
    found = _by_size(each, y, seed=7)
    for size in range(1, 5):
        means = [each[list(chosen)].mean(axis=0) for chosen in itertools.combinations(range(4), size)]
        row = found[found.networks == size].iloc[0]
        assert row.test_accuracy == pytest.approx(np.mean([(mean.argmax(-1) == y).mean() for mean in means]))
        losses = [-np.log(mean[np.arange(len(y)), y]).mean() for mean in means]
        assert row.test_loss == pytest.approx(np.mean(losses))
    np.testing.assert_allclose(found.brier, found.foretold, atol=1e-14)


def test_predictions_come_back_from_their_table():
    each, y = random_members(3)
    tables = pd.concat([predicted(5, each, y), predicted(6, each[::-1], y)])
    back, labels = of_seed(tables, 6)
    np.testing.assert_allclose(back, each[::-1], atol=1e-7)
    np.testing.assert_array_equal(labels, y)


def test_stacked_networks_answer_as_keras_does():
    from textbook.models import mlp

    models = [mlp((64,), 10) for _ in range(2)]
    stacks = [np.stack(parts) for parts in zip(*(model.get_weights() for model in models), strict=True)]
    x = np.random.default_rng(0).normal(size=(5, 64)).astype("float32")
    for found, model in zip(outputs(stacks, x), models, strict=True):
        np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-4)


def test_units_are_put_back_in_order_and_the_function_stays():
    random = np.random.default_rng(0)
    into, bias, out, last = start(random, SHAPES)
    bias, order = random.normal(size=64), random.permutation(64)
    reference = np.concatenate([into.ravel(), bias, out.ravel(), last])
    shuffled = np.concatenate([into[:, order].ravel(), bias[order], out[order].ravel(), last])
    np.testing.assert_allclose(reordered_units(reference, shuffled), reference)
    other = np.concatenate([part.ravel() for part in start(random, SHAPES)])
    x = random.normal(size=(6, 64))
    matched = reordered_units(reference, other)
    assert not np.array_equal(matched, other)
    np.testing.assert_allclose(outputs(unpacked(matched, SHAPES), x), outputs(unpacked(other, SHAPES), x), atol=1e-5)


def test_a_barrier_is_measured_from_the_line_between_the_ends():
    alpha = [0.0, 0.5, 1.0]
    path = pd.DataFrame({"condition": "a", "seed": 1, "alpha": alpha, "test_loss": [1.0, 4.0, 2.0]})
    assert _barriers(path).barrier.tolist() == [2.5]


def test_starts_have_the_variances_of_he_and_glorot():
    kernel, bias, last, _ = start(np.random.default_rng(0), ((400, 300), (300,), (300, 100), (100,)))
    assert kernel.var() == pytest.approx(2 / 400, rel=0.03) and last.var() == pytest.approx(2 / 400, rel=0.03)
    assert not bias.any()


@pytest.mark.parametrize("decay", [0.9, 0.99])
def test_variances_in_the_bowl_are_the_known_ones(decay):
    found = _bowl(decay)
    np.testing.assert_allclose(found.share_left, found.known_share_left, rtol=1e-9)
    np.testing.assert_allclose(found.weight_variance, found.known_weight_variance, rtol=1e-9)
