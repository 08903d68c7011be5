import io
import json

import matplotlib.image
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure
from PIL import Image

from textbook import plots
from textbook.experiment.drawing import film, picture

TABLE = pd.DataFrame({"x": [0, 1, 2], "y": [1.0, 0.5, 0.25]})
OWN = "Digits, MLP 64-64-10, SGD with momentum 0.9, a caption that has to be broken into lines. n = 16 seeds"
PROVENANCE = {"seeds": [1000], "data": {"digits": "계단"}}


def draw(table):
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot(table["x"], table["y"], marker="o")
    axes.fill_between(table["x"], table["y"], alpha=0.2, hatch="/")
    axes.set(xlabel="epoch", ylabel="loss (nats)")
    return figure


def saved(format, draw=draw):
    content, _ = picture(draw, TABLE, format=format, title="4.6 Batches (배치)", provenance=PROVENANCE)
    return content


@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_a_picture_is_the_same_bytes_every_time_and_has_no_date(format):
    first = saved(format)
    assert saved(format) == first
    assert b"CreationDate" not in first
    assert b"<dc:date>" not in first


def test_the_caption_names_the_data_that_stand_in_for_the_section_s_own():
    def captioned(table):
        figure, axes = plots.figure()
        axes.plot(table["x"], table["y"])
        plots.caption(figure, OWN)
        figures.append(figure)
        return figure

    figures = []
    for name, words in (
        (None, OWN),
        ("wine", f"Data: wine, in place of any named here. {OWN}"),
    ):
        _, caption = picture(
            captioned, TABLE, format="png", title="4.6 Batches", provenance=PROVENANCE, replaced_by=name
        )
        assert caption == words
        assert [" ".join(text.get_text().split()) for text in figures[-1].texts] == [words]


def test_powers_of_ten_in_a_caption_read_as_plain_text():
    def captioned(table):
        figure, axes = plots.figure()
        axes.plot(table["x"], table["y"])
        plots.caption(figure, "Steps of 10$^{-6}$ and 3·10$^{12}$.")
        return figure

    _, caption = picture(captioned, TABLE, format="png", title="5.3 Kinks", provenance=PROVENANCE)
    assert caption == "Steps of 10⁻⁶ and 3·10¹²."


def test_png_carries_its_provenance():
    image = Image.open(io.BytesIO(saved("png")))
    assert image.text["Title"] == "4.6 Batches (배치)"
    assert json.loads(image.text["Description"]) == PROVENANCE
    assert matplotlib.image.imread(io.BytesIO(saved("png"))).ndim == 3


def test_svg_and_pdf_carry_their_title():
    svg = saved("svg").decode()
    assert svg.rstrip().endswith("</svg>")
    assert "4.6 Batches" in svg
    assert '"seeds": [1000]' in svg.replace("&quot;", '"')
    assert saved("pdf").startswith(b"%PDF")


def test_pyplots_figures_are_closed():
    def with_pyplot(table):
        figure, axes = pyplot.subplots()
        axes.plot(table["x"], table["y"])
        return figure

    saved("png", with_pyplot)
    assert pyplot.get_fignums() == []


def test_a_film_is_a_gif_of_all_frames():
    def animate(table):
        figure = Figure(figsize=(1, 1))
        (line,) = figure.subplots().plot([], [])
        return FuncAnimation(figure, lambda n: line.set_data(table["x"][:n], table["y"][:n]), frames=3)

    content = film(animate, TABLE)
    assert film(animate, TABLE) == content
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "GIF"
