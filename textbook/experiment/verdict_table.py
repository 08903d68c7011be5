"""A chapter's verdicts as a Markdown table, and the chapter's page kept equal to it.

python -m textbook.experiment.verdict_table data/reference/ch4/results.json chapters/ch4/README.md

A run on data put in the place of the chapter's own has a table of its own, beside the verdicts of the chapter's run:
python -m textbook.experiment.verdict_table data/reference/fashion_mnist/ch7/results.json chapters/ch7/README.md \
    data/reference/ch7/results.json
"""

import json
import sys
from pathlib import Path

MARKS = "<!-- verdicts of {run}: begin -->", "<!-- verdicts of {run}: end -->"


def run_of(results: dict) -> str:
    """What the marks name: "ch7", or "ch7 on fashion_mnist" where no expectation applied, the data being replaced."""
    if any(claim["as_expected"] is not None for section in results["sections"] for claim in section["claims"]):
        return results["chapter"]
    names = {name for section in results["sections"] for name in section["provenance"]["data"]}
    return f"{results['chapter']} on {', '.join(sorted(names))}"


def markdown(results: dict, beside: dict | None = None) -> str:
    """One row per claim of a `results.json`: section, figure, claim, verdict with effect, interval and n.

    With `beside`, the results of the chapter's own run, their verdicts stand in the place of expectations.
    """
    own = beside and {claim["id"]: _verdict(claim) for section in beside["sections"] for claim in section["claims"]}
    heads = ("section", "figure", "claim", "expected" if own is None else "on the chapter's data", "verdict")
    rows = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for section in results["sections"]:
        name, figure = f"{section['number']} `{section['name']}`", f"`{section['figure']}`"
        for claim in section["claims"]:
            other = claim["expected"] if own is None else own[claim["id"]]
            cells = (name, figure, f"`{claim['id']}` {_cell(claim['claim'])}", other, _verdict(claim))
            rows.append("| " + " | ".join(cells) + " |")
            name = figure = ""
    return "\n".join(rows)


def _verdict(claim: dict) -> str:
    """The deciding judgement in words and numbers, with a mark where it is unlike the expectation."""
    judged = claim["second"] or claim
    # where expectations do not apply, as_expected is None
    unlike = claim["as_expected"] is not None and claim["decided"] != claim["expected"]
    text = f"**{claim['decided']}**" if unlike else claim["decided"]
    if judged["interval"]:
        low, high = judged["interval"]
        text += f" {judged['effect']:.3g} {judged['unit']} [{low:.3g}, {high:.3g}], n = {judged['n']}"
    return text + (" (second block)" if claim["second"] else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def inserted(page: str, results: dict, beside: dict | None = None) -> str:
    """The page with the table between the marks of the run.

    Raises: ValueError where the page lacks them.
    """
    begin, end = (mark.format(run=run_of(results)) for mark in MARKS)
    if begin not in page or end not in page:
        raise ValueError(f"expected the lines {begin!r} and {end!r} in the page; add them where the table should stand")
    return page[: page.index(begin) + len(begin)] + "\n" + markdown(results, beside) + "\n" + page[page.index(end) :]


def main(results_file: str, page_file: str, beside_file: str | None = None) -> None:
    """Rewrite the table in a page."""
    page = Path(page_file)
    results, beside = (file and json.loads(Path(file).read_text("utf-8")) for file in (results_file, beside_file))
    page.write_text(inserted(page.read_text("utf-8"), results, beside), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
