import json

import numpy as np

from textbook import versions


def test_versions_by_import_name():
    found = versions.of(["numpy", "sklearn", "no_such_package"])
    assert found["numpy"] == np.__version__
    assert set(found) == {"numpy", "sklearn"}


def test_the_backend_is_what_keras_would_choose(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert versions.backend() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    assert versions.backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert versions.backend() == "torch"


def test_the_machine_has_no_name():
    assert set(versions.machine()) == {"system", "processor", "python"}
