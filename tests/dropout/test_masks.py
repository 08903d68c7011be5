"""Masks and their probabilities against counting, and both forms of dropout against each other."""

import math

import numpy as np
import pytest

from textbook.dropout import at_inference, draw_masks, dropped, every_mask, mask_probabilities, over_every_mask


def test_every_mask_is_there_once():
    masks = every_mask(5)
    assert masks.shape == (32, 5) and len({tuple(mask) for mask in masks}) == 32


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_the_number_of_dropped_units_is_binomial(rate):
    masks = every_mask(6)
    by_count = np.bincount((~masks).sum(axis=1), mask_probabilities(masks, rate))
    np.testing.assert_allclose(by_count, [math.comb(6, k) * rate**k * (1 - rate) ** (6 - k) for k in range(7)])


def test_drawn_masks_drop_the_share_that_was_asked_for_and_differ_between_samples():
    masks = draw_masks((4000, 10), 0.2, random=np.random.default_rng(0))
    assert abs((~masks).mean() - 0.2) < 0.01
    assert abs((~masks).sum(axis=1).var() - 10 * 0.2 * 0.8) < 0.1


def test_the_forms_differ_by_a_factor_in_training_and_at_inference():
    values, mask = np.array([1.0, -2.0, 3.0]), [True, False, True]
    np.testing.assert_allclose(dropped(values, mask, rate=0.2, form="classic"), [1, 0, 3])
    np.testing.assert_allclose(dropped(values, mask, rate=0.2), [1.25, 0, 3.75])
    np.testing.assert_allclose(at_inference(values, rate=0.2, form="classic"), 0.8 * values)
    np.testing.assert_allclose(at_inference(values, rate=0.2), values)


@pytest.mark.parametrize("form", ["classic", "inverted"])
def test_mean_and_spread_over_all_masks_have_their_closed_forms(form):
    w, values, rate = np.array([2.0, -1.0, 0.5]), np.array([1.0, 3.0, -2.0]), 0.3
    found = over_every_mask(lambda v: v @ w + 4.0, values, rate=rate, form=form)
    kept = 1.0 if form == "inverted" else 1 - rate
    variance = ((w * values) ** 2).sum() * rate / (1 - rate) * kept**2
    np.testing.assert_allclose([found.mean, found.scaled], kept * (w @ values) + 4)
    np.testing.assert_allclose(found.spread, np.sqrt(variance))


def test_behind_relu_the_mean_lies_above():
    found = over_every_mask(lambda v: np.maximum(v.sum(axis=1), 0), [1.0, -1.0], rate=0.5)
    assert found.scaled == 0 and found.mean == pytest.approx(0.5)  # 2 under one mask of four


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: every_mask(21), "expected 20 units at most, got 21"),
        (lambda: dropped([1.0], [True], rate=1.0), "expected rate from 0 and below 1"),
        (lambda: dropped([1.0], [True], rate=0.5, form="scaled"), "expected form as 'inverted' or 'classic'"),
        (lambda: over_every_mask(lambda v: v, np.ones((2, 2)), rate=0.5), r"expected values \(units,\) of one sample"),
        (lambda: over_every_mask(lambda v: v.sum(), [1.0], rate=0.5), r"expected a function \(masks, units\)"),
    ],
)
def test_what_cannot_be_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
