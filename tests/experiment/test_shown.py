"""What notebooks show: as text, as HTML and Markdown, and as pictures."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from textbook import plots
from textbook.experiment import HOLDS, Claim, paired
from textbook.experiment.shown import Answer, Film, Picture, Rows, as_markdown, reread, shared_tables

TABLE = pd.DataFrame(
    [
        {"condition": condition, "seed": seed, "test_loss": 1 + shift + 0.01 * seed}
        for condition, shift in (("loaded", -0.3), ("fair", 0.0))
        for seed in range(4)
    ]
)
CLAIM = Claim(
    "1.2-a",
    "The loaded coin costs less.",
    paired("test_loss", lower="loaded", than="fair"),
    expected=HOLDS,
    ask="Which?",
    why="Its load, `w < 1`.",
    beware="It costs $2.",
    correction="Some coins.",
    reference="Bernoulli (1713)",
)


def _draw(table):
    figure = Figure()
    figure.subplots().plot(table["seed"], table["test_loss"], "o")
    plots.caption(figure, "Four seeds.")
    return figure


def test_rows_show_the_first_of_each_table_and_escape_what_they_are_called():
    one = Rows(TABLE.rename(columns={"seed": "<b>seed"}))
    assert "8 rows" in repr(one) and "1.03" not in repr(one)[:40]
    html = one._repr_html_()
    assert html.count("<tr>") == 5 and "&lt;b&gt;seed" in html and "<b>" not in html
    several = Rows({"a<b": TABLE, "c": TABLE.head(1)}, count=2)
    assert "a<b: 8 rows" in repr(several) and "a&lt;b: 8 rows" in several._repr_html_()
    assert "c: 1 rows" in repr(several)


def test_reread_tables_are_what_a_run_judges():
    whole = TABLE.assign(test_loss=TABLE.test_loss.astype("float32"), seed=TABLE.seed.astype("category"))
    for measured in (whole, {"curves": whole}):
        again = reread(measured)
        table = again if isinstance(measured, pd.DataFrame) else again["curves"]
        assert table.test_loss.dtype == "float32" and table.seed.dtype == "int64"
        np.testing.assert_array_equal(table.test_loss, whole.test_loss)
    with pytest.raises(ValueError, match="expected numbers, true/false or text in column 'x'"):
        reread(pd.DataFrame({"x": [None, 1]}, dtype=object))


def test_a_picture_is_a_png_in_the_books_style_and_leaves_the_backend_alone():
    before = matplotlib.get_backend()
    matplotlib.use("svg")
    try:
        picture = Picture(_draw, TABLE)
        assert matplotlib.get_backend() == "svg"
        assert Picture(_draw, TABLE, replaced_by="wine").caption.startswith("Data: wine, in place of any named here.")
    finally:
        matplotlib.use(before)
    bundle = picture._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG") and repr(picture) == "Picture: Four seeds."


def test_a_film_is_a_gif():
    def animate(table):
        figure = _draw(table)
        return FuncAnimation(figure, lambda frame: figure.axes[0].lines, frames=2)

    bundle = Film(animate, TABLE)._repr_mimebundle_()
    assert bundle["image/gif"].startswith(b"GIF8") and "bytes of GIF" in bundle["text/plain"]


def test_an_answer_has_the_verdict_its_numbers_and_what_the_reader_should_take_from_it():
    answer = Answer(CLAIM, TABLE)
    assert repr(answer) == "1.2-a  holds  0.3 nats [0.3, 0.3]  n=4"
    text = answer._repr_markdown_()
    assert text.startswith("**1.2-a holds 0.3 nats \\[0.3, 0.3\\] n=4**\n\n")
    assert "“holds” was expected" in text and CLAIM.test.sentence in text
    assert "\n\n*Why.* Its load, `w < 1`.\n\n*Beware.* It costs \\$2.\n\n" in text
    assert text.endswith("*What the text should say.* Some coins.\n\n*Reference.* Bernoulli (1713)")
    assert repr(Answer(CLAIM, TABLE, quick=True)).endswith("  quick")


def test_prose_keeps_its_code_and_emphasis_and_no_accidental_markup():
    text = "One line\nand `a < $b` the next, *so*.\n\nAt x < 1 [2.1, 3] it costs $1 \\ 2"
    assert as_markdown(text) == (
        "One line and `a < $b` the next, *so*.\n\nAt x \\< 1 \\[2.1, 3\\] it costs \\$1 \\\\ 2"
    )


def test_shared_tables_are_kept_in_the_folder(tmp_path):
    kept = shared_tables(tmp_path / "cache")
    assert kept.cache.folder == tmp_path / "cache"
