"""What the tests of the range tests share: a tiny model with everything that keeps state, and tiny data."""

import keras
import numpy as np
import pytest

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(0.01),
}


@pytest.fixture(scope="session")
def data():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(96, 6)).astype("float32")
    return x, (x @ draw.normal(size=(6, 3))).argmax(axis=1)


@pytest.fixture
def make():
    """A compiled model with dropout, batch norm, a penalty and a metric; the same weights each time."""

    def build(optimizer="sgd", **settings):
        keras.utils.set_random_seed(7)
        model = keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(8, kernel_regularizer=keras.regularizers.L2(0.01)),
                keras.layers.BatchNormalization(),
                keras.layers.Activation("relu"),
                keras.layers.Dropout(0.3),
                keras.layers.Dense(3),
            ]
        )
        optimizer = OPTIMIZERS[optimizer]() if isinstance(optimizer, str) else optimizer
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, metrics=["accuracy"], **settings)
        return model

    return build


@pytest.fixture(scope="session")
def same_training():
    """A check that two models were trained alike: equal histories, weights, seeds and slots, to the last bit."""

    def check(ours, oracle, history, expected):
        assert history.history == expected.history
        for one, two in zip(ours.variables, oracle.variables, strict=True):
            assert np.array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(two)), one.path
        for one, two in zip(ours.optimizer.variables, oracle.optimizer.variables, strict=True):
            assert np.array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(two)), one.path

    return check


@pytest.fixture
def linear():
    """y = w·x without noise or randomness, whose losses are simulated in NumPy; one weight that starts at 0."""

    def build(optimizer=None, **settings):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        model.compile(optimizer or keras.optimizers.SGD(0.1), "mse", **settings)
        return model

    return build
