"""Bad arguments are refused with what was expected, what came and how to mend it."""

import math

import pytest

from textbook.schedules import Constant, CosineDecay, ExponentialDecay, InverseTimeDecay, StepDecay

BAD_NUMBERS = (math.nan, math.inf, "0.1", None, True, [0.1], 1j)


@pytest.mark.parametrize("bad", (*BAD_NUMBERS, -0.1))
def test_rates_are_numbers(bad):
    for build in (
        lambda: Constant(bad),
        lambda: StepDecay(bad, factor=0.5, every=5),
        lambda: ExponentialDecay(bad, factor=0.5, every=5),
        lambda: InverseTimeDecay(bad, rate=1),
        lambda: InverseTimeDecay(0.1, rate=bad),
        lambda: CosineDecay(bad, total=5),
        lambda: CosineDecay(0.1, total=5, final=bad),
        lambda: StepDecay(0.1, factor=0.5, every=bad),
        lambda: StepDecay(0.1, factor=bad, every=5),
    ):
        with pytest.raises(ValueError, match=r"^expected .+, got .+; mend by .+"):
            build()


def test_zero_is_a_rate_only_where_nothing_decays():
    assert Constant(0)(3) == 0.0
    assert InverseTimeDecay(0.1, rate=0)(100) == 0.1
    for build in (
        lambda: StepDecay(0, factor=0.5, every=5),
        lambda: ExponentialDecay(0, factor=0.5, every=5),
        lambda: InverseTimeDecay(0, rate=1),
        lambda: CosineDecay(0, total=5),
    ):
        with pytest.raises(ValueError, match=r"expected initial above 0, got 0; mend by"):
            build()


@pytest.mark.parametrize("factor", (0, -0.5, 1.0001, 10))
def test_a_factor_decays(factor):
    for family in (StepDecay, ExponentialDecay):
        with pytest.raises(ValueError, match=r"expected factor above 0 and up to 1, got .*; mend by"):
            family(0.1, factor=factor, every=5)


def test_a_period_has_a_length():
    for family in (StepDecay, ExponentialDecay):
        with pytest.raises(ValueError, match=r"expected every above 0, got 0; mend by"):
            family(0.1, factor=0.5, every=0)
    with pytest.raises(ValueError, match=r"expected total above 0, got -3; mend by"):
        CosineDecay(0.1, total=-3)


def test_cosine_ends_no_higher_than_it_starts():
    with pytest.raises(ValueError, match=r"expected final from 0 to 0\.1, got 0\.2; mend by"):
        CosineDecay(0.1, total=5, final=0.2)


def test_staircase_is_a_switch():
    with pytest.raises(ValueError, match=r"expected staircase as True or False, got 1; mend by"):
        ExponentialDecay(0.1, factor=0.5, every=5, staircase=1)


def test_arguments_after_the_first_are_named():
    with pytest.raises(TypeError):
        StepDecay(0.1, 0.5, 5)
