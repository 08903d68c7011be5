"""Weight averages against NumPy, beside the callbacks that write weights too, and resumed."""

import keras
import numpy as np
import pytest

from textbook.batch_statistics import estimate_batch_statistics
from textbook.callbacks.weight_average import WeightAverage

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]])).astype("float32")


def network(*, norm=False, optimizer=None, **compiled):
    keras.utils.set_random_seed(5)
    middle = [keras.layers.BatchNormalization(momentum=0.5)] if norm else []
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), *middle, keras.layers.Dense(1)])
    model.compile(optimizer or keras.optimizers.SGD(0.1), "mse", **compiled)
    return model


def fit(model, callbacks, *, epochs=4, **more):
    return model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks, **more).history


class Recorder(keras.callbacks.Callback):
    """The trainable weights after every epoch and every batch, and all weights after every epoch."""

    def on_train_begin(self, logs=None):
        self.epochs, self.batches, self.whole = [], [], []

    def _now(self):
        return [np.array(keras.ops.convert_to_numpy(v.value), dtype=float) for v in self.model.trainable_variables]

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(self._now())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self._now())
        self.whole.append([np.array(w) for w in self.model.get_weights()])


def trainable(model):
    return [np.array(keras.ops.convert_to_numpy(v.value)) for v in model.trainable_variables]


def assert_equal(ours, theirs, **tolerance):
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, **(tolerance or {"rel": 0, "abs": 0}))


def mean(weights):
    return [np.mean(parts, axis=0) for parts in zip(*weights, strict=True)]


@pytest.mark.parametrize(("start", "every", "taken"), [(0, 1, [1, 2, 3, 4, 5]), (1, 2, [3, 5])])
def test_swa_is_the_mean_of_the_weights_recorded_by_another_callback(start, every, taken):
    model, recorder, average = network(), Recorder(), WeightAverage(start=start, every=every)
    fit(model, [average, recorder], epochs=5)
    expected = mean([recorder.epochs[epoch - 1] for epoch in taken])
    assert average.count == len(taken)
    assert_equal(average.average, expected, rel=1e-6, abs=1e-7)
    assert_equal(trainable(model), average.average)
    assert_equal(average.original_weights, recorder.epochs[-1])
    assert np.abs(expected[0] - recorder.epochs[-1][0]).max() > 1e-2


def test_an_ema_is_the_sum_written_out_and_that_of_keras():
    model = network(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8))
    recorder, late = Recorder(), WeightAverage(decay=0.8, start=3, every=2, swap=False)
    average = WeightAverage(decay=0.8, swap=False)
    fit(model, [average, late, recorder], epochs=3)
    for ours, taken in ((average, range(9)), (late, (4, 6, 8))):
        first, *others = (recorder.batches[update] for update in taken)
        for weights in others:
            first = [0.8 * old + 0.2 * new for old, new in zip(first, weights, strict=True)]
        assert ours.count == len(taken)
        assert_equal(ours.average, first, rel=1e-5, abs=1e-6)
    # at the end of fit, Keras puts its own into the model
    assert_equal(trainable(model), average.average, rel=1e-5, abs=1e-6)


def test_batch_norm_fits_the_averaged_weights():
    model, average = network(norm=True), WeightAverage(X, batch_size=10)
    fit(model, [average])
    dense, norm = model.layers[0], model.layers[1]
    kernel, bias = dense.get_weights()
    hidden = np.tanh(X @ kernel + bias)
    parts = [hidden[:10], hidden[10:20], hidden[20:]]
    _, _, moving_mean, moving_variance = norm.get_weights()
    assert moving_mean == pytest.approx(hidden.mean(axis=0), rel=1e-4, abs=1e-6)
    assert moving_variance == pytest.approx(
        np.average([p.var(axis=0) for p in parts], axis=0, weights=[10, 10, 4]), 1e-4
    )
    assert np.abs(moving_mean - average.original_weights[4]).max() > 1e-3
    assert norm.momentum == 0.5


@pytest.mark.parametrize("first", [True, False])
def test_early_stopping_and_checkpoints_on_either_side(first, tmp_path):
    """The best raw weights are `original_weights`, the average is in the model, files hold what was trained."""
    model, recorder, average = network(optimizer=keras.optimizers.SGD(0.9)), Recorder(), WeightAverage()
    others = [
        keras.callbacks.EarlyStopping(monitor="loss", patience=1, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
    ]
    history = fit(model, [average, *others, recorder] if first else [*others, recorder, average], epochs=8)
    stopped, best = len(history["loss"]), int(np.argmin(history["loss"]))
    assert best < stopped - 1
    assert stopped < 8
    assert_equal(trainable(model), mean(recorder.epochs), rel=1e-6, abs=1e-6)
    assert_equal(average.original_weights, recorder.whole[best])
    for epoch in range(stopped):
        model.load_weights(tmp_path / f"{epoch + 1}.weights.h5")
        assert_equal(model.get_weights(), recorder.whole[epoch])


def test_the_evaluated_average_is_in_the_logs_for_callbacks_behind():
    model, recorder = network(norm=True, metrics=["mae"]), Recorder()
    average = WeightAverage(X, validation=(X, Y), evaluate_every=1, swap=False)
    stop = keras.callbacks.EarlyStopping(monitor="average_val_loss", mode="min", patience=0, min_delta=1e9)
    history = fit(model, [recorder, average, stop])
    assert len(history["loss"]) == len(history["average_val_loss"]) == 2  # nothing improves by so much
    for variable, value in zip(model.trainable_variables, mean(recorder.epochs), strict=True):
        variable.assign(value)
    estimate_batch_statistics(model, X)
    loss, mae = model.evaluate(X, Y, verbose=0)
    assert history["average_val_loss"][1] == pytest.approx(loss, rel=1e-4)
    assert history["average_val_mae"][1] == pytest.approx(mae, rel=1e-4)


@pytest.mark.parametrize("arguments", [{"every": 2}, {"decay": 0.7, "start": 4, "every": 3}])
def test_a_resumed_average_is_the_one_never_stopped(arguments):
    whole, stopped = WeightAverage(**arguments), WeightAverage(**arguments, swap=False)
    fit(network(), [whole], epochs=5)
    model = network()
    fit(model, [stopped], epochs=3)
    state = stopped.get_state()
    assert state["epochs"] == 3
    taken_up = WeightAverage(**arguments)
    taken_up.set_state(state)
    fit(model, [taken_up], epochs=5, initial_epoch=3)
    assert taken_up.count == whole.count
    assert_equal(taken_up.average, whole.average)


def test_a_resumed_run_without_its_state_is_refused():
    average = WeightAverage()
    with pytest.raises(ValueError, match=r"expected the average after 3 epochs .* got one after 0; mend by set_state"):
        fit(network(), [average], epochs=5, initial_epoch=3)
    late = WeightAverage(start=3)  # nothing is missed
    fit(network(), [late], epochs=5, initial_epoch=3)
    assert late.count == 2
    late.set_state(late.get_state())
    with pytest.raises(ValueError, match=r"expected the average after 0 epochs .* got one after 5"):
        fit(network(), [late])
    with pytest.raises(ValueError, match=r"got one without \['average', 'count'"):
        late.set_state({"epochs": 1})


def test_an_interrupted_epoch_is_not_counted_twice():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.armed and self.epoch == 2 and batch == 1:
                self.armed = False
                raise OSError("lost")

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    interrupt, average, recorder = Interrupt(), WeightAverage(decay=0.5, swap=False), Recorder()
    interrupt.armed = True
    model = network()
    with pytest.raises(OSError, match="lost"):
        fit(model, [average, interrupt])
    fit(model, [average, recorder], epochs=3, initial_epoch=2)
    assert average.count == 9
    assert average.get_state()["updates"] == 9


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras's torch trainer refuses steps_per_execution")
def test_blocks_of_updates():
    model, recorder, average = network(steps_per_execution=3), Recorder(), WeightAverage(decay=0.5, every=3, swap=False)
    fit(model, [average, recorder], epochs=2)
    assert average.count == 2
    assert_equal(average.average, mean(recorder.batches), rel=1e-6, abs=1e-7)
    with pytest.raises(ValueError, match="multiples of steps_per_execution=3"):
        fit(model, [WeightAverage(decay=0.5)])


def test_half_precision_is_averaged_in_single():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,), dtype="bfloat16"), keras.layers.Dense(1, dtype="bfloat16")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    average = WeightAverage(swap=False)
    fit(model, [average], epochs=2)
    assert average.average[0].dtype == np.float32


def test_a_loop_without_a_history_swaps_at_its_own_end():
    model, average = network(), WeightAverage()
    fit(model, [])  # leaves a History of another run behind
    callbacks = keras.callbacks.CallbackList([average], model=model, epochs=2, steps=1)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        model.layers[-1].bias.assign([float(epoch)])
        callbacks.on_epoch_end(epoch)
    callbacks.on_train_end()
    assert trainable(model)[-1].tolist() == [0.5]


def test_a_second_run_begins_anew():
    model, average = network(), WeightAverage()
    fit(model, [average], epochs=2)
    first = model.history
    recorder = Recorder()
    fit(model, [average, recorder], epochs=3)
    assert average.count == 3
    assert_equal(trainable(model), mean(recorder.epochs), rel=1e-6, abs=1e-7)
    assert "on_train_end" not in vars(first) | vars(model.history)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # torch, where all warnings are shown
def test_says_when_there_was_nothing_to_average():
    model = network()
    stop = keras.callbacks.EarlyStopping(monitor="loss", mode="max", patience=0)  # it falls
    average = WeightAverage(start=6)
    with pytest.warns(UserWarning, match="no weights were averaged, since training ended before start=6"):
        fit(model, [stop, average], epochs=9)
    assert average.original_weights is None


@pytest.mark.parametrize(
    ("model", "callbacks", "message"),
    [
        (lambda: network(norm=True), lambda: [WeightAverage()], "expected the training data, since 'batch_norm"),
        (
            network,
            lambda: [WeightAverage(start=4)],
            "expected weights to average within 4 epochs, got start=4",
        ),
        (network, lambda: [WeightAverage(), WeightAverage(decay=0.5)], "expected one callback .* mend by swap=False"),
        (network, lambda: [WeightAverage(decay=1.0)], "expected decay from 0 and below 1"),
        (network, lambda: [WeightAverage(validation=(X, Y))], "expected validation and evaluate_every together"),
        (network, lambda: [WeightAverage(evaluate_every=0, validation=(X, Y))], "expected evaluate_every as a whole"),
        (
            lambda: network(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)),
            lambda: [WeightAverage(decay=0.5)],
            "got gradient_accumulation_steps=2; mend by decay=None",
        ),
    ],
)
def test_refuses(model, callbacks, message):
    with pytest.raises(ValueError, match=message):
        fit(model(), callbacks())
