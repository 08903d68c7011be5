import errno
import json
import os
import subprocess
import sys

import pytest

from textbook.experiment import saving
from textbook.experiment.errors import StorageError


def test_a_file_appears_with_its_folder(tmp_path):
    path = tmp_path / "a" / "b.csv"
    saving.write(path, b"one")
    assert path.read_bytes() == b"one"
    saving.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["b.csv"]


def test_the_same_content_is_not_written_again(tmp_path):
    path = tmp_path / "b.csv"
    saving.write(path, b"one")
    before = path.stat().st_mtime_ns, path.stat().st_ino
    saving.write(path, b"one")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, call):
    path = tmp_path / "b.csv"
    saving.write(path, b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(StorageError, match=r"no space left on the disk for .*b\.csv; free some and run again"):
        saving.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["b.csv"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(StorageError, match="choose another folder with --out"):
        saving.write(tmp_path / "out" / "b.csv", b"")


def test_the_unfinished_files_of_dead_processes_go(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    (tmp_path / f".b.csv.{dead.stdout.strip()}.part").write_text("half")
    mine = tmp_path / f".c.csv.{os.getpid()}.part"
    mine.write_text("at work")
    (tmp_path / "d.csv").write_text("whole")
    saving.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [mine.name, "d.csv"]


def test_json_has_no_numbers_that_are_not_finite():
    import numpy as np

    text = saving.as_json({"a": np.float64("nan"), "b": [float("inf"), np.int64(3)], 4: "계단", "c": (None, True)})
    assert json.loads(text) == {"a": None, "b": [None, 3], "4": "계단", "c": [None, True]}
    assert "계단" in text.decode()
