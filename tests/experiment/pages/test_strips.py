import re

import pytest

from tests.experiment.pages.parsed import Page
from tests.experiment.pages.test_judged import judged, slope
from textbook.experiment.pages.language import Language
from textbook.experiment.pages.strips import strip

ENGLISH = Language("en")


def drawn(made, language=ENGLISH):
    """{class: [attributes of each element]} of a strip, and the label of the whole."""
    page = Page(f"<body>{strip(made, language)}</body>")
    found = {}
    for element in page.elements:
        found.setdefault(element.get("class"), []).append(element.attributes)
    return found, found["strip"][0]["aria-label"], page


def at(attributes, name):
    return float(attributes[name].removesuffix("%"))


def test_a_dot_a_seed_at_its_place():
    found, _, _ = drawn(judged(n=3, differences=[-0.03, 0.0, 0.03], effect=0.0, interval=[-0.02, 0.02], delta=0.01))
    assert [at(dot, "cx") for dot in found["seed"]] == [4.0, 50.0, 96.0]
    (band,) = found["band"]
    assert (at(band, "x"), at(band, "width")) == pytest.approx((34.67, 30.66), abs=0.02)
    (zero,) = found["zero"]
    assert at(zero, "x1") == 50.0
    bar = found["interval"][0]
    assert (at(bar, "x1"), at(bar, "x2")) == pytest.approx((19.33, 80.67), abs=0.01)


def test_seeds_that_agree_stand_above_each_other():
    found, _, _ = drawn(judged(n=4, differences=[0.02] * 4))
    assert len({dot["cx"] for dot in found["seed"]}) == 1
    assert len({dot["cy"] for dot in found["seed"]}) == 4


def test_everything_stays_inside():
    made = judged(differences=[-5.0, 0.001, 80.0], n=3, effect=25.0, interval=[-90.0, 140.0])
    _, _, page = drawn(made)
    for element in page.elements:
        places = [float(value[:-1]) for value in element.attributes.values() if re.fullmatch(r"-?[\d.]+%", value)]
        assert all(0 <= place <= 100 for place in places)


def test_a_ratio_stands_on_a_logarithmic_axis_around_one():
    made = judged(unit="×", delta=2.0, n=2, differences=[0.25, 4.0], effect=1.0, interval=[0.5, 2.0])
    found, _, page = drawn(made)
    assert at(found["zero"][0], "x1") == 50.0
    assert [at(dot, "cx") for dot in found["seed"]] == [4.0, 96.0]
    assert {element.text for element in page.all("text") if element.has_class("tick")} >= {"1×"}


def test_a_share_fills_seats_up_to_its_place():
    made = judged(
        unit="share of seeds", delta=0.5, n=16, differences=[1] * 12 + [0] * 4, effect=0.75, interval=[0.5, 0.9]
    )
    found, label, _ = drawn(made)
    assert (len(found["seat"]), len(found["seat is-empty"])) == (12, 4)
    last, first = found["seat"][-1], found["seat is-empty"][0]
    share = 4 + 0.75 * 92
    assert at(last, "x") + at(last, "width") < share < at(first, "x")
    assert at(found["zero"][0], "x1") == 50.0
    assert label == "The event happened in 75 % of 16 seeds; 95 % interval 50 … 90; threshold 50."


def test_a_slope_is_seen_beside_its_theory():
    found, _, page = drawn(slope(n=2, differences=[-0.6, -0.4]))
    assert at(found["zero"][0], "x1") == 50.0
    assert "theory" in page.text
    assert "as claimed" not in page.text


def test_the_hints_say_which_way_the_claim_points_where_there_is_room():
    assert "as claimed →" in drawn(judged())[2].text
    assert "the other way" not in drawn(judged())[2].text
    reverse = judged(differences=[-0.05] * 16, effect=-0.05, interval=[-0.06, -0.04])
    assert "← the other way" in drawn(reverse)[2].text
    assert "as claimed" not in drawn(reverse)[2].text


def test_where_arms_are_judged_to_be_equal_no_side_is_claimed():
    rule = "test_loss the same for 'a', 'b' in every pair, with 'bad' told apart from each; paired by seed"
    assert "claimed" not in drawn(judged(rule))[2].text


def test_of_a_share_the_hint_says_on_which_side_of_the_threshold_the_claim_lies():
    share = {"unit": "share of seeds", "delta": 0.5, "differences": [1] * 12 + [0] * 4, "effect": 0.75, "n": 16}
    more = drawn(judged("event in more than 50% of the seeds, Wilson's 95 % interval", **share))[2].text
    fewer = drawn(judged("event in fewer than 50% of the seeds, Wilson's 95 % interval", **share))[2].text
    assert "as claimed: > 50 %" in more and "as claimed: < 50 %" in fewer


def test_no_dot_hides_another_however_many_seeds_agree():
    found, _, _ = drawn(judged(n=24, differences=[0.0] * 20 + [0.01] * 4))
    places = {(dot["cx"], dot["cy"]) for dot in found["seed"]}
    assert len(places) == 24
    assert min(float(height) for _, height in places) > 20, "below the hints"


def test_the_label_says_from_which_number_an_effect_counts():
    rule = "rho above 0.5, one value per seed, 95 % t interval, δ = 0.05 correlation"
    assert " correlation above 0.5; effect" in drawn(judged(rule, unit="correlation"))[1]


def test_one_seed_has_no_interval():
    found, label, _ = drawn(judged(n=1, differences=[0.02], interval=None))
    assert "interval" not in found and len(found["seed"]) == 1
    assert "95 % interval —" in label


def test_an_identity_has_no_strip():
    assert strip(judged(n=None, interval=None, delta=None, differences=[]), ENGLISH) == ""


@pytest.mark.parametrize("code", ["en", "ko"])
def test_a_strip_is_told_in_words(code):
    _, label, _ = drawn(judged(effect=0.0213), Language(code))
    assert "0.0213" in label and "16" in label and "{" not in label
    assert any("가" <= letter <= "힣" for letter in label) == (code == "ko")


def test_a_unit_cannot_leave_its_place():
    label = str(strip(judged(unit='"><script>'), ENGLISH))
    assert "<script>" not in label and "&lt;script&gt;" in label
