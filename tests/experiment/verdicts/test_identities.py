import numpy as np
import pandas as pd
import pytest

from textbook.experiment.verdicts import exact
from textbook.statistics import EXACT, VIOLATED


def judge(measured, expected, **arguments):
    table = pd.DataFrame({"measured": measured, "expected": expected})
    return exact(measured="measured", expected="expected", **arguments).judge(table)


def test_the_largest_error_decides():
    assert judge([1.0, 2.0], [1.0, 2.0]).verdict == EXACT
    judgement = judge([1.0, 2.0, 3.0], [1.0, 2.5, 3.1], tolerance=0.4)
    assert judgement.verdict == VIOLATED
    assert judgement.effect == pytest.approx(0.5)
    assert (judgement.interval, judgement.n, judgement.delta) == (None, None, None)
    assert judge([1.0, 2.5], [1.0, 2.0], tolerance=0.5).verdict == EXACT


def test_relative_errors():
    assert judge([101.0], [100.0], tolerance=0.011, relative=True).verdict == EXACT
    assert judge([1.1], [1.0], tolerance=0.011, relative=True).verdict == VIOLATED
    with pytest.raises(ValueError, match="relative=False"):
        judge([0.1], [0.0], tolerance=0.1, relative=True)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_or_infinite_value_violates(value):
    judgement = judge([1.0, value], [1.0, 1.0], tolerance=1e9)
    assert judgement.verdict == VIOLATED
    assert judgement.effect is None


def test_an_infinity_that_is_expected_does_not():
    assert judge([np.inf, 1.0], [np.inf, 1.0]).verdict == EXACT
    assert judge([np.inf], [-np.inf]).verdict == VIOLATED


def test_truth_values_words_and_numbers():
    table = pd.DataFrame({"same": [True, False], "said": ["a", "b"], "meant": ["a", "b"], "one": [1, 1]})
    assert exact(measured="same", expected=True).judge(table).verdict == VIOLATED
    judged = exact(measured="same", expected=True).judge(table)
    assert (judged.effect, judged.unit) == (1, "rows differ")
    assert exact(measured="one", expected=1).judge(table).unit == "largest error"
    assert exact(measured="said", expected="meant").judge(table).verdict == EXACT
    assert exact(measured="one", expected=1).judge(table).verdict == EXACT
    assert exact(measured="one", expected=1, where={"said": "a"}).judge(table).verdict == EXACT


def test_a_missing_column_or_bad_argument_is_refused():
    with pytest.raises(ValueError, match="expected column 'closed_form'"):
        exact(measured="a", expected="closed_form").judge(pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="tolerance"):
        exact(measured="a", expected="b", tolerance=-1)
    with pytest.raises(ValueError, match="column's name or number"):
        exact(measured="a", expected=[1, 2])


def test_repr_and_sentence():
    test = exact(measured="updates", expected="closed_form", tolerance=1e-6)
    assert eval(repr(test)) == test
    assert test.sentence == "updates equals closed_form in every row, largest error 1e-06"
