from textbook.experiment.passages import passages

SOURCE = '''"""1.2 A section

Its idea.
"""

import numpy as np

from textbook.experiment import Claim

ENTRIES = ("1.2-a",)
# why three
COUNT = 3
LABEL = "of both"
LABEL += ", drawn"


def measure(run, *, count: int = COUNT):
    """Numbers."""
    return _numbers(count)


@np.vectorize
def _square(x):
    return x * x


def draw(table):
    """A picture."""
    return _title(table)


def _numbers(count):
    return _square(np.arange(count))


def _title(table):
    return f"{LABEL}: {_square(2)}"


def _spread(table):
    return table.max()


CLAIMS = (Claim(_spread),)
'''


def test_each_passage_has_what_it_needs_in_the_order_and_words_of_the_source(tmp_path):
    path = tmp_path / "section.py"
    path.write_text(SOURCE)
    parts = passages(path)
    assert list(parts) == ["imports", "measure", "draw", "CLAIMS"]
    assert parts["imports"] == "import numpy as np\nfrom textbook.experiment import Claim"
    # a helper written below `draw` comes before it where only `measure` uses it, and stands once where both do
    assert parts["measure"].startswith("# why three\nCOUNT = 3\n\n\ndef measure(run, *, count: int = COUNT):\n")
    assert parts["measure"].endswith(
        "\n\n\n@np.vectorize\ndef _square(x):\n    return x * x\n\n\n"
        "def _numbers(count):\n    return _square(np.arange(count))"
    )
    assert parts["draw"].startswith(
        'LABEL = "of both"\nLABEL += ", drawn"\n\n\ndef draw(table):\n    """A picture."""\n'
    )
    assert "_square(x)" not in parts["draw"] and "def _title" in parts["draw"]
    assert parts["CLAIMS"] == "def _spread(table):\n    return table.max()\n\n\nCLAIMS = (Claim(_spread),)"


def test_what_nothing_uses_is_left_out_and_a_section_without_docstring_loses_nothing(tmp_path):
    path = tmp_path / "section.py"
    path.write_text('ENTRIES = ()\nNAME = "x"\n\n\ndef measure(run):\n    return NAME\n')
    assert passages(path) == {"imports": "", "measure": 'NAME = "x"\n\n\ndef measure(run):\n    return NAME'}
