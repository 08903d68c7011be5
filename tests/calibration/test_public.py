"""What the package offers, and that importing it loads no Keras."""

import subprocess
import sys

import pytest

import textbook.calibration as package


def test_every_name_is_there_and_no_other():
    assert all(getattr(package, name) is not None for name in package.__all__)
    assert dir(package) == package.__all__
    with pytest.raises(AttributeError, match="expected one of Temperature, calibrate"):
        _ = package.brier


def test_importing_and_fitting_load_no_keras():
    code = (
        "import sys; from textbook.calibration import fit_temperature, reliability_table\n"
        "fit_temperature([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]], [0, 1, 1], logits=True)\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
