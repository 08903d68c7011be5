"""7.3 Super-convergence: up, or up and down? (초수렴)

Instead of letting the rate fall, the text says, one can let it rise from low to high, and the network converges faster
and better: super-convergence. That is half of it. Smith and Topin let the rate rise and then fall again, and at the end
far below where it began. A run that stops at its highest rate stops where the weights jump about most. Here every
schedule has its own best rate, found by the same number of trials for each length of training, and the cycle also meets
the schedule that merely falls, so that one can see what the rise is worth by itself.
"""

import pandas as pd

from chapters.shared.tuned_arms import rates_text, tuned_arms
from textbook import plots
from textbook.book_style import darker
from textbook.experiment import HOLDS, NO_DIFFERENCE, REVERSED, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.schedules import Constant, OneCycle, PiecewiseConstant, PolynomialDecay, Triangular

ENTRIES = ("7.3-e",)
DATA = "any"

UP, CONSTANT, STEPS, DOWN, CYCLE = "only up", "constant", "steps", "only down", "up and down"
_JUDGED = 6  # epochs, of the budgets below


def _schedule(name: str, rate: float, total: float):
    """A schedule over `total` epochs whose highest rate is `rate`."""
    return {
        UP: lambda: Triangular(rate / 10, rate, step_size=total),
        CONSTANT: lambda: Constant(rate),
        STEPS: lambda: PiecewiseConstant([rate, rate / 10, rate / 100], boundaries=[total / 2, 3 * total / 4]),
        DOWN: lambda: PolynomialDecay(rate, total=total),
        CYCLE: lambda: OneCycle.smith(rate, total=total, momentum_range=None),
    }[name]()


def measure(
    run: Run,
    *,
    other_epochs: tuple[int, ...] = (3, 12, 30),
    judged_epochs: int = _JUDGED,
    rates: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4),
    tuning_seeds: int = 3,
    momentum: float = 0.9,
) -> pd.DataFrame:
    """Train five schedules for several numbers of epochs, each with its best highest rate for that number.

    Args:
        judged_epochs: length of the runs that are judged; `--quick` leaves it, being short already.
        other_epochs: lengths that are drawn beside it.
        rates: highest rates that every schedule tries at every length, on the tuning seeds.
    """
    budgets = sorted({judged_epochs, *(run.epochs(epochs) for epochs in other_epochs)})

    def arm(name: str, epochs: int):
        return lambda rate: Condition(
            learning_rate=_schedule(name, rate, epochs).per_update(), momentum=momentum, epochs=epochs
        )

    names = (UP, CONSTANT, STEPS, DOWN, CYCLE)
    curves, chosen = tuned_arms(
        mlp,
        run.splits("digits"),
        arms={(name, epochs): arm(name, epochs) for epochs in budgets for name in names},
        rates=rates,
        tuning=run.tuning(tuning_seeds),
        seeds=run.seeds,
        epochs=max(budgets),
    )
    last = curves[curves.epoch == curves.groupby(["condition", "seed"]).epoch.transform("max")]
    border = dict(zip(chosen.arm, chosen.border, strict=True))
    ends = last.assign(
        schedule=[name for name, _ in last.arm],
        budget=[epochs for _, epochs in last.arm],
        judged=[epochs == judged_epochs for _, epochs in last.arm],
        border=[border[arm] for arm in last.arm],
    )
    columns = ["schedule", "budget", "judged", "seed", "rate", "border", "test_loss", "test_accuracy", "diverged"]
    return ends[[*columns, "chance_loss"]].reset_index(drop=True)


def draw(table: pd.DataFrame):
    """Test loss by the length of training, a line for each schedule; beside it the schedules' shapes, which are the
    legend.
    """
    names = list(dict.fromkeys(table.schedule))
    looks = plots.looks(names)
    shown = table.assign(test_loss=table.test_loss.where(~table.diverged, table.chance_loss))
    with plots.style():
        fig, axes = plots.figure(1, 2, width_ratios=[3, 1.15])
        left, right = axes
        right.remove()
        grid = right.get_subplotspec().subgridspec(len(names), 1)
        small = [fig.add_subplot(grid[row]) for row in range(len(names))]
    plots.band(left, shown, x="budget", y="test_loss", hue="schedule", looks=looks, log=True, names="none")
    plots.log_axis(left, "x", at=sorted(table.budget.unique()))
    plots.log_axis(left, "y")
    left.set(xlabel="epochs of the whole run", ylabel="test loss at the end (nats)")
    for ax, name in zip(small, names, strict=True):
        at = [step / 100 for step in range(100)]
        ax.plot(at, [_schedule(name, 1.0, 1.0).with_updates(100)(t) for t in at], **looks[name], markevery=[50])
        ax.set(xticks=[], yticks=[], ylim=(-0.12, 1.15), xlim=(-0.04, 1.04))
        ax.set_title(name, fontsize=10.5, color=darker(looks[name]["color"]), pad=2)
        ax.set_gid("inset")
    rates = table[table.judged].drop_duplicates("schedule").rename(columns={"schedule": "arm"})
    plots.caption(
        fig,
        "Digits, MLP with 64 units, SGD with momentum, batches of 32; geometric mean and 95 % band. Right: shape of "
        f"the rate. Highest rates for {table.budget[table.judged].iloc[0]} epochs, the best of those tried on other "
        f"seeds (* at the border of the grid): {rates_text(rates)}. {plots.seeds_text(table)}",
    )
    return fig


def _lower(schedule: str, than: str):
    return paired("test_loss", lower=schedule, than=than, by="schedule", where={"judged": True})


CLAIMS = (
    Claim(
        "7.3-e/up",
        "After few epochs, a rate that only rises has led to a lower test loss than the best constant rate.",
        _lower(UP, CONSTANT),
        expected=REVERSED,
        ask="The rate climbs from a tenth of its highest value to the top, and there the run ends. Is that a good end?",
        why="The rate of the last updates decides how far the weights jump about the minimum, and this schedule ends "
        "at its highest. A lower top would help there, but the run gets less far before.",
        beware="After long training the schedules end closer together, and the damage looks smaller.",
        correction="Super-convergence is a rate that goes up and then down, with a last stretch far below its start. "
        "Only the way down lets the weights settle.",
        reference="Smith and Topin (2017), arXiv:1708.07120; Smith (2018), arXiv:1803.09820",
    ),
    Claim(
        "7.3-e/cycle",
        "After few epochs, a rate that goes up and down has led to a lower test loss than the best constant rate.",
        _lower(CYCLE, CONSTANT),
        expected=HOLDS,
        ask="And with the way down that the text leaves out?",
        why="In the middle the rate may be higher than a constant one could stay, and at the end it is far lower.",
        beware="Whatever falls at the end has this advantage; the cycle is only one such schedule. Smith reports, for "
        "LeNet on MNIST, 99.25 ± 0.03 % after 12 epochs of 1cycle and 99.03 ± 0.04 % after 85 of the usual schedule "
        "(arXiv:1803.09820).",
    ),
    Claim(
        "7.3-e/down",
        "After few epochs, a rate that goes up and down has led to a lower test loss than one that only falls.",
        _lower(CYCLE, DOWN),
        expected=NO_DIFFERENCE,
        ask="What is the rise worth by itself, if both may have their best highest rate?",
        why="A rise allows a higher top where the first updates are delicate, as in deep networks. Here a shallow "
        "network bears its best rate from the start.",
        beware="On a network that diverges at a high first rate the rise is a warm-up, without which it may not "
        "learn at all.",
    ),
)
