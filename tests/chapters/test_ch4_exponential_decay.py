"""The exponential decay section's own computations against hand-computed values."""

import pytest

from chapters.ch4 import exponential_decay


def test_the_texts_example_sums_to_four_first_rates_and_its_step_decay_to_ten():
    budgets = exponential_decay._budgets(0.1, 8).set_index("schedule")
    assert budgets.closed_form["step"] == 10
    assert budgets.closed_form["exponential"] == pytest.approx(3.998, abs=5e-4)  # 1 / (1 - 0.74989)
    assert budgets.summed.to_dict() == pytest.approx(budgets.closed_form.to_dict(), rel=1e-12)


def test_a_factor_without_decay_is_refused():
    with pytest.raises(ValueError, match="expected factor between 0 and 1, got 1"):
        exponential_decay._budgets(1.0, 8)


def test_keras_beside_us_has_a_tenth_after_eight_epochs_smooth_or_in_stairs():
    rates = exponential_decay._beside_keras(0.1, 8)
    for (_, staircase), rows in rates.groupby(["way", "staircase"]):
        at = rows.set_index("update").rate
        assert [at[0], at[256], at[512]] == pytest.approx([0.1, 0.01, 0.001], rel=1e-6)
        assert at[128] == pytest.approx(0.1 if staircase else 0.0316228, rel=1e-5)
