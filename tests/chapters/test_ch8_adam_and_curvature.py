"""Losses that bend differently where they are looked at, and rules that see it or do not."""

import numpy as np

from chapters.ch8 import adam_and_curvature as section
from textbook.update_rules import Adam


def test_the_losses_are_bent_as_they_should_be_and_show_one_slope():
    bent = section._bent(Adam(0.01), seed=4)
    np.testing.assert_allclose(bent.measured_curvature, bent.curvature, rtol=1e-3)
    np.testing.assert_allclose(bent.gradient, bent.gradient[0], rtol=1e-4)
    np.testing.assert_allclose(bent.newton * bent.curvature * 0.01, bent.gradient, rtol=1e-4)


def test_noise_in_turn_shortens_the_step():
    noisy = section._noisy(Adam(0.01), updates=4000).set_index("noise")
    np.testing.assert_allclose(noisy.step[0.0], 1, atol=1e-6)
    np.testing.assert_allclose(noisy.step, noisy.theory, rtol=2e-2)


def test_at_a_minimum_both_agree_for_unit_noise_alone():
    ratio = section._at_the_minimum(2, 40000).set_index("sigma").ratio
    assert abs(ratio[1.0] - 1) < 0.1 and ratio[0.5] < 0.3 and ratio[2.0] > 3.5
