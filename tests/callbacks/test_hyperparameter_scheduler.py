"""What the scheduler sets is what the updates use, checked against NumPy; where it would not be, it refuses."""

import keras
import numpy as np
import pytest

from tests.callbacks.small_models import ON_JAX, ON_TORCH
from textbook.callbacks import HyperparameterScheduler, reach
from textbook.schedules import CosineDecay, StepDecay

STEPS, EPOCHS = 3, 3
X = np.random.default_rng(0).normal(size=(12, 2)).astype("float32")
Y = (X @ [[1.0], [-2.0]]).astype("float32")
# JAX without XLA runs Python at every update, as TensorFlow does when it runs eagerly
IN_PYTHON = {"jit_compile": False} if ON_JAX else {} if ON_TORCH else {"run_eagerly": True}
COMPILED = {"jit_compile": True} if ON_JAX else {}


def trained(optimizer, callbacks, **compiled):
    """(weights after training from (0.5, 0.5), history)."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer, "mse", **compiled)
    model.set_weights([np.full((2, 1), 0.5)])
    history = model.fit(
        X, Y, batch_size=len(X) // STEPS, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=callbacks
    ).history
    return model.get_weights()[0].ravel(), history


def gradients(weights):
    """Of the mean squared error of each batch in turn, endlessly, at the weights that the caller keeps changing."""
    while True:
        for rows, targets in zip(np.split(X.astype(float), STEPS), np.split(Y.astype(float), STEPS), strict=True):
            yield 2 * rows.T @ (rows @ weights - targets.ravel()) / len(rows)


def momentum_by_numpy(momentum, rate=lambda k: 0.05, decay=lambda k: 0.0):
    """v ← μ_k·v − r_k·g, w ← w − w·d_k·r_k + v over all updates k."""
    weights, velocity = np.full(2, 0.5), np.zeros(2)
    slopes = gradients(weights)
    for k in range(STEPS * EPOCHS):
        slope = next(slopes)
        velocity = momentum(k) * velocity - rate(k) * slope
        weights -= weights * decay(k) * rate(k)
        weights += velocity
    return weights


def adam_by_numpy(beta, rate=0.05):
    """Adam with a first decay rate that changes: the bias is corrected with the current one to the power k + 1."""
    weights, first, second = np.full(2, 0.5), np.zeros(2), np.zeros(2)
    slopes = gradients(weights)
    for k in range(STEPS * EPOCHS):
        slope = next(slopes)
        first = beta(k) * first + (1 - beta(k)) * slope
        second = 0.999 * second + 0.001 * slope**2
        alpha = rate * np.sqrt(1 - 0.999 ** (k + 1)) / (1 - beta(k) ** (k + 1))
        weights -= alpha * first / (np.sqrt(second) + 1e-7)
    return weights


FALLING = StepDecay(0.9, factor=0.5, every=1)
COSINE = CosineDecay(0.95, total=3, final=0.3)


def sgd(momentum=0.9, **arguments):
    return keras.optimizers.SGD(0.05, momentum=momentum, **arguments)


@pytest.mark.parametrize(
    ("schedule", "at"),
    [
        (FALLING, lambda k: FALLING(k // STEPS)),
        (lambda epoch: 0.8 - 0.1 * epoch, lambda k: 0.8 - 0.1 * (k // STEPS)),
        (COSINE.per_update(), lambda k: COSINE(k / STEPS)),
        (COSINE.in_steps(STEPS), lambda k: COSINE(k / STEPS)),
        (keras.optimizers.schedules.PolynomialDecay(0.9, 9, 0.1), lambda k: 0.9 - 0.8 * k / 9),
    ],
    ids=["schedule of epochs", "function of epochs", "per update", "in steps", "Keras's own"],
)
def test_momentum_changes_the_updates_as_numpy_says(schedule, at):
    weights, history = trained(sgd(), [HyperparameterScheduler("momentum", schedule)], **IN_PYTHON)
    assert weights == pytest.approx(momentum_by_numpy(at), rel=2e-5)
    assert history["momentum"] == pytest.approx([at(k) for k in (2, 5, 8)], rel=1e-6)
    assert np.abs(weights - momentum_by_numpy(lambda k: 0.9)).max() > 0.01  # a constant one would be seen


def test_weight_decay_changes_the_updates_as_numpy_says():
    strength = StepDecay(2.0, factor=0.1, every=1)
    weights, _ = trained(sgd(weight_decay=0.1), [HyperparameterScheduler("weight_decay", strength)], **IN_PYTHON)
    expected = momentum_by_numpy(lambda k: 0.9, decay=lambda k: strength(k // STEPS))
    assert weights == pytest.approx(expected, rel=2e-5)


def test_the_learning_rate_can_be_set_in_a_compiled_step():
    rate = CosineDecay(0.1, total=3)
    weights, history = trained(sgd(), [HyperparameterScheduler("learning_rate", rate.per_update())], **COMPILED)
    assert weights == pytest.approx(momentum_by_numpy(lambda k: 0.9, lambda k: rate(k / STEPS)), rel=2e-5)
    assert history["learning_rate"] == pytest.approx([rate(k / STEPS) for k in (2, 5, 8)])


def test_a_variable_of_the_optimizer_can_be_set_in_a_compiled_step():
    beta = StepDecay(0.9, factor=0.5, every=1)
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.beta_1 = keras.Variable(0.9, trainable=False)
    weights, _ = trained(optimizer, [HyperparameterScheduler("beta_1", beta)], **COMPILED)
    assert weights == pytest.approx(adam_by_numpy(lambda k: beta(k // STEPS)), rel=2e-5)


compiled_only = pytest.mark.skipif(ON_TORCH, reason="torch runs Python at every update")


@compiled_only
@pytest.mark.parametrize(("name", "optimizer"), [("momentum", sgd), ("beta_1", keras.optimizers.Adam)])
def test_a_number_baked_into_the_step_is_refused(name, optimizer):
    with pytest.raises(ValueError, match=rf"expected a {name} that .* ignore .*; mend by .*textbook.optimizers"):
        trained(optimizer(), [HyperparameterScheduler(name, FALLING)], **COMPILED)


@compiled_only
def test_the_refusal_is_warranted(monkeypatch):
    """Let through, the attribute moves and the updates do not."""
    monkeypatch.setattr("textbook.callbacks.hyperparameter_scheduler.obstacle", lambda model, name: None)
    optimizer = sgd()
    weights, history = trained(optimizer, [HyperparameterScheduler("momentum", FALLING)], **COMPILED)
    assert history["momentum"] == [0.9, 0.45, 0.225] and optimizer.momentum == 0.225
    assert weights == pytest.approx(momentum_by_numpy(lambda k: 0.9), rel=2e-5)


@pytest.mark.skipif(not ON_TORCH, reason="about torch.compile")
def test_compiled_torch_is_refused_too():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(sgd(), "mse", jit_compile=True)
    assert "baked into the compiled step" in HyperparameterScheduler("momentum", FALLING).obstacle(model)
    assert HyperparameterScheduler("learning_rate", FALLING).obstacle(model) is None


@pytest.mark.parametrize(
    ("name", "optimizer", "said"),
    [
        ("momentum", lambda: sgd(0.0), r"expected SGD compiled with a momentum above 0, got 0, .*; mend by"),
        ("momentun", sgd, r"expected a number of SGD \(learning_rate, weight_decay, .*momentum.*\), got 'momentun'"),
        ("nesterov", sgd, r"expected a number of SGD .*, got 'nesterov'"),
        ("ema_momentum", sgd, r"expected SGD compiled with use_ema=True"),
        (
            "learning_rate",
            lambda: keras.optimizers.SGD(COSINE.in_steps(3)),
            r"expected a learning rate as a number, got a schedule in the compiled SGD.*; mend by",
        ),
    ],
)
def test_what_cannot_be_set_is_refused_before_training(name, optimizer, said):
    with pytest.raises(ValueError, match=said):
        trained(optimizer(), [HyperparameterScheduler(name, FALLING)], **IN_PYTHON)


def test_an_optimizer_that_schedules_the_name_itself_is_refused():
    optimizer = sgd()
    optimizer.momentum = COSINE.in_steps(3)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", **IN_PYTHON)
    assert "which schedules it itself; mend by keeping one" in reach.obstacle(model, "momentum")


@pytest.mark.skipif(ON_TORCH, reason="Keras's torch trainer refuses steps_per_execution")
def test_a_schedule_of_updates_is_refused_where_callbacks_see_blocks():
    with pytest.raises(ValueError, match=r"expected steps_per_execution=1 for a learning_rate that .*; mend by"):
        trained(sgd(), [HyperparameterScheduler("learning_rate", COSINE.per_update())], steps_per_execution=3)


def test_updates_go_on_counting_in_a_second_fit():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(sgd(), "mse")
    rate = HyperparameterScheduler("learning_rate", CosineDecay(0.1, total=6).per_update())
    seen = []
    for _ in range(2):
        seen += model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=[rate]).history["learning_rate"]
    assert seen == pytest.approx([CosineDecay(0.1, total=6)((k - 1) / STEPS) for k in range(3, 19, 3)])


@pytest.mark.parametrize("value", [np.nan, "0.9", None, [0.9]])
def test_a_schedule_must_return_finite_numbers(value):
    with pytest.raises(ValueError, match=r"expected a finite number as learning_rate, got .*; mend by"):
        trained(sgd(), [HyperparameterScheduler("learning_rate", lambda epoch: value)])


@pytest.mark.parametrize(("name", "schedule"), [("momentum", 0.9), (FALLING, "momentum")])
def test_wrong_arguments_are_refused(name, schedule):
    with pytest.raises(ValueError, match=r"expected the name of a hyperparameter and a schedule, got .*; mend by"):
        HyperparameterScheduler(name, schedule)
