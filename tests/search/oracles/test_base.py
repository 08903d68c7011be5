"""What all oracles share, seen through random search and, where it may differ, through all of them."""

import gc
import math
import threading
import weakref

import keras_tuner
import numpy as np
import pytest
from keras_tuner.src.engine.oracle import LOCKS

from tests.search.oracles.playing import ORACLES, finish, loss, mixed_space, play, table
from textbook.search.oracles import RandomOracle


def rates(seed: int, trials: int = 16) -> list[float]:
    oracle = RandomOracle(mixed_space(), trials=trials, seed=seed)
    return [oracle.create_trial(str(slot)).hyperparameters["rate"] for slot in range(trials)]


def test_the_same_seed_gives_the_same_values_and_zero_is_a_seed():
    assert rates(0) == rates(0)
    assert rates(0) != rates(1)


def test_neighbouring_seeds_share_no_values():
    drawn = [rate for seed in range(1, 11) for rate in rates(seed)]
    assert len(set(drawn)) == 160


def test_draws_are_uniform_on_each_scale_and_independent_between_neighbours():
    units = np.log10(np.array([rates(seed, 40) for seed in range(20)])) / 4 + 1
    assert units.min() >= 0 and units.max() <= 1
    counts, _ = np.histogram(units, bins=8, range=(0, 1))
    assert np.abs(counts - 100).max() < 40  # 4 standard deviations of a binomial
    for one, other in ((units[:-1], units[1:]), (units[:, :-1], units[:, 1:])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.15


@pytest.mark.parametrize("name", ORACLES)
def test_the_table_does_not_depend_on_how_many_run_at_once_or_who_ends_first(name):
    alone = play(ORACLES[name](seed=3))
    assert len(alone) >= 9
    assert play(ORACLES[name](seed=3), at_once=4, shuffle=1) == alone
    assert play(ORACLES[name](seed=3), at_once=100, shuffle=2) == alone
    if name != "grid":
        assert play(ORACLES[name](seed=4)) != alone


def test_a_trial_does_not_depend_on_the_number_of_trials():
    assert rates(5, trials=30)[:7] == rates(5, trials=7)


def test_inactive_hyperparameters_have_no_value():
    for values, _, _ in play(RandomOracle(mixed_space(), trials=20)).values():
        assert ("momentum" in values) == (values["optimizer"] == "sgd")


def test_duplicates_are_drawn_again_until_the_space_is_exhausted():
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2, 3])
    hp.Boolean("b")
    for seed in range(5):
        drawn = [tuple(values.values()) for values, _, _ in play(RandomOracle(hp, trials=50, seed=seed), len).values()]
        assert len(drawn) == len(set(drawn)) and 5 <= len(drawn) <= 6


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_infeasible_and_never_best(bad, direction):
    oracle = RandomOracle(mixed_space(), keras_tuner.Objective("score", direction), trials=12)
    scores = iter([bad] * 9 + [1.0, bad, 2.0])
    rows = play(oracle, lambda values: next(scores))
    assert [status for _, status, _ in rows.values()] == ["FAILED"] * 9 + ["COMPLETED", "FAILED", "COMPLETED"]
    assert [oracle.infeasible(key) for key in oracle.trials] == [True] * 9 + [False, True, False]
    assert "expected a finite score" in oracle.trials["00"].message
    # keras-tuner fills the list up with failed ones
    assert [trial.score for trial in oracle.get_best_trials(5)] == ([1.0, 2.0] if direction == "min" else [2.0, 1.0])


def test_a_trial_that_raised_is_failed_but_not_infeasible():
    oracle = RandomOracle(mixed_space(), trials=1)
    trial = oracle.create_trial("a")
    trial.status, trial.message = "FAILED", "Traceback\nValueError: no"
    oracle.end_trial(trial)
    assert not oracle.infeasible(trial.trial_id)
    with pytest.raises(RuntimeError, match=r"got 1 that all failed; the first: ValueError: no"):
        oracle.create_trial("a")


@pytest.mark.parametrize("trials", [1, 2, 5])
def test_all_failed_raises_however_few_they_are(trials):
    with pytest.raises(RuntimeError, match=f"got {trials} that all failed.*infeasible.*smaller learning rates"):
        play(RandomOracle(mixed_space(), trials=trials), lambda values: math.nan)
    quiet = RandomOracle(mixed_space(), trials=trials)
    quiet.all_failed_raises = False
    assert len(play(quiet, lambda values: math.nan)) == trials


def test_the_score_is_the_best_of_all_steps_and_ignores_nan_among_them():
    oracle = RandomOracle(mixed_space(), "val_accuracy", trials=1)
    trial = oracle.create_trial("a")
    for step, value in enumerate([0.5, 0.8, math.nan, 0.8, 0.7]):
        oracle.update_trial(trial.trial_id, {"val_accuracy": value, "loss": math.nan}, step=step)
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
    assert (trial.score, trial.best_step) == (0.8, 1)


def test_a_retried_trial_starts_with_a_clean_record(capsys):
    oracle = RandomOracle(mixed_space(), trials=1, max_retries_per_trial=1)
    scores = iter([math.nan, 2.0])
    rows = play(oracle, lambda values: next(scores))
    assert [(status, score) for _, status, score in rows.values()] == [("COMPLETED", "2.0")]
    assert capsys.readouterr() == ("", "")


def test_nothing_is_printed_unless_asked(capsys):
    play(RandomOracle(mixed_space(), trials=3))
    assert capsys.readouterr() == ("", "")
    loud = RandomOracle(mixed_space(), trials=1)
    loud.verbose = 1
    play(loud, len)
    assert "Running Trial" in capsys.readouterr().out


@pytest.mark.parametrize("call", ["create", "update", "end"])
def test_after_an_error_another_thread_can_go_on(call, monkeypatch):
    oracle = RandomOracle(mixed_space(), trials=3, allow_new_entries=False)
    trial = oracle.create_trial("a")
    with monkeypatch.context() as patched, pytest.raises((ValueError, RuntimeError, ZeroDivisionError)):
        if call == "create":
            patched.setattr(oracle, "populate_space", lambda trial_id: 1 / 0)
            oracle.create_trial("c")
        elif call == "update":
            oracle.update_trial(trial.trial_id, {"loss": 1.0})
        else:
            trial.hyperparameters.Boolean("new")
            trial.status = "FAILED"
            oracle.end_trial(trial)
    other = threading.Thread(target=oracle.create_trial, args=("b",), daemon=True)
    other.start()
    other.join(30)
    assert not other.is_alive() and len(oracle.trials) == 2


def test_threads_of_the_same_name_take_turns():
    oracle = RandomOracle(mixed_space(), trials=40)

    def work(slot):
        while (trial := oracle.create_trial(slot)).status == "RUNNING":
            finish(oracle, trial)

    threads = [threading.Thread(target=work, args=(slot,), name="worker", daemon=True) for slot in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert table(oracle) == play(RandomOracle(mixed_space(), trials=40))
    assert sorted(oracle.end_order) == oracle.start_order


def test_an_oracle_that_is_done_leaves_the_memory():
    oracle = RandomOracle(mixed_space(), trials=2)
    play(oracle)
    assert oracle not in LOCKS
    gone = weakref.ref(oracle)
    del oracle
    gc.collect()
    assert gone() is None


def test_values_that_come_back_from_a_worker_stay_exact():
    oracle = RandomOracle(mixed_space(), trials=1)
    trial = oracle.create_trial("a")
    before = dict(trial.hyperparameters.values)
    back = keras_tuner.engine.trial.Trial.from_proto(trial.to_proto())
    back.hyperparameters.values["rate"] = float(np.float32(back.hyperparameters.values["rate"]))
    back.hyperparameters.Float("discovered", 0.0, 1.0, default=0.25)
    oracle.update_trial(trial.trial_id, {"val_loss": 1.0})
    back.status = "COMPLETED"
    oracle.end_trial(back)
    assert oracle.trials["0"].hyperparameters.values == {**before, "discovered": 0.25}
    assert [one.name for one in oracle.hyperparameters.space][:2] == ["rate", "optimizer"]


def test_a_dead_workers_trial_is_handed_on_and_its_late_report_ignored():
    oracle = RandomOracle(mixed_space(), trials=2)
    first, second = oracle.create_trial("dead"), oracle.create_trial("alive")
    finish(oracle, second)
    oracle.hand_on("dead")
    oracle.hand_on("nobody")
    again = oracle.create_trial("alive")
    assert again.trial_id == first.trial_id
    finish(oracle, again)
    late = keras_tuner.engine.trial.Trial.from_proto(first.to_proto())
    finish(oracle, late, lambda values: math.nan)
    assert table(oracle) == play(RandomOracle(mixed_space(), trials=2))
    assert oracle.end_order == ["1", "0"]


def test_the_callers_space_stays_as_it_is():
    hp = mixed_space()
    oracle = RandomOracle(hp, trials=1)
    grown = hp.copy()
    grown.Int("layers", 1, 3)
    oracle.update_space(grown)
    assert len(oracle.hyperparameters.space) == 6 and len(hp.space) == 5


def test_bad_arguments_are_refused():
    for seed in (-1, None, 1.5, True):
        with pytest.raises(ValueError, match="expected a seed as a whole number"):
            RandomOracle(mixed_space(), seed=seed)
    for trials in (0, -3, 2.0, True):
        with pytest.raises(ValueError, match="expected trials as a whole number from 1 up"):
            RandomOracle(mixed_space(), trials=trials)
    with pytest.raises(ValueError, match=r"direction as \"min\" or \"max\", got 'maximize'.*direction='max'"):
        RandomOracle(mixed_space(), keras_tuner.Objective("val_f1", "maximize"))
    with pytest.raises(ValueError, match=r"expected an objective whose direction is known.*keras_tuner\.Objective"):
        RandomOracle(mixed_space(), "val_cleverness")
    hp = mixed_space()
    hp.Float("seconds", 0.0, 1.0)
    with pytest.raises(ValueError, match="that no column of the table has, got 'seconds'"):
        RandomOracle(hp)
    with pytest.raises(ValueError, match="that no column of the table has, got 'seconds'"):
        RandomOracle().update_space(hp)


class Untrained(keras_tuner.engine.base_tuner.BaseTuner):
    """keras-tuner's own loop around a function."""

    def run_trial(self, trial, *args, **kwargs):
        return loss(trial.hyperparameters.values)


@pytest.mark.parametrize("name", ORACLES)
def test_keras_tuners_own_loop_gives_the_same_table(name, tmp_path):
    tuner = Untrained(ORACLES[name](), directory=str(tmp_path), project_name="one")
    tuner.search()
    assert table(tuner.oracle) == play(ORACLES[name]())
    resumed = Untrained(ORACLES[name](), directory=str(tmp_path), project_name="one")
    resumed.search()
    assert table(resumed.oracle) == table(tuner.oracle)


def test_a_tuner_discovers_the_space(tmp_path):
    class Builder(keras_tuner.HyperModel):
        def build(self, hp):
            hp.Float("rate", 1e-4, 1.0, sampling="log")
            hp.Boolean("bias")

    tuner = Untrained(RandomOracle(trials=3, seed=2), Builder(), directory=str(tmp_path))
    tuner.search()
    hp = keras_tuner.HyperParameters()
    Builder().build(hp)
    assert table(tuner.oracle) == play(RandomOracle(hp, trials=3, seed=2))
