"""A chapter's verdicts as a Markdown table, and the chapter's page kept equal to it.

python -m textbook.experiment.verdict_table data/reference/ch4/results.json chapters/ch4/README.md
"""

import json
import sys
from pathlib import Path

MARKS = "<!-- verdicts of {chapter}: begin -->", "<!-- verdicts of {chapter}: end -->"


def markdown(results: dict) -> str:
    """One row per claim of a `results.json`: section, figure, claim, verdict with effect, interval and n."""
    rows = ["| section | figure | claim | expected | verdict |", "| --- | --- | --- | --- | --- |"]
    for section in results["sections"]:
        name, figure = f"{section['number']} `{section['name']}`", f"`{section['figure']}`"
        for claim in section["claims"]:
            cells = (name, figure, f"`{claim['id']}` {_cell(claim['claim'])}", claim["expected"], _verdict(claim))
            rows.append("| " + " | ".join(cells) + " |")
            name = figure = ""
    return "\n".join(rows)


def _verdict(claim: dict) -> str:
    """The deciding judgement in words and numbers, with a mark where it is unlike the expectation."""
    judged = claim["second"] or claim
    text = f"**{claim['decided']}**" if claim["decided"] != claim["expected"] else claim["decided"]
    if judged["interval"]:
        low, high = judged["interval"]
        text += f" {judged['effect']:.3g} {judged['unit']} [{low:.3g}, {high:.3g}], n = {judged['n']}"
    return text + (" (second block)" if claim["second"] else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def inserted(page: str, results: dict) -> str:
    """The page with the table between the chapter's marks.

    Raises: ValueError where the page lacks them.
    """
    begin, end = (mark.format(chapter=results["chapter"]) for mark in MARKS)
    if begin not in page or end not in page:
        raise ValueError(f"expected the lines {begin!r} and {end!r} in the page; add them where the table should stand")
    return page[: page.index(begin) + len(begin)] + "\n" + markdown(results) + "\n" + page[page.index(end) :]


def main(results_file: str, page_file: str) -> None:
    """Rewrite the table in a page."""
    page = Path(page_file)
    page.write_text(inserted(page.read_text("utf-8"), json.loads(Path(results_file).read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
