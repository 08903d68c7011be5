import pytest

from textbook.experiment import report
from textbook.experiment.outline import Outline

CLAIM = {
    "id": "4.6-a",
    "verdict": "holds",
    "effect": 0.02134,
    "interval": [0.0151, 0.0274],
    "n": 16,
    "unit": "nats",
    "diverged": 0,
    "expected": "holds",
    "as_expected": True,
    "quick": False,
    "documented": None,
}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "4.6-a  holds  0.0213 nats [0.0151, 0.0274]  n=16  as expected"),
        (
            {"verdict": "fails", "as_expected": False},
            "4.6-a  fails  0.0213 nats [0.0151, 0.0274]  n=16  UNLIKE EXPECTED: holds",
        ),
        ({"diverged": 2}, "4.6-a  holds  0.0213 nats [0.0151, 0.0274]  n=16  diverged=2  as expected"),
        ({"as_expected": None}, "4.6-a  holds  0.0213 nats [0.0151, 0.0274]  n=16"),
        ({"quick": True}, "4.6-a  holds  0.0213 nats [0.0151, 0.0274]  n=16  as expected  quick"),
        (
            {"documented": "differs"},
            "4.6-a  holds  0.0213 nats [0.0151, 0.0274]  n=16  as expected  differs",
        ),
        ({"interval": None, "n": None, "unit": "", "effect": 0.0}, "4.6-a  holds  0  as expected"),
        ({"interval": None, "n": None, "effect": None}, "4.6-a  holds  as expected"),
    ],
)
def test_a_claim_in_one_line(changes, line):
    assert report.verdict_line({**CLAIM, **changes}) == line


def test_the_second_judging_shows_in_its_line_and_not_in_the_first():
    claim = {**CLAIM, "verdict": "fails", "second": {**CLAIM, "n": 32}, "as_expected": False, "documented": "differs"}
    assert report.verdict_line(claim).endswith("n=16  UNLIKE EXPECTED: holds")
    claim |= {"as_expected": True, "documented": "as documented"}
    assert report.second_line(claim) == (
        "4.6-a  second judging, which decides: holds  0.0213 nats [0.0151, 0.0274]  n=32  as expected  as documented"
    )


def test_the_sum_says_how_many_claims_are_as_documented():
    words = ["as documented", "differs", None, "as documented"]
    claims = [{"id": f"4.6-{letter}", "documented": word} for letter, word in zip("abcd", words, strict=True)]
    assert report.documented(claims) == "2 of 3 claims as documented; differs: 4.6-b"
    assert report.documented(claims[:1]) == "1 of 1 claims as documented"
    assert report.documented([claims[2]]) is None


@pytest.mark.parametrize(("cached", "end"), [(False, "1.5 s"), (True, "1.5 s, from the cache")])
def test_a_section_says_how_long_it_took(cached, end, capsys, tmp_path):
    record = {"figure": "4.6-steps.png", "seconds": 1.52, "cached": cached, "claims": []}
    report.section(Outline("ch4", "chapters.ch4.steps", tmp_path, "4.6", "Steps"), record, tmp_path)
    assert capsys.readouterr().out == f"4.6 Steps\n  {tmp_path / '4.6-steps.png'}  {end}\n"
