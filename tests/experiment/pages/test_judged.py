import pytest

from tests.experiment.pages.toy_book import claim
from textbook.experiment import verdicts
from textbook.experiment.pages import judged as kinds
from textbook.experiment.pages.judged import Judged
from textbook.experiment.pages.text import Text


def judged(rule="a test", **changes):
    numbers = claim("1.1-a", **changes)
    return Judged.of(numbers, rule=rule, unit=Text(numbers["unit"]), note=Text(numbers["note"]))


def slope(**changes):
    rule = "log noise over log batch_size: slope per seed, 95 % t interval within -0.5 ± 0.1"
    return judged(rule, unit="slope", delta=0.1, effect=-0.52, interval=[-0.53, -0.51], **changes)


def test_the_kind_of_a_rule_is_known_from_its_record():
    assert judged().kind == kinds.DIFFERENCE
    assert judged(unit="×", delta=1.1).kind == kinds.RATIO
    assert judged(unit="share of seeds", delta=0.5).kind == kinds.SHARE
    assert judged(n=None, interval=None, delta=None).kind == kinds.IDENTITY
    assert slope().kind == kinds.SLOPE
    # the unit alone does not make a rule of a slope
    assert judged(unit="slope").kind == kinds.DIFFERENCE


@pytest.mark.parametrize(
    ("made", "band"),
    [
        (judged(delta=0.01), (-0.01, 0.0, 0.01)),
        (judged(unit="×", delta=1.25), (0.8, 1.0, 1.25)),
        (slope(), (-0.6, -0.5, -0.4)),
    ],
)
def test_the_band_of_what_is_too_small_to_matter(made, band):
    assert made.band == pytest.approx(band)


def test_numbers_as_they_are_read():
    made = judged(effect=-0.02134, interval=[-0.0274, 1e-7])
    assert (made.amount, made.range, made.margin) == ("−0.0213", "−0.0274 … 1·10⁻⁷", "0.01")
    made = judged(unit="share of seeds", delta=0.5, effect=0.875, interval=[0.64, 0.965])
    assert (made.amount, made.range, made.margin) == ("87.5", "64 … 96.5", "50")
    made = judged(effect=None, interval=None)
    assert (made.amount, made.range) == ("", "")


@pytest.mark.parametrize(
    ("rule", "unit", "beyond"),
    [
        ("rho above 0.5, one value per seed, 95 % t interval, δ = 0.05 correlation", "correlation", ("above", "0.5")),
        ("lost_accuracy below 0.05, one value per seed, 95 % t interval, δ = 0.5 points", "points", ("below", "5 %")),
        ("error below 1e-06, one value per seed, 95 % t interval, δ = a factor 1.1", "×", ("below", "1·10⁻⁶")),
        ("gain above 0, one value per seed, 95 % t interval, δ = 0.01 nats", "nats", None),
        ("ratio above 1, one value per seed, 95 % t interval, δ = a factor 1.1", "×", None),
        ("rho above 1, one value per seed, 95 % t interval, δ = 0.05 correlation", "correlation", ("above", "1")),
        ("loss lower for 'above 2' than for 'b', paired by seed, 95 % t interval, δ = 0.01 nats", "nats", None),
    ],
)
def test_an_effect_beside_a_number_says_from_which_it_counts(rule, unit, beyond):
    assert judged(rule, unit=unit).beyond == beyond


def test_the_rules_of_the_verdicts_are_recognised():
    number = verdicts.estimate("rho", above=0.5, unit="correlation", delta=0.05)
    assert judged(number.sentence).beyond == ("above", "0.5")
    equal = verdicts.equivalent("test_loss", conditions=("a", "b"), bad="c")
    assert not judged(equal.sentence).directed and judged(number.sentence).directed
    made = [judged(verdicts.share("event", above=above).sentence).fewer for above in (True, False)]
    assert made == [False, True]
    assert judged(verdicts.slope("noise", over="batch", theory=-0.5).sentence).theory == -0.5
