import io

import numpy as np
import pandas as pd
import pytest

from textbook.experiment.tables import from_csv, to_csv


def again(table):
    return from_csv(*to_csv(table))


def test_numbers_come_back_bit_for_bit():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**63, 20_000, dtype=np.uint64)
    doubles = bits.view(np.float64)
    singles = rng.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
    finite = np.isfinite(doubles) & np.isfinite(singles)
    table = pd.DataFrame({"double": doubles[finite], "single": singles[finite]})
    back = again(table)
    assert (back.dtypes == table.dtypes).all()
    assert (back["double"].to_numpy().view(np.uint64) == table["double"].to_numpy().view(np.uint64)).all()
    assert (back["single"].to_numpy().view(np.uint32) == table["single"].to_numpy().view(np.uint32)).all()


def test_every_kind_of_column_comes_back():
    table = pd.DataFrame(
        {
            "float": [0.1, np.nan, -np.inf],
            "float32": np.array([0.1, np.nan, np.inf], dtype=np.float32),
            "int": [1, -(2**62), 3],
            "uint8": np.array([0, 1, 255], dtype=np.uint8),
            "bool": [True, False, True],
            "text": ["None", "NA", "nan"],
            "odd": ["", 'a,"b"', "two\nlines, 계단"],
        }
    )
    pd.testing.assert_frame_equal(again(table), table)


def test_corners_come_back():
    empty_text = pd.DataFrame({"only": ["", "", "x"]})
    pd.testing.assert_frame_equal(again(empty_text), empty_text)
    only_missing = pd.DataFrame({"only": [np.nan, 1.0]})
    pd.testing.assert_frame_equal(again(only_missing), only_missing)
    no_rows = pd.DataFrame({"a": np.array([], dtype=float), "b": np.array([], dtype=np.int64)})
    pd.testing.assert_frame_equal(again(no_rows), no_rows)
    assert np.signbit(again(pd.DataFrame({"zero": [-0.0]}))["zero"][0])


def test_categories_become_what_they_stand_for():
    back = again(pd.DataFrame({"word": pd.Categorical(["b", "a"]), "number": pd.Categorical([2, 1])}))
    assert back["word"].tolist() == ["b", "a"]
    assert back["number"].tolist() == [2, 1]


def test_row_numbers_are_not_kept():
    table = pd.DataFrame({"a": [1, 2, 3]}).iloc[::-1]
    assert again(table).index.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"b": [1, "all"]}), "in column 'b', got int and str"),
        (pd.DataFrame({"b": ["x", None]}), "in column 'b', got"),
        (pd.DataFrame({"b": pd.array([1, None], dtype="Int64")}), "in column 'b', got"),
        (pd.DataFrame({"b": pd.to_datetime(["2020-01-01"])}), "in column 'b', got Timestamp"),
        (pd.DataFrame({"a": [1], "b": [2]}).set_index("a"), "call .reset_index()"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "expected different words as the columns' names, got ['a', 'a']"),
        (pd.DataFrame([[1, 2]]), "expected different words as the columns' names, got [0, 1]"),
    ],
)
def test_what_cannot_come_back_is_refused(table, message):
    with pytest.raises(ValueError, match="expected") as refused:
        to_csv(table)
    assert message in str(refused.value)


def test_text_of_another_table_is_refused():
    text, kinds = to_csv(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(ValueError, match="expected the columns b"):
        from_csv(text, {"b": "float64"})
    with pytest.raises(ValueError, match="could not convert"):
        from_csv(text.replace(b"1.0", b"one"), kinds)


def test_plain_pandas_reads_the_file_as_well():
    text, _ = to_csv(pd.DataFrame({"condition": ["a"], "loss": [np.nan]}))
    assert np.isnan(pd.read_csv(io.BytesIO(text))["loss"][0])
