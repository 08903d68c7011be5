"""A small book of its own for every test: NumPy sections that run in milliseconds."""

import itertools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from textbook.experiment import command_line, sources

REPOSITORY = Path(__file__).parents[2]
_NUMBERS = itertools.count()

COIN = '''"""1.2 A loaded coin (동전)

It costs less than a fair one.
"""

import sys

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from textbook.experiment import HOLDS, Claim, Run, paired

from {package}.shared.luck import luck

ENTRIES = ("1.2-a",)
DATA = "none"


def measure(run: Run, *, load: float = 0.3, throws: int = 50, name: str = "loaded") -> pd.DataFrame:
    """Two coins."""
    print("measuring", file=sys.stderr)
    rows = []
    for seed in run.seeds:
        for condition, shift in ((name, -load), ("fair", 0.0)):
            loss = shift + luck(seed)
            rows.append({{"condition": condition, "seed": seed, "epoch": run.epochs(8), "test_loss": loss}})
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> Figure:
    """Their losses."""
    print("drawing", file=sys.stderr)
    figure = Figure()
    figure.subplots().plot(table["seed"], table["test_loss"], "o")
    return figure


CLAIMS = (
    Claim(
        "1.2-a",
        "The loaded coin costs less.",
        paired("test_loss", lower="loaded", than="fair"),
        expected=HOLDS,
        ask="Which?",
        why="Its load.",
        beware="Luck.",
    ),
)
'''

LUCK = '''"""Luck."""

import numpy as np


def luck(seed):
    """A number."""
    return 1 + np.random.default_rng(seed).normal(0, 0.01)
'''

MAIN = '"""Run."""\nfrom textbook.experiment.command_line import main\n\nraise SystemExit(main(__package__))\n'


@dataclass
class Story:
    """A package with chapters on disk, and its command line, in this process or in one of its own."""

    folder: Path
    package: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture

    @property
    def chapter(self) -> Path:
        return self.folder / self.package / "one"

    @property
    def out(self) -> Path:
        return self.folder / "out" / "one"

    def coin(self, name: str = "coin", *, number: str = "1.2", changes: dict[str, str] | None = None) -> None:
        """The coin's section under another name and number, with pieces of its text changed."""
        text = COIN.format(package=self.package).replace("1.2", number)
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        (self.chapter / f"{name}.py").write_text(text, encoding="utf-8")

    def sections(self, *names: str) -> None:
        text = f'"""Chapter one."""\n\nSECTIONS = {names!r}\n'
        (self.chapter / "__init__.py").write_text(text, encoding="utf-8")

    def main(self, *arguments: str, chapter: str | None = "one") -> tuple[int, str, str]:
        """The command line in this process, with fresh sources: (status, stdout, stderr)."""
        self.forget()
        self.monkeypatch.chdir(self.folder)
        package = self.package if chapter is None else f"{self.package}.{chapter}"
        self.capsys.readouterr()
        status = command_line.main(package, ["--out", "out", *arguments])
        return status, *self.capsys.readouterr()

    def forget(self) -> None:
        for module in [name for name in sys.modules if name.partition(".")[0] == self.package]:
            del sys.modules[module]
        sources.source.cache_clear()
        sources._file.cache_clear()

    def command(self, *arguments: str, chapter: str = "one") -> list[str]:
        return [sys.executable, "-m", f"{self.package}.{chapter}", "--out", "out", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        # a source changed within a second of its compilation must be read again
        return {**os.environ, "PYTHONPATH": f"{self.folder}:{REPOSITORY}", "PYTHONDONTWRITEBYTECODE": "1"}

    def process(self, *arguments: str, chapter: str = "one", **settings) -> subprocess.CompletedProcess:
        """The command line in a process of its own."""
        return subprocess.run(
            self.command(*arguments, chapter=chapter),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            **settings,
        )

    def python(self, code: str) -> subprocess.CompletedProcess:
        """Python code in a process of its own, with the story on its path."""
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def story(tmp_path, monkeypatch, capsys) -> Story:
    package = f"story_{next(_NUMBERS)}"
    shared = tmp_path / package / "shared"
    shared.mkdir(parents=True)
    (shared / "__init__.py").write_text("")
    (shared / "luck.py").write_text(LUCK)
    (shared.parent / "__init__.py").write_text('"""A story."""\n')
    (shared.parent / "__main__.py").write_text(MAIN)
    (shared.parent / "one").mkdir()
    (shared.parent / "one" / "__main__.py").write_text(MAIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = Story(tmp_path, package, monkeypatch, capsys)
    made.sections("coin")
    made.coin()
    yield made
    made.forget()
