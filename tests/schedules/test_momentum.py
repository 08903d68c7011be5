"""The momentum as a schedule by itself."""

import pytest

from textbook.schedules import Constant, MomentumOf, OneCycle, Triangular

CYCLE = OneCycle(1.0, total=10)


def test_it_is_a_schedule_in_the_same_unit():
    assert CYCLE.momentum == MomentumOf(CYCLE)
    assert CYCLE.momentum.in_steps(3).schedule == CYCLE.momentum
    assert CYCLE.momentum.budget() == pytest.approx(sum(CYCLE.momentum(t) for t in range(10)))


def test_one_unit_counts_as_the_rate_counts():
    assert CYCLE.momentum.with_updates(10)(2.9) == pytest.approx(0.85)  # 0.3 · 10 less one of ten updates
    assert float(CYCLE.in_steps(10).momentum(29)) == pytest.approx(0.85)
    assert float(CYCLE.momentum.in_steps(10)(29)) == pytest.approx(0.85)


def test_a_momentum_has_none_itself():
    with pytest.raises(AttributeError, match=r"expected a schedule with a momentum, .* got MomentumOf"):
        CYCLE.momentum.momentum  # noqa: B018


def test_what_has_none_gives_none():
    with pytest.raises(AttributeError, match=r"got Constant\(rate=0\.1\); mend by"):
        MomentumOf(Constant(0.1))
    with pytest.raises(AttributeError, match=r"momentum_range=None\); mend by"):
        MomentumOf(Triangular(0.1, 0.2, step_size=2))
    with pytest.raises(ValueError, match=r"expected a schedule, got 0\.9; mend by"):
        MomentumOf(0.9)
