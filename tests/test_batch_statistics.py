"""Re-estimated batch-norm statistics against NumPy."""

import keras
import numpy as np
import pytest

from textbook.batch_statistics import estimate_batch_statistics

X = np.random.default_rng(0).normal(2.0, 3.0, size=(22, 3)).astype("float32")


def network(*, dropout=0.0, **norm):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, name="first"),
            keras.layers.BatchNormalization(name="norm", **norm),
            keras.layers.Activation("relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(2, name="second"),
            keras.layers.BatchNormalization(name="deep"),
        ]
    )


def statistics(layer):
    return [np.array(keras.ops.convert_to_numpy(v.value)) for v in (layer.moving_mean, layer.moving_variance)]


def of_batches(values, size):
    """Mean and variance over batches, weighted by rows."""
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    rows = [len(part) for part in parts]
    return [np.average([of(part, axis=0) for part in parts], axis=0, weights=rows) for of in (np.mean, np.var)], parts


def test_equals_a_direct_computation_also_behind_another_norm():
    model = network()
    assert estimate_batch_statistics(model, X, batch_size=8) == 22
    kernel, bias = model.get_layer("first").get_weights()
    expected, parts = of_batches(X @ kernel + bias, 8)
    for ours, theirs in zip(statistics(model.get_layer("norm")), expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)
    # the mean is that of all rows, whatever the batches
    assert statistics(model.get_layer("norm"))[0] == pytest.approx((X @ kernel + bias).mean(axis=0), rel=1e-4)
    normal = [(part - part.mean(axis=0)) / np.sqrt(part.var(axis=0) + 1e-3) for part in parts]
    kernel, bias = model.get_layer("second").get_weights()
    behind = np.concatenate([np.maximum(part, 0) @ kernel + bias for part in normal])
    for ours, theirs in zip(statistics(model.get_layer("deep")), of_batches(behind, 8)[0], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)


def test_old_statistics_do_not_matter_not_even_broken_ones():
    fresh, broken = network(), network()
    broken.get_layer("norm").moving_mean.assign(np.full(4, np.nan))
    for model in (fresh, broken):
        estimate_batch_statistics(model, X)
    assert np.array_equal(statistics(fresh.get_layer("norm")), statistics(broken.get_layer("norm")))


def test_nothing_else_changes():
    model = network(dropout=0.5, momentum=0.7)
    others = [v for v in model.variables if "moving" not in v.path]
    before = [np.array(keras.ops.convert_to_numpy(v.value)) for v in others]
    estimate_batch_statistics(model, X)
    for variable, value in zip(others, before, strict=True):
        assert np.array_equal(keras.ops.convert_to_numpy(variable.value), value), variable.path
    assert model.get_layer("norm").momentum == 0.7


def test_momentum_is_put_back_when_the_data_fail():
    model = network(momentum=0.7)

    def failing():
        yield X[:4]
        raise OSError("the disk is gone")

    before = statistics(model.get_layer("norm"))
    with pytest.raises(OSError, match="the disk is gone"):
        estimate_batch_statistics(model, failing())
    assert model.get_layer("norm").momentum == 0.7
    assert np.array_equal(before, statistics(model.get_layer("norm")))


def test_frozen_and_unused_layers_keep_their_statistics():
    model = network()
    frozen = model.get_layer("norm")
    frozen.trainable = False
    before = statistics(frozen)
    estimate_batch_statistics(model, X)
    assert np.array_equal(before, statistics(frozen))
    assert not np.array_equal(statistics(model.get_layer("deep")), [np.zeros(2), np.ones(2)])

    class Idle(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.idle = keras.layers.BatchNormalization(), keras.layers.BatchNormalization()
            self.idle.build((None, 3))
            self.idle.moving_mean.assign(np.full(3, 7.0))

        def call(self, x, training=False):
            return self.used(x, training=training)

    model = Idle()
    model(X)
    estimate_batch_statistics(model, X)
    assert statistics(model.idle)[0].tolist() == [7, 7, 7]
    assert statistics(model.used)[0] == pytest.approx(X.mean(axis=0), rel=1e-4)


def test_batches_of_an_iterable_count_like_cut_arrays():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[8 * index : 8 * index + 8], np.zeros(len(X[8 * index : 8 * index + 8]))

    by_array, by_list, by_dataset = network(), network(), network()
    estimate_batch_statistics(by_array, X, batch_size=8)
    estimate_batch_statistics(by_list, ((X[at : at + 8], None) for at in (0, 8, 16)))
    estimate_batch_statistics(by_dataset, Batches())
    for model in (by_list, by_dataset):
        assert np.array_equal(model.get_weights()[4], by_array.get_weights()[4])


def test_a_model_without_batch_norm_is_left_alone():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    assert estimate_batch_statistics(model, X) == 0


def test_refuses():
    with pytest.raises(ValueError, match="expected at least one row of data"):
        estimate_batch_statistics(network(), X[:0])
    with pytest.raises(ValueError, match=r"got renorm=True in 'norm'; mend by renorm=False"):
        estimate_batch_statistics(network(renorm=True), X)
