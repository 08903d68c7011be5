"""The pages under docs/ are true: their examples run, what they link and name exists."""

import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.search import small

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}


@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "```python" in text])
def test_the_examples_run_one_after_another(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = _what_a_reader_has()
    for code in re.findall(r"```python\n(.*?)```", PAGES[page], flags=re.DOTALL):
        exec(compile(code, page, "exec"), names)


def _what_a_reader_has() -> dict:
    """A compiled model and its data, and a builder with its split, which some pages take for granted."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(96, 4)).astype("float32"), random.integers(10, size=96)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(10)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    data = {"x": x[:48], "y": y[:48], "x_val": x[48:72], "y_val": y[48:72], "x_test": x[72:]}
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    data |= {"build": small.build, "part": small.part()}
    return {"keras": keras, "np": np, "math": math, "model": model, "rate": rate, **data}


@pytest.mark.parametrize("page", PAGES)
def test_linked_and_shown_files_exist(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGES[page]):
        assert (ROOT / "docs" / target).exists(), target


def test_the_tests_that_are_said_to_show_a_fault_mended_exist():
    rows = re.findall(r"`((?:oracles/)?test_\w+\.py)`(?: \(([^)]*)\))?", PAGES["search.md"])
    assert len(rows) > 15
    for file, named in rows:
        text = (ROOT / "tests/search" / file).read_text("utf-8")
        for name in re.findall(r"`(\w+)`", named):
            assert re.search(rf"def test_\w*{name}", text), f"{file} has no test called …{name}…"
