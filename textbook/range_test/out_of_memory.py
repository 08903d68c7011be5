"""Telling a batch that does not fit into memory from any other error, on each backend, and what memory is in use."""

import sys

_WORDS = ("RESOURCE_EXHAUSTED", "OOM when allocating", "can't allocate memory", "CUDA out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out.

    That is Python's `MemoryError` (NumPy's too), TensorFlow's `ResourceExhaustedError`, JAX's runtime error with
    RESOURCE_EXHAUSTED in it, torch's `OutOfMemoryError`, and what torch's allocator on the CPU says.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("expected a batch"))
    (True, False)
    """
    if isinstance(error, MemoryError):
        return True
    tensorflow, torch = sys.modules.get("tensorflow"), sys.modules.get("torch")
    if tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError):
        return True
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def peak_memory() -> int:
    """The most bytes in use so far: of the accelerator where the backend has one, else of this process."""
    import keras

    on = {"tensorflow": _peak_of_tensorflow, "jax": _peak_of_jax, "torch": _peak_of_torch}
    peak = on[keras.backend.backend()]()
    return _peak_of_process() if peak is None else peak


def _peak_of_tensorflow():
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    return max((tf.config.experimental.get_memory_info(device.name)["peak"] for device in devices), default=None)


def _peak_of_jax():
    import jax

    statistics = [device.memory_stats() or {} for device in jax.local_devices()]
    return max((each["peak_bytes_in_use"] for each in statistics if "peak_bytes_in_use" in each), default=None)


def _peak_of_torch():
    import torch

    if not torch.cuda.is_available():
        return None
    return max(torch.cuda.max_memory_allocated(i) for i in range(torch.cuda.device_count()))


def _peak_of_process() -> int:
    import resource  # not on Windows, hence here

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
