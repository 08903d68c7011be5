"""The maximum that is read from a test, and the best of a grid, on hand-made tables."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import usable_interval as section


def test_the_maximum_is_a_part_of_the_rate_of_the_lowest_loss():
    table = pd.DataFrame({"learning_rate": [0.1, 0.5, 2.0, 4.0], "smoothed_loss": [2.0, 1.0, 3.0, np.nan]})
    assert section.maximum(table, 0.1) == pytest.approx(0.05)


def test_the_best_of_the_grid_is_chosen_by_validation_and_keeps_its_test_loss():
    response = pd.DataFrame(
        {
            "seed": [1, 1, 1, 2, 2, 2],
            "rate": [0.1, 1.0, 3.0] * 2,
            "arm": ["0.1", "1", "3"] * 2,
            "val_loss": [0.5, 0.3, 0.4, 0.2, 0.3, 0.4],
            "test_loss": [0.1, 0.9, 0.2, 0.8, 0.1, 0.1],
        }
    )
    best = section.best_of_grid(response).set_index("seed")
    assert best.rate.to_dict() == {1: 1.0, 2: 0.1}
    assert best.test_loss.to_dict() == {1: 0.9, 2: 0.8}
    assert best.on_border.to_dict() == {1: False, 2: True}
    assert (best.arm == section.GRID).all()
