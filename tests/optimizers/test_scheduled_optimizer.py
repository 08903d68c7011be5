"""A scheduled hyperparameter has its own value at every update of a compiled fit, as NumPy computes it."""

import keras
import numpy as np
import pytest

from tests.optimizers.linear_fit import (
    BATCH,
    START,
    UPDATES_AN_EPOCH,
    Listed,
    X,
    Y,
    adam,
    always,
    assert_same_updates,
    gradient,
    linear_model,
    sgd,
    simulated,
    weights_by_update,
)
from textbook.optimizers import SGD, Adam, AdamW, scheduled
from textbook.schedules import CosineDecay, StepDecay

ON_TORCH = keras.backend.backend() == "torch"
compiled_steps = pytest.mark.skipif(ON_TORCH, reason="torch runs every step in Python")
JIT = pytest.param({"jit_compile": True}, marks=compiled_steps)
FOUR_AT_ONCE = pytest.param({"steps_per_execution": 4}, marks=compiled_steps)


def ways(*others):
    return pytest.mark.parametrize("compiled", [{}, *others], ids=str)


RATE = CosineDecay(0.1, total=20, final=0.02)
FALLING = StepDecay(0.9, factor=0.7, every=3)
WITH_ZEROS = (0.0, 0.9, 0.0, 0.5, 0.95)


@ways(JIT, FOUR_AT_ONCE)
def test_momentum_changes_from_update_to_update(compiled):
    seen = weights_by_update(SGD(RATE.in_steps(1), momentum=FALLING.in_steps(1)), **compiled)
    assert_same_updates(seen, simulated(sgd(RATE, FALLING)))


@ways(FOUR_AT_ONCE)
def test_nesterov_looks_ahead_with_the_same_momentum(compiled):
    seen = weights_by_update(SGD(RATE.in_steps(1), momentum=FALLING.in_steps(1), nesterov=True), **compiled)
    assert_same_updates(seen, simulated(sgd(RATE, FALLING, nesterov=True)))


def test_a_momentum_of_exactly_zero_still_feeds_the_velocity():
    expected = simulated(sgd(always(0.05), lambda k: WITH_ZEROS[k % 5]))
    assert_same_updates(weights_by_update(SGD(0.05, momentum=Listed(WITH_ZEROS))), expected)


class MomentumAsAttribute(keras.callbacks.Callback):
    """What published 1cycle callbacks do."""

    def on_train_begin(self, logs=None):
        self.update = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.momentum = FALLING(self.update)
        self.update += 1


@compiled_steps
def test_a_momentum_set_as_an_attribute_fails_the_same_check():
    optimizer = keras.optimizers.SGD(RATE.in_steps(1), momentum=0.9)
    seen = weights_by_update(optimizer, callbacks=[MomentumAsAttribute()])
    with pytest.raises(AssertionError, match="after 4 batches"):  # the momentum is 0.9 in the first three
        assert_same_updates(seen, simulated(sgd(RATE, FALLING)), tolerance=1e-3)
    assert_same_updates(seen, simulated(sgd(RATE, always(0.9))))  # it was ignored altogether


@ways(JIT)
def test_betas_change_from_update_to_update(compiled):
    beta_1, beta_2 = StepDecay(0.95, factor=0.8, every=4), CosineDecay(0.999, total=10, final=0.9)
    optimizer = Adam(RATE.in_steps(1), beta_1=beta_1.in_steps(1), beta_2=beta_2.in_steps(1))
    # 1 − β₂ loses digits where β₂ is near 1
    assert_same_updates(weights_by_update(optimizer, **compiled), simulated(adam(RATE, beta_1, beta_2)), tolerance=2e-5)


@ways(FOUR_AT_ONCE)
def test_decoupled_decay_is_the_product_of_its_schedule_and_the_rate(compiled):
    decay = StepDecay(2.0, factor=0.5, every=3)
    optimizer = AdamW(RATE.in_steps(1), weight_decay=decay.in_steps(1))
    expected = simulated(adam(RATE, always(0.9), always(0.999), decay=decay))
    assert_same_updates(weights_by_update(optimizer, **compiled), expected, tolerance=2e-5)


def test_a_class_made_from_rmsprop_schedules_both_of_its_memories():
    rho, momentum = CosineDecay(0.9, total=10, final=0.5), Listed(WITH_ZEROS)
    optimizer = scheduled(keras.optimizers.RMSprop)(0.02, rho=rho.in_steps(1), momentum=momentum)
    square, velocity = np.zeros(3), np.zeros(3)

    def rule(k, weights, g):
        nonlocal square, velocity
        square = rho(k) * square + (1 - rho(k)) * g**2
        velocity = WITH_ZEROS[k % 5] * velocity + 0.02 * g / np.sqrt(square + 1e-7)
        return weights - velocity

    assert_same_updates(weights_by_update(optimizer), simulated(rule), tolerance=2e-5)


@pytest.mark.parametrize("name", ("clipnorm", "global_clipnorm", "clipvalue"))
def test_clipping_follows_its_schedule(name):
    limit = StepDecay(2.0, factor=0.5, every=2)

    def rule(k, weights, g):
        if name == "clipvalue":
            return weights - 0.3 * np.clip(g, -limit(k), limit(k))
        return weights - 0.3 * g * min(1, limit(k) / np.linalg.norm(g))

    seen = weights_by_update(SGD(0.3, **{name: limit.in_steps(1)}))
    assert_same_updates(seen, simulated(rule), tolerance=1e-5)


def test_the_average_of_weights_follows_its_schedule():
    share = StepDecay(0.9, factor=0.8, every=2)
    optimizer = SGD(0.05, use_ema=True, ema_momentum=share.in_steps(1))
    model = linear_model(optimizer)
    model.fit(X, Y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    average = START * 0
    for k, weights in enumerate(simulated(lambda k, w, g: w - 0.05 * g, epochs=1).values()):
        remembered = share(k) if k else 0.0  # Keras begins with the first weights that it sees
        average = remembered * average + (1 - remembered) * weights
    np.testing.assert_allclose(model.get_weights()[0][:, 0], average, atol=1e-5)  # written back after the last epoch


@ways(JIT, FOUR_AT_ONCE)
def test_accumulated_gradients_make_one_update(compiled):
    decay = StepDecay(0.5, factor=0.5, every=2)
    optimizer = SGD(
        RATE.in_steps(1), momentum=FALLING.in_steps(1), weight_decay=decay.in_steps(1), gradient_accumulation_steps=2
    )
    expected = simulated(sgd(RATE, FALLING, decay=decay), epochs=3, accumulation=2)
    assert_same_updates(weights_by_update(optimizer, epochs=3, **compiled), expected)
    assert int(optimizer.iterations) == 3 * UPDATES_AN_EPOCH // 2


def test_keras_itself_hands_micro_batches_to_a_scheduled_rate():
    optimizer = keras.optimizers.SGD(RATE.in_steps(1), momentum=0.9, gradient_accumulation_steps=2)
    seen = weights_by_update(optimizer, epochs=3)
    expected = simulated(sgd(lambda k: RATE(2 * k + 1), always(0.9)), epochs=3, accumulation=2)
    assert_same_updates(seen, expected)


def test_loss_scaling_leaves_the_schedules_exact():
    inner = SGD(RATE.in_steps(1), momentum=FALLING.in_steps(1))
    seen = weights_by_update(keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**10))
    assert_same_updates(seen, simulated(sgd(RATE, FALLING)))


def test_a_skipped_update_is_no_update_to_the_schedule():
    inner = SGD(0.05, momentum=FALLING.in_steps(1))
    model = linear_model(keras.optimizers.LossScaleOptimizer(inner))
    overflowing = X.copy()
    overflowing[2 * BATCH : 3 * BATCH] = np.inf
    model.fit(overflowing, Y, batch_size=BATCH, shuffle=False, verbose=0)
    weights, rule = START, sgd(always(0.05), FALLING)
    for k, batch in enumerate(batch for batch in range(UPDATES_AN_EPOCH) if batch != 2):
        weights = rule(k, weights, gradient(weights, batch))
    np.testing.assert_allclose(model.get_weights()[0][:, 0], weights, atol=3e-6)
    assert float(inner.momentum) == pytest.approx(FALLING(UPDATES_AN_EPOCH - 1))


@pytest.mark.parametrize("policy", ("mixed_float16", "mixed_bfloat16"))
def test_mixed_precision_keeps_the_hyperparameters_in_single(policy):
    inner = SGD(0.02, momentum=FALLING.in_steps(1))
    half = policy == "mixed_float16"
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        # Keras wraps an optimizer itself, with a scale that overflows in the first updates
        model = linear_model(keras.optimizers.LossScaleOptimizer(inner, initial_scale=64.0) if half else inner)
        model.fit(X, Y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    finally:
        keras.config.set_dtype_policy(before)
    assert int(inner.iterations) == 2 * UPDATES_AN_EPOCH and model.get_weights()[0].dtype == np.float32
    expected = simulated(sgd(always(0.02), FALLING))[2 * UPDATES_AN_EPOCH]
    # as near as the half-precision gradients allow; a momentum of 0.9 throughout would be off by 1
    np.testing.assert_allclose(model.get_weights()[0][:, 0], expected, atol=0.003 if half else 0.03)


def test_two_fits_go_on_where_the_first_one_stopped():
    optimizer = SGD(RATE.in_steps(1), momentum=FALLING.in_steps(1))
    model = linear_model(optimizer)
    for _ in range(2):
        model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0)
    expected = simulated(sgd(RATE, FALLING))[2 * UPDATES_AN_EPOCH]
    np.testing.assert_allclose(model.get_weights()[0][:, 0], expected, atol=3e-6)


def test_the_attribute_reads_the_value_of_the_next_update():
    optimizer = SGD(0.05, momentum=FALLING.in_steps(1))
    assert float(optimizer.momentum) == pytest.approx(0.9)
    weights_by_update(optimizer, epochs=1)
    assert float(optimizer.momentum) == pytest.approx(FALLING(UPDATES_AN_EPOCH))
    assert optimizer.hyperparameter_schedules["momentum"].schedule == FALLING


@pytest.mark.tensorflow
def test_a_training_loop_of_ones_own_compiles():
    import tensorflow as tf

    optimizer = SGD(RATE.in_steps(1), momentum=FALLING.in_steps(1))
    weights = keras.Variable(START.astype("float32"))

    @tf.function
    def update(g):
        optimizer.apply([g], [weights])
        return optimizer.momentum

    for k, expected in enumerate(simulated(sgd(RATE, FALLING)).values()):
        g = gradient(weights.numpy().astype(float), k)
        momentum = float(update(tf.constant(g, tf.float32)))
        assert momentum == pytest.approx(FALLING(k + 1), rel=1e-6)
        np.testing.assert_allclose(weights.numpy(), expected, atol=3e-6)
