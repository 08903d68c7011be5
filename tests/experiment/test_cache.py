import errno
import json
import os
import threading

import numpy as np
import pandas as pd
import pytest

from textbook.experiment.cache import Cache
from textbook.experiment.errors import StorageError

KEY = "a" * 64
TABLE = pd.DataFrame({"condition": ["a", "b"], "loss": [0.1, np.nan]})


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def cache(tmp_path, warnings):
    return Cache(tmp_path / ".cache", warn=warnings.append)


def store(cache, measured=TABLE, key=KEY):
    return cache.store(key, measured, data={"digits": "d" * 64}, seconds=1.23456, parts={"seeds": [1]})


def test_what_is_stored_is_loaded(cache, warnings):
    assert cache.load(KEY) is None
    stored = store(cache)
    loaded = cache.load(KEY)
    pd.testing.assert_frame_equal(loaded.tables, TABLE)
    assert loaded.sha256 == stored.sha256
    assert (loaded.data, loaded.seconds) == ({"digits": "d" * 64}, 1.235)
    assert warnings == []


def test_several_tables_keep_their_names_and_order(cache):
    store(cache, {"curves": TABLE, "a rate": TABLE[["loss"]]})
    loaded = cache.load(KEY)
    assert list(loaded.tables) == ["curves", "a rate"]
    pd.testing.assert_frame_equal(loaded.tables["a rate"], TABLE[["loss"]])


def test_a_dict_of_one_table_stays_a_dict(cache):
    store(cache, {"curves": TABLE})
    assert list(cache.load(KEY).tables) == ["curves"]


def test_the_hash_tells_tables_and_names_apart(cache):
    hashes = {
        store(cache, measured).sha256
        for measured in (TABLE, {"x": TABLE}, {"y": TABLE}, TABLE.iloc[:1], {"x": TABLE, "y": TABLE})
    }
    assert len(hashes) == 5


@pytest.mark.parametrize("measured", [None, [1], {}, {"a": 1}])
def test_what_is_no_table_is_refused(cache, measured):
    with pytest.raises(ValueError, match="expected measure to return a DataFrame or a dict of them"):
        store(cache, measured)


def flip(path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b"0.1", b"0.2"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: flip(folder / "0.csv"),
        lambda folder: (folder / "0.csv").write_bytes(b""),
        lambda folder: (folder / "0.csv").unlink(),
        lambda folder: (folder / "meta.json").unlink(),
        lambda folder: (folder / "meta.json").write_text("{"),
        lambda folder: (folder / "meta.json").write_text("[]"),
        lambda folder: (folder / "meta.json").write_text("{}"),
        lambda folder: (folder / "meta.json").write_bytes(b"\xff"),
        lambda folder: (folder / "meta.json").write_text(
            json.dumps({**json.loads((folder / "meta.json").read_text()), "key": "b" * 64})
        ),
    ],
)
def test_damage_is_noticed_and_the_entry_goes(cache, warnings, damage):
    store(cache)
    damage(cache.folder / KEY)
    assert cache.load(KEY) is None
    (warning,) = warnings
    assert warning.startswith("the cache entry aaaaaaaaaaaa is damaged (")
    assert warning.endswith("measuring again")
    assert cache.load(KEY) is None
    assert len(warnings) == 1
    store(cache)
    pd.testing.assert_frame_equal(cache.load(KEY).tables, TABLE)


def test_a_full_disk_leaves_no_entry(cache, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="no space left"):
        store(cache)
    monkeypatch.undo()
    assert cache.load(KEY) is None
    assert list(cache.folder.iterdir()) == []


def test_storing_ends_what_was_unfinished(cache):
    unfinished = cache.unfinished(KEY)
    unfinished.mkdir(parents=True)
    (unfinished / "group-0.npz").write_bytes(b"weights")
    store(cache)
    assert [path.name for path in cache.folder.iterdir()] == [KEY]


def test_what_a_killed_process_left_goes(cache, warnings):
    (cache.folder / f"new-{2**22 + 1}-{KEY}").mkdir(parents=True)
    mine = cache.folder / f"new-{os.getpid()}-{KEY}"
    mine.mkdir()
    Cache(cache.folder, warn=warnings.append)
    assert list(cache.folder.iterdir()) == [mine]


def test_two_runs_may_store_the_same_table(cache, monkeypatch):
    replace = os.replace

    def overtaken(source, target):
        if str(target).endswith(KEY):
            monkeypatch.undo()
            monkeypatch.setattr(os, "getpid", lambda: 1)  # the other run's number
            store(cache)
        replace(source, target)

    monkeypatch.setattr(os, "replace", overtaken)
    pd.testing.assert_frame_equal(store(cache).tables, TABLE)
    assert [path.name for path in cache.folder.iterdir()] == [KEY]


def test_a_measurement_is_held_by_one_at_a_time(tmp_path):
    pytest.importorskip("fcntl")
    cache, seen = Cache(tmp_path, warn=print), []
    entered, go_on = threading.Event(), threading.Event()

    def first():
        with cache.alone("key"):
            entered.set()
            go_on.wait(10)
            seen.append("first")

    def second():
        with cache.alone("key"):
            seen.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    entered.wait(10)
    threads[1].start()
    with cache.alone("another key"):  # is not waited for
        assert seen == []
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert seen == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_measurement_held_is_cleared_away_and_what_is_held_is_not(tmp_path):
    pytest.importorskip("fcntl")
    (tmp_path / "measuring-of-a-dead-process").touch()
    with Cache(tmp_path, warn=print).alone("key"):
        Cache(tmp_path, warn=print)
        assert [path.name for path in tmp_path.iterdir()] == ["measuring-key"]
