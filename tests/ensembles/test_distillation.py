"""The loss against its formula and its gradient, and students that learn what they are taught."""

import keras
import numpy as np
import pytest

from tests.ensembles.small import data, net, softmax
from textbook.ensembles import Ensemble, distill, distillation_loss, distillation_targets, label_accuracy


def test_the_loss_is_the_formula_for_labelled_and_unlabelled_rows():
    random = np.random.default_rng(0)
    soft, z, y = softmax(random.normal(size=(3, 4))), random.normal(size=(3, 4)).astype("float32"), np.array([2, -1, 0])
    targets = distillation_targets(soft, y, temperature=3.0, alpha=0.7)
    divergence = (soft * np.log(soft / softmax(z / 3))).sum(axis=1)
    plain = -np.log(softmax(z))
    wanted = [
        0.7 * 9 * divergence[0] + 0.3 * plain[0, 2],
        9 * divergence[1],
        0.7 * 9 * divergence[2] + 0.3 * plain[2, 0],
    ]
    found = keras.ops.convert_to_numpy(distillation_loss(targets, keras.ops.convert_to_tensor(z)))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_the_squared_temperature_keeps_the_size_of_the_gradient():
    """At high temperatures T² ∂KL/∂z → (z − v)/C for centred logits z of the student and v of the teacher."""
    v, z, h = np.array([[1.0, -1.0, 0.0]]), np.array([[0.5, 0.5, -1.0]]), 1e-3
    targets = distillation_targets(softmax(v / 100), temperature=100.0, alpha=1.0).astype("float64")
    targets[:, :3] = softmax(v / 100)

    def loss(logits):
        return float(keras.ops.convert_to_numpy(distillation_loss(targets, keras.ops.convert_to_tensor(logits)))[0])

    steps = h * np.eye(3)
    gradient = [(loss(z + step) - loss(z - step)) / (2 * h) for step in steps]
    np.testing.assert_allclose(gradient, (z - v)[0] / 3, atol=0.02)


def test_a_perfect_student_has_no_loss_and_a_zero_probability_does_no_harm():
    targets = distillation_targets([[0.5, 0.5, 0.0]], temperature=1.0, alpha=1.0)
    assert float(distillation_loss(targets, np.array([[2.0, 2.0, -80.0]], "float32"))[0]) == pytest.approx(0, abs=1e-6)


def test_label_accuracy_counts_known_labels():
    targets = distillation_targets(np.full((3, 2), 0.5), [0, 1, -1], temperature=1.0, alpha=0.5)
    logits = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], "float32")
    assert keras.ops.convert_to_numpy(label_accuracy(targets, logits)).tolist() == [1, 0, 0]
    equal = np.zeros((3, 2), "float32")  # a dead network is no better than a guess
    assert keras.ops.convert_to_numpy(label_accuracy(targets, equal)).tolist() == [0.5, 0.5, 0]


def test_a_student_learns_the_teachers_probabilities_without_a_label():
    keras.utils.set_random_seed(0)
    x, _ = data(90)
    teacher, student = Ensemble([net(0), net(1)], logits=True), net(7, units=12)
    before = np.abs(softmax(student.predict(x, verbose=0)) - teacher.predict(x)).mean()
    distill(teacher, student, x, alpha=1.0, optimizer=keras.optimizers.Adam(0.02), epochs=25, batch_size=15)
    after = np.abs(softmax(student.predict(x, verbose=0)) - teacher.predict(x)).mean()
    assert after < 0.25 * before


def test_without_the_teacher_it_is_ordinary_training():
    x, y = data(60)
    taught, plain = net(3), net(3)
    settings = {"epochs": 3, "batch_size": 20, "shuffle": False}
    distill(net(0), taught, x, y=y, alpha=0.0, optimizer=keras.optimizers.SGD(0.1), **settings)
    plain.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    plain.fit(x, y, verbose=0, **settings)
    for one, other in zip(taught.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_student_keeps_its_optimizer_and_is_left_to_be_evaluated_with_labels():
    x, y = data(60)
    student = net(3)
    student.compile(keras.optimizers.SGD(0.05), "mse")
    own = student.optimizer
    history = distill(net(0), student, x, y=y, epochs=2, validation_data=(x, y))
    assert student.optimizer is own and int(own.iterations) == 4
    assert {"label_accuracy", "val_label_accuracy", "val_loss"} <= set(history.history)
    found = student.evaluate(x, y, verbose=0, return_dict=True)
    logits = student.predict(x, verbose=0)
    assert found["accuracy"] == pytest.approx(np.mean(logits.argmax(axis=1) == y), abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected labels for alpha=0.5"),
        ({"alpha": 1.5}, "alpha from 0 to 1"),
        ({"alpha": 1.0, "temperature": 0}, "temperature above 0"),
        ({"y": np.full(40, 3)}, "whole numbers from −1"),
        ({"y": np.zeros(39, int)}, "expected 40 labels"),
    ],
)
def test_what_does_not_fit_is_refused(settings, message):
    x, _ = data()
    with pytest.raises(ValueError, match=message):
        distill(net(0), net(1), x, **settings)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_student_with_other_classes_than_its_teacher_is_refused(classes):
    targets = distillation_targets(np.full((2, 3), 1 / 3), temperature=1.0, alpha=1.0)
    with pytest.raises(ValueError, match="mend by 3 outputs"):
        distillation_loss(targets, np.zeros((2, classes), "float32"))
