"""Keras models checked: right ones pass, each planted mistake is found, and the model stays as it was."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from textbook.checks import gradient_check, relative_error
from textbook.checks.bug_zoo import gradients as zoo
from textbook.gradients import gradients_of
from textbook.models import mlp

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def data(features=8, classes=4, rows=10):
    random = np.random.default_rng(0)
    return random.normal(size=(rows, features)), random.integers(classes, size=rows)


def compiled(*parts, loss=CROSS_ENTROPY, seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(list(parts))
    model.compile("sgd", loss)
    return model


def verdicts(check):
    return {(row.tensor, row.term): row.verdict for row in check.tensors.itertuples()}


WRONG = {
    "missing mask": {("second/kernel", "data"), ("second/bias", "data")},
    "wrong sign in bias": {("second/bias", "data")},
    "transposed kernel": {("first/kernel", "data"), ("first/bias", "data")},
    "missing margin indicator": {("scores/kernel", "data"), ("scores/bias", "data")},
    "forgotten factor 2": {("first/kernel", "penalty")},
    "stale mask": {("second/kernel", "data")},
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bug", zoo.BUGS)
def test_each_planted_mistake_is_found_and_nothing_else(bug, dtype):
    x, y = data(rows=12)
    keras.utils.set_random_seed(1)
    model = zoo.model_with(bug)
    check = gradient_check(model, x, np.eye(4)[y], dtype=dtype, burn_in=20 if bug == "stale mask" else 0)
    found = {(row.tensor, row.term) for row in check.alarms.itertuples()}
    assert not check.passed
    assert found >= WRONG[bug]
    below = {("first/kernel", "data"), ("first/bias", "data"), ("second/kernel", "data"), ("second/bias", "data")}
    allowed = set() if bug in ("wrong sign in bias", "forgotten factor 2") else below  # what lies below a mistake
    assert found <= WRONG[bug] | allowed


def test_a_stale_mask_is_right_before_the_first_update():
    x, y = data(rows=12)
    keras.utils.set_random_seed(1)
    assert gradient_check(zoo.model_with("stale mask"), x, np.eye(4)[y]).passed


def test_right_gradients_written_by_hand_pass_before_and_after_updates():
    x, y = data(rows=12)
    for updates in (0, 20):
        keras.utils.set_random_seed(1)
        check = gradient_check(zoo.model_with(None), x, np.eye(4)[y], burn_in=updates)
        assert check.passed, check
        assert check.tensors["term"].tolist().count("penalty") == 1


def test_the_table_holds_both_gradients_and_what_was_checked():
    x, y = data()
    model = compiled(keras.Input((8,)), layers.Dense(6, "relu", name="hidden"), layers.Dense(4, name="scores"))
    check = gradient_check(model, x, y, coordinates="all")
    kernel = check.table[check.table["tensor"] == "hidden/kernel"]
    assert len(kernel) == 48 and len(check.table) == 48 + 6 + 24 + 4
    by_keras = gradients_of(model, x, y)[0]
    at = tuple(np.array(kernel["index"].tolist()).T)
    np.testing.assert_allclose(kernel["analytic"], by_keras[at], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(kernel["numeric"], kernel["analytic"], rtol=1e-4, atol=1e-9)
    errors = relative_error(kernel["analytic"], kernel["numeric"])
    np.testing.assert_array_equal(kernel["relative_error"], errors)
    assert "pass" in str(check)


def test_twenty_of_every_tensor_by_default():
    x, y = data()
    model = compiled(keras.Input((8,)), layers.Dense(6, "tanh"), layers.Dense(4))
    check = gradient_check(model, x, y)
    assert check.table.groupby("tensor").size().sort_values().tolist() == [4, 6, 20, 20]
    if keras.backend.backend() != "torch":  # there a comparison of constants counts as a kink too
        assert check.limits.passing == 1e-7  # no kink anywhere


def test_dead_units_agree_at_zero():
    x, y = data()
    dead = keras.initializers.Constant(-100.0)
    model = compiled(keras.Input((8,)), layers.Dense(6, "relu", bias_initializer=dead, name="dead"), layers.Dense(4))
    check = gradient_check(model, x, y)
    assert check.passed
    assert set(check.table.loc[check.table["tensor"] == "dead/kernel", "state"]) == {"both zero"}
    assert "all zero" in check.tensors["note"].iloc[0]


class Kinks(layers.Layer):
    """Units at a distance below the step from their kink, whichever operation makes it."""

    def __init__(self, kink, **layer):
        super().__init__(**layer)
        self._kink = kink

    def build(self, shape):
        self.w = self.add_weight(shape=(3,), initializer=lambda *_, **__: ops.convert_to_tensor([2e-6, 0.5, -0.5]))

    def call(self, x):
        return ops.sum(x) * 0 + self._kink(self.w + ops.zeros_like(x[:, :3]))


KINKS = {
    "relu": ops.relu,
    "relu6": lambda w: ops.relu6(w),
    "leaky_relu": lambda w: ops.leaky_relu(w, 0.3),
    "abs": ops.abs,
    "maximum": lambda w: ops.maximum(w, 0.0),
    "minimum": lambda w: ops.minimum(-w, 0.0),
    "where": lambda w: ops.where(w > 0, w, 0.1 * w),
    "clip": lambda w: ops.clip(w, 0.0, 10.0),
    "max": lambda w: ops.max(ops.stack([w, 0 * w], axis=-1), axis=-1),
    "hard_sigmoid": lambda w: ops.hard_sigmoid(6 * w + 3),
}


@pytest.mark.parametrize("kind", KINKS)
def test_a_kink_between_the_points_is_seen_and_looked_at_more_closely(kind):
    model = compiled(keras.Input((3,)), Kinks(KINKS[kind], name="kinks"), loss="mae")
    kink = gradient_check(model, np.ones((4, 3)), 5 * np.ones((4, 3))).table.iloc[0]
    assert kink.crossed_kink
    assert kink.step < 2e-6
    assert kink.state in ("checked", "both zero")
    assert not gradient_check(model, np.ones((4, 3)), 5 * np.ones((4, 3)), h=1e-6).table["crossed_kink"].any()


def test_a_maximum_pooling_changes_its_winner():
    pool = compiled(
        keras.Input((2, 2, 1)),
        layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="scale"),
        Shift(name="shift"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        loss="mse",
    )
    x = np.array([1.0, 1.0 + 2e-6, 0.0, 0.0]).reshape(1, 2, 2, 1)
    table = gradient_check(pool, x, np.zeros((1, 1))).table.set_index("tensor")
    assert table.loc["shift/w", "crossed_kink"]
    assert table.loc["shift/w", "step"] < 1e-5
    assert not table.loc["scale/kernel", "crossed_kink"]


class Shift(layers.Layer):
    """Adds a weight to the first pixel."""

    def build(self, shape):
        self.w = self.add_weight(shape=(), initializer="zeros", name="w")

    def call(self, x):
        first = np.zeros((1, 2, 2, 1))
        first[0, 0, 0, 0] = 1
        return x + self.w * ops.cast(ops.convert_to_tensor(first), x.dtype)


def test_dropout_draws_the_same_masks_in_all_evaluations():
    x, y = data()
    parts = [keras.Input((8,)), layers.Dense(16, "tanh"), layers.Dropout(0.5), layers.Dense(4, name="scores")]
    model = compiled(*parts)
    dropped, whole = (gradient_check(model, x, y, training=training) for training in (True, False))
    assert dropped.passed and whole.passed
    assert not np.allclose(dropped.table["analytic"], whole.table["analytic"])


class Unseeded(layers.Layer):
    """Draws its noise behind Keras's back."""

    def call(self, x):
        import tensorflow as tf

        return x + tf.random.normal(tf.shape(x), dtype=x.dtype)


@pytest.mark.tensorflow
def test_noise_that_nobody_can_hold_is_refused():
    x, y = data()
    model = compiled(keras.Input((8,)), Unseeded(), layers.Dense(4))
    with pytest.raises(ValueError, match="the same loss at the same weights"):
        gradient_check(model, x, y)


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_convolution_and_pooling(training):
    x = np.random.default_rng(0).normal(size=(6, 6, 6, 2))
    y = np.arange(6) % 3
    model = compiled(
        keras.Input((6, 6, 2)),
        layers.Conv2D(3, 3, name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),
        layers.DepthwiseConv2D(2, name="depthwise"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, name="scores"),
    )
    check = gradient_check(model, x, y, training=training, coordinates=6)
    assert check.passed, check
    bias = check.table[check.table["tensor"] == "conv/bias"]
    if training:  # the batch's mean takes it away: a gradient of 0 but for rounding is no alarm
        assert np.abs(bias["analytic"]).max() < 1e-12


def test_embeddings_and_words_that_do_not_occur():
    words = np.random.default_rng(0).integers(5, size=(6, 4))
    embedding = layers.Embedding(8, 3, name="words")
    model = compiled(keras.Input((4,), dtype="int32"), embedding, layers.Flatten(), layers.Dense(2, "tanh"))
    check = gradient_check(model, words, np.arange(6) % 2, coordinates="all")
    assert check.passed, check
    unused = check.table[
        check.table["index"].map(lambda index: index[0] >= 5) & (check.table["tensor"].str[:5] == "words")
    ]
    assert len(unused) == 9 and (unused["state"] == "both zero").all()


def test_the_penalty_is_checked_apart_and_said_to_overwhelm():
    x, y = data()
    heavy = keras.regularizers.L2(1e4)
    model = compiled(keras.Input((8,)), layers.Dense(4, kernel_regularizer=heavy, name="scores"))
    check = gradient_check(model, x, y)
    assert verdicts(check) == {
        ("scores/kernel", "data"): "pass",
        ("scores/kernel", "penalty"): "pass",
        ("scores/bias", "data"): "pass",
    }
    note = check.tensors.set_index("term").loc["penalty", "note"]
    assert "times the data's gradient" in note
    light = compiled(keras.Input((8,)), layers.Dense(4, kernel_regularizer="l2"))
    assert not gradient_check(light, x, y).tensors["note"].any()


def everything_of(model):
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    values = [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]
    policies = [layer.dtype_policy.name for layer in model._flatten_layers()]
    dtypes = [variable.dtype for variable in variables]
    return values, [policies, dtypes, keras.config.floatx(), model._compile_loss.built, id(model._compile_loss)]


@pytest.mark.parametrize("burn_in", [0, 3])
def test_the_model_is_left_as_it_was(burn_in):
    x, y = data()
    model = compiled(
        keras.Input((8,)),
        layers.Dense(6, "relu", kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Dense(4),
    )
    model.fit(x, y, epochs=1, verbose=0)
    values, rest = everything_of(model)
    gradient_check(model, x, y, training=True, burn_in=burn_in)
    after, rest_after = everything_of(model)
    for before, now in zip(values, after, strict=True):
        np.testing.assert_array_equal(before, now)
    assert rest == rest_after
    with pytest.raises(ValueError, match="finite loss"):
        gradient_check(model, np.full_like(x, np.nan), y, burn_in=burn_in)
    assert everything_of(model)[1] == rest


def test_losses_of_ones_own_weights_of_samples_and_several_outputs():
    x, y = data()
    inputs = keras.Input((8,))
    hidden = layers.Dense(5, "tanh", name="hidden")(inputs)
    outputs = {"a": layers.Dense(1, name="a")(hidden), "b": layers.Dense(4, name="b")(hidden)}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", {"a": "mse", "b": CROSS_ENTROPY}, loss_weights={"a": 0.5, "b": 2.0})
    assert gradient_check(model, x, {"a": x[:, :1], "b": y}).passed
    plain = compiled(keras.Input((8,)), layers.Dense(1))
    weighted = gradient_check(plain, x, x[:, :1], loss="mse", sample_weight=np.arange(10.0))
    assert weighted.passed
    own = gradient_check(plain, x, x[:, :1], loss=lambda y, p: ops.sum(ops.abs(y - p) ** 3, axis=-1))
    assert own.passed


def test_a_layer_that_computes_in_float32_is_named_and_not_blamed():
    class Narrow(layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 4), name="kernel")

        def call(self, x):
            return ops.cast(ops.matmul(ops.cast(x, "float32"), ops.cast(self.kernel, "float32")), x.dtype)

    x, y = data()
    model = compiled(keras.Input((8,)), Narrow(name="narrow"), layers.Dense(4))
    check = gradient_check(model, x, y)
    assert not len(check.alarms)
    assert "narrow/kernel" in check.notes[0] and "float32" in check.notes[0]


def test_a_nested_model_and_a_mixed_policy_compute_in_float64():
    x, y = data()
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(5, "tanh", dtype="mixed_bfloat16")])
    model = compiled(keras.Input((8,)), inner, layers.Dense(4))
    check = gradient_check(model, x, y)
    assert check.passed and not check.notes
    assert check.noise["data"] < 1e-14


@pytest.mark.parametrize(
    "change, message",
    [
        ({"model": "mlp"}, "built keras.Model"),
        ({"model": keras.Sequential([layers.Dense(2)])}, "built keras.Model"),
        ({"model": mlp((8,), 4)}, "expected a loss"),
        ({"dtype": "float16"}, "'float64' or 'float32'"),
        ({"h": -1e-5}, "step h above 0"),
        ({"burn_in": -1}, "number of updates from 0"),
        ({"coordinates": 0}, "from 1, or 'all'"),
    ],
)
def test_bad_arguments(change, message):
    x, y = data()
    given = {"model": compiled(keras.Input((8,)), layers.Dense(4)), "x": x, "y": y} | change
    with pytest.raises(ValueError, match=message):
        gradient_check(given.pop("model"), given.pop("x"), given.pop("y"), **given)


def test_nothing_to_train_is_refused():
    model = compiled(keras.Input((8,)), layers.Dense(4))
    model.trainable = False
    with pytest.raises(ValueError, match="trainable weights"):
        gradient_check(model, *data())
