"""The annealing section's exact recursions against chance and by hand, and what counts as quick and low."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import annealing
from textbook.experiment import Run, exact


def test_the_averages_square_is_what_sampling_finds():
    random, w, m = np.random.default_rng(0), np.full(40_000, 3.0), np.full(40_000, 3.0)
    sampled = [9.0]
    for _ in range(60):
        w = w - 0.5 * (w + random.normal(size=w.size))
        m = 0.9 * m + 0.1 * w
        sampled.append(np.mean(m**2))
    np.testing.assert_allclose(annealing._averaged(0.5, 60, 0.9, 3.0), sampled, rtol=0.04, atol=1e-3)


def test_an_average_that_forgets_at_once_is_the_weight():
    quick = annealing._averaged(0.5, 30, 1e-12, 3.0)
    np.testing.assert_allclose(quick, 2 * annealing.BOWL.expected_loss([0.5] * 30, start=[3.0], noise=1.0), rtol=1e-9)


def test_sampled_walks_lie_on_the_exact_curve():
    run = Run(seeds=tuple(range(40)))
    rates = {annealing.LARGE: np.full(50, 0.5), annealing.SMALL: np.full(50, 0.1)}
    sampled = annealing._sampled(run, rates, 0.9, 3.0)
    assert set(sampled.arm) == {annealing.LARGE, annealing.SMALL, annealing.AVERAGE}
    for name, path in rates.items():
        rows = sampled[sampled.arm == name]
        true = 2 * annealing.BOWL.expected_loss(path, start=[3.0], noise=1.0)[rows["update"]]
        np.testing.assert_allclose(rows.square, true, rtol=0.15)


def test_only_an_arm_that_is_both_quick_and_low_passes():
    falls = {
        annealing.LARGE: [9, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4],
        annealing.SMALL: [9, 8, 7, 6, 5, 4, 0.9, 0.01],
        annealing.FALLING: [9, 4, 0.9, 0.1, 0.1, 0.05, 0.02, 0.01],
        annealing.AVERAGE: [9, 8, 7, 0.9, 0.2, 0.1, 0.05, 0.02],
    }
    ends = annealing._ends({name: np.array(square) for name, square in falls.items()}, large=0.5)
    assert ends.near_after.tolist() == [1, 6, 2, 3]
    assert ends.both.tolist() == [False, False, True, False]  # three is not before half of six


def test_the_plateau_claim_notices_another_formula():
    table = annealing._plateaus(rates=(0.2, 1.0))
    assert exact(measured="end", expected="closed_form", tolerance=1e-9, relative=True).judge(table).verdict == "exact"
    planted = table.assign(closed_form=table.rate / 2)
    assert exact(measured="end", expected="closed_form", tolerance=1e-3).judge(planted).verdict == "violated"


def test_tails_are_of_the_second_half():
    curves = pd.DataFrame({"condition": "a", "seed": 1, "epoch": [1, 2, 3, 4], "val_loss": [9.0, 5.0, 1.0, 1.2]})
    assert annealing._tails(curves).tail_sd.tolist() == pytest.approx([np.std([1.0, 1.2], ddof=1)])
