"""Each batch's loss against NumPy, and an epoch whose logs do not notice that it was read."""

import keras
import numpy as np
import pytest

from tests.callbacks.small_models import ON_TORCH, classifier, data
from textbook.callbacks import BatchLoss

X, Y, WEIGHTS = data()


def line(rate: float = 0.0, **compiled):
    """y = 1·x with the mean squared error of a target 0: the loss of a batch is mean(x²)."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(rate), "mse", **compiled)
    return model


def falling_rows(batches: int, size: int):
    """x whose batch losses fall by six orders of magnitude within the epoch."""
    scale = np.repeat(np.logspace(0, -3, batches), size)[:, None]
    return (scale * np.random.default_rng(0).uniform(0.5, 1.5, size=(batches * size, 1))).astype("float32")


def test_the_losses_are_exact_where_a_difference_of_totals_is_not():
    x = falling_rows(150, 4)
    model, each = line(), BatchLoss()
    model.fit(x, 0 * x, batch_size=4, shuffle=False, verbose=0, callbacks=[each])
    truth = (x.astype(float) ** 2).reshape(150, 4).mean(axis=1)
    assert np.abs(each.table.loss / truth - 1).max() < 1e-6
    totals = np.cumsum((4 * truth).astype("float32"), dtype="float32")
    assert np.abs(np.diff(totals) / 4 / truth[1:] - 1).max() > 1e-3  # what the test would not let pass


def test_an_update_is_preceded_by_the_loss_that_causes_it():
    x, rate = falling_rows(6, 2) + 1, 0.1
    model, each = line(rate), BatchLoss()
    model.fit(x, 0 * x, batch_size=2, epochs=2, shuffle=False, verbose=0, callbacks=[each])
    weight, expected = 1.0, []
    for _ in range(2):
        for rows in x.astype(float).reshape(6, 2):
            expected.append(np.mean((weight * rows) ** 2))
            weight -= rate * np.mean(2 * weight * rows**2)
    assert each.table.loss.to_numpy() == pytest.approx(expected, rel=1e-5)
    assert each.table[["epoch", "batch"]].to_numpy().tolist() == [[e, b] for e in range(2) for b in range(6)]
    assert each.table["update"].tolist() == list(range(1, 13)) and set(each.table.rows) == {2}
    epochs = each.history["batch_loss"]
    assert [len(epoch) for epoch in epochs] == [6, 6] and epochs[1].tolist() == each.table.loss[6:].tolist()


def test_the_epoch_is_logged_bit_for_bit_as_without_it():
    runs = []
    for callbacks in ([], [BatchLoss()]):
        model = classifier(norm=True)
        history = model.fit(
            X, Y, batch_size=16, epochs=2, sample_weight=WEIGHTS, verbose=0, validation_data=(X, Y), callbacks=callbacks
        )
        runs.append((history.history, model.get_weights()))
    (plain, plain_weights), (read, read_weights) = runs
    assert plain == read
    assert all(np.array_equal(one, other) for one, other in zip(plain_weights, read_weights, strict=True))


class Listener(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.heard = []

    def on_train_batch_end(self, batch, logs=None):
        self.heard.append(logs["loss"])


def test_callbacks_after_it_hear_the_running_mean():
    x = falling_rows(9, 4)
    heard = []
    for callbacks in ([Listener()], [BatchLoss(), Listener()]):
        line().fit(x, 0 * x, batch_size=4, shuffle=False, verbose=0, callbacks=callbacks)
        heard.append(callbacks[-1].heard)
    assert heard[1] == pytest.approx(heard[0], rel=1e-6)


def test_the_last_batch_may_be_smaller():
    x = falling_rows(5, 3)[:13]
    model, each = line(), BatchLoss()
    history = model.fit(x, 0 * x, batch_size=3, shuffle=False, verbose=0, callbacks=[each]).history
    assert each.table.rows.tolist() == [3, 3, 3, 3, 1]
    assert np.average(each.table.loss, weights=each.table.rows) == pytest.approx(history["loss"][0], rel=1e-6)


def test_a_loss_that_is_not_a_number_is_kept():
    x = np.array([[1.0], [np.inf], [2.0]], "float32")
    model, each = line(), BatchLoss()
    history = model.fit(x, np.zeros((3, 1)), batch_size=1, shuffle=False, verbose=0, callbacks=[each]).history
    assert each.table.loss[0] == 1 and not np.isfinite(each.table.loss[1]) and not np.isfinite(history["loss"][0])


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("announced", [None, 8])
def test_data_that_end_unannounced_leave_the_epoch_right(announced):
    x = falling_rows(5, 4)

    def batches():
        yield from ((rows, 0 * rows) for rows in x.reshape(5, 4, 1))

    model, each = line(), BatchLoss()
    history = model.fit(batches(), steps_per_epoch=announced, verbose=0, shuffle=False, callbacks=[each]).history
    truth = (x.astype(float) ** 2).reshape(5, 4).mean(axis=1)
    # not announced, the losses are differences, as the docstring says
    error = {"rel": 1e-6} if announced else {"rel": 1e-6, "abs": 1.2e-7 * truth.sum()}
    assert each.table.loss.to_numpy() == pytest.approx(truth, **error)
    assert history["loss"][0] == pytest.approx(truth.mean(), rel=1e-6)


@pytest.mark.skipif(ON_TORCH, reason="Keras's torch trainer refuses steps_per_execution")
def test_blocks_are_refused_or_said():
    x = falling_rows(7, 2)
    model = line(steps_per_execution=3)
    with pytest.raises(ValueError, match=r"expected steps_per_execution=1, got 3, .* mend by .*blocks=True"):
        model.fit(x, 0 * x, batch_size=2, verbose=0, callbacks=[BatchLoss()])
    each = BatchLoss(blocks=True)
    history = model.fit(x, 0 * x, batch_size=2, shuffle=False, verbose=0, callbacks=[each]).history
    truth = (x.astype(float) ** 2).reshape(7, 2).mean(axis=1)
    assert each.table.loss.to_numpy() == pytest.approx([truth[:3].mean(), truth[3:6].mean(), truth[6]], rel=1e-6)
    assert each.table[["update", "batch", "batches", "rows"]].to_numpy().tolist() == [
        [3, 2, 3, 6],
        [6, 5, 3, 6],
        [7, 6, 1, 2],
    ]
    assert history["loss"][0] == pytest.approx(truth.mean(), rel=1e-6)


def test_a_second_fit_begins_a_new_table():
    x = falling_rows(3, 2)
    model, each = line(), BatchLoss()
    assert each.table.empty and each.history == {"batch_loss": []}
    for _ in range(2):
        model.fit(x, 0 * x, batch_size=2, verbose=0, callbacks=[each])
    assert each.table["update"].tolist() == [1, 2, 3]
