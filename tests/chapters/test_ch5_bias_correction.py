"""The bias-correction section's closed forms, beside the numbers known for them."""

import numpy as np
import pytest

from chapters.ch5 import bias_correction
from textbook.experiment import exact


def test_the_known_numbers():
    steps = bias_correction._steps(0.9, 0.999, 200)
    ratio = steps.ratio.to_numpy()
    assert ratio[0] == pytest.approx(3.16, abs=0.005) and ratio[-1] == pytest.approx(2.35, abs=0.005)
    assert ratio.max() == pytest.approx(6.57, abs=0.005) and steps["update"][ratio.argmax()] == 12
    assert np.all(bias_correction._steps(0.9, 0.9, 200).ratio < 1)  # shorter, where both averages are as slow


def test_the_averages_fill_up_and_another_beta_would_be_noticed():
    test = exact(measured="share", expected="closed_form", tolerance=1e-12)
    table = bias_correction._averages(0.9, 0.99, 50)
    assert test.judge(table).verdict == "exact" and set(table.average) == {"mean", "square"}
    mean = table[table.average == "mean"]
    planted = mean.assign(closed_form=1 - 0.89 ** mean["update"])
    assert test.judge(planted).verdict == "violated"
