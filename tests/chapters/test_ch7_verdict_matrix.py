"""Rows of verdicts from losses made by hand."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import verdict_matrix
from chapters.ch7.verdict_matrix import (
    CONSTANT,
    CONTRASTS,
    CYCLE,
    DECAY,
    DIGITS,
    EPOCHS,
    STEPS,
    _compared,
    _ends,
    _tuned,
)


def losses(gains: dict) -> pd.DataFrame:
    """Sixteen seeds of every arm; `gains` says by how much an arm's loss is lower than 0.5 in each setting."""
    rng = np.random.default_rng(0)
    arms = sorted({arm for pair in CONTRASTS.values() for arm in pair})
    return pd.DataFrame(
        [
            {"setting": setting, "arm": arm, "seed": seed, "test_loss": 0.5 - gain + 0.02 * rng.standard_normal()}
            for number, setting in enumerate(EPOCHS)
            for arm in arms
            for gain in [gains.get(arm, [0.0] * 5)[number]]
            for seed in range(16)
        ]
    )


def test_a_row_that_crosses_is_found_and_one_of_other_sizes_is_not_called_crossing():
    tables = _compared(losses({STEPS: [0.2, -0.2, 0.2, -0.2, 0.0], DECAY: [0.1, 0.2, 0.4, 0.1, 0.1]}))
    rows = tables["rows"].set_index("contrast")
    assert rows.loc["steps, not constant", ["effects_differ", "signs_differ"]].tolist() == [True, True]
    assert rows.loc["weight decay", ["effects_differ", "signs_differ", "words_disagree"]].tolist() == [
        True,
        False,
        False,
    ]
    assert not rows.loc["large batch", "signs_differ"]
    cells = tables["cells"].set_index(["contrast", "setting"])
    assert cells.word[("steps, not constant", DIGITS)] == "holds"
    assert cells.effect[("weight decay", DIGITS)] == pytest.approx(0.1, abs=0.02)


def test_one_effect_everywhere_raises_no_alarm_though_words_differ():
    tables = _compared(losses({}))
    overall = tables["overall"].iloc[0]
    assert overall.crossing == 0 and overall.differing <= 1
    assert 0 < overall.expected <= overall.rows


def test_a_diverged_run_counts_as_a_guess_after_its_own_last_epoch():
    curves = pd.DataFrame(
        {
            "setting": DIGITS,
            "arm": ["a", "a", "b", "b"],
            "seed": 0,
            "epoch": [1, 2, 1, 1],
            "test_loss": [0.9, 0.4, 9.0, np.nan],
            "chance_loss": 2.3,
            "diverged": [False, False, True, False],
        }
    )
    curves.loc[3, "seed"] = 1
    assert _ends(curves).test_loss.tolist() == [0.4, 2.3, 2.3]
    assert _ends(curves).diverged.tolist() == [False, True, True]


def test_tuning_takes_the_lowest_validation_loss_of_each_kind(monkeypatch):
    monkeypatch.setattr(verdict_matrix, "RATES", (0.01, 0.1, 1.0))
    best = {CONSTANT: 0.1, CYCLE: 1.0}

    def train(trials, seeds):
        rows = [
            {"setting": setting, "arm": arm, "seed": seed, "epoch": epoch, "diverged": False, "chance_loss": 2.3,
             "val_loss": abs(np.log(float(arm.split("@")[1]) / best[arm.split("@")[0]])) / epoch}
            for setting, arm in trials for seed in seeds for epoch in (1, 2)
        ]  # fmt: skip
        return pd.DataFrame(rows)

    chosen = _tuned(train, dict.fromkeys(EPOCHS, 8), (0, 1))
    assert chosen == dict.fromkeys(EPOCHS, (0.1, 1.0))
