import itertools
import sys

import pytest

from textbook.experiment import fingerprint, sources

_NUMBERS = itertools.count()

FILES = {
    "__init__.py": "",
    "section.py": '''
        """A section."""
        import numpy as np
        from matplotlib.figure import Figure

        from PKG import plots
        from PKG.base import double
        from PKG.lazy import late
        from PKG.tool import inner

        RATE = 0.1
        UNUSED = 1

        def measure(run, *, rate: float = RATE):
            """Measure."""
            from .local import local  # a comment
            return np.array([_help(rate), double(rate), inner.triple(rate), local(), late()])

        def _help(rate):
            return rate + 1

        def unreached():
            return 5

        def draw(table):
            """Draw."""
            plots.line(table)
            return Figure()

        CLAIMS = ("a claim",)
    ''',
    "base.py": '''
        """Base."""
        FACTOR = 2

        def double(x):
            """Twice."""
            return FACTOR * x

        def other(x):
            return x
    ''',
    "plots.py": "def line(table):\n    return table\n",
    "local.py": "def local():\n    return 1\n",
    "unseen.py": "def unseen():\n    return 1\n",
    "tool/__init__.py": "",
    "tool/inner.py": "def triple(x):\n    return 3 * x\n",
    "lazy/__init__.py": """
        import importlib

        _PUBLIC = {"late": ("PKG.lazy.lately", "late"), "never": ("PKG.lazy.never", "never")}

        def __getattr__(name):
            return getattr(importlib.import_module(_PUBLIC[name][0]), name)
    """,
    "lazy/lately.py": "def late():\n    return 1\n",
    "lazy/never.py": "def never():\n    return 1\n",
}


class Code:
    def __init__(self, folder, package):
        self.folder, self.package = folder / package, package
        for name, text in FILES.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = text.splitlines()
            margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
            path.write_text("\n".join(line[margin:] for line in lines).replace("PKG", package).strip() + "\n")

    def reach(self, *names):
        sources.source.cache_clear()
        sources._file.cache_clear()
        return fingerprint.reach(f"{self.package}.section", *names)

    def change(self, name, old, new):
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return Code(tmp_path, f"reached_{next(_NUMBERS)}")


def test_the_walk_finds_what_measure_reaches_and_imports_nothing(code):
    found = code.reach("measure")
    names = ("section", "base", "tool.inner", "local", "lazy", "lazy.lately")
    assert found.modules == {f"{code.package}.{name}" for name in names}
    assert (f"{code.package}.base", "FACTOR") in found.definitions
    assert (f"{code.package}.base", "other") not in found.definitions
    assert found.packages == {"numpy"}
    assert not [name for name in sys.modules if name.startswith(code.package)]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("section.py", "rate + 1", "rate + 2"),
        ("section.py", "RATE = 0.1", "RATE = 0.2"),
        ("section.py", "np.array([", "np.array([0, "),
        ("base.py", "FACTOR * x", "x * FACTOR"),
        ("base.py", "FACTOR = 2", "FACTOR = 3"),
        ("tool/inner.py", "3 * x", "4 * x"),
        ("local.py", "return 1", "return 2"),
        ("lazy/lately.py", "return 1", "return 2"),
        ("base.py", "FACTOR = 2", 'FACTOR = 2\nprint("runs on import")'),
    ],
)
def test_a_change_of_what_is_reached_shows(code, file, old, new):
    before = code.reach("measure").digest
    code.change(file, old, new)
    assert code.reach("measure").digest != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("section.py", "A section.", "Another docstring."),
        ("section.py", '"""Measure."""', '"""Measure it all."""'),
        ("section.py", "# a comment", "# another"),
        ("section.py", "plots.line(table)", "plots.line(table * 2)"),
        ("section.py", '("a claim",)', '("another",)'),
        ("section.py", "return 5", "return 6"),
        ("section.py", "UNUSED = 1", "UNUSED = 2"),
        ("base.py", "Twice.", "Two times."),
        ("base.py", "return x\n", "return -x\n"),
        ("plots.py", "return table", "return None"),
        ("unseen.py", "return 1", "return 2"),
        ("lazy/never.py", "return 1", "return 2"),
    ],
)
def test_a_change_of_what_is_not_reached_does_not(code, file, old, new):
    before = code.reach("measure").digest
    code.change(file, old, new)
    assert code.reach("measure").digest == before


def test_draw_has_a_reach_of_its_own(code):
    before = code.reach("draw").digest
    code.change("base.py", "FACTOR = 2", "FACTOR = 3")
    assert code.reach("draw").digest == before
    code.change("plots.py", "return table", "return None")
    assert code.reach("draw").digest != before


def test_a_lazy_package_without_a_table_counts_whole(code):
    code.change("lazy/__init__.py", "_PUBLIC = {", "OTHER = {")
    code.change("lazy/__init__.py", '"late": (', '"later": (')
    before = code.reach("measure").digest
    code.change("lazy/never.py", "return 1", "return 2")
    assert code.reach("measure").digest != before


def test_what_a_run_hands_out_is_reached_through_it(code):
    assert "textbook.experiment.quick" not in code.reach("measure").modules
    code.change("section.py", "_help(rate),", "run.epochs(2), run.splits(),")
    modules = code.reach("measure").modules
    assert {"textbook.experiment.quick", "textbook.experiment.data_choice", "textbook.splits.splitter"} <= modules
    assert not {"textbook.experiment.run", "textbook.experiment.cache"} & modules


def test_the_machine_itself_is_not_reached(code):
    code.change("section.py", "import numpy as np", "import numpy as np\nfrom textbook.experiment import Run")
    code.change("section.py", "_help(rate),", "Run(),")
    assert not [name for name in code.reach("measure").modules if name.startswith("textbook")]


def test_a_star_import_counts_whole(code):
    code.change(
        "section.py",
        "from PKG.base".replace("PKG", code.package),
        f"from {code.package}.unseen import *\nfrom PKG.base".replace("PKG", code.package),
    )
    before = code.reach("measure").digest
    code.change("unseen.py", "return 1", "return 2")
    assert code.reach("measure").digest != before


def test_a_function_without_a_name_is_refused(code):
    with pytest.raises(ValueError, match=r"expected a function at the top of a module, got .*section\.nothing"):
        code.reach("nothing")
    with pytest.raises(ValueError, match="expected a function at the top of a module, got no_such_module"):
        fingerprint.reach("no_such_module", "measure")


def test_borders_between_texts_count():
    assert fingerprint.digest_of("ab", "c") != fingerprint.digest_of("a", "bc")
