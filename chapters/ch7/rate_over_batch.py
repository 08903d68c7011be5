"""7.1 Learning rate over batch size (학습률과 배치 크기의 비율)

The text reports as proved that the ratio of learning rate to batch size governs training. What Jastrzębski et al. have
is an argument, with SGD as a diffusion whose temperature is that ratio, and experiments. It has its bounds: the rate
has to stay well below the stability limit, and the epochs have to be equal. Then a constant ratio also means a constant
rate × updates, the distance that training can go, so another comparison has to tell the two apart: a quarter of the
ratio for four times the epochs.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, equivalent, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import Constant, ScaledByBatch

ENTRIES = ("7.1-c",)

LINEAR, ROOT, SAME = "rate ∝ B", "rate ∝ √B", "same rate"
LOW, HIGH = "low ratio", "high ratio"
FIRST, MIDDLE, LAST, BEYOND = "smallest", "middle", "largest stable", "beyond"
LONGER, FOIL = "low ratio, longer", "foil"
TUNING_SEEDS = 4
_PROBED = (0.1, 0.4, 0.57, 0.8, 1.13, 1.6, 2.26)  # rates, a factor √2 apart above the first


def measure(
    run: Run,
    *,
    epochs: int = 10,
    low: float = 1 / 320,
    high: float = 1 / 80,
    sizes: tuple[int, ...] = (8, 16, 32, 64, 128, 256),
    base: int = 32,
) -> dict[str, pd.DataFrame]:
    """Train plain SGD for equal epochs by three rules for the rate, and find where rates get unstable on other seeds.

    Args:
        low, high: the two ratios of rate to batch size.
        sizes: of the batches.
        base: the batch size where the rules meet.
    """
    if base not in sizes or not 0 < low < high:
        raise ValueError(f"expected base among the sizes and 0 < low < high, got {base}, {sizes}, {low:g}, {high:g}")
    splits, epochs = run.splits("digits"), run.epochs(epochs)
    limits = _limits(splits, sizes, seeds=run.tuning(TUNING_SEEDS))
    arms = {(LOW, rule, size): rate for size in sizes for rule, rate in _rates(low, size, base).items()}
    arms |= {(HIGH, LINEAR, size): _rates(high, size, base)[LINEAR] for size in sizes}
    conditions = {
        str(number): Condition(learning_rate=rate, momentum=0.0, batch_size=arm[2])
        for number, (arm, rate) in enumerate(arms.items())
    }
    longer = round(epochs * high / low)
    conditions[LONGER] = Condition(learning_rate=low * base, momentum=0.0, batch_size=base, epochs=longer)
    curves = train_replicas(mlp, splits, conditions=conditions, seeds=run.seeds, epochs=epochs)
    ends = curves[curves.epoch == curves.groupby("condition").epoch.transform("max")]
    ends = ends[["condition", "seed", "epoch", "test_loss", "diverged", "chance_loss"]].rename(
        columns={"epoch": "epochs"}
    )
    named = pd.DataFrame(list(arms), columns=["line", "rule", "batch_size"]).assign(
        rate=list(arms.values()), condition=[str(number) for number in range(len(arms))]
    )
    runs = named.merge(ends, on="condition").drop(columns="condition")
    runs = runs.assign(stable=runs.rate <= runs.batch_size.map(limits.set_index("batch_size").limit) * (1 + 1e-9))
    runs["ratio"] = runs.line.map({LOW: low, HIGH: high})
    distance = pd.concat(
        [
            runs[(runs.line == HIGH) & (runs.rule == LINEAR) & (runs.batch_size == base)].assign(condition=HIGH),
            ends[ends.condition == LONGER],
        ]
    )
    kept = ["condition", "seed", "epochs", "test_loss", "diverged", "chance_loss"]
    tables = {"runs": runs, "largest": runs[(runs.line == LOW) & (runs.batch_size == max(sizes))]}
    return tables | {"places": _places(runs), "distance": distance[kept].assign(batch_size=base), "limits": limits}


def _rates(ratio: float, size: int, base: int) -> dict[str, float]:
    """The rate by each rule; all have ratio · base at the base."""
    start = Constant(ratio * base)
    linear = ScaledByBatch(start, batch_size=size, base_batch_size=base)
    return {LINEAR: linear(0), ROOT: ScaledByBatch(start, batch_size=size, base_batch_size=base, rule="square root")(0),
            SAME: start(0)}  # fmt: skip


def _limits(splits, sizes, *, seeds, epochs: int = 4) -> pd.DataFrame:
    """The stability limit of every batch size: the highest probed rate up to which no run is lost in the first epochs.

    A run is lost where its training loss, after any epoch, is above a guess's and above what the lowest rate leaves: a
    rate that is merely slow is not.
    """
    conditions = {
        f"{size} {rate}": Condition(learning_rate=rate, momentum=0.0, batch_size=size)
        for size in sizes
        for rate in _PROBED
    }
    curves = train_replicas(mlp, splits, conditions=conditions, seeds=seeds, epochs=epochs)
    named = curves.condition.str.split(" ", expand=True)
    curves = curves.assign(batch_size=named[0].astype(int), rate=named[1].astype(float))
    return pd.DataFrame({"batch_size": size, "limit": _limit(curves[curves.batch_size == size])} for size in sizes)


def _limit(curves: pd.DataFrame) -> float:
    """The highest rate below the lowest at which a run is lost."""
    lowest = curves[curves.rate == curves.rate.min()].set_index(["seed", "epoch"]).clean_loss
    slow = lowest.reindex(pd.MultiIndex.from_frame(curves[["seed", "epoch"]])).to_numpy()
    lost = curves.diverged | ~(curves.clean_loss <= np.fmax(curves.chance_loss, slow))
    rates = np.sort(curves.rate.unique())
    unstable = curves.rate[lost].min() if lost.any() else np.inf
    return float(rates[rates < unstable].max(initial=0.0))


def _places(runs: pd.DataFrame) -> pd.DataFrame:
    """Of each line its smallest, middle and largest stable batch size and the one beyond, and a foil at the largest.

    The foil of the low ratio is the same rate as at the base, that of the high ratio is the low one.
    """
    tables = []
    for line, foil in ((LOW, SAME), (HIGH, LINEAR)):
        mine = runs[(runs.line == line) & (runs.rule == LINEAR)]
        unstable = mine.batch_size[~mine.stable].min()
        stable = sorted(mine.batch_size[~(mine.batch_size >= unstable)].unique().tolist())
        if len(stable) < 3:
            raise ValueError(
                f"expected three or more batch sizes with a stable rate at the {line}, got {stable}; mend by a lower "
                "ratio or by smaller sizes"
            )
        places = {FIRST: stable[0], MIDDLE: stable[len(stable) // 2], LAST: stable[-1], BEYOND: unstable}
        tables += [mine[mine.batch_size == size].assign(condition=place) for place, size in places.items()]
        other = runs[(runs.line == LOW) & (runs.rule == foil) & (runs.batch_size == stable[-1])]
        tables.append(other.assign(line=line, condition=FOIL))
    return pd.concat(tables, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, test loss by batch size under three rules for the rate; right, by rate at two ratios of rate to batch size,
    up to the limit of stability and beyond it.
    """
    runs, limits, distance = tables["runs"], tables["limits"], tables["distance"]
    runs = runs.assign(test_loss=runs.test_loss.where(~runs.diverged, runs.chance_loss))
    fig, (left, right) = plots.figure(1, 2, sharey=True)
    looks = plots.looks((LINEAR, ROOT, SAME))
    low = runs[runs.line == LOW]
    plots.band(left, low, x="batch_size", y="test_loss", hue="rule", looks=looks, log=True, names="legend")
    plots.log_axis(left, "x", at=sorted(runs.batch_size.unique()))
    on_line = runs[runs.rule == LINEAR]
    names = {line: f"B / {1 / mine.ratio.iloc[0]:.3g}" for line, mine in on_line.groupby("line", sort=False)}
    lines = {names[LOW]: plots.look(0), names[HIGH]: plots.look(3)}
    named = on_line.assign(line=on_line.line.map(names))
    plots.band(right, named, x="rate", y="test_loss", hue="line", looks=lines, log=True, names="none")
    for line, mine in named.groupby("line"):
        places = np.log(mine.test_loss).groupby([mine.batch_size, mine.rate]).mean()
        for (size, rate), height in places.items():
            right.annotate(
                str(size), (rate, np.exp(height)), (-2, 6), textcoords="offset points", ha="right", fontsize=9,
                color=lines[line]["color"],
            )  # fmt: skip
    right.axvspan(limits.limit.min(), limits.limit.max() * 2**0.5, color="#999999", alpha=0.3, linewidth=0)
    longer = distance[distance.condition == LONGER]
    rate = low.ratio.iloc[0] * distance.batch_size.iloc[0]
    label = f"B / {1 / low.ratio.iloc[0]:.3g}, {longer.epochs.max()} epochs"
    right.plot(rate, np.exp(np.log(longer.test_loss).mean()), "*", color="#222222", markersize=11, label=label)
    right.legend(title="rate", loc="upper left")
    plots.log_axis(left, "y")
    right.margins(x=0.1)  # room for the first batch size
    plots.log_axis(right, "x")
    left.set(xlabel="batch size (rows)", ylabel="test loss (nats)", title=f"rates meet at {rate:g}")
    right.set(xlabel="learning rate", title="up to the limit (grey)")
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, plain SGD, {runs.epochs.max()} epochs, geometric mean and 95 % band. Right: batch "
        "sizes at the points; grey, where rates become unstable on other seeds, depending on the batch size. "
        f"{plots.seeds_text(runs)}; {int(runs.diverged.sum())} of {len(runs)} runs diverged and count as a guess.",
    )
    return fig


_CORRECTION = (
    "Nothing is proved: there is an argument that takes SGD for a diffusion, and there are experiments. They bear it "
    "out for plain SGD at equal epochs while the rate is well below the stability limit; beyond it a larger batch "
    "needs more updates than the ratio promises."
)
_REFERENCE = "Jastrzebski et al. (2017), arXiv:1711.04623; for the bounds Shallue et al. (2019), JMLR 20(112)"


def _same(line: str):
    return equivalent("test_loss", conditions=(FIRST, MIDDLE, LAST), bad=FOIL, where={"line": line}, table="places")


CLAIMS = (
    Claim(
        "7.1-c/low",
        "At the lower constant ratio of rate to batch size the test loss is the same for the smallest, a middle and "
        "the largest batch size whose rate is stable.",
        _same(LOW),
        expected=HOLDS,
        ask="The batch gets larger and the rate grows with it. How much of the training changes?",
        why="B times fewer updates, each B times as long, lead along the same way as long as the gradient hardly turns "
        "within a step.",
        beware="Stable is not enough to be the same. Near the limit the first updates are lost in jumps to and fro, "
        "and a large batch has few updates in all.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.1-c/high",
        "At a ratio four times as high, too, the test loss is the same up to the largest stable batch size.",
        _same(HIGH),
        expected=HOLDS,
        ask="Four times the ratio: does the rule still hold, and up to which batch size?",
        why="The argument is the same, but the limit is met at a batch a quarter as large.",
        beware="The ratio itself has to be tuned; that it may be kept says nothing about whether it is good.",
    ),
    Claim(
        "7.1-c/limit",
        "At the higher ratio, the next batch size beyond the stability limit ends with a higher test loss than the "
        "largest one below it.",
        paired("test_loss", lower=LAST, than=BEYOND, where={"line": HIGH}, table="places"),
        expected=HOLDS,
        ask="Does the rule fade out slowly, or is there an end to it?",
        why="The limit of the rate is set by the curvature of the loss, and a larger batch hardly raises it.",
        beware="So a rule for scaling the rate has no say about the largest batches.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.1-c/root",
        "With a rate in proportion to √B, the largest batch size ends with a higher test loss than with one in "
        "proportion to B.",
        paired("test_loss", lower=LINEAR, than=ROOT, by="rule", where={"line": LOW}, table="largest"),
        expected=HOLDS,
        ask="Another rule keeps the noise of each step the same: rate ∝ √B. Where does it end for large batches?",
        why="Fewer updates that are not longer in proportion do not get as far in equally many epochs.",
        beware="For small batches it is the other way round: there √B has the higher rate of the two.",
    ),
    Claim(
        "7.1-c/distance",
        "It is the ratio that counts and not rate × updates: with the same rate × updates, the higher ratio ends with "
        "a lower test loss than the lower ratio with more epochs.",
        paired("test_loss", lower=HIGH, than=LONGER, table="distance"),
        expected=NO_DIFFERENCE,
        ask="A quarter of the ratio, but four times the epochs. Is that another training?",
        why="At equal epochs a constant ratio keeps rate × updates constant as well, and that decides how far a "
        "training gets. What is left is the length of the single step and its noise.",
        beware="Over trainings so long that the noise settles into its balance, the ratio counts for itself.",
    ),
)
