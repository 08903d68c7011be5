"""The swing of a curve and the factors behind it, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch4 import oscillation


def curve(losses):
    return pd.DataFrame({"epoch": range(1, len(losses) + 1), "validation_loss": losses})


def test_the_swing_is_the_spread_of_the_steps_of_the_second_half():
    # steps of the second half, from epoch 4 on: +1, −1, +1, −1; their standard deviation is √(4/3)
    restless = [9.0, 5.0, 3.0, 2.0, 3.0, 2.0, 3.0, 2.0]
    assert oscillation._swing(curve(restless)) == pytest.approx(np.sqrt(4 / 3))


def test_a_steady_fall_is_no_swing():
    assert oscillation._swing(curve([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])) == pytest.approx(0)


def test_a_factor_is_a_geometric_mean_over_the_other_settings():
    # at one batch size the larger rate swings 2 times as much, at the other 8 times: 4 in all
    swings = pd.DataFrame(
        {
            "seed": 0,
            "learning_rate": [0.02, 0.2, 0.02, 0.2],
            "batch_size": [16, 16, 128, 128],
            "swing": [1.0, 2.0, 0.5, 4.0],
        }
    )
    (row,) = oscillation._ratio(swings, "learning_rate", 0.02).to_dict("records")
    assert row == {"seed": 0, "ratio": pytest.approx(4), "factor": "learning rate"}


@pytest.mark.parametrize(
    ("training", "held_out", "alike"),
    [
        ([8, 7, 6, 5, 4, 3, 2, 1], [9, 8, 7, 6, 5, 4, 4.5, 4], True),
        ([8, 7, 6, 5, 4, 3, 2, 1], [9, 8, 8.5, 6, 5, 4, 3, 2], False),  # rises before epoch 5 only
        ([8, 7, 6, 5, 4, 3, 2, 2.5], [9, 8, 7, 6, 5, 4, 4.5, 4], False),  # training rises as well
    ],
)
def test_the_look_alike_rises_late_while_training_falls(training, held_out, alike):
    run = pd.DataFrame({"epoch": range(1, 9), "loss": training, "validation_loss": held_out, "seed": 0, "images": 60})
    table = oscillation._look_alike(run.assign(learning_rate=0.02, batch_size=16), 0.02, 16)
    assert table.looks_alike.tolist() == [alike]
