from pathlib import Path

import pytest

from textbook.experiment import UsageError
from textbook.experiment.knobs import assign, parse
from textbook.experiment.outline import Knob, Outline


def section(name, *knobs):
    return Outline("ch0", f"book.ch0.{name}", Path(f"{name}.py"), knobs=knobs)


RATE = Knob("rate", "float", "0.1")
EVERY = Knob("every", "int", "5")


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("float", "1e-3", 0.001),
        ("float", "inf", float("inf")),
        ("int", "8", 8),
        ("str", "adam", "adam"),
        ("bool", "no", False),
        ("bool", "True", True),
        ("float | None", "none", None),
        ("float | None", "0.5", 0.5),
        ("int | str", "all", "all"),
        ("int | str", "32", 32),
        ("tuple[float, ...]", "0.1,1", (0.1, 1.0)),
        ("tuple[int, ...]", "(1, 8, 32)", (1, 8, 32)),
        ("tuple[int, ...]", "7", (7,)),
        ("tuple[int, float]", "3,0.5", (3, 0.5)),
        ("Literal['relu', 'tanh']", "tanh", "tanh"),
        ("Literal[1, 2]", "2", 2),
    ],
)
def test_a_value_is_read_as_its_annotation_says(annotation, text, value):
    read = parse(Knob("knob", annotation, "0"), text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("float", "nan"),
        ("float", "much"),
        ("int", "2.5"),
        ("int", ""),
        ("bool", "maybe"),
        ("str", ""),
        ("float | None", "never"),
        ("tuple[float, ...]", ""),
        ("tuple[float, ...]", "0.1,x"),
        ("tuple[int, int]", "1,2,3"),
        ("Literal['relu', 'tanh']", "sigmoid"),
    ],
)
def test_another_kind_of_value_is_refused(annotation, text):
    with pytest.raises(UsageError, match="for knob 'knob', got") as refused:
        parse(Knob("knob", annotation, "0"), text)
    assert annotation in str(refused.value)


def test_a_knob_without_annotation_takes_its_defaults_kind():
    assert parse(Knob("knob", None, "5"), "8") == 8
    assert parse(Knob("knob", None, "(0.1, 0.2)"), "1,2") == (1.0, 2.0)
    with pytest.raises(UsageError, match="expected an annotated knob, got the default RATES"):
        parse(Knob("knob", None, "RATES"), "1")


def test_a_setting_goes_to_every_section_that_has_the_knob():
    sections = [section("a", RATE), section("b", RATE, EVERY), section("c")]
    assert assign(["every=8", "rate=1"], sections) == {"a": {"rate": 1.0}, "b": {"rate": 1.0, "every": 8}, "c": {}}


def test_the_last_setting_of_a_knob_counts():
    assert assign(["every=8", "every=9"], [section("a", EVERY)]) == {"a": {"every": 9}}


def test_an_unknown_knob_gets_the_nearest_or_all():
    with pytest.raises(UsageError, match="expected a knob of a, got 'evry'; did you mean every"):
        assign(["evry=8"], [section("a", EVERY)])
    with pytest.raises(UsageError, match="got 'zzz'; its knobs are every, rate"):
        assign(["zzz=8"], [section("a", EVERY, RATE)])
    with pytest.raises(UsageError, match="got 'zzz'; it has no knobs"):
        assign(["zzz=8"], [section("a")])
