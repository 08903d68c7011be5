import dataclasses
import math
import pickle

import numpy as np
import pandas as pd
import pytest

from textbook.experiment.verdicts import contrast, estimate, paired
from textbook.statistics import FAILS, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, REVERSED, mean_interval

SEEDS = range(1000, 1004)


def table(**arms):
    """One row per condition and seed, with the given test losses."""
    return pd.DataFrame(
        [
            {"condition": name.replace("_", " "), "seed": seed, "test_loss": value}
            for name, values in arms.items()
            for seed, value in zip(SEEDS, values, strict=False)
        ]
    )


LOWER = paired("test_loss", lower="step decay", than="constant")
APART = table(constant=[0.13, 0.14, 0.15, 0.14], step_decay=[0.10, 0.11, 0.12, 0.12])


def test_lower_is_positive_when_the_favoured_arm_is_lower():
    judgement = LOWER.judge(APART)
    assert judgement.verdict == HOLDS
    assert judgement.differences == pytest.approx((0.03, 0.03, 0.03, 0.02))
    assert judgement.effect == pytest.approx(0.0275)
    assert judgement.interval == pytest.approx(mean_interval([0.03, 0.03, 0.03, 0.02]))
    assert (judgement.n, judgement.unit, judgement.delta, judgement.diverged) == (4, "nats", 0.01, 0)


def test_higher_and_exchanged_arms_turn_it_round():
    assert paired("test_loss", lower="constant", than="step decay").judge(APART).verdict == REVERSED
    assert paired("test_loss", higher="constant", than="step decay").judge(APART).verdict == HOLDS
    assert paired("test_loss", higher="step decay", than="constant").judge(APART).verdict == REVERSED


def test_pairs_are_made_by_seed_not_by_order_of_rows():
    shuffled = APART.sample(frac=1, random_state=3)
    assert LOWER.judge(shuffled) == LOWER.judge(APART)


def test_a_missing_partner_names_the_seed():
    with pytest.raises(ValueError, match=r"'step decay' at every seed .* none at seed 1003"):
        LOWER.judge(APART.drop(index=7))


def test_two_rows_for_one_seed_are_refused():
    with pytest.raises(ValueError, match="2 for seed 1000"):
        LOWER.judge(pd.concat([APART, APART.iloc[:1]]))


def test_the_last_epoch_is_judged_or_the_one_asked_for():
    early = APART.assign(epoch=1, test_loss=1.0)
    curves = pd.concat([early, APART.assign(epoch=2)])
    assert LOWER.judge(curves).verdict == HOLDS
    assert dataclasses.replace(LOWER, at_epoch=1).judge(curves).verdict == NO_DIFFERENCE
    with pytest.raises(ValueError, match="epoch 3, got epochs 1 to 2"):
        dataclasses.replace(LOWER, at_epoch=3).judge(curves)


def test_where_and_table_choose_rows():
    both = pd.concat([APART.assign(rate=0.1), APART.assign(rate=0.2, test_loss=0.5)])
    test = paired("test_loss", lower="step decay", than="constant", where={"rate": 0.1}, table="curves")
    assert test.judge({"curves": both, "other": APART}).verdict == HOLDS
    with pytest.raises(ValueError, match=r"'curves', 'other'"):
        LOWER.judge({"curves": both, "other": APART})
    with pytest.raises(ValueError, match=r"rate = 0\.3"):
        dataclasses.replace(test, where={"rate": 0.3}).judge({"curves": both})


def test_an_arm_or_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"'cosine' among the rows, got 'constant', 'step decay'"):
        paired("test_loss", lower="cosine", than="constant").judge(APART)
    with pytest.raises(ValueError, match="expected column 'val_loss'"):
        paired("val_loss", lower="step decay", than="constant").judge(APART)


def test_accuracy_is_judged_in_points():
    fractions = table(a=[0.95, 0.96, 0.97, 0.96], b=[0.93, 0.95, 0.95, 0.94]).rename(
        columns={"test_loss": "test_accuracy"}
    )
    judgement = paired("test_accuracy", higher="a", than="b").judge(fractions)
    assert judgement.effect == pytest.approx(1.75)
    assert (judgement.unit, judgement.delta, judgement.verdict) == ("points", 0.5, HOLDS)


def test_seconds_are_judged_as_a_ratio_and_reported_as_a_factor():
    times = table(fast=[1.0, 2.0, 3.0, 4.0], slow=[2.0, 4.2, 6.0, 8.4]).rename(columns={"test_loss": "seconds"})
    judgement = paired("seconds", lower="fast", than="slow").judge(times)
    logs = np.log([2.0, 2.1, 2.0, 2.1])
    assert judgement.effect == pytest.approx(math.exp(logs.mean()))
    assert judgement.interval == pytest.approx([math.exp(end) for end in mean_interval(logs)])
    assert judgement.differences == pytest.approx((2.0, 2.1, 2.0, 2.1))
    assert (judgement.unit, judgement.delta, judgement.verdict) == ("×", 1.1, HOLDS)
    with pytest.raises(ValueError, match="above 0 to take ratios"):
        paired("seconds", lower="fast", than="slow").judge(times.assign(seconds=0.0))


def test_an_average_over_other_factors_is_taken_within_each_seed():
    grid = pd.concat([APART.assign(rows=60), APART.assign(rows=600, test_loss=APART.test_loss * 3)])
    averaged = dataclasses.replace(LOWER, mean_over="rows")
    assert averaged.judge(grid).effect == pytest.approx(2 * 0.0275)
    with pytest.raises(ValueError, match="complete the design"):
        averaged.judge(grid.iloc[:-1])


def test_arms_may_be_named_by_two_columns():
    grid = pd.concat([APART.assign(rows=60), APART.assign(rows=600, test_loss=0.01)])
    test = paired("test_loss", lower=("constant", 600), than=("constant", 60), by=("condition", "rows"))
    assert test.judge(grid).effect == pytest.approx(0.14 - 0.01)
    with pytest.raises(ValueError, match="a value for each of condition, rows"):
        paired("test_loss", lower=("constant", 600, 1), than=("constant", 60), by=("condition", "rows"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lower": "a"}, "lower= or higher=, and than="),
        ({"lower": "a", "higher": "b", "than": "c"}, "lower= or higher="),
        ({"lower": "a", "than": "a"}, "two different arms"),
        ({"lower": "a", "than": "b", "delta": 0}, "δ above 0"),
        ({"lower": "a", "than": "b", "scale": "log", "delta": 0.1}, "factor above 1"),
        ({"lower": "a", "than": "b", "where": "rate"}, "dict of columns"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_measured(arguments, message):
    with pytest.raises(ValueError, match=message):
        paired("test_loss", **arguments)


def test_a_metric_without_unit_is_refused():
    with pytest.raises(ValueError, match=r"pass unit= and delta="):
        paired("epochs_to_target", lower="a", than="b")
    assert paired("epochs_to_target", lower="a", than="b", unit="epochs", delta=1).delta == 1


@pytest.mark.parametrize(
    "test",
    [
        LOWER,
        paired("seconds", lower=1, than=2, where={"rate": [1, 2]}, table="t"),
        estimate("gap", above=0, unit="points", delta=0.5),
        contrast("test_loss", first=("a", "b"), second=("c", "d")),
    ],
)
def test_a_test_is_frozen_hashable_and_survives_pickling(test):
    assert pickle.loads(pickle.dumps(test)) == test
    assert hash(test) == hash(pickle.loads(pickle.dumps(test)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        test.metric = "other"
    assert eval(repr(test)) == test
    assert "\n" not in test.sentence and test.metric in test.sentence


def test_the_sentence_says_the_rule():
    assert LOWER.sentence == (
        "test_loss lower for 'step decay' than for 'constant', paired by seed, 95 % t interval, δ = 0.01 nats"
    )


class TestEstimate:
    values = pd.DataFrame({"seed": SEEDS, "optimism": [0.011, 0.013, 0.012, 0.014]})

    def test_values_against_a_number_in_points(self):
        judgement = estimate("optimism", above=0, unit="points", delta=0.5).judge(self.values)
        assert judgement.effect == pytest.approx(1.25)
        assert judgement.verdict == HOLDS
        beyond = estimate("optimism", above=0.01, unit="points", delta=0.5).judge(self.values)
        assert beyond.effect == pytest.approx(0.25)
        assert beyond.verdict == NO_DIFFERENCE

    def test_below_turns_it_round(self):
        assert estimate("optimism", below=0, unit="points", delta=0.5).judge(self.values).verdict == REVERSED

    def test_on_the_log_scale_the_number_is_a_factor(self):
        judgement = estimate("optimism", above=0.006, scale="log").judge(self.values)
        assert judgement.effect == pytest.approx(np.exp(np.log(self.values.optimism / 0.006).mean()))

    def test_it_needs_one_of_above_and_below(self):
        with pytest.raises(ValueError, match="either above= or below="):
            estimate("test_loss")
        with pytest.raises(ValueError, match="either above= or below="):
            estimate("test_loss", above=0, below=1)


class TestContrast:
    arms = table(a=[0.5, 0.6, 0.5, 0.6], b=[0.3, 0.4, 0.3, 0.4], c=[0.2, 0.2, 0.3, 0.2], d=[0.15, 0.15, 0.26, 0.14])

    def test_a_difference_of_differences(self):
        judgement = contrast("test_loss", first=("a", "b"), second=("c", "d")).judge(self.arms)
        assert judgement.differences == pytest.approx((0.15, 0.15, 0.16, 0.14))
        assert judgement.verdict == HOLDS
        assert contrast("test_loss", first=("c", "d"), second=("a", "b")).judge(self.arms).verdict == REVERSED

    def test_an_arm_may_stand_in_both_pairs(self):
        judgement = contrast("test_loss", first=("a", "b"), second=("c", "b")).judge(self.arms)
        assert judgement.effect == pytest.approx(np.mean([0.3, 0.4, 0.2, 0.4]))

    def test_two_effects_of_which_one_passes_do_not_make_it_depend(self):
        arms = table(a=[0.10, 0.12, 0.11, 0.12], b=[0.08] * 4, c=[0.12, 0.08, 0.13, 0.07], d=[0.08] * 4)
        assert paired("test_loss", lower="b", than="a").judge(arms).verdict == HOLDS
        assert paired("test_loss", lower="d", than="c").judge(arms).verdict == INCONCLUSIVE
        assert contrast("test_loss", first=("a", "b"), second=("c", "d")).judge(arms).verdict == INCONCLUSIVE

    def test_bad_pairs_are_refused(self):
        for first in [("a",), ("a", "a"), "ab"]:
            with pytest.raises(ValueError, match="pair of two different arms"):
                contrast("test_loss", first=first, second=("c", "d"))
        with pytest.raises(ValueError, match="two different pairs"):
            contrast("test_loss", first=("c", "d"), second=("c", "d"))


def test_ruling_out_the_claimed_size_fails_the_claim():
    arms = table(constant=[0.1, 0.1, 0.1, 0.1], step_decay=[0.105, 0.11, 0.105, 0.115])
    assert LOWER.judge(arms).verdict == FAILS
