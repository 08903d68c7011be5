"""A search's folder: called again it goes on, after a kill too; another search is refused, and nobody's files go."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras_tuner
import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from tests.search.small import SETTINGS, build, part, same
from textbook import search
from textbook.search import runner


@pytest.fixture(scope="module")
def found():
    return search.random_search(build, part(), **SETTINGS)


class TestFolders:
    def test_called_again_it_returns_what_it_had_found(self, tmp_path):
        first = search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("record.json")}
        again = search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        assert_frame_equal(again.table, first.table)
        assert_frame_equal(again.curves, first.curves)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("record.json")} == stamps

    def test_more_trials_go_on_in_the_same_folder(self, tmp_path, found):
        search.random_search(build, part(), directory=tmp_path / "one", **{**SETTINGS, "trials": 4})
        more = search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        assert_frame_equal(same(more.table), same(found.table))

    @pytest.mark.parametrize(
        "change, said",
        [
            ({"epochs": 3}, "epochs: 2 → 3"),
            ({"batch_size": 16}, "batch_size: 32 → 16"),
            ({"seed": 4}, "seed: 3 → 4"),
            ({"objective": "val_accuracy"}, "val_loss.*→.*val_accuracy"),
        ],
    )
    def test_another_search_is_refused_with_the_difference(self, tmp_path, change, said):
        search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        with pytest.raises(ValueError, match=said):
            search.random_search(build, part(), directory=tmp_path / "one", **{**SETTINGS, **change})

    def test_other_data_and_another_range_are_refused(self, tmp_path):
        search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        data = part()
        border = [data.rows[0][:-8], np.concatenate([data.rows[0][-8:], data.rows[1]]), data.rows[2]]
        weights = np.ones(len(data.y))
        for other in (
            part(1),
            dataclasses.replace(data, rows=tuple(border)),
            dataclasses.replace(data, sample_weight=weights),
        ):
            with pytest.raises(ValueError, match="data: "):
                search.random_search(build, other, directory=tmp_path / "one", **SETTINGS)
        space = keras_tuner.HyperParameters()
        space.Float("rate", 1e-2, 1.0, sampling="log")
        with pytest.raises(ValueError, match=r"rate: min_value 0\.001 → 0\.01"):
            search.random_search(build, part(), directory=tmp_path / "one", space=space, **SETTINGS)

    def test_a_mistaken_first_call_does_not_lock_the_folder(self, tmp_path):
        with pytest.raises(ValueError, match="val_precision"):
            wrong = keras_tuner.Objective("val_precision", "max")
            search.random_search(build, part(), directory=tmp_path / "one", objective=wrong, trials=2, epochs=5)
        again = search.random_search(build, part(), directory=tmp_path / "one", trials=2, epochs=1)
        assert len(again.table) == 2

    def test_what_was_trained_is_kept_stack_by_stack(self, tmp_path, monkeypatch):
        def stopped(hp):
            hp.Choice("batch", [16, 32, 48])
            return build(hp)

        told = runner.Runner._tell

        def tell_once(self, *args):
            told(self, *args)
            raise KeyboardInterrupt

        monkeypatch.setattr(runner.Runner, "_tell", tell_once)
        settings = {"trials": 6, "epochs": 1, "seed": 3, "batch_size": "batch"}
        with pytest.raises(KeyboardInterrupt):
            search.random_search(stopped, part(), directory=tmp_path / "one", **settings)
        kept = len(list(tmp_path.rglob("record.json")))
        assert 0 < kept < 6
        monkeypatch.undo()
        again = search.random_search(stopped, part(), directory=tmp_path / "one", **settings)
        assert_frame_equal(same(again.table), same(search.random_search(stopped, part(), **settings).table))

    def test_overwrite_starts_anew_but_deletes_nobody_elses_folder(self, tmp_path):
        search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        other = {**SETTINGS, "seed": 5, "overwrite": True}
        assert len(search.random_search(build, part(), directory=tmp_path / "one", **other).table) == 6
        (tmp_path / "thesis").mkdir()
        (tmp_path / "thesis" / "text.tex").write_text("years")
        with pytest.raises(ValueError, match=r"text\.tex"):
            search.random_search(build, part(), directory=tmp_path / "thesis", **other)
        assert (tmp_path / "thesis" / "text.tex").exists()

    def test_a_truncated_file_is_named_and_nothing_is_lost(self, tmp_path):
        search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        path = tmp_path / "one" / "oracle.json"
        path.write_text(path.read_text()[:100])
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(ValueError, match=r"oracle\.json"):
            search.random_search(build, part(), directory=tmp_path / "one", **SETTINGS)
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.slow
    def test_killed_twice_and_called_again_it_has_the_table_of_an_undisturbed_search(self, tmp_path):
        whole = search.random_search(build, part(), trials=40, epochs=1, seed=0, wave=4)
        script = tmp_path / "script.py"
        script.write_text(
            "from tests.search.small import build, part\nfrom textbook import search\n"
            f"folder = {str(tmp_path / 'one')!r}\n"
            "search.random_search(build, part(), trials=40, epochs=1, seed=0, wave=4, directory=folder)\n"
        )
        for done in (8, 24):
            process = subprocess.Popen([sys.executable, str(script)], env=_quiet())
            while len(list(tmp_path.glob("one/*/record.json"))) < done:
                assert process.poll() is None, "the search ended before it was killed"
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        ended = json.loads((tmp_path / "one" / "oracle.json").read_text())["end_order"]
        assert 8 <= len(ended) < 40
        again = search.random_search(build, part(), trials=40, epochs=1, seed=0, wave=4, directory=tmp_path / "one")
        assert_frame_equal(same(again.table), same(whole.table))
        assert_frame_equal(again.curves, whole.curves)


def _quiet() -> dict:
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[2])}
