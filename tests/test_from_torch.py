"""The numbers of docs/from_torch.md, against the installed Keras and, where it is installed, torch."""

import inspect

import keras
import numpy as np
import pytest

# what, Keras's default, torch's default; as the page says
DEFAULTS = [
    ("AdamW", "weight_decay", 0.004, "weight_decay", 0.01),
    ("Adam", "epsilon", 1e-7, "eps", 1e-8),
    ("RMSprop", "rho", 0.9, "alpha", 0.99),
    ("RMSprop", "learning_rate", 0.001, "lr", 0.01),
    ("Adagrad", "learning_rate", 0.001, "lr", 0.01),
    ("Adagrad", "initial_accumulator_value", 0.1, "initial_accumulator_value", 0),
]


def default(owner, name):
    return inspect.signature(owner).parameters[name].default


@pytest.mark.parametrize(("optimizer", "name", "number", "_", "__"), DEFAULTS)
def test_keras_optimizers_have_these_defaults(optimizer, name, number, _, __):
    assert default(getattr(keras.optimizers, optimizer), name) == number


@pytest.mark.parametrize(("optimizer", "_", "__", "name", "number"), DEFAULTS)
def test_torch_optimizers_have_these_defaults(optimizer, _, __, name, number):
    torch = pytest.importorskip("torch")
    assert default(getattr(torch.optim, optimizer), name) == number


def test_layers_and_schedulers_have_these_defaults():
    norm = keras.layers.BatchNormalization
    assert (default(norm, "momentum"), default(norm, "epsilon")) == (0.99, 1e-3)
    assert default(keras.layers.LeakyReLU, "negative_slope") == 0.3
    torch = pytest.importorskip("torch")
    norm = torch.nn.BatchNorm1d
    assert (default(norm, "momentum"), default(norm, "eps")) == (0.1, 1e-5)
    assert default(torch.nn.LeakyReLU, "negative_slope") == 0.01
    assert default(torch.optim.lr_scheduler.ReduceLROnPlateau, "threshold_mode") == "rel"


def test_a_penalty_of_half_the_decay_is_torchs_weight_decay():
    """Five updates of Keras with L2(w/2) and momentum, beside torch's rule by its formula: g + wθ in the velocity."""
    decay, rate, momentum = 0.3, 0.1, 0.9
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(decay / 2))]
    )
    model.layers[0].kernel.assign([[2.0]])
    model.compile(keras.optimizers.SGD(rate, momentum=momentum), "mse")
    theta, velocity = 2.0, 0.0
    for _ in range(5):
        model.train_on_batch(np.ones((4, 1)), np.zeros((4, 1)))
        velocity = momentum * velocity + 2 * theta + decay * theta
        theta -= rate * velocity
    assert float(model.layers[0].kernel[0, 0]) == pytest.approx(theta, rel=1e-5)


def test_torchs_multi_margin_loss_is_weston_watkins_over_the_classes():
    torch = pytest.importorskip("torch")
    from textbook.losses import weston_watkins

    random = np.random.default_rng(0)
    scores, y = random.normal(size=(6, 4)).astype("float32"), random.integers(4, size=6)
    theirs = float(torch.nn.MultiMarginLoss()(torch.tensor(scores), torch.tensor(y)))
    assert float(np.mean(weston_watkins()(y, scores))) / 4 == pytest.approx(theirs, rel=1e-5)
