"""Data that do not fit together are refused in words that name the array."""

import numpy as np
import pandas as pd
import pytest

from textbook.splits.rows import as_rows

X, IDS = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100)
KIND, PRICE = np.arange(100) % 4, np.linspace(0, 1, 100)
ONE_HOT = np.eye(4)[KIND]
ROWS = "expected at least one row, and as many in every array, got"


def with_nan(values):
    values = values.copy()
    values.flat[5] = np.nan
    return values


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (({"a": X, "b": IDS[:99]}, KIND), rf"{ROWS} x\['a'\]: 100, x\['b'\]: 99, y: 100; give each array"),
        (((X, IDS), {"u": KIND, "v": PRICE[:7]}), rf"{ROWS} x\[0\]: 100, x\[1\]: 100, y\['u'\]: 100, y\['v'\]: 7"),
        ((X, (KIND, PRICE[1:])), rf"{ROWS} x: 100, y\[0\]: 100, y\[1\]: 99"),
        (((X[:0], IDS[:0]), KIND[:0]), rf"{ROWS} x\[0\]: 0, x\[1\]: 0, y: 0"),
        (({}, KIND), "expected at least one array in x, got an empty dict; pass for instance"),
        ((X, {}), "expected at least one array in y, got an empty dict"),
        (({"a": X, "b": {}}, KIND), r"expected at least one array in x\['b'\], got an empty dict"),
        (({"a": X, "b": 3.0}, KIND), r"expected x\['b'\] as an array of shape \(rows, …\), got shape \(\)"),
        (({"a": X, "b": None}, KIND), r"expected x\['b'\] as an array of shape"),
        (({"a": X, "b": X[:, :0]}, KIND), r"expected x\['b'\] as an array of shape .* got shape \(100, 0\)"),
        (((X, X.astype(str)), KIND), r"expected whole numbers or floats in x\[1\], got <U\d+; number categories"),
        (((X, KIND == 1), KIND), r"expected whole numbers or floats in x\[1\], got bool; .*\.astype\(int\)"),
        (({"a": [[1, 2], [3]]}, KIND), r"expected x\['a'\] as an array, got .*inhomogeneous.*; pad rows to one length"),
        ((IDS, (KIND, PRICE)), r"expected x of shape \(rows, features, …\), got \(100,\); reshape x with"),
        ((5, (KIND, PRICE)), r"expected x of shape \(rows, features, …\), got \(\); reshape x with"),
    ],
)
def test_samples(data, message):
    with pytest.raises(ValueError, match=message):
        as_rows(data)


FITTING = r"as classes of shape \(rows,\), or as floats of shape \(rows,\) or \(rows, values\), got"


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (KIND.reshape(100, 1), rf"{FITTING} int64 of shape \(100, 1\); .*values with .astype\(float\)"),
        (ONE_HOT.astype(int), rf"{FITTING} one-hot labels of shape \(100, 4\); one-hot labels with .argmax\(axis=1\)"),
        (ONE_HOT, rf"{FITTING} one-hot labels of shape \(100, 4\)"),
        (ONE_HOT == 1, rf"{FITTING} one-hot labels of shape \(100, 4\)"),
        (X[:, None], rf"{FITTING} float64 of shape \(100, 1, 3\)"),
        (X[:, :0], rf"{FITTING} float64 of shape \(100, 0\)"),
        (2.0, rf"{FITTING} float64 of shape \(\)"),
        (KIND - 1, r"as classes 0, 1, … or as floats, got int64 such as np.int64\(-1\); np.unique"),
        (KIND + 2000, r"as classes 0, 1, … or as floats, got int64 such as np.int64\(2000\)"),
        (KIND.astype(str), "as classes 0, 1, … or as floats, got <U21 such as"),
    ],
)
def test_labels_of_one_of_several_outputs(leaf, message):
    with pytest.raises(ValueError, match=r"expected y\['other'\] " + message):
        as_rows((X, {"kind": KIND, "other": leaf}))
    with pytest.raises(ValueError, match=r"expected y\[1\] " + message):
        as_rows(((X, IDS), (PRICE, np.asarray(leaf))))


@pytest.mark.parametrize("values", [PRICE, X])
def test_values_that_are_not_finite(values):
    for y, name in ((with_nan(values), "y"), ({"u": KIND, "v": with_nan(values)}, r"y\['v'\]")):
        with pytest.raises(ValueError, match=f"expected finite values in {name}, got NaN or infinity; drop"):
            as_rows((X, y))


@pytest.mark.parametrize("y", [ONE_HOT, ONE_HOT.astype(int), KIND.reshape(100, 1), X[:, None], X[:, :0], X[:50]])
def test_a_single_output_of_a_shape_that_does_not_fit_is_refused_as_ever(y):
    with pytest.raises(ValueError, match=r"expected x of shape .* and y of shape \(rows,\), got .*one-hot labels with"):
        as_rows((X, y))


def test_several_values_a_row_are_a_regression():
    for y in (X, X[:, :1], np.eye(100)[:, :3] * 2, (X > 0).astype(float)):  # the last: several ones in a row
        rows = as_rows((X, y))
        assert rows.y is y and rows.classes is None and len(rows) == 100


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            np.ones(99),
            r"expected sample_weight as numbers of shape \(100,\), got float64 of shape \(99,\); a row has one",
        ),
        (np.ones((100, 1)), r"got float64 of shape \(100, 1\)"),
        ({"u": np.ones(100)}, r"got object of shape \(\); a row has one weight, for all outputs"),
        (1.0, r"got float64 of shape \(\)"),
        (["a"] * 100, r"got <U1 of shape \(100,\)"),
        (PRICE - 0.5, r"expected finite values from 0 up in sample_weight, got -0\.5; give rows that should not count"),
        (with_nan(PRICE), "expected finite values from 0 up in sample_weight, got nan"),
        (PRICE + np.inf, "expected finite values from 0 up in sample_weight, got inf"),
    ],
)
def test_weights(weights, message):
    for x, y in ((X, KIND), ((X, IDS), (KIND, PRICE))):
        with pytest.raises(ValueError, match=message):
            as_rows((x, y, weights))


@pytest.mark.parametrize("weights", [np.arange(100), [0.5] * 100, KIND == 1, pd.Series(PRICE, index=IDS[::-1])])
def test_weights_become_floats_in_the_order_of_the_rows(weights):
    found = as_rows([X, KIND, weights]).sample_weight
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.asarray(list(weights), float))


@pytest.mark.parametrize("data", [(X,), (X, KIND, PRICE, PRICE), X, "digits"])
def test_neither_pair_nor_triple(data):
    with pytest.raises(
        ValueError, match=r"expected a Dataset or a pair \(x, y\), got .*; pass .*\(x, y, sample_weight"
    ):
        as_rows(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (([X, IDS], KIND), r"expected x as one array, or as a tuple or dict of several, got a list of 2 arrays"),
        (([X, X], KIND), r"got a list of 2 arrays; pass tuple\(x\) for several, np.stack\(x\) for one"),
        (([X, X], {"u": KIND, "v": PRICE}), r"expected x as one array"),
        ((X, [KIND, PRICE]), r"expected y as one array, or as a tuple or dict of several, got a list of 2 arrays"),
        (((X, IDS), [KIND, X]), r"expected y as one array"),
    ],
)
def test_lists_of_arrays_are_told_from_several_inputs(data, message):
    with pytest.raises(ValueError, match=message):
        as_rows(data)


def test_lists_and_tuples_of_rows_are_one_array_as_ever():
    for x in (X.tolist(), tuple(map(tuple, X.tolist())), tuple(X.tolist()), list(X)):
        for y in (KIND.tolist(), tuple(KIND.tolist()), tuple(KIND), list(KIND)):
            rows = as_rows((x, y))
            np.testing.assert_array_equal(rows.x, X)
            np.testing.assert_array_equal(rows.y, KIND)
            assert rows.classes == 4
