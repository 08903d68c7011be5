"""A search that is killed goes on to the table of an undisturbed one; another search's folder is refused."""

import json
import math
import os

import keras_tuner
import pytest

from tests.search.oracles.playing import ORACLES, Killed, mixed_space, play, table
from textbook.search.oracles import GridOracle, HyperbandOracle, RandomOracle, SobolOracle, files


def opened(oracle, folder):
    """The oracle in its project, gone on from what is there, as a search does it."""
    oracle._set_project_dir(str(folder), "search")
    if (folder / "search" / "oracle.json").exists():
        oracle.reload()
    return oracle


def killed_at(monkeypatch, write: int, *, renamed: bool):
    """Kill the process at its n-th write, before the file appears under its name or right after."""
    count = iter(range(10**6))
    replace = os.replace

    def kill(part, path):
        due = next(count) == write
        if due and not renamed:
            raise Killed
        replace(part, path)
        if due:
            raise Killed

    monkeypatch.setattr(files.os, "replace", kill)


@pytest.mark.parametrize("name", ORACLES)
def test_killed_twice_with_trials_under_way(name, tmp_path):
    undisturbed = play(ORACLES[name]())
    for ends in (3, 2):
        with pytest.raises(Killed):
            play(opened(ORACLES[name](), tmp_path), at_once=3, shuffle=ends, ends=ends)
    assert play(opened(ORACLES[name](), tmp_path), at_once=2) == undisturbed
    assert table(opened(ORACLES[name](), tmp_path)) == undisturbed


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("name", ["random", "sobol", "grid", "hyperband"])
def test_killed_at_any_write(name, renamed, tmp_path, monkeypatch):
    small = {"hyperband": {"max_epochs": 2}, "grid": {"trials": 3}}.get(name, {"trials": 3})
    undisturbed = play(ORACLES[name](**small))
    write = 0
    while True:
        folder = tmp_path / str(write)
        folder.mkdir()
        with monkeypatch.context() as patched:
            killed_at(patched, write, renamed=renamed)
            try:
                play(opened(ORACLES[name](**small), folder), at_once=2)
            except Killed:
                pass
            else:
                break
        assert play(opened(ORACLES[name](**small), folder), at_once=2) == undisturbed, write
        write += 1
    assert write > 10


@pytest.mark.parametrize("name", ORACLES)
def test_an_oracle_in_use_goes_back_to_what_is_saved(name, tmp_path):
    undisturbed = play(ORACLES[name]())
    oracle = opened(ORACLES[name](), tmp_path)
    with pytest.raises(Killed):
        play(oracle, ends=5)
    saved = (tmp_path / "search" / "oracle.json").read_bytes()
    play(oracle)
    (tmp_path / "search" / "oracle.json").write_bytes(saved)
    oracle.reload()
    assert len(oracle.trials) == 6
    assert play(oracle) == undisturbed


def test_killed_inside_a_batch(tmp_path):
    undisturbed = play(SobolOracle(mixed_space(), trials=6))
    oracle = opened(SobolOracle(mixed_space(), trials=6), tmp_path)
    path = tmp_path / "search" / "oracle.json"
    with oracle.batched():
        oracle.create_trial("a")
        with oracle.batched():
            oracle.create_trial("b")
        assert not path.exists()
    before = path.read_bytes()
    with pytest.raises(Killed), oracle.batched():
        oracle.create_trial("c")
        path_now = path.read_bytes()
        raise Killed
    assert path_now == before
    path.write_bytes(before)  # a real kill would not have written on the way out
    assert play(opened(SobolOracle(mixed_space(), trials=6), tmp_path)) == undisturbed


def test_interrupted_trials_come_first_in_order_of_number_with_their_values(tmp_path):
    oracle = opened(RandomOracle(mixed_space(), trials=12), tmp_path)
    asked = [oracle.create_trial(slot) for slot in "abcdefghijkl"]
    oracle.update_trial(asked[2].trial_id, {"val_loss": math.nan})
    again = opened(RandomOracle(mixed_space(), trials=12), tmp_path)
    for trial in asked:
        other = again.create_trial(f"new {trial.trial_id}")
        assert (other.trial_id, other.hyperparameters.values) == (trial.trial_id, trial.hyperparameters.values)
        assert other.status == "RUNNING" and not other.metrics.metrics
    assert again.create_trial("more").status == "STOPPED"


def test_numbers_that_are_not_finite_survive(tmp_path):
    scores = [math.nan, 1.0, math.inf, -math.inf, 2.0]
    values = iter(scores)
    rows = play(opened(RandomOracle(mixed_space(), trials=5), tmp_path), lambda _: next(values))
    oracle = opened(RandomOracle(mixed_space(), trials=5), tmp_path)
    assert table(oracle) == rows
    assert [score for _, _, score in rows.values()] == ["nan", "1.0", "inf", "-inf", "2.0"]
    assert [oracle.infeasible(key) for key in oracle.trials] == [True, False, True, True, False]


def test_a_trial_file_that_was_never_closed_is_not_lost_with_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    files.write_whole(str(path), {"a": 1})
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        files.write_whole(str(path), {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}


@pytest.mark.parametrize("damage", [b"", b'{"trial_id": "2", "hyp', b"\xff\xfe", b"[]", b'{"trial_id": "2"}'])
@pytest.mark.parametrize("name", ["oracle.json", "trial_2/trial.json"])
def test_a_damaged_file_is_named_and_nothing_else_is_touched(name, damage, tmp_path):
    undisturbed = play(opened(RandomOracle(mixed_space(), trials=5), tmp_path))
    damaged = tmp_path / "search" / name
    whole = damaged.read_bytes()
    damaged.write_bytes(damage)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=f"{name}.*nothing was changed; mend by") as caught:
        opened(RandomOracle(mixed_space(), trials=5), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    if name == "oracle.json":
        damaged.write_bytes(whole)
    else:
        assert "deleting it (this trial alone is then run again)" in str(caught.value)
        damaged.unlink()
        oracle = opened(RandomOracle(mixed_space(), trials=5), tmp_path)
        assert oracle._retry_queue == ["2"]
        play(oracle)
        assert table(oracle) == undisturbed
    assert table(opened(RandomOracle(mixed_space(), trials=5), tmp_path)) == undisturbed


def changed_space(**changes):
    """`mixed_space` with other settings of some hyperparameters; None takes one out, a new name adds a Boolean."""
    config = mixed_space().get_config()
    kept = [one for one in config["space"] if changes.get(one["config"]["name"], {}) is not None]
    for one in kept:
        one["config"].update(changes.pop(one["config"]["name"], {}))
    hp = keras_tuner.HyperParameters.from_config({**config, "space": kept})
    for name in [name for name, change in changes.items() if change is not None]:
        hp.Boolean(name)
    return hp


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (lambda: RandomOracle(changed_space(rate={"min_value": 1e-5}), trials=4), "rate: min_value 0.0001 → 1e-05"),
        (lambda: RandomOracle(changed_space(rate={"sampling": "linear"}), trials=4), 'rate: sampling "log" → "linear"'),
        (lambda: RandomOracle(changed_space(bias=None), trials=4), "bias: in the space → not in it"),
        (lambda: RandomOracle(changed_space(extra={}), trials=4), "extra: not in the space → in it"),
        (lambda: RandomOracle(changed_space(momentum={"step": 0.1}), trials=4), "momentum: step 0.3 → 0.1"),
        (lambda: RandomOracle(changed_space(width={"value": 64}), trials=4), "width: value 32 → 64"),
        (lambda: RandomOracle(mixed_space(), trials=4, seed=8), "seed: 0 → 8"),
        (lambda: RandomOracle(mixed_space(), "loss", trials=4), "objective: .*val_loss.* → .*loss"),
        (lambda: SobolOracle(mixed_space(), trials=4), 'oracle: "RandomOracle" → "SobolOracle"'),
        (lambda: RandomOracle(mixed_space(), trials=2), "at least the 4 trials .* has begun, got 2"),
    ],
)
def test_another_search_is_refused_with_the_difference(other, difference, tmp_path):
    play(opened(RandomOracle(mixed_space(), trials=4), tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=difference):
        opened(other(), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_all_differences_are_shown_at_once(tmp_path):
    play(opened(RandomOracle(mixed_space(), trials=4), tmp_path))
    other = RandomOracle(changed_space(rate={"min_value": 1e-5, "max_value": 0.5}), trials=4, seed=1)
    with pytest.raises(ValueError, match=r"seed: 0 → 1; rate: min_value .* → 1e-05; rate: max_value 1.0 → 0.5"):
        opened(other, tmp_path)


@pytest.mark.parametrize(
    ("name", "few", "many"),
    [
        ("random", {"trials": 4}, {"trials": 12}),
        ("sobol", {"trials": 4}, {"trials": 12}),
        ("grid", {"trials": 4}, {"trials": None}),
        ("bayesian", {"trials": 5}, {"trials": 9}),
        ("hyperband", {"iterations": 1}, {"iterations": 2}),
    ],
)
def test_more_trials_than_before_go_on(name, few, many, tmp_path):
    play(opened(ORACLES[name](**few), tmp_path))
    rows = play(opened(ORACLES[name](**many), tmp_path))
    assert rows == play(ORACLES[name](**many))
    assert len(rows) > len(play(ORACLES[name](**few)))


@pytest.mark.parametrize(
    ("first", "then", "difference"),
    [
        (("hyperband", {}), ("hyperband", {"max_epochs": 8}), "max_epochs: 4 → 8"),
        (("hyperband", {}), ("hyperband", {"factor": 3}), "factor: 2 → 3"),
        (("hyperband", {"iterations": 2}), ("hyperband", {}), "at least the 2 iterations"),
        (("grid", {}), ("grid", {"points": 3}), "points: 2 → 3"),
        (("bayesian", {"trials": 4}), ("bayesian", {"wave": 2}), "wave: 3 → 2"),
    ],
)
def test_changed_arguments_of_each_oracle_are_refused(first, then, difference, tmp_path):
    play(opened(ORACLES[first[0]](**first[1]), tmp_path))
    with pytest.raises(ValueError, match=difference):
        opened(ORACLES[then[0]](**then[1]), tmp_path)


def test_a_project_of_keras_tuners_own_oracle_is_refused(tmp_path):
    own = keras_tuner.oracles.RandomSearchOracle("val_loss", hyperparameters=mixed_space(), seed=1)
    own._set_project_dir(str(tmp_path), "search")
    own.save()
    with pytest.raises(ValueError, match=r"oracle.json, but arguments, declared, values is missing"):
        opened(RandomOracle(mixed_space()), tmp_path)


def test_a_discovered_space_can_be_compared_by_hand(tmp_path):
    oracle = opened(RandomOracle(trials=3), tmp_path)
    oracle.update_space(mixed_space())
    play(oracle)
    again = opened(RandomOracle(trials=3), tmp_path)
    again.refuse_other_space(mixed_space())
    with pytest.raises(ValueError, match=r"rate: min_value 0\.0001 → 1e-05"):
        again.refuse_other_space(changed_space(rate={"min_value": 1e-5}))
    # given outright, it is compared with what was discovered
    assert table(opened(RandomOracle(mixed_space(), trials=3), tmp_path)) == table(oracle)
    with pytest.raises(ValueError, match=r"rate: min_value 0\.0001 → 1e-05"):
        opened(RandomOracle(changed_space(rate={"min_value": 1e-5}), trials=3), tmp_path)


def test_without_a_project_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    play(GridOracle(mixed_space(), points=1))
    play(HyperbandOracle(mixed_space(), max_epochs=3), len)
    assert list(tmp_path.iterdir()) == []
