import pytest

from textbook.experiment import verdict_table

CLAIM = {
    "id": "7.1-a",
    "claim": "Cheaper | faster.",
    "effect": 0.5,
    "interval": [0.4, 0.6],
    "unit": "nats",
    "n": 16,
    "expected": "holds",
    "decided": "fails",
    "as_expected": False,
    "second": None,
}
PAGE = "<!-- verdicts of {run}: begin -->\nold\n<!-- verdicts of {run}: end -->\nbelow\n"


def results(data="digits", **changes):
    section = {"number": "7.1", "name": "cost", "figure": "7.1-cost.png", "provenance": {"data": {data: "0"}}}
    return {"chapter": "ch7", "sections": [{**section, "claims": [{**CLAIM, **changes}]}]}


def test_a_verdict_unlike_its_expectation_is_bold_and_the_second_block_decides():
    row = verdict_table.markdown(results()).splitlines()[2]
    assert row.endswith("| `7.1-a` Cheaper \\| faster. | holds | **fails** 0.5 nats [0.4, 0.6], n = 16 |")
    second = {"effect": 0.7, "interval": [0.6, 0.8], "unit": "nats", "n": 32}
    row = verdict_table.markdown(results(second=second, decided="holds", as_expected=True)).splitlines()[2]
    assert row.endswith("| holds | holds 0.7 nats [0.6, 0.8], n = 32 (second block) |")


def test_other_data_have_a_table_of_their_own_beside_the_chapters_verdicts():
    other = results("fashion_mnist", as_expected=None, decided="reversed", n=12)
    page = PAGE.format(run="ch7") + PAGE.format(run="ch7 on fashion_mnist")
    found = verdict_table.inserted(page, other, results())
    assert found.startswith(PAGE.format(run="ch7"))
    (row,) = [line for line in found.splitlines() if "`7.1-a`" in line]
    assert row.endswith("| **fails** 0.5 nats [0.4, 0.6], n = 16 | reversed 0.5 nats [0.4, 0.6], n = 12 |")
    assert verdict_table.inserted(found, results()).count("\nold\n") == 0


def test_a_page_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="expected the lines '<!-- verdicts of ch7 on wine: begin -->'"):
        verdict_table.inserted("# no marks", results("wine", as_expected=None))
