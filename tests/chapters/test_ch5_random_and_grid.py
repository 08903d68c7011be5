"""Which of the four searches has even steps, and what a grid costs where one axis matters."""

import numpy as np
import pandas as pd

from chapters.ch5 import random_and_grid as section
from textbook.experiment import EXACT, VIOLATED


def test_only_a_grid_has_even_steps_and_only_on_its_own_scale():
    kinds = section._kinds(1000, 9).set_index(["design", "scale"])
    assert kinds.evenly_spaced.to_dict() == {
        ("grid", "log"): True, ("grid", "linear"): True, ("random", "log"): False, ("random", "linear"): False,
    }  # fmt: skip
    assert kinds["values"].to_dict() == {
        ("grid", "log"): 3, ("grid", "linear"): 3, ("random", "log"): 9, ("random", "linear"): 9,
    }  # fmt: skip


def test_the_claim_would_be_exact_of_a_grid():
    test = next(claim.test for claim in section.CLAIMS if claim.id == "5.11-e/kind")
    kinds = section._kinds(1000, 9)
    assert test.judge({"kinds": kinds}).verdict == VIOLATED
    assert test.judge({"kinds": kinds.assign(evenly_spaced=True)}).verdict == EXACT


def test_regret_on_one_axis_is_that_of_a_line():
    found = section._bowls(1000, 9, 400).set_index(["design", "weight"]).regret
    # three cells of width ⅓ anywhere in the unit interval
    assert found["grid", 0.0] > 1.5 * found["random", 0.0]
    assert found["grid", 1.0] < found["random", 1.0]


def test_a_point_has_the_loss_of_the_nearest_trial():
    pool = pd.DataFrame({"u_rate": [0.0, 1.0], "u_weight_decay": [0.5, 0.5], "val_loss": [1.0, 0.2], "seed": 3})
    found = section._networks(pool, 16, 50).set_index("design").val_loss
    # with sixteen points some are surely in the right half
    assert np.allclose(found, 0.2, atol=1e-3)
