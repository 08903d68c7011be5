"""The finder against errors of memory that are put into the model, and its refusals."""

import keras
import numpy as np
import pytest

from textbook.range_test import batch_size_finder
from textbook.range_test.out_of_memory import is_out_of_memory, peak_memory

X, Y = np.linspace(-1, 1, 64, dtype="float32")[:, None], np.linspace(0, 1, 64, dtype="float32")[:, None]


def out_of_memory():
    """The error that the backend at work raises."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    if backend == "torch":
        import torch

        return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
    import jax

    return jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4096 bytes.")


class Bounded(keras.Sequential):
    """A model whose train function runs out of memory above a size, or after some updates of one size."""

    most, patience, tires, error = 10**9, 10**9, None, None

    def make_train_function(self, force=False):
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        function, made = self.train_function, []

        def bounded(*arguments):
            data = next(iter(arguments[-1]))
            rows = len(data[0])
            made.append(rows)
            if rows > self.most or (rows == self.tires and made.count(rows) > self.patience):
                raise self.error
            return function(*arguments[:-1], _again(arguments[-1], data))

        self.train_function = bounded


def _again(source, data):
    return source if isinstance(source, list) else iter([data])


@pytest.fixture
def bounded():
    def build(**bounds):
        model = Bounded([keras.Input((1,)), keras.layers.Dense(1)])
        for name, value in bounds.items():
            setattr(model, name, value)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        return model

    return build


def find(model, **arguments):
    return batch_size_finder(model, X, Y, **{"critical": False, **arguments})


def test_it_doubles_to_the_last_size_that_fits_and_verifies_it(bounded):
    found = find(bounded(most=20, error=out_of_memory()))
    assert found.largest == 16
    assert found.reason == "32 samples: out of memory"
    assert found.table["batch_size"].tolist() == [1, 2, 4, 8, 16, 32, 16]
    assert found.table["updates"].tolist() == [1] * 6 + [5]
    assert found.table["outcome"].tolist() == ["fits"] * 5 + ["out of memory", "fits"]


def test_a_size_that_fails_while_it_is_verified_gives_way_to_the_next_smaller_one(bounded):
    model = bounded(most=20, patience=3, tires=16, error=out_of_memory())
    found = find(model)
    assert found.largest == 8
    assert found.reason == "16 samples, 5 updates in a row: out of memory"


def test_the_model_is_left_as_it_was_even_by_an_update_that_failed(bounded):
    model = bounded(most=20, error=out_of_memory())
    before = model.get_weights()
    find(model)
    after = model.get_weights()
    assert all(np.array_equal(one, two) for one, two in zip(before, after, strict=True))
    model.fit(X[:8], Y[:8], verbose=0)


def test_another_error_is_passed_on(bounded):
    with pytest.raises(RuntimeError, match="something else"):
        find(bounded(most=4, error=RuntimeError("something else")))


def test_not_even_the_smallest_may_fit(bounded):
    found = find(bounded(most=2, error=MemoryError()), smallest=4)
    assert found.largest is None
    assert found.table["outcome"].tolist() == ["out of memory"]


def test_a_memory_limit_ends_the_search(bounded):
    found = find(bounded(), memory_limit=1)
    assert found.largest is None
    assert found.reason == "1 samples: over the memory limit"
    assert find(bounded(), memory_limit=2**60, largest=4).largest == 4
    assert peak_memory() > 2**20


@pytest.mark.parametrize(
    ("error", "expected"),
    (
        (MemoryError("no"), True),
        (np._core._exceptions._ArrayMemoryError((10**9,), np.dtype("f8")), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("RESOURCE_EXHAUSTED"), False),
    ),
)
def test_errors_of_memory_are_told_from_others(error, expected):
    assert is_out_of_memory(error) is expected


def test_the_backends_own_error_is_one_of_memory():
    assert is_out_of_memory(out_of_memory())


def test_the_critical_batch_size_is_the_noise_scale(bounded):
    pytest.importorskip("textbook.noise_scale")
    found = batch_size_finder(bounded(), X, Y, smallest=32)
    assert found.critical.small == 8
    assert found.critical.big == 64
    assert found.critical.noise > 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    (
        ({"smallest": 0}, "expected smallest as a whole number"),
        ({"largest": 65}, "expected smallest ≤ largest ≤ 64 samples"),
        ({"memory_limit": 0}, "expected memory_limit as a whole number"),
        ({"sample_weight": np.ones(64), "critical": True}, "expected no sample_weight"),
    ),
)
def test_wrong_arguments_are_refused_in_words(bounded, wrong, message):
    with pytest.raises(ValueError, match=message):
        find(bounded(), **wrong)


def test_batches_of_a_given_size_are_refused_in_words(bounded):
    class Fixed(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, i):
            return X, Y

    with pytest.raises(ValueError, match="expected arrays, got Fixed"):
        batch_size_finder(bounded(), Fixed())
