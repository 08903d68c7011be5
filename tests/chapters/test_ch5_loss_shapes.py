"""Shapes read from hand-made curves."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import loss_shapes
from chapters.ch5.loss_shapes import GOOD, HIGH, LOW, VERY_HIGH

EPOCHS = np.arange(1, 21)
CURVES = {
    LOW: 2.4 - 0.07 * EPOCHS,
    GOOD: 2.3 * np.exp(-EPOCHS) + 0.01,
    HIGH: 0.5 + 0.05 * (-1.0) ** EPOCHS,
    VERY_HIGH: np.full(20, 2.45),
}


def shapes(curves, *, diverged=()):
    tables = []
    for name, loss in curves.items():
        columns = {"condition": name, "seed": 7, "epoch": EPOCHS, "loss": loss, "chance_loss": np.log(10)}
        tables.append(pd.DataFrame(columns).assign(diverged=name in diverged))
    return loss_shapes._shapes(pd.concat(tables)).set_index("condition")


def test_each_curve_has_the_shape_of_the_sketch():
    found = shapes(CURVES)
    assert found["shape"].to_dict() == {name: name for name in CURVES}
    assert found.as_drawn.all() and (found.seed == 7).all()


@pytest.mark.parametrize(
    ("name", "loss", "shape"),
    [
        (LOW, 2.3 * np.exp(-EPOCHS / 4) + 0.3, HIGH),  # bends: no straight line any more
        (HIGH, 2.3 * np.exp(-EPOCHS) + 0.02, GOOD),  # a floor of twice the best is no higher floor
        (VERY_HIGH, np.full(20, 2.2), HIGH),  # below a guess
        (GOOD, 2.3 * np.exp(-EPOCHS / 6) + 0.01, "none"),  # half of the fall is still to come after five epochs
    ],
)
def test_a_curve_of_another_shape_is_told_apart(name, loss, shape):
    found = shapes(CURVES | {name: loss}).loc[name]
    assert found["shape"] == shape and not found.as_drawn


def test_a_run_that_is_not_finite_is_very_high():
    broken = np.where(EPOCHS > 3, np.nan, 2.0)
    assert shapes(CURVES | {VERY_HIGH: broken}).loc[VERY_HIGH, "shape"] == VERY_HIGH
    assert shapes(CURVES, diverged=[HIGH]).loc[HIGH, "shape"] == VERY_HIGH


def test_a_straight_line_makes_a_quarter_of_its_fall_in_a_quarter_of_the_time():
    line = pd.DataFrame({"epoch": EPOCHS, "loss": 2.0 - 0.1 * EPOCHS, "chance_loss": 2.0, "diverged": False})
    found = loss_shapes._numbers(line)
    assert found["straight"] == pytest.approx(1)
    assert found["early"] == pytest.approx(0.5 / (0.1 * EPOCHS[-6:].mean()))
