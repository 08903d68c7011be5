"""The text's formula on two rows, by hand, with either divisor."""

import numpy as np
import pytest

from chapters.ch8 import biased_variance as section


@pytest.mark.parametrize(("ddof", "upper"), [(0, 1.0), (1, np.sqrt(0.5))])
def test_two_rows(ddof, upper):
    y = section._as_printed(np.array([[1.0], [5.0]]), 10.0, 3.0, 0.0, ddof=ddof)
    np.testing.assert_allclose(y.ravel(), [3 - 10 * upper, 3 + 10 * upper])
