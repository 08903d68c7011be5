"""Update ratios against weights recorded beside them."""

import keras
import numpy as np
import pytest

from textbook.callbacks.update_ratio import UpdateRatio

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X[:, :1] - X[:, 1:2]


def network(optimizer=None, **compiled):
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh", name="first"), keras.layers.Dense(1, name="second")]
    )
    model.compile(optimizer or keras.optimizers.SGD(0.1), "mse", **compiled)
    return model


class Recorder(keras.callbacks.Callback):
    """The weights before the first and after every batch."""

    def on_train_begin(self, logs=None):
        self.weights = [[np.array(w, dtype=float) for w in self.model.get_weights()]]

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append([np.array(w, dtype=float) for w in self.model.get_weights()])


def test_equals_the_weights_recorded_beside_it():
    model, ratios, recorder = network(), UpdateRatio(every=1), Recorder()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[ratios, recorder])
    table = ratios.table
    assert table["update"].tolist() == [k for k in range(6) for _ in range(2)]
    assert table.epoch.tolist() == [1] * 6 + [2] * 6
    assert table.updates.tolist() == [1] * 12
    assert [path.split("/")[-2:] for path in table.layer[:2]] == [["first", "kernel"], ["second", "kernel"]]
    for row in table.itertuples():
        at = 0 if "first" in row.layer else 2  # the kernels among kernel, bias, kernel, bias
        before, after = (recorder.weights[row.update + step][at] for step in (0, 1))
        assert row.weight_norm == pytest.approx(np.linalg.norm(before), rel=1e-6)
        assert row.update_norm == pytest.approx(np.linalg.norm(after - before), rel=1e-5)
        assert row.ratio == pytest.approx(row.update_norm / row.weight_norm)
        assert row.ratio > 1e-4


def test_every_counts_updates_over_the_ends_of_epochs():
    model, ratios = network(), UpdateRatio(every=4, layers=["second"])
    model.fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=[ratios])
    assert ratios.table["update"].tolist() == [0, 4, 8]
    assert ratios.table.epoch.tolist() == [1, 2, 3]
    # the second run's table is its own, and updates are the optimizer's
    model.fit(X, Y, batch_size=4, epochs=1, verbose=0, callbacks=[ratios])
    assert ratios.table["update"].tolist() == [12]


def test_accumulated_gradients_make_one_update():
    model = network(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3))
    ratios, recorder = UpdateRatio(every=1, layers=["first"]), Recorder()
    model.fit(X, Y, batch_size=2, verbose=0, callbacks=[ratios, recorder])
    assert ratios.table["update"].tolist() == [0, 1]
    assert ratios.table.updates.tolist() == [1, 1]
    moved = [np.linalg.norm(recorder.weights[at + 3][0] - recorder.weights[at][0]) for at in (0, 3)]
    assert ratios.table.update_norm.tolist() == pytest.approx(moved, rel=1e-5)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras's torch trainer refuses steps_per_execution")
def test_blocks_of_updates_say_how_many_they_span():
    model, ratios, recorder = network(steps_per_execution=2), UpdateRatio(every=1, layers=["first"]), Recorder()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[ratios, recorder])
    assert ratios.table["update"].tolist() == [0, 2, 3, 5]
    assert ratios.table.updates.tolist() == [2, 1, 2, 1]
    moved = [np.linalg.norm(b[0] - a[0]) for a, b in zip(recorder.weights, recorder.weights[1:], strict=False)]
    assert ratios.table.update_norm.tolist() == pytest.approx(moved, rel=1e-5)


def test_a_kernel_of_zeros_has_no_finite_ratio():
    model, ratios = network(), UpdateRatio(every=1)
    model.get_layer("first").kernel.assign(np.zeros((3, 4)))
    model.get_layer("second").kernel.assign(np.zeros((4, 1)))
    model.fit(X, Y, batch_size=12, epochs=1, verbose=0, callbacks=[ratios])
    assert np.isnan(ratios.table.ratio).all()  # zeros pass no gradient on and stay


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "expected every as a whole number from 1"),
        ({"layers": ["third"]}, r"expected layers of the model \(first, .*second.*\), got 'third'"),
        ({"layers": []}, "expected a trainable kernel, got none"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        network().fit(X, Y, verbose=0, callbacks=[UpdateRatio(**arguments)])
