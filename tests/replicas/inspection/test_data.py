"""Rows, inputs and weights that would train nonsense are refused, and each array is looked at once."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest

from textbook.replicas.inspection import DataCheck, check_equal_sizes
from textbook.replicas.inspection import data as data_module
from textbook.splits import Split, Splitter

ROWS = (np.arange(0, 60), np.arange(60, 80), np.arange(80, 95))  # the last five are in no part


def split_of(x, y=None, *, rows=ROWS, sample_weight=None):
    y = np.arange(100) % 3 if y is None else y
    return Split(x, y, rows, classes=3, seed=0, sample_weight=sample_weight)


def samples(dtype="float32"):
    return np.random.default_rng(0).normal(size=(100, 4)).astype(dtype)


def broken(*places, value=np.nan, dtype="float32"):
    x = samples(dtype)
    for place in places:
        x[place] = value
    return x


def check(split):
    DataCheck().split(split, "arm")


@pytest.mark.parametrize("x", [samples(), samples("float64"), np.zeros((100, 2, 2), "uint8"), np.ones((100, 3), bool)])
def test_finite_numbers_are_let_through(x):
    check(split_of(x))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_in_use_with_nan_or_infinity_are_refused_with_their_count_and_the_first(value):
    message = (
        r"finite numbers in x for 'arm', got NaN or infinity in 2 of the 95 rows in use, the first of them row 7; fill"
    )
    with pytest.raises(ValueError, match=message):
        check(split_of(broken((90, 1), (7, 0), (7, 2), value=value)))


def test_a_value_too_large_for_single_precision_is_refused_and_one_that_fits_is_not():
    check(split_of(broken((7, 0), value=1e38, dtype="float64")))
    with pytest.raises(ValueError, match="row 7"):
        check(split_of(broken((7, 0), value=1e39, dtype="float64")))


def test_a_broken_row_in_no_part_is_let_through():
    x = broken((97, 0))
    check(split_of(x))
    with pytest.raises(ValueError, match="in 1 of the 95 rows in use, the first of them row 97"):
        check(split_of(x, rows=(np.arange(3, 60), ROWS[1], np.arange(82, 100))))


def test_the_broken_one_of_several_inputs_is_named():
    good, bad = samples(), broken((3, 3))
    ids = np.arange(100)
    check(split_of({"image": good, "id": ids}))
    with pytest.raises(ValueError, match=r"in x\['image'\] for"):
        check(split_of({"id": ids, "image": bad}))
    with pytest.raises(ValueError, match=r"in x\[1\] for"):
        check(split_of((good, bad)))


def test_a_split_drawn_and_scaled_by_a_splitter_is_let_through():
    check(Splitter(({"a": samples(), "b": np.arange(100)}, np.arange(100) % 3), scale="standard")(3))


def test_tables_name_their_columns():
    table = pd.DataFrame(samples(), columns=list("abcd")).assign(yes=True, count=pd.array(range(100), dtype="Int64"))
    check(split_of(table))
    holes = table.copy()
    holes.loc[[4, 9], "b"] = np.nan
    holes.loc[9, "count"] = pd.NA
    with pytest.raises(ValueError, match=r"x \(columns b, count\) for 'arm', got NaN or infinity in 2 .* row 4;"):
        check(split_of(holes))
    with pytest.raises(ValueError, match="numbers in x, got other columns: town, when; encode or drop them"):
        check(split_of(table.assign(town="Ulm", when=pd.Timestamp("2020-01-01"))))


@pytest.mark.parametrize("x", [samples().astype(object), np.full((100, 1), "word"), samples() + 1j])
def test_arrays_of_anything_but_numbers_are_refused(x):
    with pytest.raises(ValueError, match=f"expected numbers in x, got {x.dtype}; number categories"):
        check(split_of(x))


def test_an_empty_training_part_is_refused_and_an_empty_validation_part_is_not():
    none = np.arange(0)
    check(split_of(samples(), rows=(ROWS[0], none, none)))
    with pytest.raises(ValueError, match="expected training rows for 'arm', got an empty training part"):
        check(split_of(samples(), rows=(none, ROWS[1], ROWS[2])))


def test_weights_are_finite_not_negative_and_not_all_zero():
    weights = np.ones(100)
    weights[:59] = 0
    check(split_of(samples(), sample_weight=weights))
    with pytest.raises(ValueError, match="sample_weight above 0 for some training row of 'arm', got 0 for all"):
        check(split_of(samples(), sample_weight=np.where(np.arange(100) < 60, 0.0, 1.0)))
    for value in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=rf"finite and not negative for 'arm', got {value} in row 70; "):
            check(split_of(samples(), sample_weight=np.where(np.arange(100) == 70, value, 1.0)))
        check(split_of(samples(), sample_weight=np.where(np.arange(100) == 97, value, 1.0)))


def test_an_array_is_looked_at_once_however_many_splits_share_it(monkeypatch):
    looked = []
    real = data_module._finite
    monkeypatch.setattr(data_module, "_finite", lambda values: looked.append(len(values)) or real(values))
    one = DataCheck()
    x, y = samples(), np.arange(100) % 3
    for seed in range(5):
        one.split(Splitter((x, y))(seed), "arm")
    assert looked == [100]
    one.split(split_of(samples()), "arm")
    assert looked == [100, 100], "another array with equal values is another array"


def test_an_array_that_was_dropped_is_not_taken_for_one_that_lies_in_its_place():
    one = DataCheck()
    for _ in range(50):
        one.split(split_of(samples()), "arm")
    with pytest.raises(ValueError, match="row 0"):
        for _ in range(50):
            one.split(split_of(broken((0, 0))), "arm")


def test_large_inputs_are_looked_at_to_the_last_row(monkeypatch):
    monkeypatch.setattr(data_module, "_ROWS", 32)
    with pytest.raises(ValueError, match="in 1 of the 95 rows in use, the first of them row 94"):
        check(split_of(broken((94, 3))))


SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_labels_are_held_against_the_output_they_belong_to():
    values = np.linspace(0, 1, 100, dtype="float32")
    split = dataclasses.replace(split_of(samples()), y={"kind": np.arange(100) % 3, "age": values})
    shapes, losses = [(None, 1), (None, 3)], [keras.losses.MeanSquaredError(), SPARSE]
    DataCheck().labels(split, shapes, losses)  # keras.tree lists age before kind
    DataCheck().labels(split, shapes[::-1], losses[::-1], order=(1, 0))
    with pytest.raises(ValueError, match=r"in y\['kind'\], got 2"):
        DataCheck().labels(split, [(None, 1), (None, 2)], losses)
    with pytest.raises(ValueError, match=r"in y\['age'\] for SparseCategoricalCrossentropy, got floats"):
        DataCheck().labels(split, shapes[::-1], losses[::-1])


def test_parts_of_equal_sizes_are_let_through_and_others_named_by_their_seeds():
    check_equal_sizes("arm", {3: (60, 20, 20), 1: (60, 20, 20)})
    message = (
        r"equal sizes for all seeds of 'arm', got 60 \+ 20 \+ 20 rows for seed 3 and 61 \+ 20 \+ 19 for seed 5; a Split"
    )
    with pytest.raises(ValueError, match=message):
        check_equal_sizes("arm", {3: (60, 20, 20), 1: (60, 20, 20), 5: (61, 20, 19)})
