import pytest

from textbook.experiment.outline import Knob, read

SOURCE = '''"""4.7.2.1 Step decay (계단형 감쇠)

Cutting the rate.

More.
"""

raise RuntimeError("a source that is read is not run")

ENTRIES = ("4.7.2.1-a", "4.7.2-a")
DATA = "any"
MEASURED = ("memory",)


def measure(run, *, initial: float = 0.2, rates: tuple[float, ...] = (0.1, 1.0), bare=RATES):
    """Not its docstring."""


def draw(table):
    """Loss by epoch,
    seed by seed.

    Not this.
    """
'''


@pytest.fixture
def path(tmp_path):
    return tmp_path / "step_decay.py"


def test_a_section_is_read_without_running_it(path):
    path.write_text(SOURCE, encoding="utf-8")
    outline = read("chapters.ch4.step_decay", path)
    assert (outline.chapter, outline.name, outline.stem) == ("ch4", "step_decay", "4.7.2.1-step-decay")
    assert (outline.number, outline.title) == ("4.7.2.1", "Step decay (계단형 감쇠)")
    assert outline.idea == "Cutting the rate.\n\nMore."
    assert outline.shows == "Loss by epoch, seed by seed."
    assert outline.knobs == (
        Knob("initial", "float", "0.2"),
        Knob("rates", "tuple[float, ...]", "(0.1, 1.0)"),
        Knob("bare", None, "RATES"),
    )
    assert outline.entries == ("4.7.2.1-a", "4.7.2-a")
    assert (outline.data, outline.measured) == ("any", ("memory",))
    assert outline.broken is None


def test_what_is_not_declared_has_defaults(path):
    path.write_text('"""4.6 Batches"""\n')
    outline = read("chapters.ch4.batches", path)
    assert (outline.knobs, outline.entries, outline.data, outline.measured) == ((), (), "digits", ())


def test_a_source_that_cannot_be_read_says_why(path):
    assert read("chapters.ch4.step_decay", path).broken == "there is no step_decay.py"
    path.write_text("def measure(:\n")
    assert read("chapters.ch4.step_decay", path).broken.startswith("step_decay.py does not parse: line 1, ")
