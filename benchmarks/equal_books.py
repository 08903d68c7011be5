"""What two output folders of the same command differ in, clock and memory readings aside.

Compared are all tables without their measured columns, all records without readings, and the pictures byte by byte. In
a section whose claims rest on clock or memory readings, verdicts and picture follow from these and are left out. Pages
show readings as well and are left out, too: which there are is compared, not what they say.
"""

import io
import json
from pathlib import Path

import pandas as pd

# how long a measurement took, and whether the cache had it; "drawing" has the digests of tables with their readings
_READINGS = ("seconds", "cached", "drawing")
# what follows from the tables of a section
_JUDGED = (
    "verdict", "effect", "interval", "n", "diverged", "differences", "p", "note", "as_expected", "second", "decided",
    "documented",
)  # fmt: skip
_PICTURES = (".png", ".svg", ".pdf", ".gif")
_ENDS = {
    ".png": b"IEND\xaeB`\x82",
    ".gif": b";",
    ".svg": b"</svg>",
    ".pdf": b"%%EOF",
    ".html": b"</html>",
    ".csv": b"\n",
}


def differences(one: Path, other: Path) -> list[str]:
    """A line for each file in which two books differ; none where they are the same."""
    records = {path.relative_to(one): json.loads(path.read_bytes()) for path in sorted(one.glob("*/*.json"))}
    sections = {name.parent / name.stem: record for name, record in records.items() if name.name != "results.json"}
    everywhere = {column for record in sections.values() for column in record["measured"]}
    owners = {name.parent / file: record for name, record in sections.items() for file in _files(record)}
    found = []
    here, there = _names(one), _names(other)
    for name in sorted(here | there):
        if name not in there or name not in here:
            found.append(f"{name} is only in {one if name in here else other}")
            continue
        texts = (one / name).read_bytes(), (other / name).read_bytes()
        if texts[0] == texts[1] or (name.suffix == ".html" and name.parts[0] != ".cache"):
            continue
        if name.suffix == ".json":
            same = len({json.dumps(_without_readings(json.loads(text)), sort_keys=True) for text in texts}) == 1
        elif name.suffix == ".csv":
            columns = owners[name]["measured"] if name in owners else everywhere
            same = _table(texts[0], columns) == _table(texts[1], columns)
        else:
            same = name.suffix in _PICTURES and name in owners and _is_timed(owners[name])
        if not same:
            found.append(f"{name} differs")
    return found


def half_written(book: Path) -> list[str]:
    """Files that end before their format does. Hidden ones do not count: the next run clears away what was begun."""
    return [
        str(path.relative_to(book))
        for path in sorted(book.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(book).parts)
        if not _is_whole(path)
    ]


def _is_whole(path: Path) -> bool:
    if path.suffix == ".json":
        try:
            json.loads(path.read_bytes())
        except ValueError:
            return False
        return True
    return path.read_bytes().rstrip(b"\n" if path.suffix != ".csv" else b"").endswith(_ENDS.get(path.suffix, b""))


def _names(book: Path) -> set[Path]:
    """All files, hidden ones and those of the cache too."""
    return {path.relative_to(book) for path in book.rglob("*") if path.is_file()}


def _files(record: dict) -> list[str]:
    tables = record["table"].values() if isinstance(record["table"], dict) else [record["table"]]
    return [*tables, record["figure"], *([record["animation"]] if record["animation"] else [])]


def _is_timed(record: dict) -> bool:
    """Whether a section measures time or memory beyond the seconds that every training notes."""
    return set(record["measured"]) != {"seconds"}


def _without_readings(record: dict) -> dict:
    """A section's record, a chapter's results or a cache entry's description, without what differs from run to run."""
    kept = {key: value for key, value in record.items() if key not in _READINGS}
    if "sections" in record:
        kept["sections"] = [_without_readings(section) for section in record["sections"]]
    if "claims" in record:
        # a discovery rests on all p-values of the chapter, those of clock readings as well
        left_out = ("discovery", *(_JUDGED if _is_timed(record) else ()))
        kept["claims"] = [{key: v for key, v in claim.items() if key not in left_out} for claim in record["claims"]]
    if "made of" in record:  # the digests of a cache entry's tables hold readings; the tables are compared themselves
        kept.pop("sha256", None)
        kept["tables"] = {name: (about["file"], about["kinds"]) for name, about in record["tables"].items()}
    return kept


def _table(text: bytes, without) -> str:
    table = pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False)
    return table.drop(columns=[column for column in without if column in table]).to_csv(index=False)
