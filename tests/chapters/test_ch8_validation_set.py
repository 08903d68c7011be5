"""What Keras holds out, counted by its own metrics; the turn of a validation curve."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch8 import validation_set as section


def test_keras_holds_out_the_last_rows_whatever_their_classes():
    y = np.array([0] * 10 + [1] * 6 + [0, 1, 1, 2])
    counts = section.held_out(np.ones((20, 2), "float32"), y, 0.25).set_index("label")
    assert counts.keras.to_dict() == {0: 1, 1: 3, 2: 1} == counts["last"].to_dict()
    assert counts.in_proportion.to_dict() == pytest.approx({0: 11 / 4, 1: 8 / 4, 2: 1 / 4})


def test_the_strip_marks_both_parts():
    held = section._strip(np.repeat([0, 1, 2], 10), 1 / 3)
    assert ((held & 2) > 0).tolist() == [False] * 20 + [True] * 10
    in_proportion = (held & 1) > 0
    assert in_proportion.sum() == 10 and in_proportion[:10].sum() in (3, 4)


def test_the_turn_is_read_at_the_epoch_that_validation_chose():
    curves = pd.DataFrame({"labels": "wrong labels", "seed": 1, "epoch": [1, 2, 3, 4]})
    curves = curves.assign(
        val_loss=[0.9, 0.4, 0.5, 0.6], test_loss=[0.8, 0.5, 0.3, 0.7], diverged=False, chance_loss=2.3
    )
    turn = section.turns(curves).set_index("when")
    assert turn["at"].to_dict() == {"best epoch": 2, "last epoch": 4}
    # not 0.3, the lowest test loss: that would let the test part choose
    assert turn.test_loss.to_dict() == {"best epoch": 0.5, "last epoch": 0.7}
