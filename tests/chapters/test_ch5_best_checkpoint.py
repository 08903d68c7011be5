"""When the loops save, and which epoch a run is judged at."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch5 import best_checkpoint as section
from textbook.experiment import EXACT, VIOLATED

EXAMPLE = [[0.9, 0.8], [0.4, 0.5], [0.6, 0.7]]  # means 0.85, 0.45, 0.65


def test_the_printed_loop_saves_once_and_the_mended_one_at_each_new_lowest():
    assert section.saved_as_written(EXAMPLE) == [0]
    assert section.saved_when_mended(EXAMPLE) == [0, 1]
    assert section.saved_by_keras([0.85, 0.45, 0.65]) == [0, 1]


@pytest.mark.parametrize("losses", [[0.5, 0.5, 0.4], [1.0], [0.3, 0.6, 0.2, 0.1], [2.0, 1.0, 1.5, 0.9]])
def test_the_mended_loop_agrees_with_keras(losses):
    assert section.saved_when_mended([[loss] for loss in losses]) == section.saved_by_keras(losses)


def test_the_claims_tell_a_loop_that_saves_too_often():
    claims = {claim.id: claim.test for claim in section.CLAIMS}
    table = section._saves({"example": (0.85, 0.45, 0.65), "a network": [0.9, 0.5, 0.4]})
    assert claims["5.11-b/printed"].judge({"saves": table}).verdict == VIOLATED
    assert claims["5.11-b/mended"].judge({"saves": table}).verdict == EXACT
    planted = table.assign(mended=["0 1 2 ", "0 1 2 "])
    assert claims["5.11-b/mended"].judge({"saves": planted}).verdict == VIOLATED


def test_the_best_checkpoint_has_the_lowest_validation_loss_of_a_sound_epoch():
    curves = pd.DataFrame({
        "labels": "clean labels", "seed": 1, "epoch": [1, 2, 3, 4], "val_loss": [0.5, 0.3, 0.4, np.nan],
        "test_accuracy": [0.1, 0.2, 0.3, 0.4], "test_loss": 1.0, "diverged": [False, False, False, True],
        "chance_accuracy": 0.1, "chance_loss": 2.3,
    })  # fmt: skip
    kept = section._checkpoints(curves).set_index("kept")
    assert kept.of_epoch.to_dict() == {"best": 2, "last": 4}
    assert kept.test_accuracy.to_dict() == {"best": 0.2, "last": 0.4}
