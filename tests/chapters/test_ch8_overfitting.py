"""Gaps of networks at their last epoch."""

import pandas as pd

from chapters.ch8 import overfitting as section


def test_the_gap_is_of_the_last_epoch_and_a_diverged_run_has_none():
    curves = pd.DataFrame({"condition": ["1", "1", "8", "8"], "epoch": [1, 2, 1, 2], "seed": 3})
    curves = curves.assign(clean_loss=[0.9, 0.5, 0.9, 7.0], test_loss=[1.0, 0.75, 1.0, 0.1], chance_loss=0.7)
    ends = section._ends(curves.assign(diverged=[False, False, False, True])).set_index("width")
    assert ends.gap_loss.to_dict() == {1: 0.25, 8: 0.0}
    assert ends.loc[8, "test_loss"] == 0.7
