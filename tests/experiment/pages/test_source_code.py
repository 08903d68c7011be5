import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiment.pages.parsed import Page
from textbook.experiment.pages import source_code
from textbook.experiment.pages.source_code import Highlighter, highlighted

ROOT = Path(__file__).parents[3]
SOURCE = '''"""1.1 A <title> & more (동전)"""

import os


def measure(run, *, every=5):
    """Docs."""
    # why
    return f"{every} <b>" if every is not None else 0.5
'''


def shown(html: str) -> str:
    return Page(f"<body>{html}</body>").text


def test_the_text_stays_as_it_is():
    assert shown(highlighted(SOURCE)) == SOURCE
    assert "<b>" not in highlighted(SOURCE) and "<title>" not in highlighted(SOURCE)


def test_only_what_is_styled_has_a_span():
    spans = re.findall(r'<span class="(\w)">([^<]*)</span>', highlighted(SOURCE))
    assert {kind for kind, _ in spans} == set("cskdn")
    assert ("k", "import") in spans and ("d", "measure") in spans and ("n", "5") in spans and ("c", "# why") in spans
    style = (ROOT / "textbook" / "experiment" / "pages" / "assets" / "book.css").read_text("utf-8")
    assert all(re.search(rf"^\.{kind} |\}} \.{kind} ", style, re.MULTILINE) for kind in "cskdn")


@pytest.mark.parametrize("source", ["", "\n\n", "x = (\n", "def", "'''", "\tif\x00"])
def test_what_does_not_parse_is_shown_all_the_same(source):
    assert shown(highlighted(source)).strip() == source.strip()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "section.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_what_was_made_is_kept(tmp_path, file, monkeypatch):
    first = Highlighter(tmp_path / ".cache")(file)
    monkeypatch.setattr(source_code, "highlighted", lambda source: pytest.fail("it was kept"))
    assert Highlighter(tmp_path / ".cache")(file) == first == highlighted(SOURCE)


@pytest.mark.parametrize("spoil", [b"", b"cut", b"\xff\xfe", None])
def test_what_was_kept_and_spoilt_is_made_again(tmp_path, file, spoil):
    first = Highlighter(tmp_path / ".cache")(file)
    (kept,) = (tmp_path / ".cache").glob("*/*")
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(b"measure", b"<script>") if spoil is None else spoil)
    assert Highlighter(tmp_path / ".cache")(file) == first
    assert kept.read_bytes() == whole


def test_a_change_of_the_source_shows(tmp_path, file):
    Highlighter(tmp_path / ".cache")(file)
    file.write_text("x = 1\n", encoding="utf-8")
    assert shown(Highlighter(tmp_path / ".cache")(file)) == "x = 1\n"


def test_pygments_and_jinja_wait_until_a_page_is_written():
    code = "import sys, textbook.experiment.pages\n"
    code += "from textbook.experiment import command_line\n"
    code += "command_line.main('chapters', ['--list'])\n"
    code += "print([name for name in ('pygments', 'jinja2', 'markupsafe', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
