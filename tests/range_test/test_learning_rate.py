"""The range test's rates, losses, data and refusals."""

import keras
import numpy as np
import pytest

from textbook import schedules
from textbook.range_test import learning_rate_range_test

X, Y = np.ones((8, 1), "float32"), np.full((8, 1), 2.0, "float32")


def simulated(rates, *, w=0.0, momentum=0.0):
    """Losses (w − 2)² before each update of w with these rates, in NumPy."""
    losses, v = [], 0.0
    for rate in rates:
        losses.append((w - 2) ** 2)
        v = momentum * v - rate * 2 * (w - 2)
        w += v
    return np.array(losses)


def run(model, x=X, y=Y, **arguments):
    return learning_rate_range_test(
        model, x, y, **{"batch_size": 8, "start": 1e-3, "end": 1.5, "rates": 30, **arguments}
    )


def test_each_loss_stands_beside_the_rate_that_was_applied_to_it(linear):
    table = run(linear(), stop_factor=None).table
    rates = 1e-3 * (1.5 / 1e-3) ** (np.arange(30) / 29)
    np.testing.assert_allclose(table["learning_rate"], rates, rtol=1e-12)
    np.testing.assert_allclose(table["loss"], simulated(rates), rtol=1e-4, atol=1e-7)
    assert table["update"].tolist() == list(range(1, 31))


def test_linear_spacing_has_equal_steps(linear):
    table = run(linear(), log=False).table
    np.testing.assert_allclose(table["learning_rate"], np.linspace(1e-3, 1.5, 30), rtol=1e-12)
    np.testing.assert_allclose(table["loss"], simulated(table["learning_rate"]), rtol=1e-4, atol=1e-7)


def test_losses_are_the_batches_own_and_not_a_running_mean(linear):
    y = np.repeat([[1.0], [3.0]], 4, axis=0).astype("float32")
    batches = [(X[:4], y[:4]), (X[4:], y[4:])]

    class InTurns(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return batches[i]

    table = run(linear(), InTurns(), None, start=1e-9, end=1e-8, rates=6, stop_factor=None).table
    np.testing.assert_allclose(table["loss"], [1, 9, 1, 9, 1, 9], rtol=1e-5)


def test_smoothing_is_a_debiased_average(linear):
    table = run(linear(), smoothing=0.9).table
    weights = 0.9 ** np.arange(len(table))[::-1]
    assert table["smoothed_loss"].iat[-1] == pytest.approx(np.average(table["loss"], weights=weights), rel=1e-6)
    assert table["smoothed_loss"].iat[0] == pytest.approx(4.0)


def test_it_stops_where_the_smoothed_loss_is_four_times_its_best(linear):
    x, y = np.random.default_rng(0).normal(size=(2, 8, 1)).astype("float32")
    result = run(linear(), x, y, batch_size=4, end=100.0, rates=200, smoothing=0.0)
    loss = result.table["smoothed_loss"].to_numpy()
    best = np.minimum.accumulate(loss)
    assert loss[-1] > 4 * best[-1]
    assert np.all(loss[:-1] <= 4 * best[:-1])
    assert f"at update {len(loss)}" in result.stopped


def test_it_stops_at_a_loss_that_is_no_number(linear):
    y = Y.copy()
    y[3] = np.nan
    result = run(linear(), X, y, batch_size=1)
    assert not np.isfinite(result.table["loss"].iat[-1])
    assert np.isfinite(result.table["loss"].iloc[:-1]).all()
    assert "the loss was nan" in result.stopped
    assert all(found.rate is None for found in result.suggestions.values())


def test_a_loss_below_zero_does_not_count_as_exploded():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile("sgd", loss=lambda y, out: -keras.ops.mean(out, axis=-1))
    result = run(model)
    assert result.stopped == ""
    assert result.table["loss"].iat[-1] < 0


def test_a_scheduled_rate_gives_the_same_curve_as_a_plain_one(linear):
    rate = schedules.ExponentialDecay(0.3, factor=0.5, every=1).in_steps(3)
    plain = run(linear(keras.optimizers.SGD(0.3, momentum=0.5)), stop_factor=None, end=0.5)
    scheduled = run(linear(keras.optimizers.SGD(rate, momentum=0.5)), stop_factor=None, end=0.5)
    np.testing.assert_allclose(scheduled.table["loss"], plain.table["loss"], rtol=1e-5)
    expected = simulated(plain.table["learning_rate"], momentum=0.5)
    np.testing.assert_allclose(plain.table["loss"], expected, rtol=1e-3, atol=1e-6)


def test_with_gradient_accumulation_a_rate_lasts_for_the_batches_of_one_update(linear):
    model = linear(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3))
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)  # four batches: one update, and one batch of the next
    before = model.get_weights()[0].item()
    table = run(model, end=0.9, rates=12, stop_factor=None).table
    rates = table["learning_rate"].to_numpy()
    np.testing.assert_allclose(table["loss"].iat[0], (before - 2) ** 2, rtol=1e-5)
    first = table["loss"].iat[1]  # the first update mixes a gradient from before the test in; the others do not
    np.testing.assert_allclose(table["loss"][1:], simulated(rates[1:], w=2 - np.sqrt(first)), rtol=1e-3, atol=1e-7)


def test_loss_scaling_changes_nothing(linear):
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=8.0)
    table = run(linear(scaled), stop_factor=None).table
    np.testing.assert_allclose(table["loss"], simulated(table["learning_rate"]), rtol=1e-3, atol=1e-7)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras refuses steps_per_execution on torch")
def test_with_several_steps_in_an_execution_each_has_its_own_rate(linear):
    table = run(linear(steps_per_execution=4), stop_factor=None).table
    np.testing.assert_allclose(table["loss"], simulated(table["learning_rate"]), rtol=1e-4, atol=1e-7)


def test_sample_weights_weigh_the_loss(linear):
    y = np.repeat([[1.0], [3.0]], 4, axis=0).astype("float32")
    weights = np.repeat([1.0, 0.0], 4)
    table = run(linear(), X, y, sample_weight=weights, start=1e-9, end=1e-8, rates=2).table
    np.testing.assert_allclose(table["loss"], 0.5, rtol=1e-5)


def test_dicts_of_inputs_are_taken():
    inputs = {"a": keras.Input((1,), name="a"), "b": keras.Input((1,), name="b")}
    out = keras.layers.Dense(1, kernel_initializer="zeros")(keras.layers.Concatenate()(list(inputs.values())))
    model = keras.Model(inputs, out)
    model.compile("sgd", "mse")
    table = run(model, {"a": X, "b": X}, Y, start=1e-9, end=1e-8, rates=3).table
    np.testing.assert_allclose(table["loss"], 4.0, rtol=1e-5)


def test_tf_data_and_data_loaders_give_the_curve_of_the_arrays(linear):
    expected = run(linear()).table
    tf = pytest.importorskip("tensorflow")
    from_tf = run(linear(), tf.data.Dataset.from_tensor_slices((X, Y)).batch(8), None).table
    np.testing.assert_allclose(from_tf["loss"], expected["loss"], rtol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="one backend is enough for loading torch")
def test_a_data_loader_gives_the_curve_of_the_arrays_and_its_generator_is_put_back(linear):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    generator = torch.Generator().manual_seed(3)
    loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True, generator=generator)
    before, others = generator.get_state().clone(), torch.get_rng_state()
    table = run(linear(), loader, None).table
    np.testing.assert_allclose(table["loss"], run(linear()).table["loss"], rtol=1e-6)
    assert torch.equal(generator.get_state(), before)
    assert torch.equal(torch.get_rng_state(), others)


def test_the_result_draws_itself(linear):
    from textbook import plots

    result = run(linear(), rates=60)
    fig, ax = plots.figure()
    assert result.plot(ax) is ax
    named = [found.rate for found in result.suggestions.values() if found.rate is not None]
    assert len(named) == result.agreement.count
    assert len(ax.get_lines()) == 2 + len(named)
    assert ax.get_xscale() == "log"
    np.testing.assert_allclose(ax.get_lines()[1].get_ydata(), result.table["smoothed_loss"])
    fig.canvas.draw()


@pytest.mark.parametrize(
    ("wrong", "message"),
    (
        ({"start": 0}, "expected start above 0"),
        ({"end": 1e-4}, "expected end above start"),
        ({"rates": 1}, "expected rates as a whole number from 2 up"),
        ({"smoothing": 1}, "expected smoothing from 0 and below 1"),
        ({"stop_factor": 1}, "expected stop_factor above 1"),
        ({"batch_size": 0}, "expected batch_size as a whole number"),
        ({"log": "yes"}, "expected log as True or False"),
        ({"y": Y[:3]}, "expected arrays with the same number of samples"),
        ({"x": iter([(X, Y)]), "y": None}, "whose batches would be missing"),
    ),
)
def test_wrong_arguments_are_refused_in_words(linear, wrong, message):
    with pytest.raises(ValueError, match=message):
        run(linear(), **wrong)


def test_a_model_that_is_not_compiled_is_refused():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="expected a compiled model"):
        run(model)


def test_data_that_bring_targets_take_no_others(linear):
    class Empty(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, i):
            return X, Y

    with pytest.raises(ValueError, match="expected y=None with a PyDataset"):
        run(linear(), Empty(), Y)
