"""The package lists its names and loads Keras only when one is used."""

import subprocess
import sys

import pytest

import textbook.callbacks


def test_importing_the_package_loads_no_keras():
    code = "import sys, textbook.callbacks; print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", ["BatchLoss", "CleanTrainLoss", "Conflicts", "Diagnose", "HyperparameterScheduler"])
def test_each_name_is_its_class(name):
    assert getattr(textbook.callbacks, name).__name__ == name
    assert name in dir(textbook.callbacks)


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match=r"expected one of .*BatchLoss.*, got textbook.callbacks.Batchloss"):
        textbook.callbacks.Batchloss  # noqa: B018
