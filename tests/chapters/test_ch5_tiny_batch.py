"""What the section on tiny batches trains on, and how it judges a run."""

import keras
import numpy as np
import pandas as pd

from chapters.ch5 import tiny_batch
from textbook.checks.bug_zoo import training
from textbook.experiment import Run


def test_zeroed_splits_keep_rows_and_labels_and_share_one_array():
    splits = Run().splits(sizes=(20, 16, 16))
    zeroed = tiny_batch._zeroed(splits)
    first, second = zeroed(0), zeroed(1)
    assert not first.train.x.any() and first.x is second.x
    assert np.array_equal(first.train.y, splits(0).train.y)
    assert splits(0).train.x.any()


def test_a_builder_with_a_change_makes_a_new_changed_model_each_time():
    build = tiny_batch._with(training.first_layer_frozen)
    first, second = build((64,), 10), build((64,), 10)
    assert first is not second and len(first.trainable_weights) == 2
    assert isinstance(first, keras.Model)


def test_the_verdicts_follow_the_table():
    claims = {claim.id: claim.test for claim in tiny_batch.CLAIMS}
    rows = [(name, seed, name == tiny_batch.SOUND) for name in (tiny_batch.SOUND, "frozen layer") for seed in range(16)]
    judged = pd.DataFrame(rows, columns=["condition", "seed", "learnt"])
    assert claims["5.5-d/sound"].judge({"judged": judged}).verdict == "holds"
    assert claims["5.5-d/frozen"].judge({"judged": judged}).verdict == "fails"
    blatant = pd.DataFrame({"seed": range(16), "all_caught": [True] * 12 + [False] * 4})
    assert claims["5.5-d/caught"].judge({"blatant": blatant}).verdict != "holds"
