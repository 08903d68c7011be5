"""Derivatives of e^x·sin 3x, and which errors have their least value inside."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import step_size


def test_every_order_is_a_factor_of_one_plus_three_i():
    x, h = 0.7, 1e-5
    for order in range(3):
        low, high = (step_size._derivative(at, order) for at in (x - h, x + h))
        assert (high - low) / (2 * h) == pytest.approx(step_size._derivative(x, order + 1), rel=1e-7)
    assert step_size._derivative(x, 0) == pytest.approx(float(step_size._f(x)))


@pytest.mark.parametrize(
    ("errors", "interior"),
    [
        ([1e-2, 1e-6, 1e-3], True),
        ([1e-6, 1e-4, 1e-2], False),  # the smallest step is the best
        ([1e-2, 1e-4, 1e-6], False),  # the largest one is
        ([1e-2, 5e-4, 1e-3], False),  # a valley of less than a factor of ten
        ([1e-3, 5e-4, 1e-2], False),
    ],
)
def test_an_interior_optimum_is_ten_times_better_than_both_ends(errors, interior):
    loss = pd.DataFrame({"activation": "tanh", "form": "centred", "seed": 7, "h": [1e-9, 1e-5, 1e-1], "error": errors})
    (row,) = step_size._best(loss).to_dict("records")
    assert row["interior"] is interior and row["error"] == min(errors)
    assert row["h"] == loss.h[np.argmin(errors)]


def test_the_best_step_is_found_and_set_beside_the_balance_of_both_errors():
    errors = pd.DataFrame({"form": ["forward"] * 3 + ["centred"] * 3, "h": [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4]})
    table = step_size._optimum(errors.assign(error=[3, 1, 2, 2, 1, 3]), 0.7).set_index("form")
    assert table.best["forward"] == 1e-8 and table.best["centred"] == 1e-5
    # 2√(ε·1.738/20.2) and ∛(3ε·1.738/27.2), with the derivatives of e^x·sin 3x at 0.7
    assert table.theory["forward"] == pytest.approx(8.8e-9, rel=0.02)
    assert table.theory["centred"] == pytest.approx(3.5e-6, rel=0.02)
