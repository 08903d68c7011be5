"""A book of two sections whose records are written by hand, so that a test says what was measured."""

import itertools
import json
from pathlib import Path

_NUMBERS = itertools.count()
CONTRADICTIONS = """
[en]
lead = "They differ."
[ko]
lead = "서로 다르다."
[[topics]]
id = "coins"
entries = ["1.1-a", "1.2-a"]
bearing = ["1.2-a/luck", "1.1-a"]
en = { title = "Is a coin fair?", explanation = "One says so.\\n\\nThe other <b>not</b>." }
ko = { title = "동전은 공정한가?", explanation = "하나는 그렇다고 한다." }
[[topics.texts]]
chapter = "one"
ko = "동전은 공정하다."
en = "A coin is fair."
[[topics.texts]]
chapter = "one"
ko = "동전은 치우쳐 있다."
en = "A coin is <i>loaded</i>."
"""
GLOSSARY = """
en = { lead = "Terms.", apart_title = "Apart" }
ko = { lead = "용어.", apart_title = "여러 뜻" }
[[apart]]
id = "two"
terms = ["coin", "die"]
en = { title = "Coin", text = "Not a die." }
ko = { title = "동전", text = "주사위가 아니다." }
[[terms]]
id = "die"
see = ["one/first", "one/second"]
en = "die"
ko = "주사위"
means_en = "Six sides."
means_ko = "여섯 면."
[[terms]]
id = "coin"
see = ["one/second"]
en = "Coin"
ko = "동전"
means_en = "Two sides."
means_ko = "두 면."
"""
PREFACE = """
replication = { section = "second", shares = "shares", all = "all", sizes = [1, 16], unit = "nats" }
example = { claims = ["1.1-a", "1.2-a/luck"] }
[en]
lead = "Seeds."
[ko]
lead = "시드."
[ko.contrasts]
"heads beat tails" = "앞면이 낫다"
[[parts]]
id = "few"
block = "replication"
en = { title = "Few", text = "One.\\n\\nTwo." }
ko = { title = "몇 개", text = "하나." }
[[parts]]
id = "words"
block = "words"
en = { title = "Words", text = "Five." }
ko = { title = "낱말", text = "다섯." }
[[parts]]
id = "strip"
block = "strip"
en = { title = "Strip", text = "Dots." }
ko = { title = "띠", text = "점." }
[[parts]]
id = "marks"
block = "marks"
en = { title = "Marks", text = "Some." }
ko = { title = "표시", text = "몇." }
[[marks]]
en = { name = "Quick", text = "Few." }
ko = { name = "빠른", text = "적다." }
"""
TEXTS = {"contradictions": CONTRADICTIONS, "glossary": GLOSSARY, "preface": PREFACE}
ALL = "contrast,word,measured,mean,low,high,spread,seeds\n{name},holds,holds,0.03,0.02,0.04,0.01,160\n"
SHARES = {"holds": 0.7, "reversed": 0.05, "no difference": 0.1, "fails": 0.0, "inconclusive": 0.15}


def package(folder: Path, monkeypatch, texts: dict[str, str]) -> str:
    """A package with one chapter of two sections and these texts beside it; its name is its own."""
    name = f"toy_pages_{next(_NUMBERS)}"
    chapter = folder / name / "one"
    chapter.mkdir(parents=True)
    (folder / name / "__init__.py").write_text('"""A book."""\n')
    (chapter / "__init__.py").write_text('"""Chapter 1: coins (동전)."""\n\nSECTIONS = ("first", "second")\n')
    for number, section in (("1.1", "first"), ("1.2", "second")):
        source = f'"""{number} The {section} coin (동전)\n\nAn idea.\n"""\n\nENTRIES = ("{number}-a",)\n'
        (chapter / f"{section}.py").write_text(source)
    for file, text in texts.items():
        (folder / name / f"{file}.toml").write_text(text)
    monkeypatch.syspath_prepend(folder)
    return name


def claim(id: str, verdict: str = "holds", **changes) -> dict:
    """A claim's record: of 16 seeds, as expected, with an effect of 0.02 nats."""
    return {
        "id": id,
        "claim": f"Claim {id}.",
        "test": "a test",
        "verdict": verdict,
        "effect": 0.02,
        "interval": [0.01, 0.03],
        "n": 16,
        "unit": "nats",
        "delta": 0.01,
        "diverged": 0,
        "differences": [0.02] * 16,
        "p": 1e-6,
        "note": "",
        "expected": verdict,
        "quick": False,
        "as_expected": True,
        "second": None,
        "decided": verdict,
        "ask": "Which?",
        "why": "Because.",
        "beware": "Luck.",
        "correction": "",
        "reference": "",
        "documented": None,
        **changes,
    }


def run(out: Path, section: str, *claims: dict, quick: bool = False, table: str | dict[str, str] = "none.csv") -> Path:
    """Lay the record of a section into the output folder; returns the chapter's folder."""
    number = {"first": "1.1", "second": "1.2"}[section]
    folder = out / "one"
    folder.mkdir(parents=True, exist_ok=True)
    provenance = {"seeds": list(range(1000, 1016)), "quick": quick, "data": {}, "engine": "replicas"}
    provenance |= {
        "backend": "tensorflow",
        "versions": {"numpy": "2"},
        "machine": {"system": "Linux"},
        "code": "0" * 64,
    }
    record = {
        "number": number,
        "name": section,
        "title": f"The {section} coin (동전)",
        "idea": "An idea.",
        "shows": "Dots.",
        "entries": [f"{number}-a"],
        "table": table,
        "measured": [],
        "seconds": 1.0,
        "cached": False,
        "quick": quick,
        "knobs": {},
        "set": {},
        "claims": list(claims),
        "replaced_by": None,
        "provenance": provenance,
        "figure": f"{number}-{section}.png",
        "animation": None,
        "caption": "n = 16 seeds (1000–1015).",
        "drawing": {"from": "", "sha256": {}},
    }
    (folder / f"{number}-{section}.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def replication(
    out: Path, *claims: dict, name: str = "heads beat tails", shares: dict | None = None, **settings
) -> Path:
    """Lay the tables of which the preface tells beside the second section's record."""
    folder = run(out, "second", *claims, table={"all": "all.csv", "shares": "shares.csv"}, **settings)
    (folder / "all.csv").write_text(ALL.format(name=name), encoding="utf-8")
    rows = [f"{name},{size},{word},{p}" for size in (1, 3, 16) for word, p in (SHARES | (shares or {})).items()]
    (folder / "shares.csv").write_text("\n".join(["contrast,seeds,word,share", *rows, ""]), encoding="utf-8")
    return folder
