"""What the package offers, and that importing it and its formulas loads no Keras."""

import subprocess
import sys

import pytest

import textbook.normalisation as package


def test_every_name_is_there_and_no_other():
    assert all(getattr(package, name) is not None for name in package.__all__)
    assert dir(package) == package.__all__
    with pytest.raises(AttributeError, match=r"expected one of .*batch_norm, batch_norm_backward"):
        _ = package.layer_norm


def test_the_formulas_load_no_keras():
    code = (
        "import sys; from textbook.normalisation import batch_norm\nbatch_norm([[1.0], [2.0]])\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
