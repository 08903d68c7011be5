import numpy as np
import pandas as pd
import pytest

from textbook.experiment.verdicts import paired
from textbook.statistics import HOLDS, NO_DIFFERENCE

LOWER = paired("test_loss", lower="a", than="b")
GUESS = {"chance_loss": np.log(10), "chance_accuracy": 0.1}


def curves(a, b, **columns):
    """Three epochs of two arms; the test loss stands in the last one."""
    rows = []
    for name, finals in (("a", a), ("b", b)):
        for seed, final in enumerate(finals):
            for epoch in (1, 2, 3):
                loss = final if epoch == 3 else np.nan
                rows.append(
                    {"condition": name, "seed": seed, "epoch": epoch, "test_loss": loss, "diverged": False} | GUESS
                )
    return pd.DataFrame(rows).assign(**columns)


def test_a_diverged_run_counts_as_a_guess_and_is_counted():
    table = curves([0.1, 0.1, 0.1], [0.2, 0.2, np.nan])
    table.loc[(table.condition == "b") & (table.seed == 2), "diverged"] = True
    judgement = LOWER.judge(table)
    assert judgement.differences == pytest.approx((0.1, 0.1, np.log(10) - 0.1))
    assert judgement.diverged == 1


def test_a_run_marked_as_diverged_counts_as_a_guess_even_with_a_finite_loss():
    table = curves([0.1, 0.1], [0.2, 1e30])
    table.loc[(table.condition == "b") & (table.seed == 1) & (table.epoch == 3), "diverged"] = True
    assert LOWER.judge(table).differences[1] == pytest.approx(np.log(10) - 0.1)


def test_a_diverged_run_is_not_judged_by_its_last_finite_epoch():
    table = curves([0.1, 0.1], [0.2, np.nan])
    late = (table.condition == "b") & (table.seed == 1)
    table.loc[late & (table.epoch == 1), "test_loss"] = 0.05
    table.loc[late & (table.epoch >= 2), "diverged"] = True
    assert LOWER.judge(table).differences[1] == pytest.approx(np.log(10) - 0.1)


def test_infinite_without_a_mark_is_diverged_too():
    judgement = LOWER.judge(curves([0.1, 0.1], [0.2, np.inf]).drop(columns="diverged"))
    assert judgement.diverged == 1
    assert judgement.differences[1] == pytest.approx(np.log(10) - 0.1)


def test_an_accuracy_takes_the_accuracy_of_a_guess():
    table = curves([0.9, 0.9], [0.8, np.nan]).rename(columns={"test_loss": "test_accuracy"})
    table.loc[(table.condition == "b") & (table.seed == 1), "diverged"] = True
    judgement = paired("test_accuracy", higher="a", than="b").judge(table)
    assert judgement.differences == pytest.approx((10, 80))


def test_without_the_level_of_a_guess_a_diverged_run_is_an_error():
    table = curves([0.1, 0.1], [0.2, np.inf]).drop(columns="chance_loss")
    with pytest.raises(ValueError, match=r"'chance_loss'.*return that column from measure"):
        LOWER.judge(table)


def test_a_metric_that_a_guess_has_no_level_of_must_be_finite():
    table = curves([3, 4], [5, np.inf]).rename(columns={"test_loss": "epochs_to_target"})
    test = paired("epochs_to_target", lower="a", than="b", unit="epochs", delta=1)
    with pytest.raises(ValueError, match="give diverged runs a number"):
        test.judge(table)


def test_a_metric_recorded_at_a_selected_epoch_is_found_there():
    table = curves([0.1, 0.1], [0.2, 0.2])
    moved = (table.condition == "b") & (table.seed == 1)
    table.loc[moved, "test_loss"] = [np.nan, 0.3, np.nan]
    judgement = LOWER.judge(table)
    assert judgement.differences == pytest.approx((0.1, 0.2))
    assert judgement.diverged == 0


def test_runs_of_different_lengths_end_each_at_its_own_last_epoch():
    table = curves([0.1, 0.1], [0.2, 0.3])
    longer = table[(table.condition == "b") & (table.epoch == 3)].assign(epoch=9, test_loss=0.15)
    table.loc[table.condition == "b", "test_loss"] = np.nan
    assert LOWER.judge(pd.concat([table, longer])).differences == pytest.approx((0.05, 0.05))


def test_only_the_arms_judged_are_counted_as_diverged():
    table = pd.concat([curves([0.1, 0.1], [0.2, 0.2]), curves([], [np.nan, 1]).assign(condition="c", diverged=True)])
    assert LOWER.judge(table).diverged == 0


def test_all_diverged_in_both_arms_is_no_difference():
    judgement = LOWER.judge(curves([np.nan] * 3, [np.nan] * 3, diverged=True))
    assert (judgement.verdict, judgement.diverged, judgement.effect) == (NO_DIFFERENCE, 6, 0.0)


def test_one_seed_is_judged_without_a_verdict():
    assert LOWER.judge(curves([0.1], [0.2])).interval is None


def test_an_empty_table_and_no_table_are_refused():
    with pytest.raises(ValueError, match="empty"):
        LOWER.judge(curves([], []).reindex(columns=["condition", "seed", "test_loss"]))
    with pytest.raises(ValueError, match="DataFrame or a dict"):
        LOWER.judge([1, 2])
    with pytest.raises(ValueError, match=r"leave table= out"):
        paired("test_loss", lower="a", than="b", table="x").judge(curves([0.1], [0.2]))
    assert LOWER.judge({"only": curves([0.1, 0.1, 0.11], [0.2, 0.2, 0.21])}).verdict == HOLDS
