"""What is Python, and the shares of the range."""

import pytest

from chapters.ch5 import log_scale as section


def test_a_name_with_a_space_is_no_python():
    assert not section._is_python("learning rate = 10 ** uniform(-6, 1)")
    assert section._is_python("learning_rate = 10 ** uniform(-6, 1)")


def test_the_shares_of_the_range():
    ranges = section._ranges().set_index("part")
    assert ranges.counted.to_dict() == pytest.approx(ranges.closed_form.to_dict(), abs=1e-4)
