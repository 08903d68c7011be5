"""The batch norm report: every planted fault is found, sound networks pass, and the model stays as it was."""

import functools

import keras
import numpy as np
import pandas as pd
import pytest

from textbook.normalisation.recalibration import recalibrate
from textbook.normalisation.report import batch_norm_report
from textbook.normalisation.traps import TRAPS

RANDOM = np.random.default_rng(0)
Y = np.arange(192) % 4
X = (RANDOM.normal(size=(192, 6)) + 2 * np.eye(6)[Y]).astype("float32")


def numbers(variable):
    return np.array(keras.ops.convert_to_numpy(variable.value))


@functools.cache
def reported(kind):
    """A trap's network and the report on it, once for all tests."""
    planted = next(trap for trap in TRAPS if trap.kind == kind)(X, Y)
    return planted, planted.report()


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.kind or "sound")
def test_a_planted_fault_is_found_and_a_sound_network_passes(trap):
    _, report = reported(trap.kind)
    if not trap.kind:
        assert report.passed and not report.findings and "Nothing found." in str(report)
        return
    found = next(finding for finding in report.findings if finding.kind == trap.kind)
    assert len(found.layers) == 1 and found.layers[0] == "norm"
    assert found.message in str(report).replace("\n  ", " ")
    assert report.passed == (found.severity == "note")


def nested():
    """Two inputs, a model inside, a batch norm in a layer of one's own, dropout; compiled, with two outputs."""
    keras.utils.set_random_seed(0)

    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.linear, self.norm = keras.layers.Dense(5, name="linear"), keras.layers.BatchNormalization(name="inner")

        def call(self, x, training=None):
            return keras.ops.relu(self.norm(self.linear(x), training=training))

    base = keras.Sequential([keras.Input((6,)), Block(), keras.layers.Dropout(0.3), keras.layers.Dense(4)], name="base")
    first, second = keras.Input((6,), name="first"), keras.Input((2,), name="second")
    joined = keras.layers.Concatenate()([base(first), second])
    hidden = keras.layers.BatchNormalization(name="outer", momentum=0.5)(joined)
    outputs = {name: keras.layers.Dense(4, name=name)(hidden) for name in ("p", "q")}
    model = keras.Model({"first": first, "second": second}, outputs)
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # eagerly, which saves the time of tracing
    model.compile(keras.optimizers.SGD(momentum=0.9), {"p": crossentropy, "q": "mse"}, run_eagerly=True)
    return model


DATA = {"first": 3 + 2 * X, "second": X[:, :2]}
TARGETS = {"p": Y, "q": RANDOM.normal(size=(192, 4))}


def test_layers_at_any_depth_are_seen_and_nothing_of_the_model_changes():
    model = nested()
    model.train_on_batch(DATA, TARGETS)
    held = [*model.variables, *model.optimizer.variables]
    before = [numbers(variable) for variable in held]
    names = [sorted(vars(layer)) for layer in model._flatten_layers()]
    state = np.random.get_state()[1].copy()
    report = batch_norm_report(model, DATA, TARGETS, batch_size=96)
    assert report.table.layer.tolist() == ["inner", "outer"]  # as they run
    assert report.table.bias_before.tolist() == ["linear", ""]  # through the Concatenate no bias is redundant
    assert all(np.array_equal(numbers(variable), value) for variable, value in zip(held, before, strict=True))
    assert [sorted(vars(layer)) for layer in model._flatten_layers()] == names
    assert np.array_equal(np.random.get_state()[1], state)
    lag = next(finding for finding in report.findings if finding.kind == "lag")
    assert "made 1, so 99% of the first" in lag.message
    # with the moving statistics, the loss is that of evaluate
    ours = report.losses
    assert ours["moving statistics"] == pytest.approx(evaluated(model), rel=1e-4)
    assert ours["statistics of these rows"] != pytest.approx(ours["moving statistics"], rel=0.01)


def evaluated(model):
    found = model.evaluate(DATA, TARGETS, verbose=0, batch_size=192, return_dict=True)
    return found["loss"]


@pytest.mark.parametrize("kind", ["lag", "frozen on other data", "other inputs at inference"])
def test_mended_as_it_says_the_finding_is_gone(kind):
    planted, before = reported(kind)
    weights = planted.model.get_weights()
    assert "recalibrate(model" in next(finding for finding in before.findings if finding.kind == kind).mend
    recalibrate(planted.model, X, batch_size=32)
    after = planted.report()
    planted.model.set_weights(weights)
    assert after.passed
    if kind == "lag":
        assert after.table.lag[0] < 0.05 < before.table.lag[0]
        # what the losses "with those of these rows" were is what the mended model has
        assert after.losses["moving statistics"] == pytest.approx(before.losses["statistics of these rows"], rel=0.01)


def test_statistics_that_are_hardly_off_are_named_where_they_cost_loss():
    model = next(trap for trap in TRAPS if not trap.kind)(X, Y).model
    norm, last = model.get_layer("norm"), model.layers[-1]
    last.kernel.assign(100 * last.kernel)
    itself = keras.ops.convert_to_numpy(model(X)).argmax(axis=1)  # always right, and very sure, until something moves
    norm.moving_mean.assign(norm.moving_mean + 0.2 * np.sqrt(numbers(norm.moving_variance)))
    report = batch_norm_report(model, X, itself)
    assert report.kinds == ("small lag",) and not report.passed
    own, again, _ = report.losses.values()
    assert f"would be {again:.3g} in place of {own:.3g}" in report.findings[0].message


def test_the_numbers_are_those_of_numpy():
    model = reported("lag")[0].model
    report = batch_norm_report(model, X, batch_size=192)
    inputs = X @ numbers(model.get_layer("linear").kernel)
    norm = model.get_layer("norm")
    sd = np.sqrt(inputs.var(axis=0) + norm.epsilon)
    off = (numbers(norm.moving_mean) - inputs.mean(axis=0)) / sd
    by_chance = inputs.var(axis=0, ddof=1) / 192 / sd**2
    row = report.table.iloc[0]
    assert row.worst_lag == pytest.approx(np.abs(off).max(), rel=1e-4)
    assert row.lag == pytest.approx(np.sqrt(np.mean(off**2 - by_chance)), rel=1e-4)
    ratio = (numbers(norm.moving_variance) + norm.epsilon) / sd**2
    assert row.worst_variance_ratio == pytest.approx(ratio[np.abs(np.log(ratio)).argmax()], rel=1e-4)
    assert row.batch_noise == pytest.approx(np.sqrt(np.mean(inputs.var(axis=0, ddof=1) / 192 / sd**2)), rel=1e-4)
    assert row.updates_needed == pytest.approx(458.2, abs=0.1)
    assert not report.losses and "the outputs would move by" in str(report)


def test_masked_places_count_nothing():
    values = RANDOM.normal(5, 2, size=(8, 4, 3)).astype("float32")
    values[:, 2:] = 0
    model = keras.Sequential(
        [keras.Input((4, 3)), keras.layers.Masking(), keras.layers.BatchNormalization(name="norm")]
    )
    model.get_layer("norm").moving_mean.assign(values[:, :2].mean(axis=(0, 1)))
    model.get_layer("norm").moving_variance.assign(values[:, :2].var(axis=(0, 1)))
    report = batch_norm_report(model, values)
    assert report.table.worst_lag[0] < 1e-3 and report.passed


@pytest.mark.parametrize("kind", ["dataset", "generator", "frame"])
def test_takes_what_fit_takes(kind):
    model = reported("")[0].model
    batches = [(X[at : at + 32], Y[at : at + 32]) for at in range(0, 192, 32)]
    if kind == "dataset":
        tf = pytest.importorskip("tensorflow")
        data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(32).repeat()  # never ends
        report = batch_norm_report(model, data, rows=192)
    elif kind == "generator":
        report = batch_norm_report(model, iter(batches))
    else:
        report = batch_norm_report(model, pd.DataFrame(X), Y)
    assert report.passed and "on 192" in report.description and len(report.losses) == 3


def test_rows_and_weights_that_are_no_numbers_are_told_apart():
    model = reported("")[0].model
    broken = X.copy()
    broken[[3, 5], 2] = np.nan, np.inf
    report = batch_norm_report(model, broken, Y)
    assert report.kinds == ("inputs not finite",) and "nan standard deviations" not in str(report)
    assert "2 of 192 rows hold such values" in report.findings[0].message
    assert np.isnan(report.table.lag[0])
    kernel = model.get_layer("linear").kernel
    before = numbers(kernel)
    kernel.assign(before * np.nan)
    (finding,) = batch_norm_report(model, X, Y).findings
    kernel.assign(before)
    assert (
        finding.kind == "inputs not finite" and "the rows are finite, so the weights before are not" in finding.message
    )


def test_few_rows_accuse_nobody_of_a_lag():
    model = reported("")[0].model
    assert "few rows" in batch_norm_report(model, X[:3], Y[:3]).kinds
    one = batch_norm_report(model, X[:1], Y[:1])  # fit would make a batch of one of it as well
    assert one.kinds == ("batch of one",) and "in 1 batch of 1." in one.description
    assert np.isnan(one.table.lag[0])


@pytest.mark.parametrize("takes", [False, True])
def test_a_model_that_takes_no_training_is_trained_as_in_inference(takes):
    class Silent(keras.Model):
        def __init__(self):
            super().__init__()
            self.norm = keras.layers.BatchNormalization()

        def call(self, x):
            return self.norm(x)

    class Open(Silent):
        def call(self, x, training=None):
            return self.norm(x, training=training)

    model = (Open if takes else Silent)()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X[:32], X[:32], verbose=0)
    assert numbers(model.norm.moving_mean).any() == takes  # as Keras has it
    report = batch_norm_report(model, X[:64])
    found = {finding.kind: finding for finding in report.findings}
    assert ("inference in training" in found) == (not takes)
    if not takes:
        assert found["inference in training"].severity == "warning"
        assert "def call(self, x, training=None)" in found["inference in training"].mend
        model.norm.trainable = False
        (never, _) = batch_norm_report(model, X[:64]).findings
        assert "They are frozen, so training does not change that" in never.message


def test_sorted_batches_are_not_called_tiny():
    model = reported("")[0].model
    order = np.argsort(Y, kind="stable")
    shifted = X[order] + 9 * Y[order, None]
    batches = [(shifted[at : at + 32], Y[order][at : at + 32]) for at in range(0, 192, 32)]
    kinds = batch_norm_report(model, batches).kinds
    assert "batches alike inside" in kinds and "tiny batches" not in kinds


def test_refuses_in_words():
    with pytest.raises(ValueError, match=r"got 'empty', whose weights do not exist yet; mend by giving it an Input"):
        batch_norm_report(keras.Sequential([keras.layers.BatchNormalization()], name="empty"), X)
    model = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization()])
    with pytest.raises(ValueError, match="expected a compiled model beside y"):
        batch_norm_report(model, X, Y)
    with pytest.raises(ValueError, match=r"as many of each array, got \[64, 192\]"):
        model.compile(loss="mse")
        batch_norm_report(model, X, Y[:64])
    with pytest.raises(ValueError, match="got y as well"):
        batch_norm_report(model, iter([X]), Y)
    with pytest.raises(ValueError, match="expected at least one row of data, got none"):
        batch_norm_report(model, iter([]))
    with pytest.raises(ValueError, match=r"expected targets as arrays, got list; mend by np\.asarray"):
        batch_norm_report(model, X, Y.tolist())
    with pytest.raises(
        ValueError, match=r"expected 1 input, as .* has, got 2 arrays; mend by batch_norm_report\(model, x, y"
    ):
        batch_norm_report(model, (X, Y))
    with pytest.raises(ValueError, match=r"expected a keras\.Model, got BatchNormalization"):
        batch_norm_report(model.layers[0], X)
    without = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)], name="plain")
    assert str(batch_norm_report(without, X)) == "plain: no batch norm in this model."
    without.add(keras.layers.LayerNormalization())
    assert "Its LayerNormalization normalises each row by itself" in str(batch_norm_report(without, X))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "norms", "biases"), [("MobileNetV2", 52, 0), ("ResNet50", 53, 53)])
def test_published_convnets_are_read_to_the_last_layer(name, norms, biases):
    model = getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3), include_top=False)
    report = batch_norm_report(model, RANDOM.normal(size=(8, 32, 32, 3)), batch_size=8)
    assert len(report.table) == norms and (report.table.bias_before != "").sum() == biases
    assert report.findings[0].kind == "never updated" and len(report.findings[0].layers) == norms
