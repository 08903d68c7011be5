import pytest
from matplotlib.figure import Figure

from textbook.experiment.pages import pictures


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_an_inch_of_a_figure_is_an_inch_of_the_page(tmp_path, name):
    Figure(figsize=(7, 4.5)).savefig(tmp_path / name, dpi=150)
    assert pictures.size(tmp_path / name) == (672, 432)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", b"<svg width='3'>"])
def test_what_is_no_picture_has_no_size(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert pictures.size(tmp_path / "a.png") is None


def test_a_picture_that_is_missing_has_no_size(tmp_path):
    assert pictures.size(tmp_path / "a.png") is None
