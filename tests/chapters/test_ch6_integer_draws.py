import pandas as pd

from chapters.ch6 import integer_draws as section


def test_a_call_is_as_meant_if_all_numbers_come_and_no_other():
    table = pd.DataFrame({"lowest": [2, 2, 2, 1, 2], "highest": [4, 3, 4, 4, 5], "different": [3, 2, 2, 4, 4]})
    assert section._bounds(table).as_meant.tolist() == [True, False, False, False, False]


def test_every_call_draws_what_its_documentation_says():
    drawn = section._drawn(0, 3000)
    found = {call: (numbers.min(), numbers.max()) for call, numbers in drawn.items()}
    assert found.pop(section.TRAP) == (2, 3)
    assert set(found.values()) == {(2, 4)}
    # rounding gives the middle half of the draws, cutting a third
    assert abs((drawn[section.ROUNDED] == 3).mean() - 0.5) < 0.04
    assert abs((drawn[section.CUT] == 3).mean() - 1 / 3) < 0.04
