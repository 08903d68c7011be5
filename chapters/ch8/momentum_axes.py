"""8.2 Momentum, axis by axis (축마다 본 모멘텀)

Along a valley gradients keep their sign and add up in the velocity: it grows to 1/(1 − μ) times a single step. Across,
says the text, they alternate and make the speed unstable. It is the other way round: what alternates cancels, and the
velocity shrinks to 1/(1 + μ) of a step. What swings across the valley is not the alternation but too much momentum:
with it the velocity keeps its sign for several updates and carries the weight far up the other side. Noise lies between
the two and grows by 1/√(1 − μ²).
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, paired
from textbook.seeding import stream
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import GradientDescent, HeavyBall

ENTRIES = ("8.2-c",)
DATA = "none"

_MOMENTA = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
_STEADY, _ALTERNATING, _NOISE = "same sign", "alternating sign", "noise"
_LONG = 2000  # updates, after which all that a velocity began with has died down


def measure(
    run: Run, *, curvature: float = 25.0, rate: float = 0.07, momentum: float = 0.5, updates: int = 4000
) -> dict[str, pd.DataFrame]:
    """Drive a velocity with gradients of each kind, and walk over a valley with and without momentum.

    Args:
        curvature: of the steep weight; that of the shallow one is 1.
        rate: over the valley.
        momentum: of the path whose velocity is shown.
        updates: with noisy gradients, for each seed.
    """
    bowl = Quadratic((1.0, curvature))
    return {
        "gains": _gains(),
        "noise": _noise(run.seeds, updates=updates),
        "traces": _traces(bowl, rate, momentum),
        "ways": _ways(bowl, rate),
    }


def _velocities(gradients, momentum: float, *, rate: float = 1.0) -> np.ndarray:
    """The velocity after each update, in steps of a gradient of 1 without momentum; (updates, …)."""
    rule = HeavyBall(rate, momentum=momentum)
    state, found = rule.init(np.zeros_like(gradients[0])), []
    for gradient in gradients:
        change, state = rule.update(gradient, state)
        found.append(-change / rate)
    return np.asarray(found)


def _gains() -> pd.DataFrame:
    """How large the velocity becomes on gradients of ±1, beside the sum of the geometric series."""
    signs = {_STEADY: np.ones(_LONG), _ALTERNATING: (-1.0) ** np.arange(_LONG)}
    rows = []
    for kind, gradients in signs.items():
        for momentum in _MOMENTA:
            gain = float(np.abs(_velocities(gradients[:, None], momentum)[-1, 0]))
            theory = 1 / (1 - momentum) if kind == _STEADY else 1 / (1 + momentum)
            rows.append((kind, momentum, gain, theory, momentum > 0, gain > 1))
    table = pd.DataFrame(rows, columns=["kind", "momentum", "gain", "theory", "some", "larger"])
    return table.assign(larger_by_text=True)


def _noise(seeds, *, updates: int) -> pd.DataFrame:
    """Gradients of 1 with noise of sd 1: what the velocity makes of the mean and of the noise, for each momentum."""
    gradients = 1 + np.stack([stream(seed, "gradient noise").normal(size=updates) for seed in seeds], axis=1)
    tables = []
    for momentum in _MOMENTA:
        velocities = _velocities(gradients, momentum)[updates // 4 :]
        for kind, gain in ((_STEADY, velocities.mean(axis=0)), (_NOISE, velocities.std(axis=0))):
            tables.append(pd.DataFrame({"kind": kind, "momentum": momentum, "seed": list(seeds), "gain": gain}))
    return pd.concat(tables, ignore_index=True)


def _traces(bowl: Quadratic, rate: float, momentum: float) -> pd.DataFrame:
    """Changes of both weights, update by update, from (−1, 1), without and with momentum."""
    rules = {"without": GradientDescent(rate), "with": HeavyBall(rate, momentum=momentum)}
    tables = []
    for name, rule in rules.items():
        changes = np.diff(trajectory(bowl, rule, start=(-1.0, 1.0), steps=24), axis=0)
        columns = {"update": np.arange(1, 25), "shallow": changes[:, 0], "steep": changes[:, 1]}
        tables.append(pd.DataFrame({"rule": name, **columns, "momentum": momentum, "rate": rate}))
    return pd.concat(tables, ignore_index=True)


def _ways(bowl: Quadratic, rate: float) -> pd.DataFrame:
    """The whole way of the steep weight, there and back: Σ|change|, and how often its change turns round."""
    rows = []
    for momentum in _MOMENTA:
        path = trajectory(bowl, HeavyBall(rate, momentum=momentum), start=(-1.0, 1.0), steps=_LONG)[:, 1]
        changes = np.diff(path)
        moving = changes[np.abs(changes) > 1e-6]
        rows.append((momentum, float(np.abs(changes).sum()), int(np.count_nonzero(np.diff(np.sign(moving))))))
    table = pd.DataFrame(rows, columns=["momentum", "way", "turns"])
    plain = table.way[0]
    return table.assign(shorter=table.way < plain, by_text=True, rate=rate, curvature=bowl.curvatures[1])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the velocity along and across the valley with and without momentum; below, what momentum makes of each
    kind of gradient, and the way travelled across the valley.
    """
    gains, noise, traces, ways = (tables[name] for name in ("gains", "noise", "traces", "ways"))
    fig, ((along, across), (gain, way)) = plots.figure(2, 2)
    momentum, rate = traces.momentum.iloc[0], traces.rate.iloc[0]
    for place, (name, rows) in enumerate(traces.groupby("rule", sort=False)):
        label = "no momentum" if name == "without" else f"momentum {momentum:g}"
        for ax, column in ((along, "shallow"), (across, "steep")):
            ax.plot(rows["update"], rows[column], **(plots.look(place) | {"markersize": 4}), label=label)
    for ax, title in ((along, "along the valley"), (across, "across the valley")):
        ax.axhline(0, color="#222222", linewidth=1)
        ax.set(xlabel="update", ylabel="velocity", title=title)
    along.legend(loc="upper right", handlelength=1.8)
    measured = pd.concat([gains, noise[noise.kind == _NOISE]], ignore_index=True)
    dense = np.linspace(0, max(_MOMENTA), 200)
    theory = {_STEADY: 1 / (1 - dense), _NOISE: 1 / np.sqrt(1 - dense**2), _ALTERNATING: 1 / (1 + dense)}
    formulas = {_STEADY: "1/(1 − μ)", _NOISE: "1/√(1 − μ²)", _ALTERNATING: "1/(1 + μ)"}
    for place, (kind, curve) in enumerate(theory.items()):
        look = plots.look(2 + place)
        found = measured[measured.kind == kind].groupby("momentum").gain.mean()
        gain.plot(dense, curve, **(look | {"marker": ""}))
        gain.plot(found.index, found, **(look | {"linestyle": "", "markersize": 6}), label=f"{kind}, {formulas[kind]}")
    gain.legend(loc="upper left", fontsize=9.5, handlelength=1)
    plots.log_axis(gain, "y")
    gain.set(xlabel="momentum μ", ylabel="velocity, in single steps", ylim=(0.4, 150))
    way.plot(ways.momentum, ways.way, **plots.look(0))
    way.axhline(ways.way.iloc[0], color="#222222", linestyle=":", linewidth=1.4)
    plots.log_axis(way, "y")
    way.set(xlabel="momentum μ", ylabel="way of the steep weight")
    plots.caption(
        fig,
        f"½(w₁² + {ways.curvature.iloc[0]:g} w₂²) from (−1, 1), rate {rate:g}. Below, left: symbols measured, lines by "
        f"formula; gradients of ±1, or 1 with noise of sd 1, {plots.seeds_text(noise)}. Below, right: all that it "
        "travels, there and back; dotted, without momentum.",
    )
    return fig


def _kind(kind: str) -> dict:
    return {"table": "gains", "where": {"kind": kind}}


CLAIMS = (
    Claim(
        "8.2-c/along",
        "Gradients of one sign add up: the velocity grows to 1/(1 − μ) times a step without momentum.",
        exact(measured="gain", expected="theory", tolerance=1e-9, relative=True, **_kind(_STEADY)),
        expected=EXACT,
        ask="The slope along the valley hardly changes. How fast does a momentum of 0.9 become?",
        why="1 + μ + μ² + … = 1/(1 − μ).",
        beware="So momentum raises the rate as well; compare it with plain descent at the raised rate.",
    ),
    Claim(
        "8.2-c/across",
        "Gradients that alternate cancel: the velocity shrinks to 1/(1 + μ) of a step without momentum.",
        exact(measured="gain", expected="theory", tolerance=1e-9, relative=True, **_kind(_ALTERNATING)),
        expected=EXACT,
        ask="And across, where every gradient points the other way than the one before?",
        why="1 − μ + μ² − … = 1/(1 + μ), between a half and one.",
        beware="At a fixed sequence of gradients. In a valley momentum also changes the gradients that come next.",
    ),
    Claim(
        "8.2-c/unstable",
        "On alternating gradients the velocity swings more widely than without momentum.",
        exact(measured="larger", expected="larger_by_text", table="gains", where={"kind": _ALTERNATING, "some": True}),
        expected=VIOLATED,
        ask="The text calls the speed across the valley unstable. Is it larger than without momentum?",
        why="Each gradient meets a velocity of the opposite sign, and takes from it.",
        beware="'Unstable' is right where the momentum is so large that the sign no longer alternates.",
        correction="Alternating signs cancel in the velocity. That is why the zigzag is damped; an unsteady speed "
        "across the valley comes from a momentum that is too large for its curvature.",
        reference="Polyak (1964), Some methods of speeding up the convergence of iteration methods; Goh (2017), Why "
        "momentum really works, Distill",
    ),
    Claim(
        "8.2-c/zigzag",
        "Momentum shortens the zigzag, whatever μ is: the steep weight travels less far in all than without.",
        exact(measured="shorter", expected="by_text", table="ways", where={"momentum": _MOMENTA[1:]}),
        expected=VIOLATED,
        ask="A little momentum damps the way across the valley. Does a lot of it damp it more?",
        why="Across, the weight is a spring with friction 1 − μ. With little friction it swings through the minimum "
        "again and again, in long waves instead of a zigzag.",
        beware="The best μ depends on the curvatures; for a valley of 25 it is 0.44, with a rate to match.",
        correction="Up to a suitable μ the zigzag shrinks; beyond, the weight swings in waves and travels further than "
        "without momentum.",
        reference="Goh (2017), Why momentum really works, Distill; O'Donoghue and Candès (2015), Adaptive restart",
    ),
    Claim(
        "8.2-c/noise",
        "On noisy gradients momentum 0.9 strengthens the steady part more than the noise.",
        paired("gain", higher=_STEADY, than=_NOISE, by="kind", scale="log", table="noise", where={"momentum": 0.9}),
        expected=HOLDS,
        ask="A gradient of 1 with noise just as large. Which of the two does the velocity magnify more?",
        why="The steady part adds up as 1/(1 − μ) = 10, independent noise as the root of a sum of squares, "
        "1/√(1 − μ²) = 2.3.",
        beware="The noise grows all the same. Momentum alone does not make a rate safe that was too noisy, and that it "
        "'easily' escapes local minima is another claim, judged in chapter 5.",
    ),
)
