"""What the package offers, and that importing it loads no Keras."""

import subprocess
import sys

import pytest

import textbook.augmentation as package


def test_every_name_is_there_and_no_other():
    assert all(getattr(package, name) is not None for name in package.__all__)
    assert dir(package) == package.__all__
    with pytest.raises(AttributeError, match="expected one of Consistency, RandomFlip"):
        _ = package.mixup


def test_importing_and_moving_load_no_keras():
    code = (
        "import sys, numpy as np; from textbook.augmentation import augmented_copies, consistency, neighbours\n"
        "augmented_copies(np.ones((2, 4, 4)), [0, 1], copies=2, seed=0, pixels=1)\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
