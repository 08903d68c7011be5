"""The global random numbers of Python, NumPy, Keras and torch: remembered, and put back."""

import random
import sys

import numpy as np


class RandomState:
    """What the global generators will draw next.

    TensorFlow's own global generator cannot be read and is not covered; Keras draws nothing from it while it trains.

    >>> state = RandomState.now()
    >>> first = random.random()
    >>> state.restore()
    >>> random.random() == first
    True
    """

    def __init__(self, python, numpy, keras, torch):
        self._python, self._numpy, self._keras, self._torch = python, numpy, keras, torch

    @classmethod
    def now(cls) -> "RandomState":
        """The states at this moment."""
        return cls(random.getstate(), np.random.get_state(), _keras_state(), _torch_state())

    def restore(self) -> None:
        """Put all of them back."""
        random.setstate(self._python)
        np.random.set_state(self._numpy)
        if "keras" in sys.modules:
            generator, state = self._keras
            _attributes().set_global_attribute("global_seed_generator", generator)
            if generator is not None:
                generator.state.assign(state)
        if self._torch is not None:
            torch = sys.modules["torch"]
            cpu, devices = self._torch
            torch.set_rng_state(cpu)
            if devices:
                torch.cuda.set_rng_state_all(devices)


def _attributes():
    from keras.src.backend.common import global_state

    return global_state


def _keras_state():
    """The generator that unseeded draws of `keras.random` share, which may not exist yet, and its state."""
    if "keras" not in sys.modules:
        return None, None
    generator = _attributes().get_global_attribute("global_seed_generator")
    if generator is None:
        return None, None
    return generator, np.array(sys.modules["keras"].ops.convert_to_numpy(generator.state))


def _torch_state():
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return torch.get_rng_state(), devices
