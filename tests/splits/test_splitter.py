"""What a split promises to those who train on it."""

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from textbook import datasets
from textbook.splits import Splitter, split


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.fixture
def blobs():
    """120 rows, 3 features (the last constant), 3 classes."""
    rng = np.random.default_rng(0)
    return np.column_stack([rng.normal(5, 3, (120, 2)), np.full(120, 0.1)]).astype(np.float32), np.arange(120) % 3


def rows_of(part):
    return [tuple(indices) for indices in part.rows]


def test_digits_split_as_the_book_does(digits):
    part = split(digits, seed=1000, sizes=(1024, 473, 300))
    assert [len(p) for p in (part.train, part.validation, part.test)] == [1024, 473, 300]
    assert part.x is digits.x and part.y is digits.y
    assert part.classes == 10
    exact = np.bincount(digits.y) * 300 / 1797
    assert np.abs(np.bincount(part.test.y) - exact).max() < 1
    assert np.array_equal(part.train.x, digits.x[part.train.indices])
    assert np.array_equal(part.validation.y, digits.y[part.validation.indices])


def test_one_seed_is_one_split_and_another_is_another(digits):
    splitter = Splitter(digits, sizes=(1024, 473, 300))
    assert rows_of(splitter(7)) == rows_of(splitter(7)) == rows_of(split(digits, seed=7, sizes=(1024, 473, 300)))
    assert len({rows_of(splitter(seed))[0] for seed in range(30)}) == 30


def test_a_split_leaves_global_randomness_alone(digits):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    split(digits, seed=0)
    assert np.array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize("stratify", [None, True, False])
def test_fractions_of_every_row(digits, stratify):
    part = split(digits, seed=0, sizes=(0.7, 0.15, 0.15), stratify=stratify)
    assert [len(rows) for rows in part.rows] == [1258, 270, 269]
    assert np.array_equal(np.sort(np.concatenate(part.rows)), np.arange(1797))


def test_without_stratification_class_counts_vary_as_by_chance(digits):
    counts = [np.bincount(split(digits, seed=s, sizes=(1024, 473, 300), stratify=False).test.y) for s in range(40)]
    assert 3 < np.std(counts, axis=0).mean() < 6.5  # hypergeometric: 4.7


def test_equal_rows_stay_together():
    x = np.repeat(np.arange(60.0).reshape(30, 2), 2, axis=0)
    x = np.concatenate([x, 1000 + np.arange(80.0).reshape(40, 2)])
    y = np.arange(100) % 2  # the two copies of a row have different labels
    for seed in range(30):
        part = split((x, y), seed=seed, sizes=(61, 20, 19))
        first = [set(map(tuple, p.x)) for p in (part.train, part.validation, part.test)]
        assert not (first[0] & first[1] or first[0] & first[2] or first[1] & first[2])


def test_a_data_frame_gives_data_frames(blobs):
    x, y = blobs
    frame = pd.DataFrame(x, columns=["a", "b", "c"], index=np.arange(120)[::-1])
    part = split((frame, pd.Series(y, index=frame.index)), seed=0, sizes=(80, 20, 20), scale="standard")
    assert isinstance(part.train.x, pd.DataFrame) and list(part.train.x) == ["a", "b", "c"]
    plain = split((x, y), seed=0, sizes=(80, 20, 20), scale="standard")
    assert rows_of(part) == rows_of(plain)
    np.testing.assert_allclose(part.test.x.to_numpy(), plain.test.x, rtol=1e-6)


def test_a_data_frame_of_text_splits_and_keeps_equal_rows_together():
    frame = pd.DataFrame({"colour": ["red", "blue"] * 20, "size": [None, *range(39)]})
    frame.loc[39] = frame.loc[1]
    for seed in range(20):
        rows = rows_of(split((frame, np.arange(40) % 2), seed=seed, sizes=(20, 10, 10)))
        assert sum(1 in part and 39 in part for part in rows) == 1


def test_scaling_learns_from_the_training_part_alone(blobs):
    x, y = blobs
    part = split((x, y), seed=0, sizes=(80, 20, 20), scale="standard")
    train = x[part.train.indices].astype(np.float64)
    np.testing.assert_allclose(part.offset, train.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(part.scale[:2], train[:, :2].std(axis=0), rtol=1e-6)
    assert part.scale[2] == 1 and (part.train.x[:, 2] == 0).all()
    assert part.train.x.dtype == np.float32
    far = x.copy()
    far[part.test.indices] += 1000
    other = split((far, y), seed=0, sizes=(80, 20, 20), scale="standard")
    assert np.array_equal(other.offset, part.offset) and np.array_equal(other.scale, part.scale)


def test_images_keep_their_shape():
    x = np.arange(20 * 4 * 4, dtype=np.uint8).reshape(20, 4, 4)
    part = split((x, np.arange(20) % 2), seed=0, sizes=(10, 5, 5), scale="standard")
    assert part.offset.shape == (4, 4) and part.train.x.shape == (10, 4, 4) and part.train.x.dtype == np.float32


@pytest.mark.parametrize("count", [1, 2])
def test_rare_classes_go_somewhere(count):
    y = np.array([0] * 50 + [1] * (50 - count) + [2] * count)
    x = np.arange(200.0).reshape(100, 2)
    places = set()
    for seed in range(40):
        part = split((x, y), seed=seed)
        assert [len(rows) for rows in part.rows] == [70, 15, 15]
        places |= {i for i, rows in enumerate(part.rows) if (y[rows] == 2).any()}
    assert places == {0, 1, 2}


def test_label_noise_is_exact_confined_to_training_and_nested(digits):
    splitter = Splitter(digits, sizes=(1000, 400, 300))
    little, much = splitter.noisy(0.1)(5), splitter.noisy(0.2)(5)
    assert rows_of(little) == rows_of(much) == rows_of(splitter(5))
    clean = digits.y[little.train.indices]
    wrong = little.train.y != clean
    assert wrong.sum() == 100 and (much.train.y != clean).sum() == 200
    assert np.array_equal(little.train.y[wrong], much.train.y[wrong])
    assert np.array_equal(little.test.y, digits.y[little.test.indices])
    assert np.array_equal(little.validation.y, digits.y[little.validation.indices])
    assert set(splitter.noisy(1.0)(0).train.y) == set(range(10))
    assert (digits.y == datasets.load("digits").y).all()


def test_changed_copies_leave_the_splitter_as_it_was(digits):
    splitter = Splitter(digits, sizes=(1024, 473, 300))
    other = splitter.resized((100, 473, 300)).noisy(0.2).scaled("standard")
    assert (other.sizes, other.label_noise, other.scale) == ((100, 473, 300), 0.2, "standard")
    assert (splitter.sizes, splitter.label_noise, splitter.scale) == ((1024, 473, 300), 0.0, None)
    assert other.data is splitter.data


def test_a_regression_is_not_stratified():
    x, y = np.arange(40.0).reshape(20, 2), np.linspace(0, 1, 20)
    part = split((x, y), seed=0, sizes=(10, 5, 5))
    assert part.classes is None and len(part.test.y) == 5
    for setting in ({"stratify": True}, {"label_noise": 0.1}):
        with pytest.raises(ValueError, match=r"expected classes for .*got a regression; leave it out"):
            split((x, y), seed=0, **setting)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": (100, 20, 10)}, "expected at least 130 rows for sizes .* got 120; ask for smaller"),
        ({"sizes": (0.7, 0.3)}, "expected sizes as three .* pass for instance"),
        ({"sizes": 0.7}, "expected sizes as three"),
        ({"sizes": (0.7, 0.2, 0.2)}, "sum to 1.1"),
        ({"sizes": (0.7, -0.1, 0.4)}, "none of them negative"),
        ({"sizes": (0, 60, 60)}, "training rows in any case"),
        ({"sizes": (0.7, 0.15, float("nan"))}, "none of them negative"),
        ({"sizes": (0.998, 0.001, 0.001)}, "at least one row in the validation part, got none"),
        ({"scale": "minmax"}, "expected scale as one of .*'minmax'"),
        ({"label_noise": 1.5}, "expected label_noise as a share from 0 to 1, got 1.5"),
        ({"seed": -1}, "expected a seed as a whole number from 0 up, got -1"),
        ({"seed": 0.5}, "expected a seed as a whole number"),
    ],
)
def test_bad_settings_say_what_to_do(blobs, settings, message):
    with pytest.raises(ValueError, match=message):
        split(blobs, **({"seed": 0} | settings))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((4, 2)), "expected a Dataset or a pair"),
        ((np.zeros((4, 2)), np.zeros(3, int)), r"got \(4, 2\) and \(3,\)"),
        ((np.zeros(4), np.zeros(4, int)), "reshape x"),
        ((np.zeros((4, 2)), np.zeros((4, 3))), "one-hot"),
        ((np.zeros((0, 2)), np.zeros(0, int)), "expected x of shape"),
        ((np.zeros((4, 2)), np.array(["a", "b", "a", "b"])), "numbers the classes"),
        ((np.zeros((4, 2)), np.array([-1, 1, 1, -1])), "numbers the classes"),
        ((np.zeros((4, 2)), np.array([1999, 2000, 2001, 2002])), "numbers the classes"),
        ((np.zeros((4, 2)), np.array([0.5, np.nan, 1, 2])), "expected finite values in y"),
    ],
)
def test_bad_data_say_what_to_do(data, message):
    with pytest.raises(ValueError, match=message):
        split(data, seed=0)


def test_scaling_refuses_text_and_nan():
    y = np.arange(20) % 2
    with pytest.raises(ValueError, match="expected numeric columns to scale, got word"):
        split((pd.DataFrame({"n": range(20), "word": list("abcdefghijklmnopqrst")}), y), seed=0, scale="standard")
    x = np.arange(40.0).reshape(20, 2)
    x[:, 1] = np.nan
    with pytest.raises(ValueError, match="expected finite values to scale"):
        split((x, y), seed=0, scale="standard")


def test_two_hundred_splits_of_digits_are_cheap(digits):
    splitter = Splitter(digits, sizes=(1024, 473, 300))
    start = time.process_time()
    for seed in range(200):
        splitter(seed)
    assert time.process_time() - start < 2


def test_splits_of_digits_load_no_tensorflow():
    code = "import sys; from textbook import datasets, splits; splits.split(datasets.load('digits'), seed=0)"
    code += "; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
