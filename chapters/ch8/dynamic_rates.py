"""8.2 Why a rate should change, and what that is called (동적 학습률, 학습률 스케줄링)

The text lets a large rate diverge and a small one fall into a local minimum, concludes that the rate should be large
first and small later, and files that under "adaptive learning rates". In one weight with two valleys the trap is real.
In a network it has to be looked for: is the loss at a small rate at a standstill, or only slow? Whether lowering the
rate helps hangs on where it starts, since it can only repair a rate that is too large for the end. And a rate that
follows a plan is scheduled; adaptive rates are each weight's own, made from its gradients.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, FAILS, HOLDS, Claim, Run, contrast, exact, paired, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import CosineDecay
from textbook.surfaces import DoubleWell, trajectory
from textbook.update_rules import GradientDescent

ENTRIES = ("8.2-b",)
DATA = "any"
WELL = DoubleWell(0.15)
SMALL_STEP = 0.05  # on the double well
CONSTANT, FALLING = "constant", "falling"
LARGE, MODERATE, TINY, HUGE = "large", "moderate", "tiny", "huge"


def measure(
    run: Run,
    *,
    tiny: float = 0.003,
    moderate: float = 0.1,
    large: float = 1.0,
    huge: float = 30.0,
    epochs: int = 20,
    stalled: float = 0.01,
) -> dict[str, pd.DataFrame]:
    """Descents on a double well from everywhere; the digits at four rates, two of them also with a falling rate.

    Args:
        tiny, moderate, large, huge: rates of plain SGD; the tiny one gets three times the epochs.
        epochs: of the others. The falling rates follow half a cosine to 0.
        stalled: a training has stalled if its loss fell by less than this share over its last sixth.
    """
    epochs = run.epochs(epochs)
    rates = {TINY: tiny, MODERATE: moderate, LARGE: large, HUGE: huge}
    conditions = {
        f"{CONSTANT}, {name}": Condition(learning_rate=rate, epochs=3 * epochs if name == TINY else epochs)
        for name, rate in rates.items()
    }
    for name in (MODERATE, LARGE):
        conditions[f"{FALLING}, {name}"] = Condition(learning_rate=CosineDecay(rates[name], total=epochs))
    curves = train_replicas(mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=epochs)
    curves[["kind", "start"]] = curves.condition.str.split(", ", expand=True)
    kept = ["condition", "kind", "start", "seed", "epoch", "clean_loss", "val_loss", "diverged", "chance_loss"]
    curves = curves[kept].assign(rate=curves.start.map(rates))
    ends = curves[curves.epoch == curves.groupby("condition").epoch.transform("max")]
    # dead networks end at the loss of a guess, within a few hundredths
    ends = ends.assign(lost=ends.diverged | (ends.clean_loss > 0.95 * ends.chance_loss))
    return {"well": _well(), "curves": curves, "ends": ends, "stops": _stops(curves, stalled)}


def _well(places: int = 41) -> pd.DataFrame:
    """Where small steps end from each start, and the valley on whose side of the hilltop they started."""
    starts = np.linspace(-1.6, 1.6, places)[:, None]
    ends = trajectory(WELL, GradientDescent(SMALL_STEP), start=starts, steps=2000)[-1][:, 0]
    left, hill, right = WELL.critical_points[:, 0]
    own = np.where(starts[:, 0] < hill, left, right)
    return pd.DataFrame({"start": starts[:, 0], "end": ends, "own_valley": own})


def _stops(curves: pd.DataFrame, stalled: float) -> pd.DataFrame:
    """Whether the loss of the tiny rate has stopped falling, above the loss of the moderate one."""
    tiny = curves[curves.start == TINY].pivot(index="seed", columns="epoch", values="clean_loss")
    last = tiny.columns.max()
    fallen = 1 - tiny[last] / tiny[last - max(1, last // 6)]
    goal = curves[curves.condition == f"{CONSTANT}, {MODERATE}"].groupby("seed").clean_loss.last()
    return pd.DataFrame({"fallen": fallen, "trapped": (fallen < stalled) & (tiny[last] > goal)}).reset_index()


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the double well with where small steps end, and the training loss at constant rates; below, the validation
    loss with constant and falling rates from two starts.
    """
    well, curves, stops = tables["well"], tables["curves"], tables["stops"]
    # a run that diverges on the way has no curve; before that it would leave a few points
    gone = curves.groupby(["condition", "seed"]).diverged.transform("any")
    fig, axes = plots.figure(2, 2, size=(7.6, 7.0))
    with plots.style():
        _draw_well(axes[0, 0], well)
        constant = curves[(curves.kind == CONSTANT) & ~gone]
        named = constant.assign(name=[f"{rate:g}" for rate in constant.rate])
        plots.band(axes[0, 1], named, x="epoch", y="clean_loss", hue="name", log=True)
        axes[0, 1].set(xlabel="epochs completed", ylabel="training loss (nats)", title="constant rates")
        for ax, start in zip(axes[1], (MODERATE, LARGE), strict=True):
            rows = curves[curves.start == start]
            if len(kept := rows[~gone[rows.index]]):
                plots.band(ax, kept, x="epoch", y="val_loss", hue="kind", log=True)
            ax.set(xlabel="epochs completed", ylabel="validation loss (nats)", title=f"from {rows.rate.iloc[0]:g}")
        for ax in (axes[0, 1], *axes[1]):
            plots.log_axis(ax, "y")
    lost = curves[gone].groupby("rate").seed.nunique()
    diverged = "; ".join(f"rate {rate:g}: {count}" for rate, count in lost.items()) or "none"
    plots.caption(
        fig,
        f"Well: ¼w⁴ − ½w² + {WELL.c:g}w, rate {SMALL_STEP:g}, from everywhere. Networks: MLP with 64 hidden units, "
        f"plain SGD; falling: half a cosine. Diverged runs (not drawn): {diverged}. The slowest still falls by "
        f"{100 * stops.fallen.mean():.0f} % over its last sixth. Geometric means, 95 % bands, "
        f"{plots.seeds_text(curves)}",
    )
    return fig


def _draw_well(ax, well: pd.DataFrame) -> None:
    w = np.linspace(-1.7, 1.7, 200)
    ax.plot(w, WELL.value(w[:, None]), color="#444444", linestyle="-", marker="")
    for i, (end, rows) in enumerate(well.groupby(well.end.round(2))):
        look = {**plots.look(i), "linestyle": ""}
        ax.plot(
            rows.start, WELL.value(rows.start.to_numpy()[:, None]), **look, label=f"ends at {end:g}".replace("-", "−")
        )
        ax.plot(end, WELL.value(np.array([end])), marker="*", markersize=13, color=look["color"])
    ax.legend(loc="upper center", fontsize=9.5)
    ax.set(xlabel="weight w at the start", ylabel="loss", title="small steps in two valleys")


CLAIMS = (
    Claim(
        "8.2-b/well",
        "In one weight with two valleys small steps end in the valley in which they started.",
        exact(measured="end", expected="own_valley", tolerance=1e-6, table="well"),
        expected=EXACT,
        ask="From which starts does descent with small steps reach the deeper valley?",
        why="A small step goes downhill, and the hilltop is never downhill.",
        beware="One weight. With thousands of them there is nearly always another way down.",
    ),
    Claim(
        "8.2-b/trapped",
        "A network trained at a small rate is caught: its loss stops falling above that of a moderate rate.",
        share("trapped", table="stops"),
        expected=FAILS,
        ask="Three times the epochs at a tiny rate. Has the loss come to a standstill?",
        why="In a network most points without a slope are saddles; a small rate goes the same way down in more steps.",
        beware="That no trap is seen in this time is no proof that there is none.",
        correction="On the double well it is so; networks at small rates are slow, and whether bad local minima catch "
        "them is doubtful. A planned change of the rate is a schedule; adaptive is what Adagrad or Adam do.",
        reference="Dauphin et al. (2014), arXiv:1406.2572; Choromanska et al. (2015), arXiv:1412.0233",
    ),
    Claim(
        "8.2-b/diverges",
        "At a huge rate the training diverges, or ends no better than a guess.",
        share("lost", table="ends", where={"start": HUGE}),
        expected=HOLDS,
        ask="And at a rate three hundred times the usual?",
        why="A step longer than twice the inverse curvature climbs, and the next one is longer still.",
        beware="Cross-entropy grows no faster than a line, so such trainings often end with a dead network and not at "
        "infinity.",
    ),
    Claim(
        "8.2-b/large",
        "From a large rate, letting it fall ends at a lower validation loss than keeping it.",
        paired("val_loss", lower=f"{FALLING}, {LARGE}", than=f"{CONSTANT}, {LARGE}", table="ends"),
        expected=HOLDS,
        ask="The rate starts large. Is it worth letting it fall?",
        why="The last steps of a large rate throw the weights about; small ones let them settle.",
        beware="Against the same rate kept. Where that is no larger than the best constant rate, its noise costs "
        "little by the end, and there is little to repair.",
    ),
    Claim(
        "8.2-b/depends",
        "The gain of a falling rate is larger from the large rate than from the moderate one.",
        contrast(
            "val_loss",
            first=(f"{CONSTANT}, {LARGE}", f"{FALLING}, {LARGE}"),
            second=(f"{CONSTANT}, {MODERATE}", f"{FALLING}, {MODERATE}"),
            table="ends",
        ),
        expected=HOLDS,
        ask="Is it worth as much from a moderate rate?",
        why="Decay repairs a rate that is too large for the end. Where none is, it only makes the last steps shorter.",
        beware="So the rule 'large first, small later' says nothing before the first rate is known.",
    ),
)
