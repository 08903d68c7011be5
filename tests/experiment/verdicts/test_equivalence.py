import numpy as np
import pandas as pd
import pytest

from textbook.experiment.verdicts import equivalent
from textbook.statistics import FAILS, HOLDS, INCONCLUSIVE

SAME = equivalent("test_accuracy", conditions=(30, 32, 33), bad=1024, by="batch_size")


def table(**levels):
    noise = np.array([0.001, -0.001, 0.0, 0.0005])
    return pd.DataFrame(
        [
            {"batch_size": int(name[1:]), "seed": seed, "test_accuracy": level + noise[(seed + i) % 4]}
            for i, (name, level) in enumerate(levels.items())
            for seed in range(4)
        ]
    )


def test_equal_arms_and_a_bad_one_hold():
    judgement = SAME.judge(table(b30=0.95, b32=0.95, b33=0.951, b1024=0.8))
    assert judgement.verdict == HOLDS
    assert judgement.unit == "points"
    assert "33" in judgement.note
    assert abs(judgement.effect) == pytest.approx(0.1)


def test_one_different_pair_fails():
    assert SAME.judge(table(b30=0.95, b32=0.95, b33=0.93, b1024=0.8)).verdict == FAILS


def test_without_a_control_told_apart_it_stays_open():
    judgement = SAME.judge(table(b30=0.95, b32=0.95, b33=0.951, b1024=0.951))
    assert judgement.verdict == INCONCLUSIVE
    assert "control" in judgement.note


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="without a positive control"):
        equivalent("test_accuracy", conditions=(30, 32), bad=32)
    for conditions in [(30,), (30, 30), "ab"]:
        with pytest.raises(ValueError, match="two or more different arms"):
            equivalent("test_accuracy", conditions=conditions, bad=1)
    with pytest.raises(ValueError, match="batch_size 1024 among the rows"):
        SAME.judge(table(b30=0.95, b32=0.95, b33=0.95))


def test_repr_and_sentence():
    assert eval(repr(SAME)) == SAME
    assert SAME.verdicts == (HOLDS, FAILS, INCONCLUSIVE)
    assert "told apart" in SAME.sentence
