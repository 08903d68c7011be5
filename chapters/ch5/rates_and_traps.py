"""5.6 Rates too large and too small (너무 큰 학습률과 너무 작은 학습률)

The text has two warnings. A rate that is too large lets the loss diverge or settle at a worse level: that can be seen
on the digits. A rate that is too small is slow and may fall into a local minimum: on a curve with one weight and two
valleys that is true, since a small step cannot leave the valley in which it starts, while a larger one happens to jump
over the ridge. In a network with thousands of weights it is contested: bad local minima are rare there. So networks
are compared at the same training loss, not after the same number of epochs, where the small rate has simply not
arrived yet.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, FAILS, HOLDS, Claim, Run, exact, paired, share, trend
from textbook.matched_loss import at_matched_loss
from textbook.models import mlp
from textbook.replicas import Condition, EarlyStopping, train_replicas
from textbook.surfaces import DoubleWell, trajectory
from textbook.update_rules import GradientDescent

ENTRIES = ("5.6-b",)
DATA = "any"

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
TOO_LARGE = (0.5, 2.0)
_UPDATES = 2000


def measure(
    run: Run,
    *,
    tilt: float = 0.15,
    start: float = 1.5,
    momentum: float = 0.9,
    target: float = 0.05,
    epochs: int = 20,
) -> dict[str, pd.DataFrame]:
    """Roll down a double well with many rates; train the digits with many rates, slow ones until they arrive.

    Args:
        tilt: c of ¼x⁴ − ½x² + cx; above 0, the valley at the left is the deeper one.
        start: x at the beginning, at the right of the ridge.
        target: training loss (nats) at which the networks are compared.
        epochs: of all rates; the ones up to 0.02 then go on until they have arrived, for at most four times as long.
    """
    epochs = run.epochs(epochs)
    every = {f"{rate:g}": Condition(learning_rate=rate, momentum=momentum) for rate in (*RATES, *TOO_LARGE)}
    patient = {
        f"{rate:g}, patient": Condition(
            learning_rate=rate,
            momentum=momentum,
            epochs=4 * epochs,
            stop=EarlyStopping(monitor="clean_loss", target=target),
        )
        for rate in RATES
        if rate <= 0.02
    }
    curves = train_replicas(mlp, run.splits("digits"), conditions=every | patient, seeds=run.seeds, epochs=epochs)
    curves["rate"] = curves.condition.str.split(",").str[0].astype(float)
    is_patient = curves.condition.isin(list(patient))
    ends = curves[(curves.epoch == epochs) & ~is_patient]
    journeys = curves[is_patient | (curves.rate > 0.02) & (curves.rate <= max(RATES))]
    return {
        "well": _well(tilt, start),
        "paths": _paths(tilt, start),
        "ends": ends[["rate", "seed", "epoch", "clean_loss", "chance_loss", "diverged"]],
        "arrivals": _arrivals(journeys, target),
    }


def _well(tilt: float, start: float) -> pd.DataFrame:
    """Where each rate comes to rest, and where it should: beyond the ridge if its first step is."""
    surface = DoubleWell(tilt)
    left, ridge, right = surface.critical_points[:, 0]
    jumps = (start - ridge) / surface.gradient(np.array([start])).item()  # the rate whose first step ends on the ridge
    stable = 2 / (3 * left**2 - 1)  # above it the deeper valley cannot hold a point
    rates = np.round(np.arange(0.025, stable, 0.025), 6)
    ends = [trajectory(surface, GradientDescent(rate), start=(start,), steps=_UPDATES)[-1, 0] for rate in rates]
    return pd.DataFrame(
        {
            "rate": rates,
            "x": ends,
            "valley": [left if end < ridge else right for end in ends],
            "predicted": np.where(rates < jumps, right, left),
            "jumps": jumps,
            "ridge": ridge,
        }
    )


def _paths(tilt: float, start: float) -> pd.DataFrame:
    """The first updates of a small and of a larger rate."""
    surface, tables = DoubleWell(tilt), []
    for rate in (0.1, 0.7):
        x = trajectory(surface, GradientDescent(rate), start=(start,), steps=12)
        tables.append(pd.DataFrame({"rate": rate, "update": np.arange(13), "x": x[:, 0], "f": surface.value(x)}))
    grid = np.linspace(-1.75, 1.75, 141)
    curve = pd.DataFrame({"rate": 0.0, "update": 0, "x": grid, "f": surface.value(grid[:, None])})
    return pd.concat([curve, *tables])


def _arrivals(curves: pd.DataFrame, target: float) -> pd.DataFrame:
    """Validation loss at the moment when the training loss passes the target, and whether it ever does."""
    by = ["rate", "seed"]
    found = at_matched_loss(curves, target=target, by=by).sort_values(by, ignore_index=True)
    found = found.assign(stuck=~found.arrived, target=target).drop(columns="arrived")
    runs = curves.groupby(by).agg(chance_loss=("chance_loss", "first"), diverged=("diverged", "any"))
    return found.merge(runs.reset_index(), on=by)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, two descents of one weight over two valleys, and where it rests by rate; below, the networks' training
    loss by rate after equal epochs, and their validation loss at equal training loss.
    """
    well, paths, ends, arrivals = (tables[name] for name in ("well", "paths", "ends", "arrivals"))
    fig, ((valley, rest), (level, equal)) = plots.figure(2, 2)
    curve = paths[paths.rate == 0]
    valley.plot(curve.x, curve.f, color=plots.GREY, lw=1.4, linestyle="-", marker="")
    for number, (rate, rows) in enumerate(paths[paths.rate > 0].groupby("rate")):
        plots.path(valley, rows[["x", "f"]], look=plots.look(number), name=f"rate {rate:g}")
    valley.legend(loc="upper center")
    valley.set(xlabel="weight x", ylabel="f(x)", title="one weight, two valleys", ylim=(None, 0.75))
    rest.plot(well.rate, well.x, "o", color=plots.COLOURS[0], markersize=4.5)
    rest.axvline(well.jumps.iloc[0], color=plots.GREY, lw=1)
    rest.annotate("first step\nends on\nthe ridge", (well.jumps.iloc[0], 0), (-4, 0), textcoords="offset points",
                  ha="right", va="center", fontsize=10)  # fmt: skip
    rest.set(xlabel="learning rate", ylabel="x at rest", title="only large steps leave")
    bad = ends.assign(clean_loss=ends.clean_loss.where(~ends.diverged, ends.chance_loss))
    plots.band(level, bad, x="rate", y="clean_loss", hue=None, log=True)
    level.axhline(ends.chance_loss.iloc[0], color="#222222", lw=1, linestyle=":")
    plots.note(level, "···· a guess", at="upper left")
    plots.log_axis(level, "y")
    level.set(xlabel="learning rate", ylabel="training loss (nats)", title=f"digits after {ends.epoch.iloc[0]} epochs")
    arrived = arrivals[~arrivals.groupby("rate").stuck.transform("any")]
    plots.band(equal, arrived if len(arrived) else arrivals, x="rate", y="val_loss", hue=None)
    equal.set(xlabel="learning rate", ylabel="validation loss (nats)")
    equal.set_title(f"digits, training loss {arrivals.target.iloc[0]:g}")
    equal.set_ylim(0, 1.35 * arrivals.val_loss.max())
    for ax in (level, equal):
        plots.log_axis(ax, "x")
    waits = arrivals.groupby("rate").epochs.mean()
    plots.caption(
        fig,
        "Digits: MLP 64-64-10, SGD with momentum 0.9, mean and 95 % band. To the same training loss: "
        f"{waits.iloc[0]:.0f} epochs at rate {waits.index[0]:g}, {waits.iloc[-1]:.0f} at {waits.index[-1]:g}; "
        f"{int(arrivals.stuck.sum())} of {len(arrivals)} runs never. {plots.seeds_text(ends)}",
    )
    return fig


_CONTESTED = (
    "Dauphin et al. (2014), arXiv:1406.2572, and Choromanska et al. (2015), arXiv:1412.0233; "
    "cs231n, Neural Networks Part 3, on the rate that is too large"
)
_MINIMA = (
    "With a small rate training is slow. That it ends in a bad local minimum is true of curves with one weight; in "
    "networks with many, such minima are rare, and plateaus and saddle points are what takes time."
)

CLAIMS = (
    Claim(
        "5.6-b/large",
        "A rate that is too large (0.5) settles at a higher training loss than a good one (0.1).",
        paired("clean_loss", higher=0.5, than=0.1, by="rate", table="ends"),
        expected=HOLDS,
        ask="Five times the good rate for twenty epochs: ahead, or stuck higher up?",
        why="Where the valley is narrower than a step, the weights jump from wall to wall, and the longest steps "
        "silence most hidden units for every image.",
        beware="It looks converged. Lowering the rate afterwards does not undo it: a silent unit gets no gradient.",
    ),
    Claim(
        "5.6-b/one-weight",
        "On ¼x⁴ − ½x² + 0.15x from 1.5, rates up to 0.5 end in the near, shallow valley, from 0.7 in the deeper one.",
        exact(measured="valley", expected="predicted", tolerance=1e-9, table="well"),
        expected=EXACT,
        ask="The deeper valley lies behind a ridge. Which rates get there?",
        why="The first step is the longest one, rate × slope. If it ends beyond the ridge, here from a rate of 0.665, "
        "the rest runs downhill into the deeper valley.",
        beware="The jump is luck of this start: from the other side, a large step can leave the deeper valley.",
    ),
    Claim(
        "5.6-b/stuck",
        "On the digits the smallest rate, 0.01, gets stuck before the training loss has come down to 0.05.",
        share("stuck", table="arrivals", where={"rate": min(RATES)}),
        expected=FAILS,
        ask="A tenth of the good rate: does it hang in a local minimum, or does it only take longer?",
        why="In some five thousand directions there is nearly always one that still goes down.",
        beware="After twenty epochs it looks stuck. Wait, or compare at equal training loss.",
        correction=_MINIMA,
        reference=_CONTESTED,
    ),
    Claim(
        "5.6-b/worse",
        "At the same training loss, 0.05, a smaller rate has a higher validation loss: it sits in a worse minimum.",
        trend("val_loss", over="rate", direction="falls", table="arrivals"),
        expected=FAILS,
        ask="All networks have reached a training loss of 0.05. Do those with a small rate do worse on other digits?",
        why="If small rates fell into worse minima, the gap between the two losses would be larger there. It is not.",
        beware="At equal epochs the small rate does have the higher validation loss: it has not arrived yet. And a "
        "larger rate that comes out a little behind here says nothing of how low each can get in the end.",
        correction=_MINIMA,
        reference=_CONTESTED,
    ),
)
