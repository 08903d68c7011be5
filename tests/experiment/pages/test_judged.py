import pytest

from tests.experiment.pages.toy_book import claim
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
