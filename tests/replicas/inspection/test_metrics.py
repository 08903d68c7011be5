"""Metrics that are no means over samples are refused, and functions of a sample are not."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from textbook.replicas.inspection import check_metrics, check_per_sample


def brier(y, outputs):
    return ops.mean(ops.square(outputs), axis=-1)


def loss(y, outputs):
    return brier(y, outputs)


GOOD = [
    None,
    (),
    ["accuracy", brier, "mean_absolute_error"],
    [keras.metrics.sparse_categorical_accuracy],
    {"a": ["accuracy"], "b": None},
]


@pytest.mark.parametrize("metrics", GOOD)
def test_names_and_functions_are_let_through(metrics):
    check_metrics(metrics)


def test_a_name_that_keras_does_not_know_is_left_to_others():
    check_metrics(["brier"])


@pytest.mark.parametrize(
    "metric", ["AUC", "auc", "precision", "f1_score", "mean_io_u", keras.metrics.AUC, keras.metrics.R2Score()]
)
def test_what_collects_a_state_is_refused_with_the_way_out(metric):
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", "R2Score")
    message = rf"mean over samples, got '{name}'; pass a function \(y, outputs\) -> \(batch,\).* result\.trained\("
    with pytest.raises(ValueError, match=message):
        check_metrics([metric])
    with pytest.raises(ValueError, match=message):
        check_metrics({"head": ["accuracy", metric]})


def test_a_metric_object_that_is_a_mean_is_refused_with_the_function_it_has():
    with pytest.raises(ValueError, match="got 'MeanAbsoluteError'; pass its name, 'mean_absolute_error'"):
        check_metrics([keras.metrics.MeanAbsoluteError()])
    check_metrics(["mean_absolute_error"])
    with pytest.raises(ValueError, match="got 'mse'; pass its name, 'mean_squared_error'"):
        check_metrics(["mse"])
    message = r"returns keras.metrics.sparse_top_k_categorical_accuracy\(y, outputs, k=3.*\)"
    with pytest.raises(ValueError, match=message):
        check_metrics([keras.metrics.SparseTopKCategoricalAccuracy(k=3)])


def test_metrics_are_a_list_and_have_names_of_their_own():
    with pytest.raises(ValueError, match="expected metrics as a list, got 'accuracy'; write"):
        check_metrics("accuracy")
    with pytest.raises(ValueError, match="expected metrics as a list"):
        check_metrics(brier)
    with pytest.raises(ValueError, match=r"a function with a name, got functools.partial"):
        check_metrics([functools.partial(brier)])
    with pytest.raises(ValueError, match="names of their own, got 'loss' which the table has already; rename"):
        check_metrics([loss])
    with pytest.raises(ValueError, match="got 'brier' twice"):
        check_metrics([brier, brier])


LABELS, OUTPUTS = keras.KerasTensor((1,), "int32"), keras.KerasTensor((1, 10))
VALUES, ONE = keras.KerasTensor((1, 1)), keras.KerasTensor((1, 1))

PER_SAMPLE = [
    lambda y, outputs: ops.mean(outputs, axis=-1),
    lambda y, outputs: ops.equal(ops.cast(ops.argmax(outputs, axis=-1), y.dtype), y),
    keras.metrics.sparse_categorical_accuracy,
]


@pytest.mark.parametrize("function", PER_SAMPLE)
def test_a_value_per_sample_is_let_through(function):
    check_per_sample("metric 'm'", function, LABELS, OUTPUTS)


def test_structures_are_handed_on():
    check_per_sample("metric 'm'", lambda y, o: o["a"][:, 0] + y[1][:, 0], [LABELS, VALUES], {"a": OUTPUTS, "b": ONE})


NOT_PER_SAMPLE = [
    (lambda y, outputs: ops.mean(outputs), r"got shape \(\) for a batch of .; return the value of each sample"),
    (lambda y, outputs: ops.mean(outputs, axis=0), r"got shape \(10,\) for a batch of .; take the mean over the other"),
    (lambda y, outputs: ops.mean(outputs, axis=-1, keepdims=True), r"got shape \(., 1\)"),
    (lambda y, outputs: outputs, r"got shape \(., 10\)"),
    (lambda y, outputs: (outputs, 1), "got tuple"),
    (lambda y, outputs: None, "got NoneType"),
]


@pytest.mark.parametrize(("function", "message"), NOT_PER_SAMPLE)
def test_anything_else_is_refused(function, message):
    with pytest.raises(ValueError, match=r"expected metric 'm' to return shape \(batch,\), " + message):
        check_per_sample("metric 'm'", function, LABELS, OUTPUTS)


def test_one_output_does_not_hide_a_mean_over_the_batch():
    with pytest.raises(ValueError, match=r"got shape \(1,\)"):
        check_per_sample("metric 'm'", lambda y, outputs: ops.mean(outputs, axis=0), VALUES, ONE)


def test_functions_that_need_values_are_refused_in_words():
    def by_numpy(y, outputs):
        return np.mean(np.asarray(outputs), axis=-1)

    def by_if(y, outputs):
        return outputs[:, 0] if ops.max(outputs) > 0 else outputs[:, 1]

    for function in (by_numpy, by_if):
        with pytest.raises(ValueError, match=r"expected metric 'm' to compute with tensors, got .*: .*; use keras.ops"):
            check_per_sample("metric 'm'", function, LABELS, OUTPUTS)


def test_a_loss_may_have_more_axes_and_no_fewer():
    check_per_sample("loss 'l'", lambda y, outputs: outputs, LABELS, OUTPUTS, more_axes=True)
    with pytest.raises(ValueError, match=r"expected loss 'l' .* got shape \(\)"):
        check_per_sample("loss 'l'", lambda y, outputs: ops.mean(outputs), LABELS, OUTPUTS, more_axes=True)
