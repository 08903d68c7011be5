import json
import shlex
from pathlib import Path

import pytest

from textbook.experiment import book, knobs, seed_blocks
from textbook.experiment.command_line import parser
from textbook.experiment.pages import commands

ROOT = Path(__file__).parents[3]
RECORD = {
    "name": "coin",
    "quick": False,
    "set": {},
    "replaced_by": None,
    "provenance": {"seeds": list(range(1000, 1016)), "engine": "replicas"},
}


def record(*, seeds=None, engine="replicas", **changes):
    provenance = {"seeds": RECORD["provenance"]["seeds"] if seeds is None else seeds, "engine": engine}
    return {**RECORD, "provenance": provenance, **changes}


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, ""),
        ({"quick": True, "seeds": [1000, 1001, 1002, 1003]}, " --quick"),
        ({"seeds": [1000, 1001]}, " --seeds 2"),
        ({"seeds": list(range(3000, 3032))}, " --seeds 3000-3031"),
        ({"seeds": [7]}, " --seeds 7-7"),
        ({"seeds": [5, 3]}, " --seeds 5,3"),
        ({"engine": "fit"}, " --engine fit"),
        ({"replaced_by": "wine"}, " --data wine"),
        ({"replaced_by": "my data.CSV"}, " --data 'my data.CSV' --target COLUMN"),
        ({"set": {"every": 8, "rates": [0.1, 1.0]}}, " --set every=8 --set rates=0.1,1.0"),
        ({"set": {"name": "a; touch x"}}, " --set 'name=a; touch x'"),
    ],
)
def test_the_command_of_a_run(changes, options):
    assert commands.again("chapters.ch4", record(**changes)) == f"python -m chapters.ch4 coin{options}"


@pytest.mark.parametrize("seeds", [[1000], [1000, 1001, 1002], [9], [4, 2, 8], list(range(2000, 2032))])
def test_the_command_asks_for_the_same_seeds(seeds):
    words = shlex.split(commands.again("chapters.ch4", record(seeds=seeds)))
    assert list(seed_blocks.parse(words[words.index("--seeds") + 1])) == seeds


def test_every_knob_of_the_book_can_be_set_by_its_command():
    """From a record, where a tuple is a list, through a shell and the command line, back to the knob's value."""
    options, count = parser("chapters.ch4"), 0
    for chapter in book.chapters("chapters"):
        documented = json.loads((ROOT / "data" / "reference" / chapter.name / "results.json").read_text("utf-8"))
        used = {record["name"]: record["knobs"] for record in documented["sections"]}
        for section in chapter.sections:
            for knob in section.knobs:
                value = used[section.name][knob.name]
                option = f"--set {commands.setting(knob.name, value)}"
                words = shlex.split(commands.section("chapters.ch4", section.name, option))
                asked = options.parse_intermixed_args(words[3:])
                back = knobs.assign(asked.settings, [section])[section.name][knob.name]
                assert json.loads(json.dumps(back)) == value
                count += 1
    assert count > 500


@pytest.mark.parametrize("value", ["$(touch pwned)", "`a`", "a b", "'", '"', "a;b", "<b>", "--out", "\\", "한글"])
def test_a_value_reaches_no_shell(value):
    assert shlex.split(commands.setting("name", value)) == [f"name={value}"]
