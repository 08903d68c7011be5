import keras
import pytest


def pytest_runtest_setup(item):
    if item.get_closest_marker("tensorflow") and keras.backend.backend() != "tensorflow":
        pytest.skip("needs Keras on TensorFlow")
