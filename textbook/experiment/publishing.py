"""Putting a section's figure, tables and record into the output folder."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from textbook.experiment import drawing, fingerprint, saving
from textbook.experiment.measuring import Measured
from textbook.experiment.section import Section

# a table's name becomes part of a file's, and may come of a knob
_TABLE_NAME = re.compile(r"[\w-][\w -]{0,59}")


@dataclass(frozen=True)
class Publisher:
    """Writes into one chapter's folder, figures in one format.

    `replaced_by` names the data that a user put in place of the sections' own.
    """

    folder: Path
    format: str
    replaced_by: str | None = None

    def tables(self, section: Section, measured: Measured) -> str | dict[str, str]:
        """Write the tables as CSV; returns the file's name, or {table: file name} for several.

        Raises: ValueError for a table's name that is none for a file.
        """
        names = self._table_names(section, measured)
        for table, text in measured.entry.texts.items():
            saving.write(self.folder / names[table], text)
        return names[""] if list(names) == [""] else names

    def _table_names(self, section: Section, measured: Measured) -> dict[str, str]:
        stem = section.outline.stem
        for table in measured.entry.texts:
            if table and not _TABLE_NAME.fullmatch(table):
                raise ValueError(
                    f"expected up to 60 letters, digits, spaces and hyphens as a table's name, got {table!r}; rename it"
                )
        return {
            table: f"{stem}.{table.replace(' ', '-')}.csv" if table else f"{stem}.csv" for table in measured.entry.texts
        }

    def pictures(self, section: Section, measured: Measured, provenance: dict, old: dict | None) -> dict:
        """Draw the figure and the film, unless `old`, the section's last record, says that the same are there.

        Returns: {"figure": file name, "animation": file name or None, "caption": the figure's, as plain text,
        "drawing": what they were drawn from, with the digests of all the section's files}.
        """
        stem = section.outline.stem
        files = {"figure": f"{stem}.{self.format}", "animation": f"{stem}.gif" if section.animate else None}
        title = f"{section.outline.number} {section.outline.title}"
        code = drawing.code(section)
        drawn_from = fingerprint.digest_of(
            measured.entry.sha256, code, title, saving.as_json(provenance).decode(), self.format
        )
        names = self._table_names(section, measured)
        tables = {names[table]: _sha256(text) for table, text in measured.entry.texts.items()}
        drawn = {"from": drawn_from, "code": code, "tables": tables}
        if old is not None and "caption" in old and self._stands(old.get("drawing"), drawn_from, files):
            return {**files, "caption": old["caption"], "drawing": drawn | {"sha256": old["drawing"]["sha256"]}}
        picture, caption = drawing.picture(
            section.draw,
            measured.tables,
            format=self.format,
            title=title,
            provenance=provenance,
            replaced_by=self.replaced_by,
        )
        contents = {files["figure"]: picture}
        if section.animate:
            contents[files["animation"]] = drawing.film(section.animate, measured.tables)
        for name, content in contents.items():
            saving.write(self.folder / name, content)
        sha256 = {name: _sha256(content) for name, content in contents.items()}
        return {**files, "caption": caption, "drawing": drawn | {"sha256": sha256}}

    def record(self, section: Section, record: dict) -> None:
        """Write the section's own JSON."""
        saving.write(self.folder / f"{section.outline.stem}.json", saving.as_json(record))

    def _stands(self, drawing_record: dict | None, drawn_from: str, files: dict) -> bool:
        if not drawing_record or drawing_record["from"] != drawn_from:
            return False
        expected = {name for name in files.values() if name}
        return expected == set(drawing_record["sha256"]) and all(
            path.is_file() and _sha256(path.read_bytes()) == digest
            for path, digest in ((self.folder / name, digest) for name, digest in drawing_record["sha256"].items())
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
