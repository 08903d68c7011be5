"""The film of a race: what each picture shows, and that it saves."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

from textbook import plots
from textbook.race import Course, race
from textbook.surfaces import Quadratic, Saddle

BOWL = Quadratic((1, 4))
LINE = np.stack([np.linspace(1, 0, 11), np.linspace(-1, 0, 11)], axis=1)
WINDOW = {"x": (-2.0, 2.0), "y": (-2.0, 2.0)}


def pictures(film):
    """[(trails, heads) by name], a picture each, as the film shows them."""
    seen = []
    for update in film.new_frame_seq():
        film._func(update)
        lines = [line for ax in film._fig.axes for line in ax.get_lines()]
        seen.append((update, [(np.array(line.get_xydata()), line.get_alpha()) for line in lines]))
    film._draw_was_started = True  # Matplotlib warns of a film that nobody has looked at
    return seen


def updates_of(film):
    return [update for update, _ in pictures(film)]


def test_every_picture_shows_the_path_so_far_and_the_last_one_all_of_it():
    film = race(Course(BOWL, {"a": LINE}, **WINDOW), frames=50, pace="even", hold=2)
    seen = pictures(film)
    assert [update for update, _ in seen] == [*range(11), 10, 10]
    for update, ((trail, _), (head, alpha)) in seen:
        np.testing.assert_array_equal(trail, LINE[: update + 1])
        np.testing.assert_array_equal(head[0], LINE[update])
        assert alpha == 1


def test_few_pictures_pass_many_updates_and_a_faster_pace_lingers_at_the_start():
    even = updates_of(race(Course(BOWL, {"a": LINE}, **WINDOW), frames=3, pace="even", hold=0))
    assert even == [0, 5, 10]
    long = np.repeat(LINE, 10, axis=0)  # 110 points
    faster = updates_of(race(Course(BOWL, {"a": long}, **WINDOW), frames=12, hold=0))
    assert faster[0] == 0 and faster[-1] == 109 and np.all(np.diff(faster, 2)[:-1] >= 0) and faster[2] < 5


def test_what_leaves_the_window_waits_pale_at_its_edge_and_what_diverges_where_it_was_last():
    out = np.array([[1.0, 0.0], [3.0, 0.5], [9.0, 9.0]])
    lost = np.array([[1.0, 0.0], [1.5, 0.5], [np.inf, np.nan]])
    film = race(Course(Saddle(), {"out": out, "lost": lost}, **WINDOW), hold=0)
    (_, first), _, (_, last) = pictures(film)
    assert [alpha for _, alpha in first[1::2]] == [1, 1]
    (out_head, pale), (lost_head, _) = last[1], last[3]
    assert out_head.tolist() == [[2, 2]] and pale < 0.5
    assert lost_head.tolist() == [[1.5, 0.5]]


def test_courses_share_one_legend_and_the_shorter_path_waits(tmp_path):
    short = LINE[:4]
    film = race(
        [
            Course(BOWL, {"a": LINE, "b": short}, title="bowl", goal=(0, 0), **WINDOW),
            Course(Saddle(), {"b": LINE}, **WINDOW),
        ],
        frames=4,
        hold=1,
        dpi=50,
    )
    path = tmp_path / "race.gif"
    with matplotlib.rc_context({"savefig.dpi": 200}):
        film.save(path, writer="pillow")
    with Image.open(path) as gif:
        assert gif.n_frames == 4 and gif.size == (420, 200)
        first = np.asarray(gif.convert("RGB"), int)
        gif.seek(3)
        last = np.asarray(gif.convert("RGB"), int)
    changed = np.abs(first - last).sum(axis=-1) > 60
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 20  # contours, axes and names are there
    assert changed.mean() < 0.1  # and stay, while the paths move
    blue = np.array(matplotlib.colors.to_rgb(plots.COLOURS[0])) * 255
    seen = [(np.abs(picture - blue).sum(axis=-1) < 40).sum() for picture in (first, last)]
    assert seen[1] > seen[0] + 10
    (legend,) = film._fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    bowl = film._fig.axes[0].get_lines()
    assert bowl[3].get_xydata().tolist() == short[-1:].tolist()
    colours = plots.looks(["a", "b"])
    assert bowl[3].get_color() == film._fig.axes[1].get_lines()[1].get_color() == colours["b"]["color"]


def test_refusals():
    with pytest.raises(ValueError, match=r"expected paths of shape \(updates \+ 1, 2\), got \(3, 1\) for 'a'; mend"):
        Course(BOWL, {"a": np.zeros((3, 1))}, **WINDOW)
    with pytest.raises(ValueError, match=r"expected at least one path, got none; mend by"):
        Course(BOWL, {}, **WINDOW)
    with pytest.raises(ValueError, match=r"expected a course or several, got none; mend by"):
        race([])
    film = race(Course(BOWL, {"a": LINE}, **WINDOW), frames=2)
    with pytest.raises(ValueError, match=r"expected no dpi to save a race with, got 300; mend by race\(…, dpi=300\)"):
        film.save("race.gif", writer="pillow", dpi=300)
    pictures(film)
    for wrong in ({"pace": "slow"}, {"frames": 1}, {"interval": 0}, {"dpi": -1}, {"hold": 0.5}):
        with pytest.raises(ValueError, match=rf"expected {next(iter(wrong))} .*, got .*; mend by"):
            race(Course(BOWL, {"a": LINE}, **WINDOW), **wrong)
