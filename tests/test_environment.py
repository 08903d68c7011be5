import pytest

from textbook import environment
from textbook.environment import problems

REQUIRED = {"keras": "3.15", "tensorboard": "2.20", "scikit-learn": "1.5"}
INSTALLED = {"keras": "3.15.1", "tensorboard": "2.21.0", "scikit-learn": "1.10.0rc1"}


def found(installed=INSTALLED, *, importable=lambda module: True, **settings):
    return problems(REQUIRED, version=installed.get, importable=importable, **settings)


def test_nothing_is_wrong_where_all_is_new_enough():
    assert found() == []


@pytest.mark.parametrize(
    ("installed", "sentence"),
    [
        (
            {**INSTALLED, "tensorboard": None},
            "tensorboard is missing (keras-tuner needs it and does not install it): "
            "run `pip install 'tensorboard>=2.20'`",
        ),
        ({**INSTALLED, "keras": "3.9.2"}, "keras 3.9.2 is too old: run `pip install --upgrade 'keras>=3.15'`"),
        ({**INSTALLED, "scikit-learn": None}, "scikit-learn is missing: run `pip install 'scikit-learn>=1.5'`"),
    ],
)
def test_what_is_missing_or_old_is_said_with_its_mending(installed, sentence):
    assert found(installed) == [sentence]


def test_an_old_python_is_wrong():
    (sentence,) = found(python=(3, 10, 4))
    assert sentence.startswith("Python 3.10.4 is too old: expected 3.11 or newer")


def test_a_package_that_is_listed_but_cannot_be_found_is_missing():
    (sentence,) = found(importable=lambda module: module != "sklearn")
    assert sentence.startswith("scikit-learn is missing")


def test_a_backend_must_be_known_and_there():
    assert found(backend="theano") == [
        "Keras's backend 'theano' is none of tensorflow, jax, torch: set KERAS_BACKEND=tensorflow"
    ]
    (sentence,) = found(backend="jax", importable=lambda module: module != "jax")
    assert sentence.startswith("Keras's backend jax is missing: run `pip install jax`")


def test_the_projects_own_requirements_are_read():
    required = environment.requirements()
    assert {"tensorflow", "keras", "keras-tuner", "tensorboard"} <= set(required)
    assert not {"pytest", "jax", "torch"} & set(required)


def test_main_exits_with_1_where_something_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(environment, "_version", lambda package: None if package == "tensorboard" else "99.0")
    assert environment.main() == 1
    out, err = capsys.readouterr()
    assert "tensorboard missing" in out
    assert err.startswith("wrong: tensorboard is missing")
    assert "All is well" not in out


def test_main_names_versions_backend_and_device(monkeypatch, capsys):
    monkeypatch.setattr(environment, "devices", lambda backend: ["CPU"])
    assert environment.main() == 0
    out, _ = capsys.readouterr()
    assert "keras 3" in out
    assert "computing on CPU\nAll is well.\n" in out
