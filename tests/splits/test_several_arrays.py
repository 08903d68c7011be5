"""Several inputs, several outputs and sample weights: the same promises as for one array of each."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from textbook.splits import FixedTest, Splitter, split

ROWS = 120
IDS = np.arange(ROWS)
IMAGES = np.random.default_rng(0).normal(7, 2, (ROWS, 4, 4)).astype(np.float32)
TOKENS = np.random.default_rng(1).integers(0, 50, (ROWS, 6))
AGE = np.random.default_rng(2).uniform(20, 60, ROWS)
KIND = np.arange(ROWS) % 3
FLAG = np.arange(ROWS) % 2
PRICE = np.linspace(1, 2, ROWS).astype(np.float32)
BOXES = np.random.default_rng(3).normal(size=(ROWS, 4))
SIZES = (70, 30, 20)


def parts_of(found):
    return found.train, found.validation, found.test


def flat(structure):
    """The arrays of a structure in the order given: a second way to walk through it."""
    if isinstance(structure, dict | tuple):
        items = structure.values() if isinstance(structure, dict) else structure
        return [leaf for item in items for leaf in flat(item)]
    return [structure]


@pytest.mark.parametrize(
    "x",
    [
        IMAGES,
        (IMAGES,),
        (IMAGES, TOKENS),
        {"image": IMAGES, "age": AGE},
        {"z": TOKENS, "a": (IMAGES, {"years": AGE, "id": IDS})},
    ],
    ids=["one", "tuple of one", "tuple", "dict", "nested"],
)
@pytest.mark.parametrize(
    "y",
    [KIND, PRICE, BOXES, PRICE[:, None], (PRICE, KIND), {"kind": KIND, "box": BOXES}, {"b": (FLAG, PRICE), "a": KIND}],
    ids=["classes", "values", "vectors", "column", "tuple", "dict", "nested"],
)
def test_parts_have_the_structure_and_the_rows_of_the_data(x, y):
    weights = np.linspace(0, 3, ROWS)
    found = split((x, y, weights), seed=4, sizes=SIZES)
    assert [len(part) for part in parts_of(found)] == list(SIZES)
    assert np.array_equal(np.sort(np.concatenate(found.rows)), IDS)
    for part in parts_of(found):
        for given, of_split, of_part in ((x, found.x, part.x), (y, found.y, part.y)):
            assert _shape(of_split) == _shape(of_part) == _shape(given)
            for whole, some in zip(flat(given), flat(of_part), strict=True):
                assert some.dtype == whole.dtype
                np.testing.assert_array_equal(some, whole[part.indices])
        np.testing.assert_array_equal(part.sample_weight, weights[part.indices])
    np.testing.assert_array_equal(found.sample_weight, weights)


def _shape(structure):
    """The structure without its arrays, keys in order."""
    if isinstance(structure, dict):
        return [(key, _shape(item)) for key, item in structure.items()]
    return tuple(_shape(item) for item in structure) if isinstance(structure, tuple) else "array"


def test_the_arrays_themselves_are_not_copied():
    found = split(({"image": IMAGES, "tokens": TOKENS}, (PRICE, BOXES)), seed=0)
    assert found.x["image"] is IMAGES and found.x["tokens"] is TOKENS and found.y[1] is BOXES


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (KIND, 3),
        (BOXES, None),
        ((PRICE, KIND), (None, 3)),
        ({"kind": KIND, "flag": FLAG.astype(bool), "price": PRICE}, {"kind": 3, "flag": 2, "price": None}),
    ],
)
def test_classes_have_the_structure_of_the_labels(y, classes):
    assert split((IMAGES, y), seed=0).classes == classes


def test_one_input_in_a_structure_and_one_by_itself_are_drawn_alike():
    plain = Splitter((IMAGES, KIND), sizes=SIZES)
    for data in (({"image": IMAGES}, KIND), ((IMAGES, IDS), {"kind": KIND}), (IMAGES, KIND, np.ones(ROWS))):
        other = Splitter(data, sizes=SIZES)
        for seed in range(3):
            for rows, expected in zip(other(seed).rows, plain(seed).rows, strict=True):
                np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize("stratify", [None, True, False])
def test_the_first_output_with_classes_is_kept_in_proportion(stratify):
    rng = np.random.default_rng(5)
    first, second = rng.integers(0, 3, ROWS), rng.integers(0, 4, ROWS)
    y = {"z": PRICE, "m": first, "a": second}
    splitter = Splitter((IMAGES, y), sizes=SIZES, stratify=stratify)
    off = {name: [_off_proportion(splitter(seed), name) for seed in range(20)] for name in ("m", "a")}
    assert (max(off["m"]) > 1) == (stratify is False)
    assert max(off["a"]) > 1


def _off_proportion(found, name):
    exact = np.bincount(found.y[name]) * len(found.train) / ROWS
    return np.abs(np.bincount(found.train.y[name], minlength=len(exact)) - exact).max()


def test_rows_equal_in_every_input_stay_together_and_in_some_do_not():
    a = np.repeat(np.arange(60), 2)  # pairs of equal rows
    b = np.repeat(np.arange(60.0)[:, None], 2, axis=0)
    b[60:, 0] = np.arange(60)  # of which the second half differs here
    together, apart = np.zeros(60, bool), np.zeros(60, bool)
    for seed in range(30):
        found = split(((a, b), FLAG), seed=seed, sizes=(70, 30, 20), stratify=False)
        place = np.empty(ROWS, int)
        for number, rows in enumerate(found.rows):
            place[rows] = number
        same = place[0::2] == place[1::2]
        together |= same
        apart |= ~same
    assert together.all()
    assert not apart[:30].any() and apart[30:].all()


def test_scaling_is_fitted_on_each_float_input_alone():
    x = {"tokens": TOKENS, "deep": (IMAGES, AGE)}
    found = split((x, KIND), seed=1, sizes=SIZES, scale="standard")
    for values in (found.offset, found.scale):
        assert _shape(values) == _shape(x) and values["tokens"] is None
        assert [leaf.shape for leaf in values["deep"]] == [(4, 4), ()]
    np.testing.assert_array_equal(found.test.x["tokens"], TOKENS[found.test.indices])
    for place, leaf in enumerate((IMAGES, AGE)):
        plain = split((leaf.reshape(ROWS, -1), KIND), seed=1, sizes=SIZES, scale="standard")
        np.testing.assert_array_equal(found.rows[0], plain.rows[0])
        np.testing.assert_array_equal(found.offset["deep"][place].ravel(), plain.offset)
        for part, expected in zip(parts_of(found), parts_of(plain), strict=True):
            assert part.x["deep"][place].dtype == leaf.dtype
            np.testing.assert_array_equal(part.x["deep"][place].reshape(len(part), -1), expected.x)


def test_a_data_frame_alone_stays_one_and_among_others_becomes_an_array():
    frame = pd.DataFrame({"a": np.arange(ROWS), "b": AGE}, index=IDS[::-1])
    alone = split((frame, {"kind": KIND, "price": pd.Series(PRICE, index=frame.index)}), seed=0, scale="standard")
    assert isinstance(alone.train.x, pd.DataFrame)
    np.testing.assert_allclose(alone.train.x.to_numpy().std(axis=0), 1)
    np.testing.assert_array_equal(alone.train.y["price"], PRICE[alone.train.indices])
    among = split(((frame, frame["b"]), KIND), seed=0)
    np.testing.assert_array_equal(among.train.x[0], frame.to_numpy()[among.train.indices])
    np.testing.assert_array_equal(among.train.x[1], AGE[among.train.indices])


def test_a_fixed_test_part_of_several_arrays():
    doubled = {"id": np.tile(np.arange(60), 2), "age": np.tile(AGE[:60], 2)}
    y, weights = (np.tile(KIND[:60], 2), PRICE), np.arange(ROWS)
    splitter = Splitter((doubled, y, weights), sizes=(60, 40, 20), scale="standard")
    draw = FixedTest(splitter, 1)
    for seed in range(5):
        found = draw(seed)
        np.testing.assert_array_equal(found.rows[2], splitter(1).rows[2])
        assert all(set(rows) == set((rows + 60) % ROWS) for rows in found.rows)
        assert np.abs(np.bincount(found.train.y[0]) - 20).max() <= 2  # as pairs allow
        np.testing.assert_array_equal(found.validation.y[1], PRICE[found.rows[1]])
        np.testing.assert_array_equal(found.test.sample_weight, weights[found.rows[2]])
        assert found.offset["id"] is None and found.classes == (3, None)
        np.testing.assert_allclose(found.train.x["age"].mean(), 0, atol=1e-12)
    assert len({tuple(sorted(draw(seed).rows[0])) for seed in range(5)}) == 5


def test_without_weights_there_are_none():
    for data in ((IMAGES, KIND), (IMAGES, KIND, None)):
        found = split(data, seed=0)
        assert found.sample_weight is None and found.train.sample_weight is None


def test_noise_leaves_weights_and_samples_alone():
    found = split((IMAGES, KIND, AGE), seed=0, sizes=SIZES, label_noise=0.5)
    assert (found.train.y != KIND[found.train.indices]).sum() == 35
    np.testing.assert_array_equal(found.train.sample_weight, AGE[found.train.indices])


def test_changed_copies_keep_everything():
    splitter = Splitter(({"a": IMAGES, "b": TOKENS}, KIND, AGE), sizes=SIZES)
    other = splitter.resized((20, 30, 20)).noisy(0.5).scaled()(0)
    assert [len(part) for part in parts_of(other)] == [20, 30, 20]
    assert other.sample_weight is splitter.data.sample_weight and other.offset["b"] is None
    assert repr(splitter).startswith("Splitter(120 rows, ")
    assert repr(splitter(0)) == "Split(seed=0: 70 + 30 + 20 of 120 rows)"


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (
            (IMAGES, {"a": KIND, "b": FLAG}),
            {"label_noise": 0.1},
            r"expected y as one array for label_noise=0\.1, got a dict of outputs; leave it out",
        ),
        ((IMAGES, (KIND,)), {"label_noise": 0.1}, "got a tuple of outputs"),
        (
            (IMAGES, {"a": PRICE, "b": BOXES}),
            {"stratify": True},
            "expected classes for stratify=True, got a regression; leave it out, or make y whole numbers",
        ),
        ((IMAGES, BOXES), {"stratify": True}, "expected classes for stratify=True, got a regression"),
        (
            ((TOKENS, IDS), KIND),
            {"scale": "standard"},
            r"expected floats in at least one input for scale='standard', got whole numbers alone; leave it out",
        ),
    ],
)
def test_settings_that_do_not_fit_say_what_to_do(data, settings, message):
    with pytest.raises(ValueError, match=message):
        Splitter(data, **settings)


def test_scaling_says_which_input_is_not_finite():
    broken = AGE.copy()
    broken[:] = np.nan
    splitter = Splitter(({"image": IMAGES, "age": broken}, KIND), scale="standard")
    with pytest.raises(ValueError, match=r"expected finite values to scale, got NaN or infinity in x\['age'\]; fill"):
        splitter(0)
    assert len(splitter.scaled(None)(0).train) == 84  # without scaling, samples are the model's affair


def test_keras_walks_through_the_same_leaves():
    code = """
import sys
import numpy as np
from textbook.splits import split
x = {"z": np.arange(40).reshape(20, 2), "a": (np.linspace(0, 1, 20), np.eye(20))}
found = split((x, (np.arange(20) % 2, np.linspace(0, 1, 20)), np.ones(20)), seed=0, scale="standard")
found.train.x, found.train.y, found.train.sample_weight
assert not {"keras", "tensorflow"} & set(sys.modules), "splits load no Keras"
import keras
keras.tree.assert_same_structure(found.x, found.train.x)
keras.tree.assert_same_structure(found.x, found.offset)
keras.tree.assert_same_structure(found.y, found.classes)
flat = [leaf is not None and leaf.shape for leaf in keras.tree.flatten(found.scale)]
assert flat == [(), (20,), False], flat
assert keras.tree.flatten(found.classes) == [2, None]
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
