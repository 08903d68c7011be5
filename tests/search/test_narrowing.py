import math

import keras_tuner
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textbook.search.discovery import discovered
from textbook.search.narrowing import narrowed
from textbook.search.space import one_minus, values_at


def a_space(*declared):
    """A HyperParameters of (kind, name, …) and keywords: ("Float", "rate", 0.1, 1.0, {"sampling": "log"})."""
    hp = keras_tuner.HyperParameters()
    for kind, *given_, keywords in declared:
        getattr(hp, kind)(*given_, **keywords)
    return hp


def a_table(scores, **columns):
    table = pd.DataFrame({"trial": range(len(scores)), "status": "completed", "score": scores, **columns})
    return table.assign(status=np.where(table["score"].notna(), "completed", "infeasible"))


def around(optimum, values, log=False):
    """Scores that grow with the distance from the optimum."""
    to = np.log if log else np.asarray
    return np.abs(to(np.asarray(values, float)) - to(optimum))


def one_range(declared, values, optimum, *, log=False, **arguments):
    """(low, high, why) of the next range of one hyperparameter."""
    space = a_space(declared)
    finer, decisions = narrowed(space, a_table(around(optimum, values, log), **{declared[1]: values}), **arguments)
    (parameter,), row = finer.space, decisions.iloc[0]
    assert type(parameter) is type(space.space[0])
    assert (row.next_low, row.next_high) == (parameter.min_value, parameter.max_value)
    assert (parameter.step, parameter.sampling) == (space.space[0].step, space.space[0].sampling)
    return parameter.min_value, parameter.max_value, row.why


RATE = ("Float", "rate", 1e-4, 1.0, {"sampling": "log"})
DROP = ("Float", "drop", 0.0, 0.8, {})


def test_inside_a_range_shrinks_to_its_share_around_the_best_on_its_own_scale():
    values = np.logspace(-4, 0, 41)
    low, high, why = one_range(RATE, values, 1e-2, log=True)
    assert math.sqrt(low * high) == pytest.approx(1e-2)
    assert math.log10(high / low) == pytest.approx(4 / 3)
    assert why == "inside: narrowed to 33 %, around the best"
    low, high, _ = one_range(DROP, np.linspace(0, 0.8, 41), 0.4, shrink=0.25)
    assert (low, high) == pytest.approx((0.3, 0.5))


def test_where_the_best_trials_disagree_the_range_stays_wider():
    values = np.linspace(0, 0.8, 16)
    scores = np.ones(16)
    scores[[8, 1, 2, 13]] = 0.1, 0.2, 0.3, 0.4  # the best is in the middle, the next three are anywhere
    finer, decisions = narrowed(a_space(DROP), a_table(scores, drop=values))
    assert finer.space[0].min_value == pytest.approx(np.quantile(values[[8, 1, 2, 13]], 0.25))
    assert finer.space[0].max_value == pytest.approx(values[8] + 0.8 / 6)
    assert decisions.why[0].endswith("where the best 4 are")


@pytest.mark.parametrize("up", [True, False])
def test_at_an_open_edge_the_range_shifts_beyond_it(up):
    values = np.logspace(-4, 0, 41)
    low, high, why = one_range(RATE, values, 1e3 if up else 1e-9, log=True)
    if up:
        assert low > 0.01
        assert high == pytest.approx(100)  # half the range of four decades, beyond the best
        assert why == "best at the upper edge: shifted up"
    else:
        assert low == pytest.approx(1e-6)
        assert high < 0.01
        assert why == "best at the lower edge: shifted down"


def test_near_an_open_edge_the_range_is_not_cut_off_there():
    low, high, why = one_range(RATE, np.logspace(-4, 0, 41), 10**-0.4, log=True)
    assert math.log10(high) == pytest.approx(-0.4 + 2 / 3)
    assert math.log10(low) == pytest.approx(-0.4 - 2 / 3)
    assert why.startswith("best near the upper edge, which is passed: narrowed to 33 %")


def test_an_edge_that_no_trial_came_nearer_to_counts_as_reached():
    values = np.linspace(0.05, 0.7, 12)  # the best is 12 % away from the end of the range
    _, high, why = one_range(DROP, values, 1.0)
    assert why == "best at the upper edge: shifted up"
    assert high == pytest.approx(0.7 + 0.4)
    # a trial in between that diverged says that the edge is no better
    scores = [*around(1.0, values), math.nan]
    finer, decisions = narrowed(a_space(DROP), a_table(scores, drop=[*values, 0.75]))
    assert finer.space[0].max_value == pytest.approx(0.7 + 0.8 / 6)
    assert decisions.why[0].startswith("best near the upper edge, which is passed")


def test_one_lucky_trial_at_the_edge_shifts_nothing():
    values = np.linspace(0, 0.8, 32)
    scores = around(0.2, values)
    scores[-1] = -1
    finer, decisions = narrowed(a_space(DROP), a_table(scores, drop=values))
    assert finer.space[0].max_value == 0.8
    assert decisions.why[0].startswith("best at the upper edge, but most of the best 8 are not: narrowed to")


def test_shifts_stop_at_limits():
    values = np.linspace(0, 0.8, 33)
    assert one_range(DROP, values, 1.0, limits={"drop": (0, 0.9)})[1] == 0.9
    assert one_range(DROP, values, 1.0)[1] == pytest.approx(1.2)
    # the end of the range is the limit itself: 0 by default, where no value is negative
    low, high, why = one_range(DROP, values, 0.0)
    assert (low, high) == pytest.approx((0.0, 0.15))  # the middle half of the best nine: 0, 0.025, … 0.2
    assert why.startswith("best at a limit: narrowed")
    low, _, why = one_range(("Float", "bias", -1.0, 1.0, {}), np.linspace(-1, 1, 33), -1.0)
    assert low == pytest.approx(-2)


def test_a_momentum_stays_below_one_and_above_zero():
    hp = keras_tuner.HyperParameters()
    one_minus(hp, "momentum", 0.5, 0.99)
    values = np.logspace(-2, math.log10(0.5), 33)
    table = a_table(around(1.0, values, log=True), **{"1 - momentum": values})
    finer, _ = narrowed(hp, table)
    assert finer.space[0].max_value == 1.0
    declared = ("Float", "momentum", 0.01, 0.99, {"sampling": "reverse_log"})
    values = 1 - np.logspace(-2, math.log10(0.99), 41)
    low, high, why = one_range(declared, values, 0.99)
    assert 0.9 < low < 0.99 < high < 1  # equal shares of the distance from 1, which is never reached
    assert why.endswith("shifted up")
    assert 0 < one_range(declared, values, 0.01)[0] < 0.01  # where keras-tuner's scale ends


@pytest.mark.parametrize(
    "declared, values, optimum, expected",
    [
        (("Int", "units", 16, 128, {}), range(16, 129, 4), 64, (45, 83)),
        (("Int", "layers", 1, 3, {}), [1, 2, 3] * 4, 2, (1, 3)),
        (("Int", "layers", 1, 3, {}), [1, 2, 3] * 4, 3, (2, 4)),
        (("Int", "layers", 1, 3, {}), [1, 2, 3] * 4, 1, (1, 2)),  # 0 layers were never asked for
        (("Int", "layers", 1, 2, {}), [1, 2] * 4, 2, (1, 3)),
        (("Int", "units", 4, 256, {"sampling": "log"}), [4, 8, 16, 32, 64, 128, 256], 32, (16, 64)),
        (("Int", "units", 3, 300, {"sampling": "log"}), [3, 10, 30, 100, 300], 30, (13, 65)),
        (("Int", "units", 8, 64, {"step": 8}), range(8, 65, 8), 32, (16, 48)),
        (("Int", "units", 8, 64, {"step": 8}), range(8, 65, 8), 100, (48, 96)),
        (("Int", "batch", 4, 64, {"step": 2, "sampling": "log"}), [4, 8, 16, 32, 64], 16, (8, 32)),
        (("Int", "batch", 4, 64, {"step": 2, "sampling": "log"}), [4, 8, 16, 32, 64], 1000, (16, 256)),
        (("Int", "batch", 4, 64, {"step": 2, "sampling": "log"}), [4, 8, 16, 32, 64], 1, (1, 16)),
        (
            ("Int", "batch", 3, 48, {"step": 2, "sampling": "log"}),
            [3, 6, 12, 24, 48],
            1,
            (3, 12),
        ),  # half of 3 is not whole
        (("Float", "drop", 0, 1, {"step": 0.1}), np.linspace(0, 1, 11), 0.5, (0.3, 0.7)),
        (("Float", "drop", 0, 1, {"step": 0.3}), [0, 0.3, 0.6, 0.9], 0.9, (0.3, 1.5)),
    ],
)
def test_whole_numbers_and_steps_stay_what_they_are(declared, values, optimum, expected):
    low, high, _ = one_range(declared, list(values), optimum, log=declared[-1].get("sampling") == "log")
    assert (low, high) == pytest.approx(expected)
    assert isinstance(low, int) == (declared[0] == "Int")


def test_a_stepped_range_stays_within_limits_that_lie_between_its_steps():
    declared = ("Int", "units", 8, 64, {"step": 8})
    low, high, _ = one_range(declared, list(range(8, 65, 8)), 100, limits={"units": (1, 90)})
    assert (low, high) == (48, 88)


def test_a_stepped_reverse_log_range_is_left_alone():
    declared = ("Float", "beta", 0.01, 1.0, {"step": 10, "sampling": "reverse_log"})
    low, high, why = one_range(declared, [0.01, 0.91, 1.0, 0.91], 0.91)
    assert (low, high) == (0.01, 1.0)
    assert "kept" in why


RANGES = st.sampled_from(
    [
        RATE,
        DROP,
        ("Int", "units", 1, 9, {}),
        ("Int", "units", 3, 300, {"sampling": "log"}),
        ("Int", "units", 3, 48, {"sampling": "log", "step": 2}),
        ("Float", "drop", 0.1, 0.75, {"step": 0.1}),
        ("Float", "beta", 0.01, 0.99, {"sampling": "reverse_log"}),
        ("Int", "units", -7, 30, {"step": 5}),
    ]
)


@settings(max_examples=60, deadline=None)
@given(RANGES, st.integers(4, 40), st.integers(0, 2**32), st.floats(0.01, 1))
def test_stage_after_stage_a_range_holds_its_best_value_and_can_be_searched(declared, n, seed, shrink):
    rng, space = np.random.default_rng(seed), a_space(declared)
    for _ in range(4):
        (parameter,) = space.space
        values = [values_at(space.space, rng.random(1))[parameter.name] for _ in range(n)]
        table = a_table(rng.normal(size=n), **{parameter.name: values})
        before, space = space, narrowed(space, table, shrink=shrink)[0]
        (parameter,) = space.space
        best = table.sort_values("score")[declared[1]].iloc[0]
        assert parameter.min_value - 1e-9 <= best <= parameter.max_value + 1e-9
        assert parameter.min_value < parameter.max_value
        assert parameter.default == pytest.approx(best)
        if declared[0] == "Int":
            assert isinstance(parameter.min_value, int) and isinstance(parameter.max_value, int)
        if parameter.step and parameter.sampling == "linear":
            steps = (parameter.min_value - before.space[0].min_value) / parameter.step
            assert steps == pytest.approx(round(steps), abs=1e-6)


CHOICES = a_space(("Choice", "activation", ["relu", "tanh", "sigmoid"], {}), ("Boolean", "norm", {}))


def test_values_that_the_best_quarter_lacks_are_dropped():
    table = a_table(np.arange(36) % 12 + 0.1 * (np.arange(36) // 12), activation=["relu"] * 36, norm=[True] * 36)
    table["activation"] = np.where(table.score < 6, "tanh", np.where(table.score < 9, "relu", "sigmoid"))
    table["norm"] = table.score < 4
    finer, decisions = narrowed(CHOICES, table)
    assert finer.space[0].values == ["tanh"]
    assert decisions.next_values.tolist() == [("tanh",), (True,)]
    assert decisions.why[0] == "dropped relu, sigmoid: not among the best 9 of 36 trials"
    # keras-tuner's Boolean has both values, so this one is fixed; the builder does not notice
    assert finer.Boolean("norm") is True
    assert finer.Choice("activation", ["relu", "tanh", "sigmoid"]) == "tanh"
    assert {finer.space[1].random_sample(seed) for seed in range(9)} == {True}


def test_values_that_few_trials_had_are_not_dropped():
    table = a_table(range(36), activation=["tanh"] * 33 + ["relu"] * 3, norm=[True, False] * 18)
    finer, decisions = narrowed(CHOICES, table)
    # sigmoid was never tried, and three trials miss the best quarter often
    assert finer.space[0].values == ["relu", "tanh", "sigmoid"]
    assert decisions.why.tolist() == ["kept: 36 trials are too few to drop any", "kept: all are among the best 9"]


def test_a_value_whose_trials_all_failed_is_dropped():
    table = a_table([math.nan] * 14 + list(range(14)), activation=["relu"] * 14 + ["tanh", "sigmoid"] * 7, norm=True)
    finer, _ = narrowed(CHOICES, table)
    assert finer.space[0].values == ["tanh", "sigmoid"]


def test_numbers_in_a_list_keep_what_lies_between_and_are_not_extended():
    space = a_space(("Choice", "batch", [8, 16, 32, 64], {}))
    scores = np.concatenate([np.zeros(5), np.full(15, 2), np.ones(5), np.full(15, 3)])
    table = a_table(scores, batch=np.repeat([8, 16, 32, 64], [5, 15, 5, 15]))
    finer, decisions = narrowed(space, table)
    assert finer.space[0].values == [8, 16, 32]
    assert decisions.why[0].startswith("dropped 64")
    assert decisions.why[0].endswith("the best is at an end of the list, which is not extended")


def conditional():
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["sgd", "adam"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("rate", 1e-3, 1.0, sampling="log")
        hp.Float("momentum", 0.0, 0.9)
    with hp.conditional_scope("optimizer", ["adam"]):
        hp.Float("rate", 1e-5, 1e-2, sampling="log")
    return hp


def test_a_conditional_hyperparameter_is_judged_by_its_own_trials_and_keeps_its_conditions():
    # SGD is best at 0.1, Adam at 0.0003; the same name under two conditions
    sgd, adam = np.logspace(-3, 0, 16), np.logspace(-5, -2, 16)
    scores = np.concatenate([around(0.1, sgd, True), around(3e-4, adam, True)])
    momentum = [*np.linspace(0, 0.9, 16), *[math.nan] * 16]
    table = a_table(scores, optimizer=["sgd"] * 16 + ["adam"] * 16, rate=[*sgd, *adam], momentum=momentum)
    space = conditional()
    finer, decisions = narrowed(space, table)
    assert [one.conditions for one in finer.space] == [one.conditions for one in space.space]
    assert decisions.when.tolist() == ["", "optimizer: sgd", "optimizer: sgd", "optimizer: adam"]
    assert decisions.trials.tolist() == [32, 16, 16, 16]
    of_sgd, of_adam = finer.space[1], finer.space[3]
    assert 1e-2 < of_sgd.min_value < 0.1 < of_sgd.max_value < 1
    assert 1e-5 < of_adam.min_value < 3e-4 < of_adam.max_value < 1e-2


def test_what_a_dropped_value_made_active_stays_as_it_was():
    space = conditional()
    sgd, adam = np.logspace(-3, 0, 16), np.logspace(-5, -2, 16)
    scores = np.concatenate([around(0.1, sgd, True), 100 + around(3e-4, adam, True)])
    momentum = [*np.linspace(0, 0.9, 16), *[math.nan] * 16]
    table = a_table(scores, optimizer=["sgd"] * 16 + ["adam"] * 16, rate=[*sgd, *adam], momentum=momentum)
    finer, decisions = narrowed(space, table)
    assert finer.space[0].values == ["sgd"]
    assert (finer.space[3].min_value, finer.space[3].max_value) == (1e-5, 1e-2)
    assert [why.startswith("kept: not active any more") for why in decisions.why] == [False] * 3 + [True]


def test_an_accuracy_is_best_where_it_is_high():
    values = np.linspace(0, 0.8, 41)
    table = a_table(1 - around(0.6, values), drop=values)
    finer, decisions = narrowed(a_space(DROP), table, lower_is_better=False)
    assert decisions.best[0] == pytest.approx(0.6)
    assert finer.space[0].min_value == pytest.approx(0.6 - 0.8 / 6)


def test_the_best_trials_values_are_the_first_that_a_builder_is_called_with():
    table = a_table([3.0, 1.0, math.nan, 2.0], drop=[0.1, 0.2, 0.3, 0.4], units=[20, 30, 40, 50])
    finer, _ = narrowed(a_space(DROP, ("Int", "units", 16, 64, {})), table)
    assert finer.values == {"drop": 0.2, "units": 30}
    assert [type(value) for value in finer.values.values()] == [float, int]


def test_few_trials_decide_nothing():
    space = a_space(DROP, ("Choice", "activation", ["relu", "tanh"], {}))
    finer, decisions = narrowed(space, a_table([1.0, 2.0, 3.0], drop=[0.1, 0.8, 0.3], activation=["relu"] * 3))
    assert (finer.space[0].min_value, finer.space[0].max_value) == (0.0, 0.8)
    assert decisions.why.tolist() == ["kept: 3 completed trials cannot tell"] * 2


def test_what_is_fixed_stays_so():
    space = a_space(DROP, ("Fixed", "depth", 3, {}))
    finer, decisions = narrowed(space, a_table(np.arange(8.0), drop=np.linspace(0, 0.8, 8), depth=3))
    assert finer.space[1].value == 3
    assert decisions.why[1] == "a single value"


def test_a_builder_gets_ranges_within_and_outside_its_own():
    def build(hp):
        hp.Float("rate", 1e-4, 1.0, sampling="log")
        if hp.Choice("optimizer", ["sgd", "adam"]) == "sgd":
            with hp.conditional_scope("optimizer", ["sgd"]):
                hp.Float("momentum", 0.0, 0.9)

    space = discovered(build)
    rates = np.logspace(-4, 0, 32)
    momentum = np.where(np.arange(32) % 2, np.linspace(0, 0.9, 32), math.nan)
    optimizer = np.where(np.arange(32) % 2, "sgd", "adam")
    table = a_table(around(1e3, rates, True), rate=rates, optimizer=optimizer, momentum=momentum)
    finer, _ = narrowed(space, table)
    again = discovered(build, finer)
    assert [one.get_config() for one in again.space] == [one.get_config() for one in finer.space]
    assert again.space[0].max_value > 1
    draws = [values_at(again.space, np.random.default_rng(i).random(3))["rate"] for i in range(50)]
    assert min(draws) > 1e-2 and max(draws) > 1


def test_the_given_space_and_table_stay_as_they_are():
    space = a_space(RATE)
    table = a_table(np.arange(8.0), rate=np.logspace(-4, 0, 8))
    config, copy = space.get_config(), table.copy()
    narrowed(space, table)
    assert space.get_config() == config
    pd.testing.assert_frame_equal(table, copy)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"shrink": 0}, "shrink as a share above 0"),
        ({"shrink": 1.5}, "shrink as a share above 0"),
        ({"limits": {"dropp": (0, 1)}}, "limits of drop, got dropp"),
        ({"limits": {"drop": (0, 0.5)}}, "limits of 'drop' around its range 0.0 to 0.8, got 0 to 0.5"),
        ({"limits": {"drop": (1, 0)}}, "around its range"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        narrowed(a_space(DROP), a_table(np.arange(8.0), drop=np.linspace(0, 0.8, 8)), **arguments)


def test_a_stage_without_a_score_leaves_nothing_to_narrow():
    table = a_table([math.nan] * 3, drop=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="expected a completed trial to narrow the ranges around, got 3 trials"):
        narrowed(a_space(DROP), table)
