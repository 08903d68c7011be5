"""5.8 Decay by 1/t (1/t 감쇠)

α = α₀ / (1 + kt) looks like a modest variant of exponential decay, and it is the only one of the usual schedules with
which noisy descent is sure to arrive. Robbins and Monro ask for two things: the rates must sum to infinity, so that no
start is too far away, and their squares must have a finite sum, so that the noise dies out. A constant rate fails the
second, step and exponential decay fail the first, 1/t passes both. On a bowl with noisy gradients one can see what that
means: the expected loss of 1/t goes on falling at every horizon, while the others come to a stand, the constant rate
where noise and descent balance, the other two where their rates have run out. That is a law for endless runs: in twenty
epochs it decides little, and it says nothing of which schedule is best there.
"""

import numpy as np
import pandas as pd
from scipy.special import polygamma, psi

from textbook import plots
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.schedules import Constant, ExponentialDecay, InverseTimeDecay, StepDecay
from textbook.surfaces import Quadratic

ENTRIES = ("5.8-d",)
DATA = "none"

_HORIZONS = (1e1, 1e3, 1e6)
_LONG = 30_000  # updates on the bowl; a decade before it the same run is looked at as well


def measure(
    run: Run, *, initial: float = 0.5, k: float = 0.05, distance: float = 10.0, noise: float = 1.0
) -> dict[str, pd.DataFrame]:
    """Sum rates and squared rates of four schedules, and follow each down a bowl with noisy gradients, exactly.

    Args:
        initial: first rate of all schedules, per update.
        k: of 1/t, per update. On a bowl of curvature 1, initial / k should be well above ½, or the way is too slow.
        distance: of the start from the minimum.
        noise: standard deviation of the gradient.
    """
    schedules = {
        "constant": Constant(initial),
        "step": StepDecay(initial, factor=0.5, every=1 / k),
        "exponential": ExponentialDecay(initial, factor=0.5, every=1 / k),
        "1/t": InverseTimeDecay(initial, rate=k),
    }
    return {
        "keras": _beside_keras(),
        "sums": _sums(initial, k),
        "conditions": pd.DataFrame([_conditions(name, schedule) for name, schedule in schedules.items()]),
        "bowl": pd.concat(_descent(name, schedule, distance, noise) for name, schedule in schedules.items()),
        "stands": pd.DataFrame([_stands(name, schedule, distance, noise) for name, schedule in schedules.items()]),
        "rates": pd.concat(_rates(name, schedule) for name, schedule in schedules.items()),
    }


def _beside_keras() -> pd.DataFrame:
    """The rate from 0.1 with k = 0.5, by the formula and by Keras, counted in updates and in epochs of 32."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    tables = []
    for per_epoch in (1, 32):
        t = np.arange(0, 100)
        theirs = keras.optimizers.schedules.InverseTimeDecay(0.1, per_epoch, 0.5)
        ways = {
            "InverseTimeDecay.in_steps": InverseTimeDecay(0.1, rate=0.5).in_steps(per_epoch)(t),
            "Keras InverseTimeDecay": theirs(t),
        }
        for name, rates in ways.items():
            columns = {"way": name, "updates_per_epoch": per_epoch, "update": t}
            tables.append(
                pd.DataFrame({**columns, "rate": np.array(rates), "formula": 0.1 / (1 + 0.5 * t / per_epoch)})
            )
    return pd.concat(tables)


def _sums(initial: float, k: float) -> pd.DataFrame:
    """Sums of 1/t's rates and of their squares to several horizons, beside their closed forms.

    Σ α₀/(1 + kt) over t < T is (α₀/k)·(ψ(T + 1/k) − ψ(1/k)), and Σ α₀²/(1 + kt)² is (α₀/k)²·(ψ′(1/k) − ψ′(T + 1/k)),
    with the digamma function ψ; the first grows as ln T, the second tends to (α₀/k)²·ψ′(1/k).
    """
    rows, schedule = [], InverseTimeDecay(initial, rate=k)
    for horizon in _HORIZONS:
        rates = schedule(np.arange(horizon))
        first = initial / k * (psi(horizon + 1 / k) - psi(1 / k))
        second = (initial / k) ** 2 * (polygamma(1, 1 / k) - polygamma(1, horizon + 1 / k))
        rows.append({"updates": horizon, "of": "rates", "summed": rates.sum(), "closed_form": first})
        rows.append({"updates": horizon, "of": "squares", "summed": (rates**2).sum(), "closed_form": second})
    return pd.DataFrame(rows)


def _conditions(name: str, schedule) -> dict:
    """Whether the rates and their squares sum to infinity, by Cauchy's condensation.

    Σ f(t) of a falling f converges exactly where Σ 2^j f(2^j) does; its terms are compared, far out, over a doubling.
    Terms that do not shrink sum to infinity, terms that shrink by a fixed factor do not.
    """
    far = 2.0**12
    near, twice = schedule(far), schedule(2 * far)
    grows = near > 0 and twice * 2 >= near  # a rate that has become 0 in double precision adds nothing any more
    squares_grow = near > 0 and (twice / near) ** 2 * 2 >= 1
    return {
        "schedule": name,
        "rates_to_infinity": bool(grows),
        "squares_finite": not squares_grow,
        "both": bool(grows) and not squares_grow,
        "only_inverse_time": name == "1/t",
    }


def _expected(schedule, distance: float, noise: float) -> np.ndarray:
    rates = schedule(np.arange(_LONG))
    return Quadratic((1.0,)).expected_loss(rates, start=(distance,), noise=noise)


def _descent(name: str, schedule, distance: float, noise: float) -> pd.DataFrame:
    """The expected loss at updates evenly spaced on a log axis."""
    at = np.unique(np.round(np.geomspace(1, _LONG, 90)).astype(int))
    return pd.DataFrame({"schedule": name, "update": at, "expected_loss": _expected(schedule, distance, noise)[at]})


def _stands(name: str, schedule, distance: float, noise: float) -> dict:
    """Whether the expected loss still halves, or better, from a tenth of the run to its end, and whether it should."""
    loss = _expected(schedule, distance, noise)
    found = _conditions(name, schedule)
    ratio = loss[-1] / loss[_LONG // 10]
    return {"schedule": name, "ratio": ratio, "still_falls": bool(ratio <= 0.5), "robbins_monro": found["both"]}


def _rates(name: str, schedule) -> pd.DataFrame:
    t = np.unique(np.round(np.geomspace(1, _LONG, 200)).astype(int))
    return pd.DataFrame({"schedule": name, "update": t, "rate": schedule(t)})


def draw(tables: dict[str, pd.DataFrame]):
    """The four schedules on log-log axes, and the expected loss of each on the noisy bowl."""
    rates, bowl, conditions = tables["rates"], tables["bowl"], tables["conditions"]
    looks = plots.looks(rates.schedule.unique())
    fig, (left, right) = plots.figure(1, 2)
    for ax, table, column in ((left, rates[rates.rate > 1e-7], "rate"), (right, bowl, "expected_loss")):
        for name, rows in table.groupby("schedule", sort=False):
            ax.plot(rows["update"], rows[column], **{**looks[name], "marker": ""}, label=name)
        ax.set_xlabel("update")
    plots.log_axis(left, "xy", at=None)
    plots.log_axis(right, "xy", at=None)
    left.set(ylabel="learning rate", ylim=(2e-6, 3 * rates.rate.max()), title="rate")
    right.set(ylabel="expected loss", title="noisy bowl")
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    passed = [row.schedule for row in conditions.itertuples() if row.both]
    plots.caption(
        fig,
        "Exact, no data: w ← w − α·(w + ξ) with noise ξ, from a start far away. Rates that sum to infinity while their "
        f"squares do not: {', '.join(passed) or 'none'}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.8-d/formula",
        "From 0.1 with k = 0.5 the rates are 0.1, 0.0667, 0.05, …, in Keras's InverseTimeDecay as in the formula.",
        exact(measured="rate", expected="formula", tolerance=1e-8, table="keras"),
        expected=EXACT,
        ask="After how many units of time has the rate halved, and after how many halved again?",
        why="1 + kt is 2 at t = 1/k and 4 at t = 3/k: each halving takes twice as long as the one before.",
        beware="Keras's arguments are (initial, decay_steps, decay_rate) and t is update / decay_steps; staircase=True "
        "rounds it down.",
    ),
    Claim(
        "5.8-d/sums",
        "The sum of the rates grows as (α₀/k)·ln T without end, that of their squares tends to (α₀/k)²·ψ′(1/k).",
        exact(measured="summed", expected="closed_form", tolerance=1e-9, relative=True, table="sums"),
        expected=EXACT,
        ask="After a million updates the rate is tiny. Have the rates come to an end, as those of a decay by halves?",
        why="Every doubling of the time adds about the same, (α₀/k)·ln 2, as in the harmonic series.",
        beware="Without end is not fast: from a thousand updates to a million the sum does not even triple.",
    ),
    Claim(
        "5.8-d/conditions",
        "Of constant, step, exponential and 1/t, only 1/t has rates that sum to infinity and squares that do not.",
        exact(measured="both", expected="only_inverse_time", table="conditions"),
        expected=EXACT,
        ask="Which schedule can come from anywhere, and which one can come to rest?",
        why="A constant rate sums to infinity, and so do its squares; a geometric series is finite both ways.",
        beware="The conditions are sufficient for noisy descent to converge for certain in the end; they are silent "
        "about any finite run.",
    ),
    Claim(
        "5.8-d/bowl",
        "On a noisy bowl the expected loss still falls to less than half over the last decade of updates under 1/t, "
        "and under no schedule that fails one of the two conditions.",
        exact(measured="still_falls", expected="robbins_monro", table="stands"),
        expected=EXACT,
        ask="Thirty thousand updates from the same start: which curves are still falling at the end?",
        why="Under 1/t the loss is in proportion to the rate and falls with it. A constant rate keeps up its noise; "
        "the others have no rate left.",
        beware="Where a run ends early, another schedule can be lowest: look at the first hundred updates.",
    ),
)
