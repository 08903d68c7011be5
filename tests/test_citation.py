"""CITATION.cff is a citation file of version 1.2.0, and says of the project what the project says of itself."""

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# the fields that version 1.2.0 of the format knows, and those that it cannot do without
REQUIRED = {"authors", "cff-version", "message", "title"}
OPTIONAL = {
    "abstract",
    "commit",
    "contact",
    "date-released",
    "doi",
    "identifiers",
    "keywords",
    "license",
    "license-url",
}
OPTIONAL |= {"preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url"}
KNOWN = REQUIRED | OPTIONAL | {"version"}
ENTITY = {"name", "address", "alias", "city", "country", "email", "fax", "location", "orcid", "post-code", "region"}
ENTITY |= {"date-end", "date-start", "tel", "website"}


def fields(text: str) -> dict:
    """The part of YAML that the file needs: `key: value`, and below a key lists of values, or of one-line mappings.

    Text stands in double quotes unless it is a plain word; anything else is an error.
    """
    found, key = {}, None
    for number, line in enumerate(text.splitlines(), start=1):
        item = re.fullmatch(r"  - (?:([a-z-]+): )?(.+)", line)
        pair = re.fullmatch(r"([a-z-]+):(?: (.+))?", line)
        if item and isinstance(found.get(key), list):
            value = _value(item[2], number)
            found[key].append({item[1]: value} if item[1] else value)
        elif pair and pair[1] not in found:
            key = pair[1]
            found[key] = [] if pair[2] is None else _value(pair[2], number)
        else:
            raise ValueError(f"expected a field of its own, or an item below one, got line {number}: {line!r}")
    return found


def _value(text: str, number: int) -> str:
    if re.fullmatch(r"[A-Za-z0-9.]+", text):
        return text
    if not re.fullmatch(r'"[^"\\]+"', text):
        raise ValueError(f"expected a word, or text in double quotes, got line {number}: {text!r}")
    return text[1:-1]


def test_it_has_the_fields_of_the_format():
    cited = fields((ROOT / "CITATION.cff").read_text("utf-8"))
    assert set(cited) >= REQUIRED and set(cited) <= KNOWN
    assert cited["cff-version"] == "1.2.0" and cited["type"] in ("software", "dataset")
    assert cited["authors"] and cited["keywords"]
    for author in cited["authors"]:
        assert "name" in author and set(author) <= ENTITY
    assert all(isinstance(cited[name], str) for name in ("message", "title", "version", "license", "abstract"))
    assert len(set(cited["keywords"])) == len(cited["keywords"])


def test_it_agrees_with_the_project():
    cited = fields((ROOT / "CITATION.cff").read_text("utf-8"))
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    assert cited["version"] == setup["metadata"]["version"] and cited["license"] == setup["metadata"]["license"]
    (author,) = cited["authors"]
    assert author["name"] in (ROOT / "LICENSE").read_text("utf-8")
    assert (ROOT / "README.md").read_text("utf-8").startswith(f"# {cited['title']}\n")
    assert "CITATION.cff" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    ["title: two words", "title: A\ntitle: B", "  - name: A", "title: A\n  - B", "title", "title: {a: b}", '- "A"'],
)
def test_what_is_no_such_file_is_refused(text):
    with pytest.raises(ValueError, match=r"got line \d"):
        fields(text)
