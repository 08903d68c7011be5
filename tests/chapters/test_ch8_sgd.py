"""8.1: the loops by hand, the cloud, Adagrad's rates and the escapes, beside what can be worked out."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch8 import adagrad_rate, dynamic_rates, sgd_by_hand, sgd_path, unbiased_batches
from chapters.shared.slanted_valley import slanted_valley
from textbook.update_rules import Adagrad


def test_one_epoch_in_one_batch_is_one_step_down_the_gradient():
    x, y = np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([[1.0], [3.0]])
    ((w, mean),) = sgd_by_hand.sgd(x, y, loss=sgd_by_hand.squared_error, rate=0.1, batch_size=2, orders=[[0, 1]])
    # zero weights: slopes −2 and −6, so −0.1 · mean of (−2·1, −6·2) and of (−2, −6)
    np.testing.assert_allclose(w, [[0.7], [0.4]])
    assert mean == 5.0


def test_the_slopes_are_those_of_the_losses():
    random = np.random.default_rng(0)
    scores, targets = random.normal(size=(3, 4)), np.eye(4)[[1, 0, 3]]
    for loss in (sgd_by_hand.squared_error, sgd_by_hand.cross_entropy):
        share = 3 if loss is sgd_by_hand.cross_entropy else scores.size
        bump = np.zeros_like(scores)
        bump[1, 2] = 1e-6
        slope = (loss(scores + bump, targets)[0] - loss(scores - bump, targets)[0]) / 2e-6
        assert loss(scores, targets)[1][1, 2] / share == pytest.approx(slope, rel=1e-5)


def test_a_cloud_without_noise_stays_at_the_minimum():
    surface = slanted_valley(0, rows=50, part="regression")
    fitted = type(surface)(surface.x, surface.x @ surface.minimum)  # no residuals, so no row disagrees
    cloud = sgd_path._cloud([fitted], [0], 1, (0.01, 0.02), wander=20)
    np.testing.assert_allclose(cloud.radius, 0, atol=1e-12)
    assert (sgd_path._cloud([surface], [0], 1, (0.01, 0.02), wander=20).radius > 0).all()


def test_adagrads_rate_on_gradients_of_one_is_one_over_the_root_of_the_count():
    rule = Adagrad(0.5, initial_accumulator=0.0, epsilon=1e-20)
    state = rule.init(np.zeros((1, 3)))
    for _ in range(16):
        _, state = rule.update(np.array([[1.0, -1.0, 0.0]]), state)
    assert adagrad_rate._rate(rule, state, state[1] > 0) == pytest.approx(0.5 / 4)


def test_without_noise_nobody_leaves_the_shallow_valley_and_with_much_all_do():
    quiet = unbiased_batches._escapes((0,), 0.1, 0.0, 0.15, updates=30, particles=5)
    loud = unbiased_batches._escapes((0,), 0.1, 4.0, 0.15, updates=300, particles=5)
    assert (quiet.escaped == 0).all() and loud.escaped.iloc[0] == 1


def test_stalled_means_level_and_above_the_goal():
    def run(condition, start, losses):
        kind = condition.split(",")[0]
        return pd.DataFrame(
            {"condition": condition, "kind": kind, "start": start, "seed": 0, "epoch": range(1, len(losses) + 1),
             "clean_loss": losses}
        )  # fmt: skip

    goal = run("constant, moderate", dynamic_rates.MODERATE, [1.0, 0.2])
    level = run("constant, tiny", dynamic_rates.TINY, [1.0, 0.9, 0.8, 0.7, 0.6, 0.5999])
    falling = run("constant, tiny", dynamic_rates.TINY, [1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    low = run("constant, tiny", dynamic_rates.TINY, [1.0, 0.5, 0.3, 0.2, 0.1, 0.1])
    for tiny, trapped in ((level, True), (falling, False), (low, False)):
        assert dynamic_rates._stops(pd.concat([goal, tiny]), 0.01).trapped.tolist() == [trapped]
