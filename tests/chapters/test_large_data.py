"""Sections with settings for a large data set, on a small set of its shape: the real one is not in the repository."""

import dataclasses
import importlib

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.chapters.test_sections import ROOT, SECTIONS
from textbook import datasets
from textbook.experiment import Run
from textbook.experiment.outline import read
from textbook.experiment.section import load

OUTLINES = [
    read(f"chapters.{chapter}.{name}", ROOT / "chapters" / chapter / f"{name}.py") for chapter, name in SECTIONS
]
NAMED = [(outline, name) for outline in OUTLINES for name in outline.for_data]


def small(name: str):
    """Digits enlarged to the images of a registered set, under its name: 8 × 8 become 24 × 24 in a margin of 2."""
    digits, card = datasets.load("digits"), datasets.card(name)
    assert card.shape == (28, 28), "this test knows no images of another shape yet"
    x = np.pad(digits.x[:700].reshape(-1, 8, 8).repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    return datasets.Dataset(x, digits.y[:700], dataclasses.replace(card, rows=700))


def test_some_section_names_a_large_data_set():
    assert {name for _, name in NAMED} == {"fashion_mnist"}


@pytest.mark.slow
@pytest.mark.parametrize(("outline", "name"), NAMED, ids=lambda value: getattr(value, "name", value))
def test_a_section_measures_draws_and_judges_the_data_that_it_names(outline, name):
    section = load(outline)
    knobs = section.knobs | outline.for_data[name]
    tables = section.measure(Run(seeds=(1000, 1001), quick=True, chosen=small(name)), **knobs)
    assert isinstance(section.draw(tables), Figure)
    for claim in importlib.import_module(outline.module).CLAIMS:
        assert claim.test.judge(tables).verdict
