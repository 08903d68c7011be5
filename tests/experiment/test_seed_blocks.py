import pytest

from textbook.experiment import UsageError, seed_blocks


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("16", tuple(range(1000, 1016))),
        ("1", (1000,)),
        ("1000-1003", (1000, 1001, 1002, 1003)),
        ("1,2,3", (1, 2, 3)),
        ("5-6, 9", (5, 6, 9)),
        ("7,", (7,)),
    ],
)
def test_seeds_as_users_write_them(text, seeds):
    assert seed_blocks.parse(text) == seeds


@pytest.mark.parametrize("text", ["0", "-1", "1001", "", ",", "a", "1.5", "3-1", "1,1", "1-2-3", "0-99999999", "1-3,2"])
def test_nonsense_is_refused(text):
    with pytest.raises(UsageError, match="expected seeds as a count from 1 to 1000"):
        seed_blocks.parse(text)


def test_blocks_do_not_meet():
    assert seed_blocks.default(quick=False) == tuple(range(1000, 1016))
    assert seed_blocks.default(quick=True) == (1000, 1001, 1002, 1003)
    assert tuple(range(2000, 2032)) == seed_blocks.SECOND
    assert not set(seed_blocks.parse("1000")) & set(seed_blocks.SECOND)
