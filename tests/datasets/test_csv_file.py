"""A user's own file: what is found out, and what each fault is answered with."""

import re
from pathlib import Path

import numpy as np
import pytest

from textbook import datasets, splits

_SHARED = Path(__file__).parents[3] / "shared" / "data" / "winequality-red.csv"


@pytest.fixture
def read(tmp_path):
    """Write a file and read it as a data set."""

    def write_and_read(content, target="y", **settings):
        path = tmp_path / "own.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return datasets.from_csv(path, target=target, **settings)

    return write_and_read


@pytest.fixture
def wine(tmp_path):
    """The wine quality file where it lies beside the project, else a stand-in of the same form."""
    if _SHARED.exists():
        return _SHARED
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.uniform(0, 15, (1599, 11)).round(2), rng.integers(3, 9, 1599)])
    rows[1000:1200] = rows[:200]
    path = tmp_path / "winequality-red.csv"
    path.write_text("\n".join(",".join(f"{value:g}" for value in row) for row in rows) + "\n")
    return path


@pytest.mark.parametrize("target", [11, "11", -1, "-1"])
def test_the_wine_file(wine, target):
    data = datasets.from_csv(wine, target=target)
    assert data.x.shape == (1599, 11) and data.x.dtype == np.float32
    assert data.card.task == "classification" and data.card.class_names == ("3", "4", "5", "6", "7", "8")
    assert data.card.found == (
        "winequality-red.csv: 1599 rows without a header, separated by commas; 11 features; the target, column 11, "
        "has 6 classes (whole numbers: 3, 4, 5, 6, 7, 8): classification"
    )
    plain = np.loadtxt(wine, delimiter=",")
    np.testing.assert_allclose(data.x, plain[:, :11], rtol=1e-6)
    assert np.array_equal(data.y + 3, plain[:, 11])
    part = splits.split(data, seed=0, sizes=(1000, 300, 299), scale="standard")
    rows = [set(map(tuple, data.x[indices])) for indices in part.rows]
    assert len(data.x) > len(np.unique(data.x, axis=0)) and not (rows[0] & rows[1] or rows[0] & rows[2])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_and_a_header_with_quotes(read, separator):
    lines = [["a b", '"b, c; d"', "y"], ["1", "2.5", "no"], ["3", "4e2", "yes"], ["5", "6", "no"]]
    data = read("\r\n".join(separator.join(line) for line in lines))
    assert data.card.features == ("a b", "b, c; d") and data.card.class_names == ("no", "yes")
    assert data.x.tolist() == [[1, 2.5], [3, 400], [5, 6]] and data.y.tolist() == [0, 1, 0]


def test_a_byte_order_mark_and_blank_lines_are_skipped(read):
    data = read(b"\xef\xbb\xbfy,a\n\n1,2\n0,3\n\n")
    assert data.card.target == "y" and data.x.tolist() == [[2], [3]]


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([0, 1] * 3, "classification", 2),
        ([1.0, 2.0, 4.0] * 4, "classification", 3),
        (list(range(20)) * 2, "classification", 20),
        (list(range(21)) * 2, "regression", None),
        (list(range(10)), "regression", None),
        ([0.5, 1.5] * 5, "regression", None),
        (["b", "a", "c"] * 2, "classification", 3),
        (["3", "4", "x", "y", "z"] * 2, "classification", 5),
    ],
)
def test_the_rule_for_the_task(read, values, task, classes):
    data = read("a,y\n" + "\n".join(f"{i},{value}" for i, value in enumerate(values)))
    assert (data.card.task, data.classes) == (task, classes)
    assert data.card.found.endswith(task)
    assert data.y.dtype == (np.int64 if classes else np.float32)


def test_the_task_can_be_asked_for(read):
    content = "a,y\n" + "\n".join(f"{i},{i % 3 + 5}" for i in range(9))
    assert read(content).y.tolist() == [0, 1, 2] * 3
    assert read(content, task="regression").y.tolist() == [5, 6, 7] * 3
    with pytest.raises(ValueError, match="expected whole numbers or text as classes"):
        read("a,y\n1,0.5\n2,1.5\n3,0.5\n", task="classification")
    with pytest.raises(ValueError, match="expected task as 'classification' or 'regression'"):
        read(content, task="ranking")


GOOD = "acid,sugar,quality\n1,2,a\n3,4,b\n5,6,a\n"


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        (GOOD, "qualty", "got 'qualty'; did you mean 'quality'?"),
        (GOOD, "zzz", "got 'zzz'; the columns are 'acid', 'sugar', 'quality'"),
        (GOOD, 3, "expected a target column from 0 to 2 (or −1 for the last), got 3"),
        (GOOD, -4, "got -4"),
        (GOOD, True, "expected the target as a column's name or number, got True"),
        ("y,y,a\n1,2,3\n", "y", "expected one column named 'y', got 2"),
        (GOOD.replace("4", "four"), "quality", "column 'sugar', row 2 (line 3 of own.csv), got 'four'; encode text"),
        (GOOD.replace("4", "4,5"), "quality", "expected 3 fields in line 3 of own.csv, as in its first line, got 4"),
        (GOOD.replace("4", ""), "quality", "expected a value in column 'sugar', row 2 (line 3 of own.csv)"),
        (GOOD.replace("4", "NaN"), "quality", "expected a value in column 'sugar', row 2"),
        (GOOD.replace("4", "inf"), "quality", "expected a finite number in column 'sugar', row 2"),
        (GOOD.replace("4", "1e99"), "quality", "expected at most 3.4e38 in column 'sugar', row 2"),
        (GOOD.replace(",b", ","), "quality", "expected a value in column 'quality', row 2"),
        (GOOD.replace("b", "a"), "quality", "expected at least 2 classes in 'quality', got only 'a'"),
        (GOOD, 1, "expected a finite number in column 'quality', row 1 (line 2 of own.csv), got 'a'"),
        ("1,2\n3,2\n", 1, "expected a target that varies, got 2 in every row of column 1"),
        ("1,2\nx,3\n", 1, "expected a finite number in column 0, row 2 (line 2 of own.csv), got 'x'"),
        ("x,2\n1,3\n", 1, "if this line is a header, none of its fields may be a number"),
        (
            "a,y\n1,0.5\n2,oops\n3,1\n",
            "y",
            "expected a finite number in column 'y', row 2 (line 3 of own.csv), got 'oops'",
        ),
        ("a,y\n1,ann\n2,bob\n3,eve\n", "y", "expected classes that come up again and again in 'y', got 3"),
        ("y\n1\n2\n", "y", "expected a column beside the target"),
        ("a,y\n", "y", "expected rows below the header of own.csv, got none"),
        ("", "y", "got an empty file"),
        (" \n\n", "y", "got an empty file"),
        (b"\xff\xfe\x00\x01", "y", "expected a text file in UTF-8"),
        ('a,y\n1,"2\n3,4\n', "y", "expected a CSV file, got own.csv with"),
    ],
)
def test_faults_are_named(read, content, target, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read(content, target)


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(ValueError, match=r"expected a file that can be read, got .*; check the path"):
            datasets.from_csv(path, target=0)


def test_fewer_rows_than_the_split_needs(read):
    with pytest.raises(ValueError, match=r"expected at least 1797 rows for sizes .*, got 3"):
        splits.split(read(GOOD, "quality"), seed=0, sizes=(1024, 473, 300))
