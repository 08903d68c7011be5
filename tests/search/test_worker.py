import threading
from concurrent import futures

import grpc
import pytest
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief

from tests.search.chief_at_work import chief_at_work, finish, line_to, oracle_in, place, work_off
from tests.search.oracles.playing import play, table
from textbook.search import worker
from textbook.search.chief import NoResult
from textbook.search.worker import RemoteOracle, work


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "a"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(worker, "_PAUSE", 0.05)


def test_values_are_those_of_the_chief_to_the_last_bit(folder):
    oracle, at = oracle_in(folder), place()
    with chief_at_work(oracle, folder, at):
        line = line_to(at)
        remote = RemoteOracle(line, oracle, folder)
        trials = [remote.create_trial(f"slot {i}") for i in range(6)]
        for trial in trials:
            known = oracle.trials[trial.trial_id].hyperparameters
            assert trial.hyperparameters.values == known.values
            assert trial.hyperparameters.get_config() == known.get_config()
            assert remote.trials[trial.trial_id].hyperparameters.values == known.values
            finish(remote, folder, trial)
        assert remote.create_trial("slot 0").status == "STOPPED"
        line.close()


def test_a_worker_that_trains_for_many_leases_keeps_its_trial(folder):
    oracle, at = oracle_in(folder, trials=2), place(lease=0.4)
    with chief_at_work(oracle, folder, at) as raised:
        slow, other = line_to(at, "slow"), line_to(at, "other")
        slow.join()
        taken, done = threading.Event(), []

        def train(remote):
            trial = remote.create_trial("slot 0")
            taken.set()
            threading.Event().wait(2.0)  # five leases
            done.append(trial.trial_id)
            finish(remote, folder, trial)
            done.extend(work_off(remote, folder))

        thread = threading.Thread(target=work, args=(slow, oracle, folder, train))
        thread.start()
        taken.wait(30)
        others = work_off(RemoteOracle(other, oracle, folder), folder)
        thread.join()
        slow.close()
        other.close()
    assert raised == []
    assert (done, others) == (["0"], ["1"])


def test_a_worker_that_fails_gives_its_trials_back_at_once(folder, tmp_path, caplog):
    oracle, at = oracle_in(folder), place(lease=600)
    with chief_at_work(oracle, folder, at) as raised:
        failing, other = line_to(at, "failing"), line_to(at, "other")

        def train(remote):
            remote.create_trial("slot 0")
            raise ValueError("expected an objective")

        with pytest.raises(ValueError, match="expected an objective"):
            work(failing, oracle, folder, train)
        assert work_off(RemoteOracle(other, oracle, folder), folder) == list("012345")
        failing.close()
        other.close()
    assert raised == []
    assert "failing left: ValueError: expected an objective; trials 0 are handed on" in caplog.text
    assert table(oracle) == play(oracle_in(tmp_path / "b"))


def test_two_workers_of_one_name_are_two(folder):
    oracle, at = oracle_in(folder), place()
    with chief_at_work(oracle, folder, at):
        lines = [line_to(at, "w1"), line_to(at, "w1")]
        first, second = (RemoteOracle(line, oracle, folder) for line in lines)
        trials = [first.create_trial("slot 0"), second.create_trial("slot 0")]
        assert [trial.trial_id for trial in trials] == ["0", "1"]
        for remote, trial in zip((first, second), trials, strict=True):
            finish(remote, folder, trial)
        work_off(first, folder)
        assert second.create_trial("slot 0").status == "STOPPED"
        for line in lines:
            line.close()


def test_without_a_chief_a_worker_ends_and_says_so():
    line = line_to(place(), patience=0.3)
    with pytest.raises(NoResult, match=r"the chief of this search at 127\.0\.0\.1:\d+, got no answer for 0\.3 s"):
        line.join()
    line.close()


def test_the_chief_of_another_search_is_no_chief(folder):
    oracle, at = oracle_in(folder, trials=1), place()
    with chief_at_work(oracle, folder, at):
        stranger = line_to(at, search="another", patience=0.3)
        with pytest.raises(NoResult, match="another search, or the same script with other settings or other data"):
            stranger.join()
        line = line_to(at)
        work_off(RemoteOracle(line, oracle, folder), folder)
        line.close()
        stranger.close()


def test_keras_tuner_s_own_chief_is_not_taken_for_ours(folder):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    protos.get_service_grpc().add_OracleServicer_to_server(oracle_chief.OracleServicer(oracle_in(folder)), server)
    at = place()
    server.add_insecure_port(at.address)
    server.start()
    line = line_to(at)
    with pytest.raises(NoResult, match=r"expected a chief of textbook.search at .*, got another server"):
        line.join()
    line.close()
    server.stop(None).wait()


def test_a_worker_that_comes_or_reports_when_all_is_over_ends_in_peace(folder):
    oracle, over = oracle_in(folder), []
    line = line_to(place(), over=lambda: bool(over), patience=0.3)
    trial = oracle.create_trial("w1/slot 0")
    over.append(True)
    remote = RemoteOracle(line, oracle, folder)
    remote.held[trial.trial_id] = None
    line.join()
    finish(remote, folder, trial)
    assert remote.held == {}
    assert remote.create_trial("slot 0").status == "STOPPED"
    line.close()


def test_a_folder_that_is_not_shared_is_noticed(folder, tmp_path):
    oracle, at = oracle_in(folder, trials=1), place()
    with chief_at_work(oracle, folder, at) as raised:
        line = line_to(at)
        with pytest.raises(NoResult, match=r"expected trial 0 in .*elsewhere.*found none; mend by a directory"):
            RemoteOracle(line, oracle, tmp_path / "elsewhere").create_trial("slot 0")
        remote = RemoteOracle(line, oracle, folder)
        trial = remote.create_trial("slot 0")
        with pytest.raises(NoResult, match=r"expected the record of trial 0 in .*mend by a directory"):
            remote.end_trial(trial)
        work_off(remote, folder)
        line.close()
    assert raised == []


def test_what_a_builder_declares_only_in_a_trial_gets_to_the_chief(folder, capsys):
    oracle, at = oracle_in(folder, trials=2), place()
    with chief_at_work(oracle, folder, at) as raised:
        line = line_to(at)
        remote = RemoteOracle(line, oracle_in(folder), folder)
        trial = remote.create_trial("slot 0")
        trial.hyperparameters.Choice("flip", ["yes", "no"])
        with trial.hyperparameters.conditional_scope("flip", ["yes"]):
            trial.hyperparameters.Float("drop", 0.1, 0.5)
        finish(remote, folder, trial)
        assert [one.name for one in oracle.get_space().space][-2:] == ["flip", "drop"]
        assert oracle.trials["0"].hyperparameters.values["flip"] == "yes"
        assert remote.create_trial("slot 0").hyperparameters.values.keys() >= {"flip"}
        work_off(remote, folder)
        line.close()
    assert raised == []
    assert capsys.readouterr().out == ""
