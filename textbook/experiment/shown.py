"""What the notebooks show: tables, the figure, the film, and a claim's verdict with its reason.

Jupyter asks an object for its `_repr_…_`, so nothing here needs IPython; in a plain Python session the same objects
print as text.
"""

import contextlib
import html
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from textbook.experiment import drawing, judging, report, tables
from textbook.experiment.cache import Cache
from textbook.experiment.measuring import Measurer
from textbook.experiment.streams import note


def reread(measured: pd.DataFrame | dict[str, pd.DataFrame]) -> pd.DataFrame | dict[str, pd.DataFrame]:
    """What `measure` returned as the book's figures and verdicts see it: written as CSV text and read back."""
    if isinstance(measured, dict):
        return {name: tables.from_csv(*tables.to_csv(table)) for name, table in measured.items()}
    return tables.from_csv(*tables.to_csv(measured))


def shared_tables(folder: str | Path) -> Measurer:
    """For `Run(measurer=…)`: keeps the tables that several sections share in a run's cache, or finds them there."""
    return Measurer(Cache(Path(folder), warn=note))


class Rows:
    """The first rows of one table, or of each table of a dict."""

    def __init__(self, measured: pd.DataFrame | dict[str, pd.DataFrame], count: int = 5):
        self.tables = measured if isinstance(measured, dict) else {"": measured}
        self.count = count

    def __repr__(self) -> str:
        return "\n\n".join(f"{self._title(name)}\n{table.head(self.count)}" for name, table in self.tables.items())

    def _repr_html_(self) -> str:
        return "".join(
            # pandas escapes names and values
            f"<p>{html.escape(self._title(name))}</p>{table.head(self.count).to_html(index=False)}"
            for name, table in self.tables.items()
        )

    def _title(self, name: str) -> str:
        rows = f"{len(self.tables[name])} rows"
        return f"{name}: {rows}" if name else rows


class Picture:
    """What `draw(tables)` returns, in the book's style; `.png` has the bytes and `.caption` the words below it.

    `replaced_by` names data that stand in the place of the section's own, which `draw` does not know of.
    """

    def __init__(self, draw: Callable, measured, *, replaced_by: str | None = None):
        with _own_backend():
            self.png, self.caption = drawing.picture(
                draw, measured, format="png", title="", provenance={}, replaced_by=replaced_by
            )

    def __repr__(self) -> str:
        return f"Picture: {self.caption}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"image/png": self.png, "text/plain": repr(self)}


class Film:
    """What `animate(tables)` returns, as a GIF that runs by itself; `.gif` has the bytes."""

    def __init__(self, animate: Callable, measured):
        with _own_backend():
            self.gif = drawing.film(animate, measured)

    def __repr__(self) -> str:
        return f"Film: {len(self.gif)} bytes of GIF"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"image/gif": self.gif, "text/plain": repr(self)}


class Answer:
    """A claim judged on tables: `.record` has the verdict with effect, interval and n; shown with why and beware.

    `quick` marks a verdict on few epochs.
    """

    def __init__(self, claim, measured, *, quick: bool = False):
        # whether an expectation applies depends on knobs and data, which a reader is here to change
        self.claim = claim
        (record,) = judging.judge([claim], measured, quick=quick, applies=False)
        self.record = {**record, "documented": None}

    def __repr__(self) -> str:
        return report.verdict_line(self.record)

    def _repr_markdown_(self) -> str:
        claim = self.claim
        paragraphs = [
            f"**{report.verdict_line(self.record)}**",
            f"With the book's settings “{claim.expected}” was expected before measuring. Rule: {claim.test.sentence}",
            f"*Why.* {claim.why}",
            f"*Beware.* {claim.beware}",
        ]
        if self.record["note"]:
            paragraphs.insert(1, self.record["note"])
        if claim.correction:
            paragraphs.append(f"*What the text should say.* {claim.correction}")
        if claim.reference:
            paragraphs.append(f"*Reference.* {claim.reference}")
        return "\n\n".join(as_markdown(paragraph) for paragraph in paragraphs)


@contextlib.contextmanager
def _own_backend():
    """Matplotlib's backend is put back: a reader's own plots are still to appear in the notebook."""
    import matplotlib

    before = matplotlib.get_backend()
    try:
        yield
    finally:
        matplotlib.use(before)


def as_markdown(text: str) -> str:
    """A section's prose as Markdown: code in backticks and `*emphasis*` stay, what only looks like markup is escaped.

    Line breaks go, paragraphs stay.

    >>> as_markdown("a loss < 1 costs $2,\\nsee `x < 1` and *not* [this]")
    'a loss \\\\< 1 costs \\\\$2, see `x < 1` and *not* \\\\[this\\\\]'
    """
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return "\n\n".join("`".join(_outside_code(paragraph.split("`"))) for paragraph in paragraphs)


def _outside_code(parts: list[str]) -> list[str]:
    return [
        part if at % 2 else "".join(f"\\{c}" if c in "\\<$[]" else c for c in part) for at, part in enumerate(parts)
    ]
