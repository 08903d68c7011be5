"""Films of paths over contour plots: who takes which way down, and how far each is after as many updates."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from textbook import plots
from textbook.schedules.arguments import one_of, positive, whole


@dataclass(frozen=True, eq=False)
class Course:
    """A surface of two weights and the paths that race over it.

    Args:
        surface: has `value` of points (…, 2), as those of `textbook.surfaces` have.
        paths: name → (updates + 1, 2), as `textbook.surfaces.trajectory` returns it; lengths may differ.
        x, y: (from, to) of each axis. What leaves this window waits at its edge, pale.
        title: above the panel.
        goal: (2,) where a star is drawn; None for none.
        levels: number of level lines.
        labels: of the axes.
    """

    surface: object
    paths: Mapping[str, np.ndarray]
    _: KW_ONLY
    x: tuple[float, float]
    y: tuple[float, float]
    title: str = ""
    goal: Sequence[float] | None = None
    levels: int = 14
    labels: tuple[str, str] = ("weight w₁", "weight w₂")

    def __post_init__(self):
        paths = {str(name): np.asarray(path, dtype=np.float64) for name, path in self.paths.items()}
        for name, path in paths.items():
            if path.ndim != 2 or path.shape[1] != 2 or len(path) == 0:
                raise ValueError(
                    f"expected paths of shape (updates + 1, 2), got {path.shape} for {name!r}; mend by path[:, :2]"
                )
        if not paths:
            raise ValueError("expected at least one path, got none; mend by {'descent': trajectory(…)}")
        object.__setattr__(self, "paths", paths)

    def draw(self, ax: Axes) -> Axes:
        """The contours, the goal and the axes' names; no paths."""
        plots.contour(ax, lambda a, b: self.surface.value(np.stack([a, b], -1)), x=self.x, y=self.y, levels=self.levels)
        if self.goal is not None:
            ax.plot(*self.goal, marker="*", color="#222222", markersize=13, linestyle="", zorder=4)
        ax.set(xlabel=self.labels[0], ylabel=self.labels[1], title=self.title)
        return ax


def race(
    courses: Course | Sequence[Course],
    *,
    looks: Mapping[str, Mapping] | None = None,
    frames: int = 48,
    pace: str = "faster",
    hold: int = 8,
    interval: float = 100.0,
    size: tuple[float, float] | None = None,
    dpi: float = 80.0,
) -> FuncAnimation:
    """An animation of one or more courses side by side, all at the same number of updates.

    Args:
        courses: a `Course`, or several, which share one legend.
        looks: name → colour and marker, as `textbook.plots.looks` gives them; by default in order of appearance.
        frames: pictures; with fewer than there are updates, several updates pass between two of them.
        pace: "even", or "faster", which lingers at the start and passes ever more updates a picture (as the square).
        hold: pictures of the end, added before the film begins again.
        interval: milliseconds a picture.
        size: inches; by default 4.2 × 4 a course. dpi: pixels an inch; both decide the size of the file.

    Returns: a `FuncAnimation`. `race(…).save("race.gif", writer="pillow")` writes a GIF and needs nothing else;
        `.save("race.mp4")` needs the program ffmpeg. `.to_jshtml()` shows it in a notebook.

    A path that ends earlier waits at its end, and one that is no longer finite where it last was.

    >>> from textbook.surfaces import Quadratic, trajectory
    >>> from textbook.update_rules import GradientDescent, HeavyBall
    >>> bowl, rules = Quadratic((1, 25)), {"descent": GradientDescent(0.07), "momentum": HeavyBall(0.03)}
    >>> paths = {name: trajectory(bowl, rule, start=(1, 1), steps=40) for name, rule in rules.items()}
    >>> film = race(Course(bowl, paths, x=(-1.1, 1.1), y=(-1.1, 1.1), goal=bowl.minimum), frames=10)
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film.save(f"{folder}/race.gif", writer="pillow")
    """
    courses = [courses] if isinstance(courses, Course) else list(courses)
    if not courses:
        raise ValueError("expected a course or several, got none; mend by race(Course(…))")
    updates = max(len(path) for course in courses for path in course.paths.values()) - 1
    shown = _updates_shown(updates, whole("frames", frames, least=2, mend="mend by 48, for instance"), pace)
    shown += shown[-1:] * whole("hold", hold, least=0, mend="mend by 0 for none")
    names = list(dict.fromkeys(name for course in courses for name in course.paths))
    looks = looks or plots.looks(names)
    with plots.style():
        fig, axes = plots.figure(1, len(courses), size=size or (4.2 * len(courses), 4.0), squeeze=False)
        fig.set_dpi(positive("dpi", dpi))
        runners = []
        for ax, course in zip(axes[0], courses, strict=True):
            # a GIF has 256 colours a picture, and the blends of level lines with what is behind would use them up
            for lines in course.draw(ax).collections:
                lines.set_antialiased(False)
            runners += [_Runner(ax, course, name, looks[name]) for name in course.paths]
        first = {runner.name: runner.head for runner in reversed(runners)}
        narrow = {"handlelength": 1.0, "handletextpad": 0.4, "columnspacing": 1.2, "fontsize": 10.5}
        columns = min(len(names), 3 * len(courses))
        fig.legend([first[n] for n in names], names, loc="outside upper left", ncols=columns, **narrow)
        count = fig.text(0.01, 0.015, "", fontsize=11)
        _freeze(fig, [count, *(artist for runner in runners for artist in runner.artists)])

    def show(update: int):
        for runner in runners:
            runner.show(update)
        count.set_text(f"update {update}")
        return [*(artist for runner in runners for artist in runner.artists), count]

    show(0)
    return _Film(fig, show, frames=shown, init_func=lambda: show(0), interval=positive("interval", interval))


class _Runner:
    """One path: the trail so far, and a marker at its end."""

    def __init__(self, ax: Axes, course: Course, name: str, look: Mapping):
        path = course.paths[name]
        good = np.isfinite(path).all(axis=1)
        self.name, self.path = name, path[: len(path) if good.all() else max(1, int(np.argmin(good)))]
        self.low, self.high = np.transpose([course.x, course.y])
        colour, marker = look["color"], look["marker"]
        (self.trail,) = ax.plot([], [], color=colour, linewidth=1.6, zorder=5)
        (self.head,) = ax.plot(
            [], [], color=colour, marker=marker, markersize=8, markeredgecolor="white", linestyle="", zorder=6
        )
        self.artists = [self.trail, self.head]

    def show(self, update: int) -> None:
        passed = self.path[: update + 1]
        at = passed[-1]
        self.trail.set_data(passed[:, 0], passed[:, 1])
        self.head.set_data(*np.clip(at, self.low, self.high)[:, None])
        self.head.set_alpha(1.0 if np.all((at >= self.low) & (at <= self.high)) else 0.4)


class _Film(FuncAnimation):
    """Saved with the pixels an inch that what does not move was drawn with, whatever a style's `savefig.dpi` says."""

    def save(self, filename, *arguments, dpi=None, **settings):
        if dpi not in (None, "figure", self._fig.dpi):
            raise ValueError(f"expected no dpi to save a race with, got {dpi!r}; mend by race(…, dpi={dpi!r})")
        super().save(filename, *arguments, dpi="figure", **settings)


def _freeze(fig: Figure, moving: list[Artist]) -> None:
    """Lay the figure out and draw it once; what does not move becomes a picture behind what does.

    Texts and level lines take most of the time of a drawing, and are the same in all of them.
    """
    for artist in moving:
        artist.set_visible(False)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    still = np.asarray(canvas.buffer_rgba()).copy()
    fig.set_layout_engine("none")
    for ax in fig.axes:
        for artist in (set(ax.collections) | set(ax.lines)) - set(moving):
            artist.remove()
        ax.set_axis_off()
        ax.set_title("")
    for legend in fig.legends:
        legend.set_visible(False)
    fig.figimage(still, origin="upper", zorder=-1)
    for artist in moving:
        artist.set_visible(True)


def _updates_shown(updates: int, frames: int, pace: str) -> list[int]:
    """The number of updates done in each picture, from 0 to all of them."""
    share = np.linspace(0, 1, min(frames, updates + 1))
    if one_of("pace", pace, ("even", "faster")) == "faster" and frames <= updates:
        share = share**2
    return np.unique(np.rint(share * updates).astype(int)).tolist()
