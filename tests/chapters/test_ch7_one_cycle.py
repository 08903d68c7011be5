"""The written 1cycle beside its corners, and what a wrong one looks like there."""

import numpy as np
import pytest

from chapters.ch7 import one_cycle as section
from textbook.schedules import OneCycle

SHAPE = {"last": 0.1, "div_factor": 10.0, "final_div_factor": 1000.0}
JUDGED = {claim.id.partition("/")[2]: claim.test for claim in section.CLAIMS}


def tables(schedule=None, **changes):
    schedule = schedule or OneCycle.smith(0.4, total=10, momentum_range=(0.85, 0.95), **SHAPE)
    corners = section._corners(**(SHAPE | changes))
    updates = section._beside(corners, schedule)
    return {"updates": updates, "ends": section._ends(updates, corners)}


def test_corners_are_where_smith_puts_them():
    corners = section._corners(**SHAPE)
    assert corners["update"].tolist() == [0, 179, 358, 399]
    np.testing.assert_allclose(corners.rate, [0.04, 0.4, 0.04, 0.00004])


def test_corners_between_two_updates_are_refused():
    with pytest.raises(ValueError, match=r"in steps of 0\.005, got 0\.123; mend by 0\.125"):
        section._corners(**(SHAPE | {"last": 0.123}))


@pytest.mark.parametrize("last", [0.1, 0.15, 0.3, 0.005])
def test_corners_on_whole_updates_are_taken(last):
    assert section._corners(**(SHAPE | {"last": last}))["update"].mod(1).to_numpy() == pytest.approx(0, abs=1e-9)


def test_the_schedule_of_the_library_is_exact():
    measured = tables()
    assert {name: JUDGED[name].judge(measured).verdict for name in ("ends", "lines", "mirror")} == dict.fromkeys(
        ("ends", "lines", "mirror"), "exact"
    )


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (OneCycle.torch(0.4, total=10), "lines"),  # a cosine, and one fall instead of two
        (OneCycle.smith(0.4, total=10, momentum_range=(0.85, 0.95), **{**SHAPE, "last": 0.2}), "ends"),
        (OneCycle.smith(0.4, total=10, momentum_range=(0.8, 0.95), **SHAPE), "mirror"),
    ],
    ids=["cosine", "other length", "other momentum"],
)
def test_another_cycle_is_found_out(fault, seen):
    assert JUDGED[seen].judge(tables(fault)).verdict == "violated"


def test_a_cycle_that_is_read_one_update_late_is_found_out():
    measured = tables()
    late = measured["updates"].assign(rate=np.roll(measured["updates"].rate, 1))
    assert section._ends(late, section._corners(**SHAPE)).set_index("point").found["update of the highest rate"] == 180
    assert JUDGED["lines"].judge({"updates": late}).verdict == "violated"
