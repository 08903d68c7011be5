"""Hyperband: the paper's sizes, an order that nothing disturbs, and rounds that shrink where trials fail."""

import math
from collections import Counter

import keras_tuner
import pytest

from tests.search.oracles.playing import finish, loss, mixed_space, play
from textbook.search.oracles import HyperbandOracle, cost, plan


def line():
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    return hp


def waves(oracle, score=loss) -> list[int]:
    """Ask until IDLE or STOPPED, end all, ask again; the sizes of the waves."""
    sizes = []
    while True:
        wave = []
        while (trial := oracle.create_trial(f"slot{len(wave)}")).status == "RUNNING":
            wave.append(trial)
        if not wave:
            assert trial.status == "STOPPED"
            return sizes
        sizes.append(len(wave))
        for trial in reversed(wave):
            finish(oracle, trial, score)


def test_the_paper_s_brackets():
    # R = 81, η = 3: (trials, epochs) of each round, by the formulas of algorithm 1
    brackets = {
        4: [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        3: [(34, 3), (11, 9), (3, 27), (1, 81)],
        2: [(15, 9), (5, 27), (1, 81)],
        1: [(8, 27), (2, 81)],
        0: [(5, 81)],
    }
    got = {number: [(one.trials, one.end) for one in plan(81) if one.bracket == number] for number in brackets}
    assert got == brackets


@pytest.mark.parametrize(
    ("epochs", "factor", "brackets"),
    [(243, 3, 6), (242, 3, 5), (125, 5, 4), (1000, 10, 4), (2, 2, 2), (2, 3, 1), (8, 2, 4), (3**20, 3, 21)],
)
def test_the_number_of_brackets_is_exact(epochs, factor, brackets):
    rounds = plan(epochs, factor)
    assert len({one.bracket for one in rounds}) == brackets
    assert {one.end for one in rounds if one.round == one.bracket} == {epochs}
    assert min(one.end for one in rounds) >= 1
    assert all(one.start < one.end for one in rounds)


@pytest.mark.parametrize(
    ("settings", "trials", "epochs"),
    [
        ({"max_epochs": 9}, 22, 69),
        ({"max_epochs": 9, "iterations": 3}, 66, 207),
        ({"max_epochs": 4, "factor": 2}, 14, 28),
    ],
)
def test_the_search_costs_what_was_said(settings, trials, epochs):
    oracle = HyperbandOracle(line(), **settings)
    assert oracle.cost() == cost(**settings) == (trials, epochs)
    rows = play(oracle, lambda values: values["x"])
    spent = sum(values["tuner/epochs"] - values["tuner/initial_epoch"] for values, _, _ in rows.values())
    assert (len(rows), spent) == (trials, epochs)


def test_waves_rounds_and_brackets():
    oracle = HyperbandOracle(line(), max_epochs=9, iterations=2)
    # the second iteration begins beside the first one's last round
    assert waves(oracle, lambda values: values["x"]) == [17, 4, 1 + 17, 4, 1]
    places = Counter(
        (values["tuner/bracket"], values["tuner/round"], values["tuner/initial_epoch"], values["tuner/epochs"])
        for values in (trial.hyperparameters.values for trial in oracle.trials.values())
    )
    assert places == {(b, r, start, end): 2 * n for b, r, n, start, end in plan(9)}


@pytest.mark.parametrize("direction", ["min", "max"])
def test_the_best_of_each_round_go_on_from_where_they_stopped(direction):
    oracle = HyperbandOracle(line(), keras_tuner.Objective("score", direction), max_epochs=9)
    play(oracle, lambda values: values["x"] * values["tuner/epochs"], at_once=4, shuffle=0)
    trials = {key: trial.hyperparameters.values for key, trial in oracle.trials.items()}
    for bracket, number, size, start, _ in plan(9):
        if number == 0:
            continue
        mine = [v for v in trials.values() if (v["tuner/bracket"], v["tuner/round"]) == (bracket, number)]
        before = {k: v for k, v in trials.items() if (v["tuner/bracket"], v["tuner/round"]) == (bracket, number - 1)}
        ranked = sorted(before, key=lambda key: oracle.trials[key].score, reverse=direction == "max")
        assert [values["tuner/trial_id"] for values in mine] == ranked[:size]
        for values in mine:
            parent = before[values["tuner/trial_id"]]
            assert (values["x"], values["tuner/initial_epoch"]) == (parent["x"], parent["tuner/epochs"])
            assert values["tuner/initial_epoch"] == start


def test_equal_scores_go_on_in_order_of_number():
    oracle = HyperbandOracle(line(), max_epochs=9)
    play(oracle, lambda values: 1.0, at_once=30, shuffle=3)
    promoted = [trial.hyperparameters.values.get("tuner/trial_id") for trial in oracle.trials.values()]
    assert promoted[17:21] == ["0000", "0001", "0002", "0009"]


def test_failed_trials_are_passed_over_and_rounds_shrink():
    # in bracket 2 only trials 4 and 7 complete, in bracket 1 none, in bracket 0 all
    oracle = HyperbandOracle(line(), max_epochs=9)
    good = {4, 7, 14, 15, 16}
    seen = iter(range(100))

    def score(values):
        number = next(seen)
        return float(number) if number in good or values["tuner/round"] > 0 else math.nan

    rows = play(oracle, score)
    later = [values for values, _, _ in rows.values() if values["tuner/round"] > 0]
    assert [values["tuner/trial_id"] for values in later] == ["0004", "0007", "0017"]
    assert [values["tuner/bracket"] for values in later] == [2, 2, 2]


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("seed", range(5))
def test_it_ends_however_many_fail(share, seed):
    oracle = HyperbandOracle(line(), max_epochs=27, iterations=2, seed=seed)
    oracle.all_failed_raises = False
    rows = play(oracle, lambda values: values["x"] if values["x"] > share else math.nan, at_once=5, shuffle=seed)
    assert sum(values["tuner/round"] == 0 for values, _, _ in rows.values()) == 2 * (27 + 12 + 6 + 4)
    assert all(values["x"] > share for values, _, _ in rows.values() if values["tuner/round"] > 0)
    for trial in oracle.trials.values():
        if parent := trial.hyperparameters.values.get("tuner/trial_id"):
            assert oracle.trials[parent].status == "COMPLETED"


def test_it_raises_where_all_fail():
    with pytest.raises(RuntimeError, match="got 17 that all failed"):
        play(HyperbandOracle(line(), max_epochs=9), lambda values: math.nan)


def test_a_small_space_is_exhausted_and_the_rounds_go_on():
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2, 3, 4])
    for at_once in (1, 5):
        rows = play(HyperbandOracle(hp, max_epochs=9, iterations=2), lambda values: values["a"], at_once=at_once)
        first = [values["a"] for values, _, _ in rows.values() if values["tuner/round"] == 0]
        assert sorted(first) == [1, 2, 3, 4]
        later = [(values["tuner/round"], values["a"]) for values, _, _ in rows.values() if values["tuner/round"]]
        assert later == [(1, 1), (1, 2), (1, 3), (2, 1)]


def test_bad_arguments_are_refused():
    for name in ("max_epochs", "factor"):
        for number in (1, 0, 2.5, None, True):
            with pytest.raises(ValueError, match=f"expected {name} as a whole number from 2 up"):
                HyperbandOracle(mixed_space(), **{name: number})
    for number in (0, None):
        with pytest.raises(ValueError, match="expected iterations as a whole number from 1 up"):
            HyperbandOracle(mixed_space(), iterations=number)
