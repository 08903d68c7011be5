"""Labels that do not fit outputs and loss are refused, where Keras would train them silently."""

import keras
import numpy as np
import pytest
from keras import losses

from textbook.replicas.inspection import Labels, check_labels

CLASSES = np.arange(12) % 3
TWO = np.arange(12) % 2
VALUES = np.linspace(-2, 2, 12)


def check(y, output, loss):
    check_labels(Labels.of(np.asarray(y)), output, loss)


GOOD = [
    (CLASSES, (None, 3), losses.SparseCategoricalCrossentropy()),
    (CLASSES, (None, 5), losses.SparseCategoricalCrossentropy()),
    (CLASSES.astype("uint8"), (None, 3), losses.SparseCategoricalCrossentropy()),
    (np.zeros((12, 6), int), (None, 6, 3), losses.SparseCategoricalCrossentropy()),
    (np.zeros((12, 6), int), (None, None, 3), losses.SparseCategoricalCrossentropy()),
    (np.where(CLASSES == 2, 255, CLASSES), (None, 2), losses.SparseCategoricalCrossentropy(ignore_class=255)),
    (CLASSES, (None, 3), losses.CategoricalCrossentropy(label_smoothing=0.1)),
    (CLASSES, (None, 3), losses.CategoricalFocalCrossentropy()),
    (np.full((12, 3), 1 / 3), (None, 3), losses.KLDivergence()),
    (TWO, (None, 1), losses.BinaryCrossentropy()),
    (TWO.astype(bool), (None, 1), losses.BinaryCrossentropy()),
    (np.full((12, 4), 0.3), (None, 4), losses.BinaryFocalCrossentropy()),
    (TWO, (None, 1), losses.Hinge()),
    (2.0 * TWO - 1, (None, 1), losses.SquaredHinge()),
    (VALUES, (None, 1), losses.MeanSquaredError()),
    (VALUES, (None,), losses.MeanSquaredError()),
    (VALUES[:, None], (None, 1), losses.Huber()),
    (np.zeros((12, 3)), (None, 3), losses.LogCosh()),
    (np.zeros((12, 3)), (None, 3, 1), losses.MeanSquaredError()),
    (CLASSES, (None, 1), losses.MeanSquaredError()),
    (CLASSES, (None, 1), losses.Poisson()),
    (np.abs(VALUES), (None, 1), losses.MeanSquaredLogarithmicError()),
]


@pytest.mark.parametrize(("y", "output", "loss"), GOOD)
def test_what_fits_is_let_through(y, output, loss):
    check(y, output, loss)


SPARSE = losses.SparseCategoricalCrossentropy(from_logits=True)
BAD = [
    (CLASSES, (None, 2), SPARSE, r"at least 3 outputs for the classes in y, got 2; let the builder take it"),
    (CLASSES, (None, 2), losses.CategoricalCrossentropy(), "at least 3 outputs for the classes in y, got 2"),
    (TWO, (None, 1), SPARSE, r"at least 2 outputs .* got 1; .*, or pass loss=keras.losses.BinaryCrossentropy"),
    (CLASSES - 1, (None, 3), SPARSE, r"classes 0, 1, … in y for Sparse.*, got -1; np.unique"),
    (VALUES, (None, 3), SPARSE, r"whole numbers in y for Sparse.*, got floats from -2 to 2; convert them"),
    (CLASSES, (None, 6, 3), SPARSE, r"y of shape \(rows, 6\) for Sparse.*, got \(rows,\)"),
    (np.full((12, 3), 2.0), (None, 3), losses.CategoricalCrossentropy(), "shares from 0 to 1 in y .*, got 2 to 2"),
    (np.full((12, 3), 0.5), (None, 4), losses.CategoricalCrossentropy(), r"y of shape \(rows, 4\)"),
    (CLASSES, (None, 1), losses.BinaryCrossentropy(), "labels 0 and 1 in y for BinaryCrossentropy, got 0 to 2; use"),
    (
        TWO,
        (None, 2),
        losses.BinaryCrossentropy(),
        r"shape \(rows, 2\) for Binary.*, as .*, got \(rows,\); use a loss for",
    ),
    (CLASSES, (None, 1), losses.Hinge(), "labels −1 and 1, or 0 and 1, in y for Hinge, got 0 to 2; number"),
    (np.where(TWO, 0.5, -0.5), (None, 1), losses.SquaredHinge(), "in y for SquaredHinge, got fractions"),
    (VALUES, (None, 1), losses.Poisson(), "counts from 0 up in y for Poisson, got -2 to 2"),
    (VALUES, (None, 1), losses.MeanSquaredLogarithmicError(), "values from 0 up in y .*, got -2 to 2"),
    (
        VALUES,
        (None, 3),
        losses.MeanSquaredError(),
        r"y of shape \(rows, 3\) .*, got \(rows,\); give y a column for each",
    ),
    (VALUES[:, None], (None, 3), losses.MeanAbsoluteError(), r"y of shape \(rows, 3\) .*, got \(rows, 1\)"),
    (np.zeros((12, 2)), (None, 1), losses.MeanSquaredError(), r"y of shape \(rows, 1\) .*, got \(rows, 2\)"),
    (np.zeros((12, 2)), (None, 2, 2), losses.MeanSquaredError(), r"y of shape \(rows, 2, 2\) .*, got \(rows, 2\)"),
    (CLASSES, (None, 3), losses.CosineSimilarity(), r"shape \(rows, 3\) for CosineSimilarity"),
]


@pytest.mark.parametrize(("y", "output", "loss", "message"), BAD)
def test_what_does_not_fit_is_refused(y, output, loss, message):
    with pytest.raises(ValueError, match="expected " + ("" if message.startswith("y of") else ".*") + message):
        check(y, output, loss)


@pytest.mark.parametrize(
    ("y", "units", "loss"),
    [
        (VALUES[:, None], 3, losses.MeanSquaredError()),
        (np.zeros((12, 2)), 1, losses.MeanSquaredError()),
        (CLASSES[:, None], 1, losses.BinaryCrossentropy(from_logits=True)),
        (np.abs(VALUES), 3, SPARSE),
    ],
)
def test_keras_itself_trains_these_silently(y, units, loss):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(units)])
    model.compile(keras.optimizers.SGD(0.01), loss)
    assert np.isfinite(model.fit(np.ones((12, 1)), y, verbose=0).history["loss"][0])
    with pytest.raises(ValueError, match="expected"):
        check(y, (None, units), loss)


def test_labels_that_are_no_finite_numbers_are_refused():
    with pytest.raises(ValueError, match=r"finite numbers in y\['a'\], got NaN or infinity; drop"):
        Labels.of(np.array([0.0, np.nan]), "y['a']")
    with pytest.raises(ValueError, match=r"numbers in y, got <U3; np.unique"):
        Labels.of(np.array(["cat", "dog"]))


def test_a_loss_of_the_users_own_gets_what_it_is_given():
    class Likelihood(losses.Loss):
        def call(self, y, outputs):
            return outputs[:, 0] + outputs[:, 1] * y[:, 0]

    class Other(losses.MeanSquaredError):
        pass

    for loss in (Likelihood(), Other()):
        check(VALUES, (None, 2), loss)
