"""Rows and labels that plain data gave when splits knew nothing else: no seed may ever come to mean another split."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from textbook import datasets
from textbook.splits import FixedTest, Splitter

Y = np.arange(20) % 3
X = (np.arange(60.0).reshape(20, 3) % 7 + np.arange(20)[:, None] // 2).astype(np.float32)  # some rows are equal
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])


def digest(part):
    found = hashlib.sha256()
    for values in (*part.rows, part.train.y, part.validation.y, part.test.y):
        found.update(np.ascontiguousarray(values).data)
    return found.hexdigest()[:12]


def test_rows_number_by_number():
    splitter = Splitter((X, Y), sizes=(12, 4, 4))
    assert [rows.tolist() for rows in splitter(7).rows] == [
        [2, 8, 11, 18, 4, 16, 9, 0, 14, 12, 10, 6],
        [1, 3, 5, 7],
        [19, 17, 13, 15],
    ]
    assert [rows.tolist() for rows in FixedTest(splitter, 3)(7).rows] == [
        [13, 6, 10, 12, 17, 14, 8, 19, 15, 0, 11, 4],
        [2, 18, 9, 16],
        [5, 7, 1, 3],
    ]


IMAGES = (np.arange(320) % 251).astype(np.uint8).reshape(20, 4, 4)


@pytest.mark.parametrize(
    ("data", "settings", "expected"),
    [
        ((X, Y), {}, ("57c10631933f", "298806114326", "9e47ca114ab9")),
        ((X, np.arange(20) / 4), {}, ("164905d7269d", "3f4bf7176a09", "5548391b0460")),
        ((np.repeat(X[::2], 2, axis=0), Y), {}, ("2a7e09d73657", "00ecbee65b2e", "9ea0b82014f5")),
        ((FRAME, Y), {"scale": "standard"}, ("57c10631933f", "298806114326", "9e47ca114ab9")),
        ((IMAGES, Y), {}, ("927dba481c5d", "c6d79d73d56a", "71e718f6ae29")),
        ((X, Y), {"label_noise": 0.3}, ("f283f56efd0f", "8906a5dea1a6", "37ebce8cadeb")),
        ((X, Y), {"stratify": False}, ("716af02e4d98", "a4ae3ce6f0b3", "32747d9736cf")),
    ],
)
def test_rows_and_labels_of_every_kind_of_data(data, settings, expected):
    splitter = Splitter(data, sizes=(12, 4, 4), **settings)
    assert (digest(splitter(0)), digest(splitter(1000)), digest(FixedTest(splitter, 3)(7))) == expected


def test_rows_and_labels_of_digits():
    splitter = Splitter(datasets.load("digits"), sizes=(1024, 473, 300))
    found = digest(splitter(0)), digest(splitter(1000)), digest(FixedTest(splitter, 3)(7))
    assert found == ("4c3ba18e4bc7", "36cf981f80da", "3c10c8a90e30")


def test_offset_and_scale():
    split = Splitter((X, Y), sizes=(12, 4, 4), scale="standard")(7)
    np.testing.assert_allclose(split.offset, [8.083333, 7.3333335, 6.5833335], rtol=1e-6)
    np.testing.assert_allclose(split.scale, [3.5463204, 3.72678, 3.0127046], rtol=1e-6)
