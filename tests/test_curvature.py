"""Second derivatives against closed forms, finite differences of the gradient, and each other; the model untouched."""

import contextlib

import keras
import numpy as np
import pytest

from textbook.curvature import LossCurvature, hessian, hessian_bytes, hessian_vector_product
from textbook.gradients import LossGradient

# Keras multiplies float64 matrices in float32 on JAX and torch: identities are to rounding there, and differences of
# gradients need a long step
DOUBLE = keras.backend.backend() == "tensorflow"
CLOSE, STEP, OF_DIFFERENCES = (1e-12, 1e-5, 1e-7) if DOUBLE else (2e-6, 1e-2, 2e-3)


@pytest.fixture(autouse=True)
def double_precision():
    """Weights by the policy, losses by floatx; JAX has float64 only where it is asked for."""
    jax_in_double = contextlib.nullcontext()
    if keras.backend.backend() == "jax":
        import jax

        jax_in_double = jax.enable_x64(True)
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    compute_in("float64")
    try:
        with jax_in_double:
            yield
    finally:
        compute_in(floatx, policy)


def compute_in(floatx, policy=None):
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy or floatx)


def network(*layers, inputs=3, loss="mse", **compiled):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((inputs,)), *layers])
    model.compile("sgd", loss, **compiled)
    return model


dense = keras.layers.Dense


def tanh_network():
    penalty = keras.regularizers.L2(0.05)
    return network(dense(4, "tanh", kernel_regularizer=penalty), dense(2), metrics=["mae"])


def rows(n=12):
    random = np.random.default_rng(0)
    return random.normal(size=(n, 3)), random.normal(size=(n, 2))


def by_differences(model, x, y, *, sample_weight=None):
    """Centred differences of the gradient, a column of H for each weight."""
    gradient, kept = LossGradient(model), model.trainable_variables
    values = [keras.ops.convert_to_numpy(variable.value).copy() for variable in kept]
    columns = []
    for variable, value in zip(kept, values, strict=True):
        for place in np.ndindex(value.shape):
            slopes = []
            for sign in (1, -1):
                moved = value.copy()
                moved[place] += sign * STEP
                variable.assign(moved)
                slopes.append(np.concatenate([part.ravel() for part in gradient(x, y, sample_weight)]))
            variable.assign(value)
            columns.append((slopes[0] - slopes[1]) / (2 * STEP))
    return np.column_stack(columns)


def variables(model):
    everything = (*model.variables, *model.metrics_variables, *model.optimizer.variables)
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in everything]


def test_linear_regression_has_its_closed_form():
    # mean over rows and outputs of (xᵀw + b − y)²: 2/(rows·outputs) Σ x̃x̃ᵀ for each output, and 0 between outputs
    model, (x, y) = network(dense(2)), rows()
    kernel, bias = 2 * x.T @ x / y.size, 2 * len(x) / y.size
    between = 2 * x.sum(axis=0) / y.size
    expected = np.zeros((8, 8))
    for output in range(2):
        of_kernel, of_bias = np.arange(3) * 2 + output, 6 + output
        expected[np.ix_(of_kernel, of_kernel)] = kernel
        expected[of_kernel, of_bias] = expected[of_bias, of_kernel] = between
        expected[of_bias, of_bias] = bias
    found = hessian(model, x, y)
    assert found.dtype == np.float64
    assert found == pytest.approx(expected, abs=CLOSE)


def test_equals_differences_of_the_gradient_and_is_symmetric():
    model, (x, y) = tanh_network(), rows()
    found = hessian(model, x, y)
    assert np.abs(found).max() > 0.1
    assert found == pytest.approx(by_differences(model, x, y), abs=OF_DIFFERENCES)
    assert found == pytest.approx(found.T, abs=CLOSE)


def test_cross_entropy_and_sample_weights():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model, (x, _) = network(dense(4, "tanh"), dense(3), loss=loss), rows()
    labels, weights = np.arange(12) % 3, np.repeat([2.0, 0.5], 6)
    found = hessian(model, x, labels, sample_weight=weights)
    assert found == pytest.approx(by_differences(model, x, labels, sample_weight=weights), abs=OF_DIFFERENCES)
    assert not np.allclose(found, hessian(model, x, labels))


def test_products_are_those_of_the_matrix_and_a_block_does_not_matter():
    model, (x, y) = tanh_network(), rows()
    curvature = LossCurvature(model)
    full = curvature.hessian(x, y)
    assert curvature.parameters == 26
    assert curvature.hessian(x, y, block=7) == pytest.approx(full, abs=CLOSE)
    vectors = np.random.default_rng(1).normal(size=(5, 26))
    assert curvature.product(x, y, vectors) == pytest.approx(vectors @ full, abs=CLOSE)
    one = hessian_vector_product(model, x, y, vectors[2])
    assert one.shape == (26,) and one == pytest.approx(full @ vectors[2], abs=CLOSE)


def test_nothing_of_the_model_changes_and_moved_weights_are_seen():
    layers = dense(4, "tanh"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), dense(2)
    model = network(*layers, metrics=["mae"])
    x, y = rows()
    curvatures = {training: LossCurvature(model, training=training) for training in (False, True)}
    untrained = curvatures[False].hessian(x, y)
    model.fit(x, y, verbose=0)
    before = variables(model)
    found = {training: curvature.hessian(x, y) for training, curvature in curvatures.items()}
    assert np.array_equal(found[True], curvatures[True].hessian(x, y))  # the same masks again
    assert all(map(np.array_equal, before, variables(model)))
    assert not np.allclose(found[False], untrained) and not np.allclose(found[False], found[True])
    assert found[False] == pytest.approx(by_differences(model, x, y), abs=OF_DIFFERENCES)


def test_a_float32_model_gives_float32_and_rows_of_an_embedding_and_an_idle_weight_are_dense():
    compute_in("float32")
    taken = keras.Input((1,), dtype="int32")
    inner = keras.layers.Flatten()(keras.layers.Embedding(5, 2)(taken))
    idle = keras.layers.Dense(1, use_bias=False)
    model = keras.Model(taken, keras.layers.Add()([inner, 0.0 * idle(inner)]))
    model.compile(loss="mse")
    found = hessian(model, np.array([[1], [1]]), np.zeros((2, 2), "float32"))
    assert found.dtype == np.float32 and found.shape == (12, 12)
    # mean over two outputs of w²: 2/2 on the diagonal of the one row that was looked up, 0 elsewhere
    expected = np.zeros((12, 12))
    at = 2 if tuple(model.trainable_variables[0].shape) == (5, 2) else 4
    expected[[at, at + 1], [at, at + 1]] = 1
    assert found == pytest.approx(expected, abs=1e-6)


def mean_output(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


@pytest.mark.parametrize("loss", ["mae", mean_output])  # the gradient of the second does not even depend on a weight
def test_a_loss_without_curvature_has_a_hessian_of_zeros(loss):
    model = network(dense(1), loss=loss)
    x, _ = rows()
    assert hessian(model, x, np.full((12, 1), 100.0)) == pytest.approx(np.zeros((4, 4)))


def test_refuses_a_hessian_that_does_not_fit_before_it_computes_anything():
    model, (x, y) = network(dense(4000), inputs=3), rows()
    with pytest.raises(ValueError, match=r"expected a Hessian of up to 1 GiB, got 16,000 weights.*take 1\.9 GiB") as no:
        hessian(model, x, y, limit_gib=1)
    assert "limit_gib=2" in str(no.value) and "products with vectors" in str(no.value)
    # asked for nothing that could be differentiated: the refusal must come first
    with pytest.raises(ValueError, match="GiB"):
        hessian(model, None, None, limit_gib=1)


def test_bytes():
    assert hessian_bytes(4810, dtype="float64") == 4810 * 4810 * 8
    assert hessian_bytes(10**6) == 4 * 10**12
    with pytest.raises(ValueError, match="expected parameters as a whole number"):
        hessian_bytes(1.5)


def test_refuses():
    model, (x, y) = tanh_network(), rows()
    with pytest.raises(ValueError, match=r"expected vectors of shape \(26,\) or \(vectors, 26\), got \(25,\)"):
        hessian_vector_product(model, x, y, np.ones(25))
    with pytest.raises(ValueError, match="expected block as a whole number from 1 up, got 0"):
        LossCurvature(model).hessian(x, y, block=0)
    with pytest.raises(ValueError, match="expected limit_gib above 0"):
        hessian(model, x, y, limit_gib=0)
    with pytest.raises(ValueError, match=r"expected a built keras\.Model"):
        hessian(keras.Sequential([keras.layers.Dense(1)]), x, y)
    with pytest.raises(ValueError, match=r"expected a compiled model.*mend by model\.compile"):
        hessian(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), x, y)
