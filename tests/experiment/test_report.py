import pytest

from textbook.experiment import report

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
        ({"interval": None, "n": None, "unit": "", "effect": 0.0}, "4.6-a  holds  0  as expected"),
        ({"interval": None, "n": None, "effect": None}, "4.6-a  holds  as expected"),
    ],
)
def test_a_claim_in_one_line(changes, line):
    assert report.verdict_line({**CLAIM, **changes}) == line


def test_the_second_judging_shows_in_its_line_and_not_in_the_first():
    claim = {**CLAIM, "verdict": "fails", "second": {**CLAIM, "n": 32}, "as_expected": True}
    assert report.verdict_line(claim).endswith("n=16  UNLIKE EXPECTED: holds")
    assert report.second_line(claim) == (
        "4.6-a  second judging, which decides: holds  0.0213 nats [0.0151, 0.0274]  n=32  as expected"
    )
