"""The package lists its names and loads Keras only when one is used."""

import subprocess
import sys

import pytest

from textbook import search


def test_importing_the_package_loads_no_keras():
    code = "import sys, textbook.search; print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def test_the_laboratory_of_designs_needs_no_keras():
    code = "import sys; from textbook.search import efficiency, hit_probability; print('keras' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False"]


@pytest.mark.parametrize("name", search.__all__)
def test_each_name_is_what_it_is_called(name):
    assert getattr(search, name).__name__.rpartition(".")[2] == name
    assert name in dir(search)


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match=r"expected one of .*random_search.*, got textbook.search.randomsearch"):
        search.randomsearch  # noqa: B018
