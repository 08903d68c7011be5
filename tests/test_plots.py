import io
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from textbook import plots
from textbook.book_layout import EndLabel, spread


def curves(conditions=("a", "b"), *, seeds=4, epochs=20, gap=1.0):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"condition": name, "seed": seed, "epoch": epoch, "loss": i * gap + 1 / epoch + rng.normal(0, 0.02)}
            for i, name in enumerate(conditions)
            for seed in range(seeds)
            for epoch in range(1, epochs + 1)
        ]
    )


def drawn(fig):
    with plots.style():
        fig.savefig(io.BytesIO(), format="png")
    return fig


def visible_names(ax):
    return [text.get_text() for text in ax.texts if isinstance(text, EndLabel) and text.get_visible()]


def test_band_is_the_mean_and_its_t_interval():
    table = curves()
    _, ax = plots.figure()
    plots.band(ax, table, x="epoch", y="loss")
    at_5 = table.query("condition == 'a' and epoch == 5").loss
    low, high = stats.t.interval(0.95, 3, at_5.mean(), stats.sem(at_5))
    assert ax.get_lines()[0].get_ydata()[4] == pytest.approx(at_5.mean())
    corners = ax.collections[0].get_paths()[0].vertices
    heights = corners[np.isclose(corners[:, 0], 5), 1]
    assert heights.min() == pytest.approx(low)
    assert heights.max() == pytest.approx(high)


def test_band_with_log_is_the_geometric_mean():
    table = pd.DataFrame({"seed": [0, 1], "epoch": [1, 1], "loss": [1.0, 100.0]})
    _, ax = plots.figure()
    plots.band(ax, table, x="epoch", y="loss", hue=None, log=True)
    assert ax.get_lines()[0].get_ydata() == pytest.approx([10.0])
    with pytest.raises(ValueError, match="mend by log=False"):
        plots.band(ax, table.assign(loss=-1.0), x="epoch", y="loss", hue=None, log=True)


def test_band_marks_what_is_not_finite_instead_of_averaging_the_rest():
    table = curves(("a",))
    table.loc[(table.seed == 2) & (table.epoch == 7), "loss"] = np.nan
    _, ax = plots.figure()
    plots.band(ax, table, x="epoch", y="loss")
    line, crosses = ax.get_lines()
    assert np.flatnonzero(np.isnan(line.get_ydata())).tolist() == [6]
    assert crosses.get_marker() == "x"
    assert crosses.get_xdata().tolist() == [7]


def test_band_refuses_rows_that_it_would_have_to_average_away():
    twice = pd.concat([curves(), curves()])
    _, ax = plots.figure()
    with pytest.raises(ValueError, match=r"one row per epoch, condition, seed, got several; mend by selecting rows"):
        plots.band(ax, twice, x="epoch", y="loss")
    with pytest.raises(ValueError, match="mend by adding or naming val_loss"):
        plots.band(ax, curves(), x="epoch", y="val_loss")


def test_one_seed_draws_a_line_without_a_band():
    fig, ax = plots.figure()
    plots.band(ax, curves(seeds=1), x="epoch", y="loss")
    drawn(fig)
    assert np.isfinite(ax.get_lines()[0].get_ydata()).all()


def test_names_stand_at_the_line_ends_where_they_fit_without_overlap():
    fig, ax = plots.figure()
    plots.band(ax, curves(("first", "second", "third"), gap=0.02), x="epoch", y="loss")
    drawn(fig)
    assert visible_names(ax) == ["first", "second", "third"]
    assert ax.get_legend() is None
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(box.x0 >= ax.bbox.x1 and box.x1 <= fig.bbox.x1 for box in boxes)


@pytest.mark.parametrize("conditions, gap", [([f"condition {i}" for i in range(6)], 0.0), (("x" * 40, "y"), 1.0)])
def test_names_that_do_not_fit_become_a_legend(conditions, gap):
    fig, ax = plots.figure()
    plots.band(ax, curves(conditions, gap=gap), x="epoch", y="loss")
    drawn(fig)
    legend = ax.get_legend() or fig.legends[0]
    assert visible_names(ax) == []
    assert [text.get_text() for text in legend.get_texts()] == list(conditions)


def test_a_wide_legend_is_shared_by_panels_and_covers_none():
    fig, axes = plots.figure(1, 2)
    for ax in axes:
        plots.band(ax, curves(("a condition with a long name", "another with a long name"), gap=0), x="epoch", y="loss")
    drawn(fig)
    assert len(fig.legends) == 1
    assert not any(fig.legends[0].get_window_extent().overlaps(ax.bbox) for ax in axes)


def test_caption_stays_below_the_axes_however_long():
    for words in (3, 60):
        fig, ax = plots.figure()
        plots.band(ax, curves(), x="epoch", y="loss")
        ax.set_xlabel("epoch")
        text = plots.caption(fig, "n = 16 seeds " * words)
        drawn(fig)
        box = text.get_window_extent()
        assert box.y1 < ax.xaxis.get_tightbbox().y0
        assert box.y0 >= 0
        assert box.x1 <= fig.bbox.x1
    plots.caption(fig, "again")
    assert [text.get_text() for text in fig.texts] == ["again"]


def test_style_is_put_back_and_no_pyplot_is_loaded():
    before = dict(matplotlib.rcParams)
    drawn(plots.figure()[0])
    assert dict(matplotlib.rcParams) == before
    script = "import sys, textbook.plots as p; p.figure(); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_the_same_table_gives_the_same_bytes():
    def png():
        fig, ax = plots.figure()
        plots.dots(plots.band(ax, curves(), x="epoch", y="loss"), curves(epochs=1), value="loss")
        out = io.BytesIO()
        fig.savefig(out, format="png")
        return out.getvalue()

    assert png() == png()


def test_looks_differ_in_colour_and_without_it():
    shown = [plots.look(i) for i in range(7)]
    assert len({look["color"] for look in shown}) == 7
    assert len({str(look["linestyle"]) for look in shown}) == 7
    assert list(plots.looks(["b", "a", "b"])) == ["b", "a"]


def test_dots_count_the_diverged_and_average_the_rest():
    table = pd.DataFrame({"condition": ["a"] * 3, "seed": [0, 1, 2], "loss": [1.0, 3.0, np.nan]})
    _, ax = plots.figure()
    plots.dots(ax, table, value="loss")
    assert ax.texts[0].get_text() == "× 1 diverged"
    assert ax.containers[0].lines[0].get_xdata() == pytest.approx([2.0])


def test_bars_show_interval_and_number():
    table = pd.DataFrame({"name": ["rate", "batch"], "share": [0.6, 0.1], "low": [0.5, 0.05], "high": [0.8, 0.2]})
    _, ax = plots.figure()
    plots.bars(ax, table, label="name", value="share", low="low", high="high")
    segments = ax.collections[0].get_segments()
    assert segments[0][:, 0] == pytest.approx([0.5, 0.8])
    assert [text.get_text() for text in ax.texts] == ["0.6", "0.1"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_log_axis_writes_plain_numbers():
    fig, ax = plots.figure()
    ax.plot([1e-5, 3.0], [0.2, 0.9])
    plots.log_axis(ax, "x")
    plots.log_axis(ax, "y")
    drawn(fig)
    assert {"0.00001", "0.01", "1"} <= {label.get_text() for label in ax.get_xticklabels()}
    assert {"0.2", "0.5"} <= {label.get_text() for label in ax.get_yticklabels()}
    plots.log_axis(ax, at=[1, 32, 512])
    assert [plots.plain(tick) for tick in ax.get_xticks()] == ["1", "32", "512"]
    with pytest.raises(ValueError, match="expected which as"):
        plots.log_axis(ax, "z")


def test_contour_and_path():
    fig, ax = plots.figure()
    plots.contour(ax, lambda x, y: x**2 + y**2, x=(-1, 1), y=(-2, 2))
    plots.path(ax, [(1, 1), (0.5, 0.5), (0, 0)], name="descent")
    drawn(fig)
    assert ax.get_xlim() == (-1, 1)
    assert ax.get_lines()[0].get_label() == "descent"
    with pytest.raises(ValueError, match="mend by naming a corner"):
        plots.note(ax, "here", at="middle")


def test_spread_keeps_order_distance_and_the_mean_of_a_block():
    rng = np.random.default_rng(0)
    for _ in range(50):
        wished = rng.random(6)
        placed = spread(wished, 0.1)
        order = np.argsort(wished)
        assert (np.diff(placed[order]) >= 0.1 - 1e-12).all()
        assert placed.mean() == pytest.approx(wished.mean())
    assert spread(np.array([0.1, 0.9]), 0.1).tolist() == [0.1, 0.9]
