"""Bayesian search: it learns, from wave to wave, whatever the order of the ends."""

import math

import keras_tuner
import numpy as np
import pytest

from tests.search.oracles.playing import finish, play
from textbook.search.oracles import BayesianOracle, RandomOracle


def square():
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    hp.Float("y", 0.0, 1.0)
    return hp


def bowl(values: dict) -> float:
    return (values["x"] - 0.3) ** 2 + (values["y"] - 0.8) ** 2


def scores(rows: dict) -> list[float]:
    return [float(score) for _, _, score in rows.values()]


@pytest.mark.parametrize("direction", ["min", "max"])
def test_it_finds_the_bottom_of_a_bowl_where_random_search_does_not(direction):
    sign = 1 if direction == "min" else -1
    objective = keras_tuner.Objective("score", direction)
    best = {}
    for kind in (BayesianOracle, RandomOracle):
        found = [
            scores(play(kind(square(), objective, trials=18, seed=seed), lambda values: sign * bowl(values)))
            for seed in range(4)
        ]
        best[kind] = np.median(np.min(sign * np.array(found), axis=1))
    assert best[BayesianOracle] < min(1e-3, best[RandomOracle] / 3)


def test_waves_are_asked_for_at_once_and_wait_for_the_ones_before():
    oracle = BayesianOracle(square(), trials=11, num_initial_points=5, wave=4)
    sizes = []
    while True:
        wave, expected = [], oracle.ready()
        while (trial := oracle.create_trial(f"slot{len(wave)}")).status == "RUNNING":
            wave.append(trial)
        assert len(wave) == expected
        if not wave:
            break
        sizes.append(len(wave))
        for trial in wave[:-1]:
            finish(oracle, trial, bowl)
            assert oracle.ready() == 0
            assert oracle.create_trial("more").status == ("IDLE" if len(oracle.trials) < 11 else "STOPPED")
        finish(oracle, wave[-1], bowl)
    assert sizes == [5, 4, 2]
    assert oracle.wave_limit() is None


def test_trials_of_a_wave_differ():
    rows = play(BayesianOracle(square(), trials=14, num_initial_points=6), bowl)
    at = np.array([[values["x"], values["y"]] for values, _, _ in rows.values()])
    wave = at[6:10]
    distances = np.linalg.norm(wave[:, None] - wave[None], axis=2)[np.triu_indices(4, 1)]
    assert distances.min() > 0.02


def test_it_keeps_away_from_where_trials_fail():
    def score(values):
        return math.nan if values["x"] > 0.5 else bowl(values)

    shares = []
    for seed in range(3):
        rows = play(BayesianOracle(square(), trials=22, num_initial_points=8, seed=seed), score)
        shares.append(np.mean([values["x"] > 0.5 for values, _, _ in list(rows.values())[8:]]))
    assert np.mean(shares) < 0.25


def test_with_too_few_completed_it_goes_on_at_random():
    oracle = BayesianOracle(square(), trials=12, num_initial_points=3)
    rows = play(oracle, lambda values: 1.0 if len(oracle.trials) == 12 else math.nan)
    random = play(RandomOracle(square(), trials=12), bowl)
    assert [values for values, _, _ in rows.values()] == [values for values, _, _ in random.values()]


def test_a_discrete_space_is_searched_without_repeats_until_it_is_exhausted():
    hp = keras_tuner.HyperParameters()
    hp.Int("a", 0, 3)
    hp.Choice("kind", ["p", "q", "r"])
    hp.Fixed("width", 8)
    rows = play(BayesianOracle(hp, trials=50, wave=2), lambda values: (values["a"] - 2) ** 2 + (values["kind"] != "q"))
    tried = [(values["a"], values["kind"]) for values, _, _ in rows.values()]
    assert len(tried) == len(set(tried)) == 12


def test_a_discrete_space_is_learned():
    hp = keras_tuner.HyperParameters()
    hp.Int("a", 0, 20)
    hp.Choice("kind", ["p", "q", "r"])
    found = []
    for seed in range(4):
        rows = play(
            BayesianOracle(hp, trials=24, seed=seed),
            lambda values: (values["a"] - 13) ** 2 + 9 * (values["kind"] != "q"),
        )
        found.append((13, "q") in [(values["a"], values["kind"]) for values, _, _ in rows.values()])
    # by chance, (24/63)⁴ = 0.02
    assert all(found)


def test_conditional_hyperparameters_take_part():
    hp = keras_tuner.HyperParameters()
    hp.Choice("branch", ["flat", "deep"])
    with hp.conditional_scope("branch", ["deep"]):
        hp.Float("x", 0.0, 1.0)

    rows = play(BayesianOracle(hp, trials=16), lambda values: abs(values["x"] - 0.7) if "x" in values else 0.5)
    assert min(scores(rows)) < 0.02
    assert all(("x" in values) == (values["branch"] == "deep") for values, _, _ in rows.values())


def test_bad_arguments_are_refused():
    for name, number in (("num_initial_points", 1), ("wave", 0), ("alpha", 0.0), ("beta", math.nan)):
        with pytest.raises(ValueError, match=f"expected {name} "):
            BayesianOracle(square(), **{name: number})
