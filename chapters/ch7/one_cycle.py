"""7.3 The 1cycle policy (1cycle 정책)

The text's sentence on 1cycle has lost its middle: a cycle "smaller than the total number of epochs, in which the rate
decreases". What Smith means has two parts. One cycle takes the rate up and down again, with a momentum that mirrors it,
and is a little shorter than the whole run. In the epochs that are left the rate falls on, several orders of magnitude
below the rate that the run began with. He owes the idea to simulated annealing (Aarts and Korst) and
curriculum learning (Bengio). Here the schedule is compared with its corners update by update, as Keras reads it, and
the last stretch is taken away to see what it is worth.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from chapters.shared.tuned_arms import rates_text, tuned_arms
from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.schedules import OneCycle

ENTRIES = ("7.3-g",)
DATA = "any"

WITH, WITHOUT = "with last stretch", "without"
# of the schedule that is written down: 400 updates, so that the corners fall on whole ones
_EPOCHS, _PER_EPOCH = 10, 40
_MAXIMUM, _MOMENTA = 0.4, (0.85, 0.95)


def measure(
    run: Run,
    *,
    last: float = 0.1,
    div_factor: float = 10.0,
    final_div_factor: float = 1000.0,
    epochs: int = 12,
    rates: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8),
    tuning_seeds: int = 3,
    momentum: float = 0.9,
) -> dict[str, pd.DataFrame]:
    """Write 1cycle down update by update, and train with and without its last stretch, each at its best highest rate.

    Args:
        last: share of the run that follows the cycle, in steps of 0.005.
        div_factor: highest rate over first rate.
        final_div_factor: first rate over last rate.
        rates: highest rates that both arms try on the tuning seeds.
        momentum: held constant in the trainings, so that they differ in the last stretch alone.
    """
    epochs = run.epochs(epochs)
    shape = {"div_factor": div_factor, "final_div_factor": final_div_factor}
    corners = _corners(last=last, **shape)
    written = OneCycle.smith(_MAXIMUM, total=_EPOCHS, last=last, momentum_range=_MOMENTA, **shape)

    def arm(name: str):
        def condition(rate: float) -> Condition:
            if name == WITH:
                schedule = OneCycle.smith(rate, total=epochs, last=last, momentum_range=None, **shape)
            else:  # up in one half, down to the first rate in the other
                schedule = OneCycle(rate, total=epochs, pct_start=0.5, div_factor=div_factor, final_div_factor=1.0,
                                    anneal="linear", momentum_range=None)  # fmt: skip
            return Condition(learning_rate=schedule.per_update(), momentum=momentum)

        return condition

    curves, chosen = tuned_arms(
        mlp,
        run.splits("digits"),
        arms={name: arm(name) for name in (WITHOUT, WITH)},
        rates=rates,
        tuning=run.tuning(tuning_seeds),
        seeds=run.seeds,
        epochs=epochs,
    )
    columns = ["arm", "rate", "seed", "epoch", "val_loss", "test_loss", "diverged", "chance_loss"]
    updates = _beside(corners, written)
    return {"curves": curves[columns], "chosen": chosen, "updates": updates, "ends": _ends(updates, corners)}


def _corners(*, last: float, div_factor: float, final_div_factor: float) -> pd.DataFrame:
    """The four corners of Smith's schedule: update, rate, momentum.

    Counted as torch does: the last update has the number n − 1, and the rise ends one update before its share of n.
    """
    updates, (low, high), initial = _EPOCHS * _PER_EPOCH, _MOMENTA, _MAXIMUM / div_factor
    step = 2 / updates
    if abs(last / step - round(last / step)) > 1e-6:  # between two updates no schedule shows its corner
        raise ValueError(f"expected last in steps of {step:g}, got {last:g}; mend by {round(last / step) * step:g}")
    top = (1 - last) / 2 * updates - 1
    return pd.DataFrame(
        {
            "update": [0.0, top, 2 * top, updates - 1.0],
            "rate": [initial, _MAXIMUM, initial, initial / final_div_factor],
            "momentum": [high, low, high, high],
        }
    )


def _beside(corners: pd.DataFrame, schedule: OneCycle) -> pd.DataFrame:
    """Rate and momentum of every update as Keras reads them; on the lines between the corners; the mirrored rate."""
    at = np.arange(_EPOCHS * _PER_EPOCH)
    columns = {"update": at}
    for name, read in (("rate", schedule), ("momentum", schedule.momentum)):
        columns[name] = np.array(read.in_steps(_PER_EPOCH)(at), dtype=float)
        columns[f"{name}_by_corners"] = np.interp(at, corners["update"], corners[name])
    first, (low, high) = columns["rate"][0], _MOMENTA
    risen = np.clip((columns["rate"] - first) / (columns["rate"].max() - first), 0, 1)
    return pd.DataFrame(columns | {"mirrored_rate": high - (high - low) * risen})


def _ends(updates: pd.DataFrame, corners: pd.DataFrame) -> pd.DataFrame:
    """Where the rates that Keras reads begin, turn, come back and end, beside the corners."""
    top = int(updates.rate.idxmax())
    back = int(updates.index[updates.rate >= updates.rate.iloc[0] * (1 - 1e-5)].max())
    found = {
        "first rate": (updates.rate.iloc[0], corners.rate[0]),
        "update of the highest rate": (top, corners["update"][1]),
        "highest rate": (updates.rate[top], corners.rate[1]),
        "momentum there": (updates.momentum[top], corners.momentum[1]),
        "last update of the cycle": (back, corners["update"][2]),
        "momentum there again": (updates.momentum[back], corners.momentum[2]),
        "last rate": (updates.rate.iloc[-1], corners.rate[3]),
    }
    return pd.DataFrame(
        [(name, *map(float, pair)) for name, pair in found.items()], columns=["point", "found", "corner"]
    )


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the rate of 1cycle with its corners, and the momentum that mirrors it; below, validation loss by epoch
    with and without the last stretch.
    """
    updates, curves = tables["updates"], tables["curves"]
    ends = tables["ends"].set_index("point").corner
    with plots.style():
        fig, (left, below) = plots.figure(2, 1, height_ratios=[1.2, 1])
        look = plots.look(0)
        left.plot(updates["update"], updates.rate, **{**look, "marker": ""}, label="learning rate")
        turns = [0, ends["update of the highest rate"], ends["last update of the cycle"], updates["update"].max()]
        heights = np.interp(turns, updates["update"], updates.rate)
        left.plot(turns, heights, "o", color=look["color"], markersize=6)
        words = [plots.plain(float(f"{height:.3g}")) for height in heights]
        words = [f"{word} {number}" for word, number in zip(("start", "top", "back at", "end"), words, strict=True)]
        places = (((12, -6), "left"), ((0, 6), "center"), ((-8, -16), "right"), ((2, -18), "right"))
        for x, y, text, (offset, side) in zip(turns, heights, words, places, strict=True):
            left.annotate(text, (x, y), offset, textcoords="offset points", ha=side, fontsize=10, color="#333333")
        left.axvspan(turns[2], turns[3], color="#999999", alpha=0.18, linewidth=0)
        right = left.twinx()
        right.plot(updates["update"], updates.momentum, **{**plots.look(1), "marker": ""})
        right.set(ylabel="momentum (dashed)", ylim=(0.82875, 0.975))
        right.spines["right"].set_visible(True)
        right.grid(visible=False)
        left.set(xlabel=f"update ({_PER_EPOCH} an epoch)", ylabel="learning rate", ylim=(-0.085, 0.5))
        left.set_title("one cycle and, shaded, the last stretch")
        looks = {WITHOUT: plots.look(3), WITH: plots.look(0)}
        plots.band(below, curves, x="epoch", y="val_loss", hue="arm", looks=looks, log=True, names="none")
        below.legend()
        plots.log_axis(below, "y")
        below.set(xlabel="epochs completed", ylabel="validation loss (nats)")
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
    plots.caption(
        fig,
        f"Below: digits, MLP with 64 units, SGD with constant momentum, batches of 32, {curves.epoch.max()} epochs; "
        f"geometric mean and 95 % band. Highest rate, the best of those tried on other seeds (* at the border of the "
        f"grid): {rates_text(tables['chosen'])}. {plots.seeds_text(curves)}",
    )
    return fig


_CORRECTION = (
    "1cycle is one cycle up and down that is a little shorter than the whole run; in the updates that are left the "
    "rate falls several orders of magnitude below its first value."
)
_REFERENCE = "Smith (2018), arXiv:1803.09820; Smith and Topin (2017), arXiv:1708.07120"

CLAIMS = (
    Claim(
        "7.3-g/ends",
        "Keras reads a 1cycle that starts, turns, comes back and ends at the rates, momenta and updates laid down.",
        exact(measured="found", expected="corner", tolerance=1e-5, relative=True, table="ends"),
        expected=EXACT,
        ask="400 updates, a tenth of them for the last stretch. When is the rate highest, and when is it back?",
        why="Rise and fall share nine tenths of 400, 180 each. Counted from 0 as torch does, the top is update 179 and "
        "the cycle ends with update 358; the last update, 399, has the final rate.",
        beware="Stepped once an epoch instead of once an update, the cycle never gets past its first rates.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.3-g/lines",
        "At every update the rate lies on the straight lines between the corners.",
        exact(measured="rate", expected="rate_by_corners", tolerance=1e-6, table="updates"),
        expected=EXACT,
        ask="Is there any bend in 1cycle besides its corners?",
        why="Smith's version is linear; torch's and fastai's defaults fall along a cosine and have no second corner.",
        beware="Libraries mean different curves by this name: the share of the rise, the shape and the end differ.",
    ),
    Claim(
        "7.3-g/mirror",
        "The momentum is the mirror image of the rate within the cycle and stays at its highest value afterwards.",
        exact(measured="momentum", expected="mirrored_rate", tolerance=1e-6, table="updates"),
        expected=EXACT,
        ask="Where is the momentum lowest, and what does it do in the last stretch?",
        why="It goes from 0.95 to 0.85 while the rate rises and back while the rate falls; then there is no cycle left "
        "to mirror.",
        beware="A momentum that a callback assigns does nothing in Keras 3: the compiled step keeps the first value.",
    ),
    Claim(
        "7.3-g/stretch",
        "With the last stretch the test loss ends lower than with a cycle that takes the whole run.",
        paired("test_loss", lower=WITH, than=WITHOUT, by="arm", table="curves"),
        expected=HOLDS,
        ask="The cycle alone ends at the rate it began with. What do the last updates far below it bring?",
        why="At the end of a cycle the weights still jump about the minimum, the wider the higher the rate, and the "
        "last stretch lets them settle. What is left to settle depends on how far down the cycle has already come.",
        beware="Both arms have their own best highest rate. With the same one for both, the comparison would also be "
        "one of rates.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
)
