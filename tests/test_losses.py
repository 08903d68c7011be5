"""The Weston–Watkins loss: values, labels, gradients' sizes, saving."""

import keras
import numpy as np
import pytest

from textbook.losses import WestonWatkins, weston_watkins


def by_hand(labels, scores, margin):
    rows = []
    for label, row in zip(labels, scores, strict=True):
        rows.append(sum(max(0.0, s - row[label] + margin) for j, s in enumerate(row) if j != label))
    return np.array(rows)


@pytest.mark.parametrize("margin", [1.0, 0.5])
def test_values_of_each_sample_for_every_form_of_label(margin):
    random = np.random.default_rng(0)
    labels, scores = random.integers(5, size=7), random.normal(size=(7, 5)).astype("float32")
    loss = WestonWatkins(margin, reduction=None)
    expected = by_hand(labels, scores, margin)
    for form in (labels, labels[:, None], labels.astype("float32"), np.eye(5, dtype="float32")[labels]):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(loss(form, scores)), expected, rtol=1e-5)
    assert float(weston_watkins(margin)(labels, scores)) == pytest.approx(expected.mean(), rel=1e-5)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_zero_scores_cost_one_margin_a_wrong_class(classes):
    assert float(weston_watkins(2.0)(np.zeros(4, "int32"), np.zeros((4, classes)))) == 2.0 * (classes - 1)


def test_as_many_rows_as_classes_are_no_one_hot_labels():
    labels, scores = np.array([2, 0, 1]), np.eye(3)
    assert float(weston_watkins()(labels, scores)) == pytest.approx(by_hand(labels, scores, 1.0).mean())


def test_it_trains_and_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = x[:, :3].argmax(axis=1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.1), weston_watkins(0.7))
    first = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.5 * first
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").loss.margin == 0.7


@pytest.mark.parametrize("margin", [0, -1.0, float("nan"), "1", True])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ValueError, match="margin above 0"):
        weston_watkins(margin)


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="one-hot"):
        weston_watkins()(np.zeros((4, 2, 2)), np.zeros((4, 3)))
