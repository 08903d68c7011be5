"""The two conditions on schedules whose sums are known, and the closed forms against planted faults."""

from dataclasses import dataclass

import pytest

from chapters.ch5 import inverse_time
from textbook.experiment import exact
from textbook.schedules import Constant, ExponentialDecay, InverseTimeDecay, StepDecay


@dataclass
class Power:
    """1 / (1 + t)^exponent."""

    exponent: float

    def __call__(self, t):
        return (1 + t) ** -self.exponent


@pytest.mark.parametrize(
    ("schedule", "to_infinity", "squares_finite"),
    [
        (Constant(0.1), True, False),
        (StepDecay(0.1, factor=0.5, every=20), False, True),
        (ExponentialDecay(0.1, factor=0.5, every=1), False, True),  # 0 in double precision, far out
        (InverseTimeDecay(0.1, rate=0.05), True, True),
        (Power(0.4), True, False),
        (Power(0.75), True, True),
        (Power(1.5), False, True),
    ],
    ids=str,
)
def test_the_conditions_of_known_schedules(schedule, to_infinity, squares_finite):
    found = inverse_time._conditions("schedule", schedule)
    assert (found["rates_to_infinity"], found["squares_finite"]) == (to_infinity, squares_finite)
    assert found["both"] == (to_infinity and squares_finite)


def test_sums_meet_their_closed_forms_and_another_k_does_not():
    test = exact(measured="summed", expected="closed_form", tolerance=1e-9, relative=True)
    sums, other = inverse_time._sums(0.5, 0.05), inverse_time._sums(0.5, 0.06)
    assert test.judge(sums).verdict == "exact"
    assert test.judge(sums.assign(closed_form=other.closed_form)).verdict == "violated"
