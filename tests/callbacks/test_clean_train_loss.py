"""The clean training loss against NumPy and `evaluate`, and training that does not notice it."""

import keras
import numpy as np
import pytest

from tests.callbacks.small_models import ON_JAX, ON_TORCH, by_numpy, classifier, data
from textbook.callbacks import CleanTrainLoss

X, Y, WEIGHTS = data()
KEYS = {"clean_loss", "penalty", "clean_objective"}


def fitted(model, callbacks, **arguments):
    arguments = {"x": X, "y": Y, "batch_size": 16, "epochs": 2, "verbose": 0} | arguments
    return model.fit(**arguments, callbacks=callbacks).history


def test_it_is_the_loss_that_numpy_computes_of_the_weights_after_the_epoch():
    model = classifier()
    clean = fitted(model, [CleanTrainLoss(X, Y, batch_size=40)])
    loss, penalty = by_numpy(model, X, Y)
    assert clean["clean_loss"][-1] == pytest.approx(loss, rel=2e-6)
    assert clean["penalty"][-1] == pytest.approx(penalty, rel=2e-6)
    assert clean["clean_objective"][-1] == pytest.approx(loss + penalty, rel=2e-6)
    assert abs(clean["loss"][-1] - loss) > 0.02  # Keras's own is another number


def test_sample_weights_and_class_weights_weigh_as_in_fit():
    model = classifier()
    clean = fitted(model, [CleanTrainLoss(X, Y, sample_weight=WEIGHTS, batch_size=40)], sample_weight=WEIGHTS)
    assert clean["clean_loss"][-1] == pytest.approx(by_numpy(model, X, Y, WEIGHTS)[0], rel=2e-6)
    # with a rate of 0, no dropout and no penalty to speak of, the epoch's own loss is the clean one
    of_class = np.array([1.0, 5.0, 2.0])
    model = classifier(dropout=0.0, optimizer=keras.optimizers.SGD(0.0))
    clean = fitted(
        model, [CleanTrainLoss(X, Y, sample_weight=of_class[Y])], class_weight=dict(enumerate(of_class)), epochs=1
    )
    assert clean["clean_objective"] == pytest.approx(clean["loss"], rel=2e-6)


def test_training_goes_on_bit_for_bit_as_without_it():
    runs = []
    for callbacks in ([], [CleanTrainLoss(X, Y, metrics=True, batch_size=32)]):
        model = classifier(norm=True, optimizer=keras.optimizers.Adam(0.01))
        history = fitted(model, callbacks, validation_data=(X[:16], Y[:16]), epochs=2)
        state = [keras.ops.convert_to_numpy(variable) for variable in (*model.variables, *model.metrics_variables)]
        runs.append(({name: history[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}, state))
    (plain, plain_state), (watched, watched_state) = runs
    assert plain == watched
    assert all(np.array_equal(one, other) for one, other in zip(plain_state, watched_state, strict=True))


def test_evaluate_agrees_with_metrics_several_outputs_and_penalties_on_outputs():
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dropout(0.3)(keras.layers.Dense(6, "tanh", activity_regularizer="l2")(inputs))
    first = keras.layers.Dense(1, name="first", kernel_regularizer="l2")(hidden)
    second = keras.layers.Dense(1, name="second")(hidden)
    model = keras.Model(inputs, [first, second])
    model.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 3.0], metrics=[["mae"], ["mse"]])
    targets = [X[:, :1] ** 2, X[:, 1:2]]
    clean = fitted(model, [CleanTrainLoss(X, targets, metrics=True, batch_size=32)], y=targets)
    evaluated = model.evaluate(X, targets, batch_size=32, verbose=0, return_dict=True)
    assert clean["clean_objective"][-1] == pytest.approx(evaluated.pop("loss"), rel=2e-6)
    data_loss = evaluated["first_loss"] + 3 * evaluated["second_loss"]
    assert clean["clean_loss"][-1] == pytest.approx(data_loss, rel=2e-5)
    for name, value in evaluated.items():
        assert clean[f"clean_{name}"][-1] == pytest.approx(value, rel=2e-6), name


@pytest.mark.parametrize("how", [{"run_eagerly": True}, {"steps_per_execution": 3}])
def test_it_works_however_the_model_is_compiled(how):
    if ON_TORCH and "steps_per_execution" in how:
        pytest.skip("Keras's torch trainer refuses it")
    if ON_JAX and "run_eagerly" in how:
        pytest.skip("JAX takes half a minute to compile an eager epoch operation by operation")
    model = classifier(**how)
    clean = fitted(model, [CleanTrainLoss(X, Y, metrics=True)])
    loss, penalty = by_numpy(model, X, Y)
    assert clean["clean_objective"][-1] == pytest.approx(loss + penalty, rel=2e-6)
    assert clean["clean_accuracy"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0)[1])


def test_mixed_precision_gives_what_evaluate_gives():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = classifier()
    finally:
        keras.config.set_dtype_policy("float32")
    clean = fitted(model, [CleanTrainLoss(X, Y, batch_size=96)])
    assert clean["clean_objective"][-1] == pytest.approx(model.evaluate(X, Y, batch_size=96, verbose=0)[0], rel=1e-4)


def test_early_stopping_that_stands_after_it_can_monitor_it():
    model = classifier(optimizer=keras.optimizers.SGD(0.0))  # nothing improves: patience runs out
    stop = keras.callbacks.EarlyStopping("clean_loss", mode="min", patience=1)
    assert len(fitted(model, [CleanTrainLoss(X, Y), stop], epochs=9)["clean_loss"]) == 2


def test_a_subset_is_the_same_rows_every_epoch_and_auto_is_a_quarter_of_many():
    x, y, _ = data(12_000)
    still = classifier(optimizer=keras.optimizers.SGD(0.0))
    losses = fitted(still, [CleanTrainLoss(x, y, subset=50)], epochs=3)["clean_loss"]
    assert len(set(losses)) == 1
    values = {}
    for subset in ("auto", 3000, 0.25, None, 50):
        rows = CleanTrainLoss(x, y, subset=subset)._data._rows
        values[subset] = rows.tolist()
    assert values["auto"] == values[3000] == values[0.25] and len(values["auto"]) == 3000
    assert values[None] == list(range(12_000)) and len(values[50]) == 50
    assert len(CleanTrainLoss(x[:3000], y[:3000])._data._rows) == 1000  # never fewer
    assert len(CleanTrainLoss(X, Y)._data._rows) == len(X)
    other = CleanTrainLoss(x, y, subset=50, seed=1)._data._rows
    assert set(other.tolist()) != set(values[50])


class InBatches(keras.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        rows = slice(index * 16, (index + 1) * 16)
        return X[rows], Y[rows], WEIGHTS[rows]


def test_a_py_dataset_gives_what_its_arrays_give():
    model = classifier()
    clean = fitted(model, [CleanTrainLoss(InBatches(), subset=None)], x=InBatches(), y=None, batch_size=None)
    assert clean["clean_loss"][-1] == pytest.approx(by_numpy(model, X, Y, WEIGHTS)[0], rel=2e-6)
    half = CleanTrainLoss(InBatches(), subset=0.5)._data
    assert len(list(half.batches())) == 3


@pytest.mark.tensorflow
def test_a_tf_dataset_gives_what_its_arrays_give():
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices((X, Y, WEIGHTS)).batch(16)
    model = classifier()
    clean = fitted(model, [CleanTrainLoss(rows, subset=None)], x=rows, y=None, batch_size=None, shuffle=False)
    assert clean["clean_loss"][-1] == pytest.approx(by_numpy(model, X, Y, WEIGHTS)[0], rel=2e-6)
    assert [len(batch[0]) for batch in CleanTrainLoss(rows, subset=40)._data.batches()] == [16, 16, 16]
    with pytest.raises(ValueError, match=r"expected a dataset that ends, got one that repeats for ever; mend by"):
        CleanTrainLoss(rows.repeat())
    with pytest.raises(ValueError, match=r"expected a dataset of known length for subset='auto', got .*; mend by"):
        CleanTrainLoss(rows.filter(lambda *batch: True))


def test_a_data_loader_is_read_without_drawing_from_torch():
    torch = pytest.importorskip("torch")
    rows = torch.utils.data.TensorDataset(*map(torch.from_numpy, (X, Y, WEIGHTS)))
    loader = torch.utils.data.DataLoader(rows, batch_size=16, shuffle=True)
    model, callback = classifier(), CleanTrainLoss(loader, subset=None)
    before = torch.get_rng_state()
    for _ in callback._data.batches():
        pass
    assert torch.equal(before, torch.get_rng_state())
    clean = fitted(model, [callback], sample_weight=WEIGHTS)
    assert clean["clean_loss"][-1] == pytest.approx(by_numpy(model, X, Y, WEIGHTS)[0], rel=2e-6)


def test_batches_of_large_rows_are_small():
    images = np.zeros((40, 512, 512), "float32")  # a MiB each
    sizes = [len(batch[0]) for batch in CleanTrainLoss(images, np.zeros(40))._data.batches()]
    assert sizes == [8] * 5


@pytest.mark.parametrize("subset", [0, -3, 0.0, 1.5, True, "half", 97])
def test_wrong_subsets_are_refused(subset):
    with pytest.raises(ValueError, match=r"expected subset .*, got .*; mend by"):
        CleanTrainLoss(X, Y, subset=subset)


def test_wrong_data_are_refused():
    for arguments, said in (
        ({"x": X, "y": Y[:5]}, "one and the same number of rows"),
        ({"x": X[:0], "y": Y[:0]}, "at least 1"),
        ({"x": iter([(X, Y)])}, "which can be read once"),
        ({"x": InBatches(), "y": Y}, "a PyDataset alone, got y too"),
        ({"x": X, "y": Y, "batch_size": 0}, "batch_size"),
    ):
        with pytest.raises(ValueError, match=said):
            CleanTrainLoss(**arguments)


def test_models_whose_loss_it_cannot_know_are_refused():
    class Own(keras.Sequential):
        def test_step(self, *arguments):
            raise AssertionError("never called")

    for model, said in ((Own, "test_step of its own; mend by"), (keras.Sequential, "got one with penalties alone")):
        model = model([keras.Input((4,)), keras.layers.Dense(1, kernel_regularizer="l2")])
        model.compile("sgd", **({"loss": "mse"} if isinstance(model, Own) else {}))
        with pytest.raises(ValueError, match=said):
            fitted(model, [CleanTrainLoss(X, Y)])


def test_a_key_that_is_taken_is_not_overwritten():
    with pytest.raises(ValueError, match=r"expected logs without clean_loss, .*got them from .*another CleanTrainLoss"):
        fitted(classifier(), [CleanTrainLoss(X, Y), CleanTrainLoss(X, Y)])
