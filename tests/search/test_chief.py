import json
import threading

import pytest
from keras_tuner.src import protos

from tests.search.chief_at_work import (
    Call,
    chief_at_work,
    finish,
    line_to,
    oracle_in,
    place,
    servicer_in,
    work_off,
    write,
)
from tests.search.oracles.playing import play, table
from textbook.search.chief import NoResult
from textbook.search.leases import Leases
from textbook.search.oracles import RandomOracle
from textbook.search.worker import RemoteOracle

SERVICE = protos.get_service()


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def ask(servicer, worker="w1", slot=0):
    request = SERVICE.CreateTrialRequest(tuner_id=f"{worker}/slot {slot}")
    return servicer.CreateTrial(request, Call(worker)).trial


def end(servicer, trial_id, worker="w1", **outcome):
    trial = servicer.oracle.trials[trial_id]
    write(servicer.project.folder, trial, **outcome)
    request = SERVICE.EndTrialRequest(trial=protos.get_proto().Trial(trial_id=trial_id))
    servicer.EndTrial(request, Call(worker))


def undisturbed(tmp_path, **options):
    return play(oracle_in(tmp_path / "undisturbed", **options))


def hand_on_silent(servicer):
    for worker in servicer.leases.silent():
        servicer.leave(worker, "was silent")


RUNNING, IDLE, STOPPED = (getattr(protos.get_proto().TrialStatus, name) for name in ("RUNNING", "IDLE", "STOPPED"))


def test_trials_of_a_silent_worker_are_handed_on_first_with_the_same_values(tmp_path, clock):
    servicer = servicer_in(tmp_path / "a", Leases(60, clock=clock))
    lost = [ask(servicer, "w1", slot).trial_id for slot in range(2)]
    values = [dict(servicer.oracle.trials[one].hyperparameters.values) for one in lost]
    assert ask(servicer, "w2").trial_id == "2"
    clock.now = 59
    end(servicer, "2", "w2")
    hand_on_silent(servicer)
    assert ask(servicer, "w2").trial_id == "3", "w1 is within its lease"
    clock.now = 61
    hand_on_silent(servicer)
    again = [ask(servicer, "w2", slot).trial_id for slot in (1, 2)]
    assert again == lost
    assert [servicer.oracle.trials[one].hyperparameters.values for one in lost] == values


def test_a_sign_of_life_renews_the_lease_and_writes_nothing(tmp_path, clock):
    folder = tmp_path / "a"
    servicer = servicer_in(folder, Leases(60, clock=clock))
    trial = ask(servicer)
    servicer.oracle.save()

    def files():
        return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}

    before = files()
    for clock.now in (50, 100, 150):
        call = Call()
        servicer.GetTrial(SERVICE.GetTrialRequest(trial_id=trial.trial_id), call)
        assert call.told == {"lease": "60"}
        hand_on_silent(servicer)
    assert files() == before
    assert list(servicer.oracle.ongoing_trials) == ["w1/slot 0"]


def test_who_ends_a_trial_first_ends_it(tmp_path, clock):
    servicer = servicer_in(tmp_path / "a", Leases(60, clock=clock), trials=2)
    ask(servicer)
    clock.now = 61
    hand_on_silent(servicer)
    assert ask(servicer, "w2").trial_id == "0"
    end(servicer, "0", "w1", score=0.5)
    end(servicer, "0", "w2", score=0.7)
    assert (servicer.oracle.trials["0"].status, servicer.oracle.trials["0"].score) == ("COMPLETED", 0.5)
    assert ask(servicer, "w2").trial_id == "1", "its slot is free again"


def test_a_late_report_takes_the_trial_out_of_the_queue(tmp_path, clock):
    servicer = servicer_in(tmp_path / "a", Leases(60, clock=clock), trials=2)
    ask(servicer)
    clock.now = 61
    hand_on_silent(servicer)
    end(servicer, "0", "w1")
    assert ask(servicer, "w2").trial_id == "1"
    assert servicer.oracle.trials["0"].status == "COMPLETED"


def test_nobody_is_sent_home_while_a_trial_may_have_to_be_handed_on(tmp_path, clock):
    servicer = servicer_in(tmp_path / "a", Leases(60, clock=clock), trials=2)
    ask(servicer, "w1")
    ask(servicer, "w2")
    end(servicer, "1", "w2")
    assert ask(servicer, "w2").status == IDLE
    assert not servicer.finished
    clock.now = 30
    servicer.leases.heard("w2")
    clock.now = 61
    hand_on_silent(servicer)
    assert ask(servicer, "w2").trial_id == "0"
    end(servicer, "0", "w2")
    assert ask(servicer, "w2").status == STOPPED
    assert servicer.finished
    assert servicer.leases.workers() == []


def test_a_chief_that_is_started_again_leaves_trials_to_workers_for_a_lease(tmp_path, clock):
    first = servicer_in(tmp_path / "a", Leases(60, clock=clock))
    ask(first, "w1")
    ask(first, "w2")
    held = json.loads((tmp_path / "a" / "oracle.json").read_text())["ongoing_trials"]
    again = servicer_in(tmp_path / "a", Leases(60, clock=clock), reload=True)
    again.hold_again(held)
    assert ask(again, "w3").trial_id == "2"
    end(again, "0", "w1")
    clock.now = 61
    again.leases.heard("w3")
    hand_on_silent(again)
    assert ask(again, "w3", slot=1).trial_id == "1", "w2 did not survive"


def test_trials_of_a_search_without_chief_wait_for_nobody(tmp_path, clock):
    alone = oracle_in(tmp_path / "a")
    alone.create_trial("slot 0")
    again = servicer_in(tmp_path / "a", Leases(60, clock=clock), reload=True)
    again.hold_again({"slot 0": "0"})
    assert ask(again).trial_id == "0"


def test_scores_and_errors_come_from_records_whole(tmp_path, clock):
    servicer = servicer_in(tmp_path / "a", Leases(60, clock=clock))
    for slot in range(2):
        ask(servicer, slot=slot)
    exact = 0.1 + 1e-15
    end(servicer, "0", score=exact)
    end(servicer, "1", error="ValueError: no such network")
    assert servicer.oracle.trials["0"].score == exact
    assert servicer.oracle.trials["1"].status == "FAILED"
    assert servicer.oracle.trials["1"].message == "ValueError: no such network"


@pytest.mark.parametrize(
    ("request_of", "call", "message"),
    [
        (lambda: SERVICE.CreateTrialRequest(tuner_id="w1/slot 0"), Call(search="another"), "another search"),
        (lambda: SERVICE.GetTrialRequest(trial_id="../x"), Call(), "expected a trial of a, got '../x'"),
        (lambda: SERVICE.EndTrialRequest(trial=protos.get_proto().Trial(trial_id="0")), Call(), "expected the record"),
    ],
)
def test_what_a_chief_refuses_leaves_it_as_it_was(tmp_path, clock, request_of, call, message):
    servicer = servicer_in(tmp_path / "a", Leases(60, clock=clock))
    ask(servicer)
    asked = request_of()
    method = getattr(servicer, type(asked).__name__.removesuffix("Request"))
    with pytest.raises(AssertionError, match=message):
        method(asked, call)
    assert servicer.error is None
    assert list(servicer.oracle.trials) == ["0"]


def test_three_workers_by_grpc_find_what_one_process_finds(tmp_path):
    oracle, at = oracle_in(tmp_path / "a", trials=12), place()
    over = []
    with chief_at_work(oracle, tmp_path / "a", at, over=lambda: over.append(table(oracle))) as raised:
        done = []

        def worker(name):
            line = line_to(at, name)
            done.append(work_off(RemoteOracle(line, oracle, tmp_path / "a"), tmp_path / "a"))
            line.close()

        threads = [threading.Thread(target=worker, args=(f"w{i}",)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert raised == []
    assert sorted(int(one) for ids in done for one in ids) == list(range(12))
    assert over == [table(oracle)] == [undisturbed(tmp_path, trials=12)]


def test_a_worker_that_is_never_heard_again_does_not_hold_the_search_up(tmp_path):
    oracle, at = oracle_in(tmp_path / "a"), place(lease=0.4)
    with chief_at_work(oracle, tmp_path / "a", at) as raised:
        dead, alive = line_to(at, "dead"), line_to(at, "alive")
        taken = [RemoteOracle(dead, oracle, tmp_path / "a").create_trial(f"slot {i}").trial_id for i in range(2)]
        done = work_off(RemoteOracle(alive, oracle, tmp_path / "a"), tmp_path / "a")
        dead.close()
        alive.close()
    assert raised == []
    assert set(taken) <= set(done)
    assert table(oracle) == undisturbed(tmp_path)


def test_a_chief_without_workers_ends_and_says_so(tmp_path):
    oracle = oracle_in(tmp_path / "a")
    with chief_at_work(oracle, tmp_path / "a", place(lease=0.2, patience=0.3)) as raised:
        pass
    with pytest.raises(NoResult, match=r"expected workers, heard of none for 0\.3 s; 0 trials have ended and are kept"):
        raise raised[0]


def test_a_chief_whose_search_has_ended_needs_no_workers(tmp_path):
    play(oracle_in(tmp_path / "a"))
    oracle, over = oracle_in(tmp_path / "a", reload=True), []
    with chief_at_work(oracle, tmp_path / "a", place(), over=lambda: over.append(1)) as raised:
        pass
    assert (raised, over) == ([], [1])


def test_a_chief_all_of_whose_trials_failed_says_why(tmp_path):
    oracle, at = oracle_in(tmp_path / "a", trials=3), place()
    with chief_at_work(oracle, tmp_path / "a", at) as raised:
        line = line_to(at)
        remote = RemoteOracle(line, oracle, tmp_path / "a")
        for slot in range(3):
            trial = remote.create_trial(f"slot {slot}")
            finish(remote, tmp_path / "a", trial, error="Traceback …\nValueError: no such network")
        assert remote.create_trial("slot 0").status == "STOPPED"
        line.close()
    with pytest.raises(NoResult, match="3 that all failed; the first: ValueError: no such network"):
        raise raised[0]


def test_two_chiefs_do_not_share_a_port(tmp_path):
    oracle, at = oracle_in(tmp_path / "a", trials=1), place()
    with chief_at_work(oracle, tmp_path / "a", at) as raised:
        line = line_to(at)
        line.join()
        with chief_at_work(oracle_in(tmp_path / "b"), tmp_path / "b", at) as second:
            pass
        work_off(RemoteOracle(line, oracle, tmp_path / "a"), tmp_path / "a")
        line.close()
    assert raised == []
    with pytest.raises(NoResult, match="expected an address of this machine with a free port"):
        raise second[0]


def test_an_oracle_that_raises_ends_the_chief_and_the_worker_hears_why(tmp_path, monkeypatch):
    oracle, at = oracle_in(tmp_path / "a"), place()
    with chief_at_work(oracle, tmp_path / "a", at) as raised:
        line = line_to(at)
        remote = RemoteOracle(line, oracle, tmp_path / "a")
        remote.create_trial("slot 0")
        monkeypatch.setattr(RandomOracle, "populate_space", lambda *_: 1 / 0)
        with pytest.raises(NoResult, match="the chief's oracle raised ZeroDivisionError"):
            remote.create_trial("slot 1")
        line.close()
    assert isinstance(raised[0], ZeroDivisionError)
