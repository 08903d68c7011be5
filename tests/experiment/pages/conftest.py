"""The pages of a real book: of the quick run in the folder QUICK_BOOK, or of a few sections that run in seconds."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.experiment.pages.parsed import Page

ROOT = Path(__file__).parents[3]
FEW = ("learning_rate_regimes", "taylor", "integer_draws", "momentum_axes")  # none trains; every kind of verdict


@dataclass(frozen=True)
class Site:
    """The pages below a folder, and the results that they were made from."""

    folder: Path

    @cached_property
    def pages(self) -> dict[str, Page]:
        """{path below the folder: page}"""
        found = sorted([*self.folder.glob("*.html"), *self.folder.glob("[!.]*/*.html")])
        return {path.relative_to(self.folder).as_posix(): Page(path.read_text("utf-8")) for path in found}

    @cached_property
    def results(self) -> dict[str, dict]:
        """{chapter: its results.json}"""
        return {
            path.parent.name: json.loads(path.read_text("utf-8")) for path in sorted(self.folder.glob("*/results.json"))
        }

    def url(self, page: str) -> str:
        return (self.folder / page.partition("#")[0]).as_uri() + "".join(page.partition("#")[1:])


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Site:
    if os.environ.get("QUICK_BOOK"):
        return Site(Path(os.environ["QUICK_BOOK"]).absolute())
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "chapters", *FEW, "--quick", "--seeds", "2", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return Site(out)
