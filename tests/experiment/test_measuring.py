import json

import numpy as np
import pandas as pd
import pytest

from textbook.experiment import Run
from textbook.experiment.cache import Cache
from textbook.experiment.measuring import Measurer, key_parts

CALLS = []


def counted(run: Run, *, level: float = 0.0) -> pd.DataFrame:
    CALLS.append(level)
    return pd.DataFrame({"seed": run.seeds, "loss": [level + seed for seed in run.seeds]})


def with_shared(run: Run) -> pd.DataFrame:
    return run.shared(counted, level=2.0).assign(double=lambda table: 2 * table["loss"])


def with_data(run: Run) -> pd.DataFrame:
    return pd.DataFrame({"mean": [float(run.splits("iris")(run.seeds[0]).train.x.mean())]})


def with_shared_data(run: Run) -> pd.DataFrame:
    return run.shared(with_data)


def failing(run: Run) -> pd.DataFrame:
    from textbook.replicas import sessions

    session = sessions.current()
    session.checkpoint.mkdir(parents=True, exist_ok=True)
    finished = session.checkpoint / "group-0"
    if finished.exists():
        return pd.DataFrame({"engine": [session.engine], "resumed": [True]})
    finished.write_text("")
    session.progress(1, 2)
    raise RuntimeError("killed")


@pytest.fixture
def heard():
    return []


@pytest.fixture
def measurer(tmp_path, heard):
    CALLS.clear()
    return Measurer(
        Cache(tmp_path / ".cache", warn=lambda text: heard.append(text)),
        lambda done, total: heard.append((done, total)),
    )


def test_the_second_measurement_comes_from_the_cache(measurer):
    first = measurer(Run(seeds=(1, 2)), counted, {"level": 1.0})
    second = measurer(Run(seeds=(1, 2)), counted, {"level": 1.0})
    assert CALLS == [1.0]
    assert (first.cached, second.cached) == (False, True)
    pd.testing.assert_frame_equal(first.tables, second.tables)
    assert first.entry.sha256 == second.entry.sha256


@pytest.mark.parametrize(
    ("run", "knobs"),
    [
        (Run(seeds=(1, 3)), {"level": 1.0}),
        (Run(seeds=(2, 1)), {"level": 1.0}),
        (Run(seeds=(1, 2), quick=True), {"level": 1.0}),
        (Run(seeds=(1, 2), engine="fit"), {"level": 1.0}),
        (Run(seeds=(1, 2)), {"level": 1.5}),
    ],
)
def test_whatever_a_table_depends_on_has_a_key_of_its_own(measurer, run, knobs):
    measurer(Run(seeds=(1, 2)), counted, {"level": 1.0})
    assert not measurer(run, counted, knobs).cached


def test_the_default_engine_has_one_name(measurer):
    measurer(Run(seeds=(1, 2)), counted, {})
    assert measurer(Run(seeds=(1, 2), engine="replicas"), counted, {}).cached


def test_backend_and_versions_are_in_the_key(monkeypatch):
    before = key_parts(Run(), counted, {})
    assert {"keras", "tensorflow", "numpy"} <= set(before["versions"])
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert key_parts(Run(), counted, {})["backend"] == "jax" != before["backend"]


def test_knobs_must_be_plain():
    with pytest.raises(ValueError, match="expected numbers, text, or tuples of them as knobs, got level=<object"):
        key_parts(Run(), counted, {"level": object()})


def test_a_shared_table_is_measured_once(measurer):
    run = Run(seeds=(1, 2), measurer=measurer)
    measurer(run, with_shared, {})
    table = run.shared(counted, level=2.0)
    assert CALLS == [2.0]
    assert table["loss"].tolist() == [3.0, 4.0]


def test_without_a_measurer_a_shared_table_is_just_measured():
    CALLS.clear()
    assert with_shared(Run(seeds=(1,)))["double"].tolist() == [6.0]


def test_data_are_remembered_and_changed_data_measured_again(measurer, monkeypatch):
    from textbook import datasets

    digest = datasets.load("iris").digest
    first = measurer(Run(seeds=(1,)), with_data, {})
    assert first.entry.data == {"iris": digest}
    assert measurer(Run(seeds=(1,)), with_data, {}).cached
    meta = measurer.cache.folder / first.key / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "data": {"iris": "0" * 64}}))
    again = measurer(Run(seeds=(1,)), with_data, {})
    assert not again.cached
    assert again.entry.data == {"iris": digest}


def test_data_used_by_a_shared_table_count_as_the_sections_own(measurer):
    measurer(Run(seeds=(1,)), with_data, {})
    outer = measurer(Run(seeds=(1,)), with_shared_data, {})
    assert list(outer.entry.data) == ["iris"]


def test_the_users_data_have_a_key_of_their_own(measurer):
    from textbook import datasets

    wine = measurer(Run(seeds=(1,), chosen=datasets.load("wine")), with_data, {})
    assert list(wine.entry.data) == ["wine"]
    assert not measurer(Run(seeds=(1,)), with_data, {}).cached
    assert measurer(Run(seeds=(1,), chosen=datasets.load("wine")), with_data, {}).cached


def test_a_measurement_that_broke_off_goes_on(measurer, heard):
    with pytest.raises(RuntimeError):
        measurer(Run(engine="fit"), failing, {})
    assert heard == [(1, 2)]
    resumed = measurer(Run(engine="fit"), failing, {})
    assert resumed.tables["resumed"].tolist() == [True]
    assert resumed.tables["engine"].tolist() == ["fit"]
    assert [path.name for path in measurer.cache.folder.iterdir()] == [resumed.key]


def test_tables_are_those_of_the_disk(measurer):
    made = measurer(Run(seeds=(1, 2)), counted, {"level": 0.1})
    folder = measurer.cache.folder / made.key
    assert made.entry.texts[""] == (folder / "0.csv").read_bytes()
    assert made.tables["loss"].to_numpy().view(np.int64).tolist() == (0.1 + np.array([1, 2])).view(np.int64).tolist()
