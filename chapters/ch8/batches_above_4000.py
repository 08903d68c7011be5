"""8.1 Batches of more than 4,000 rows (4000보다 큰 미니배치)

Take mini-batches as large as memory allows, says the text, but performance drops above 4,000, and 256 to 512 are about
right. No such number is known. In equally many epochs a batch sixteen times as large makes a sixteenth of the updates,
and at the same rate it falls behind, below 4,000 as well. Goyal et al. trained with 8,192 rows and lost nothing, with a
rate that grew with the batch and a warm-up; that asks for a rate with room to grow. In equally many updates, with the
rate tuned for each size, the question is whether anything is left of the drop.
"""

import functools
import itertools

import numpy as np
import pandas as pd

from chapters.shared.tuned_arms import best_rates
from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, contrast, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import PolynomialDecay, ScaledByBatch, Warmup
from textbook.splits import Splitter

ENTRIES = ("8.1-d",)
DATA = "none"
USUAL, BETWEEN, ABOVE = "recommended", "between", "above 4,000"
UPDATES, FIXED = "equal updates, tuned rate", "equal epochs, same rate"
SCALED, SMALL = "equal epochs, rate ∝ B from the best", "equal epochs, rate ∝ B from a small one"
LIMIT = 4000  # rows, the text's
TUNING_SEEDS = 2
_PARTS = (16384, 2048, 16384)  # powers of two, so that every batch is full; a large test part, for its precision


def measure(
    run: Run,
    *,
    epochs: int = 2,
    usual: int = 512,
    between: int = 2048,
    above: int = 8192,
    rates: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0),
    warmup: float = 0.5,
    hidden: int = 16,
) -> dict[str, pd.DataFrame]:
    """Tune the rate of every batch size for equally many updates; train so, and at two other rates for equal epochs.

    Args:
        epochs: of the usual size, and of all sizes in equal epochs.
        usual, between, above: batch sizes: one that the text recommends, one between it and 4,000, and one above
            4,000; each divides the next and 16,384.
        rates: first rates that each size tries; every rate falls to zero in a straight line.
        warmup: share of the epochs in which a scaled rate climbs from the usual size's to its own.
        hidden: units of the hidden layer.
    """
    sizes = (usual, between, above)
    growing = 0 < usual < between < LIMIT < above
    if not growing or any(large % small for small, large in itertools.pairwise((*sizes, _PARTS[0]))):
        raise ValueError(
            f"expected usual < between < {LIMIT} < above that divide one another and {_PARTS[0]}, got {sizes}; "
            "mend by powers of two"
        )
    if not 0 < warmup < 1:
        raise ValueError(f"expected warmup as a share between 0 and 1, got {warmup:g}; mend by 0.5")
    if run.quick:  # not run.epochs, which leaves two: in equal updates one is already many of the largest size
        epochs = max(1, epochs // 4)
    train = functools.partial(_train, _splits(), usual=usual, epochs=epochs, warmup=warmup, hidden=hidden)
    tuning = run.tuning(1 if run.quick else TUNING_SEEDS)
    chosen = best_rates(train([(UPDATES, size, rate) for size in sizes for rate in rates], seeds=tuning))
    best = dict(zip(chosen.arm, chosen.rate, strict=True))
    arms = [(UPDATES, size, best[size]) for size in sizes]
    arms += [(protocol, size, best[usual]) for protocol in (FIXED, SCALED) for size in sizes[1:]]
    arms += [(SMALL, size, best[above] * usual / above) for size in sizes]
    ends = train(arms, seeds=run.seeds)
    at_usual = ends[(ends.arm == usual) & (ends.protocol == UPDATES)]  # one training: three protocols agree there
    ends = pd.concat([ends, *(at_usual.assign(protocol=protocol) for protocol in (FIXED, SCALED))], ignore_index=True)
    ends["condition"] = ends.arm.map(dict(zip(sizes, (USUAL, BETWEEN, ABOVE), strict=True)))
    kept = ["protocol", "condition", "seed", "updates", "test_loss", "test_accuracy"]
    kept += ["diverged", "chance_loss", "chance_accuracy"]
    ends = ends.rename(columns={"arm": "batch_size"})[["batch_size", *kept]]
    return {
        "ends": ends.assign(epochs=epochs, warmup=warmup * epochs, hidden=hidden),
        "chosen": chosen.assign(tried=len(rates), tuning=len(tuning)),
    }


def _splits() -> Splitter:
    """Four classes of two clusters each in twelve features; every seed draws its parts from the same rows."""
    from sklearn.datasets import make_classification  # here, because it takes a second to import

    x, y = make_classification(
        sum(_PARTS), 12, n_informative=9, n_redundant=0, n_classes=4, n_clusters_per_class=2, class_sep=1.5, flip_y=0,
        random_state=0,
    )  # fmt: skip
    return Splitter(((x / x.std(axis=0)).astype(np.float32), y), sizes=_PARTS)


def _train(splits, arms, *, seeds, usual: int, epochs: int, warmup: float, hidden: int) -> pd.DataFrame:
    """The end of every run. `arms`: (protocol, batch size, first rate, which SCALED multiplies)."""
    build = functools.partial(mlp, hidden=(hidden,))
    conditions = {
        str(number): _condition(*arm, usual=usual, epochs=epochs, warmup=warmup) for number, arm in enumerate(arms)
    }
    longest = max(condition.epochs for condition in conditions.values())
    curves = train_replicas(build, splits, conditions=conditions, seeds=seeds, epochs=longest)
    ends = curves[curves.epoch == curves.groupby("condition").epoch.transform("max")]
    named = pd.DataFrame([arms[int(name)] for name in ends.condition], columns=["protocol", "arm", "rate"])
    return pd.concat([named, ends.drop(columns="condition").reset_index(drop=True)], axis=1)


def _condition(protocol: str, size: int, rate: float, *, usual: int, epochs: int, warmup: float) -> Condition:
    """What one batch size trains with in one protocol."""
    if protocol == UPDATES:
        epochs *= size // usual
    schedule = PolynomialDecay(rate, total=epochs)
    if protocol in (SCALED, SMALL) and size > usual:
        climb = warmup * epochs
        schedule = PolynomialDecay(rate, total=epochs - climb)
        scaled = ScaledByBatch(schedule, batch_size=size, base_batch_size=usual)
        schedule = Warmup(scaled, length=climb, start=usual / size)
    return Condition(learning_rate=schedule.per_update(), momentum=0.0, batch_size=size, epochs=epochs)


def draw(tables: dict[str, pd.DataFrame]):
    """Test accuracy by batch size up to above 4000 rows, a line for each protocol: equal updates or equal epochs, with
    tuned, equal or scaled rates; the lines meet at the usual size.
    """
    chosen = tables["chosen"]
    ends = tables["ends"].assign(
        percent=lambda table: 100 * table.test_accuracy.where(~table.diverged, table.chance_accuracy)
    )
    fig, ax = plots.figure(size=(7, 5))
    order = (UPDATES, FIXED, SCALED, SMALL)
    plots.band(ax, ends, x="batch_size", y="percent", hue="protocol", looks=plots.looks(order), names="none")
    for protocol in (UPDATES, FIXED):  # the other lines make the updates of the second
        mine = ends[(ends.protocol == protocol) & ((ends.condition != USUAL) | (protocol == UPDATES))]
        for size, runs in mine.groupby("batch_size"):
            ax.annotate(f"{runs.updates.max():,}", (size, runs.percent.mean()), (0, 8), textcoords="offset points",
                        ha="center", fontsize=10)  # fmt: skip
    ax.axvline(LIMIT, color="#777777", linewidth=1.2, linestyle=":", zorder=0)
    ax.annotate(f"{LIMIT:,}", (LIMIT, 1), (4, -4), xycoords=("data", "axes fraction"), textcoords="offset points",
                va="top", color="#555555", fontsize=10)  # fmt: skip
    chance = 100 * ends.chance_accuracy.mean()
    ax.axhline(chance, color="#777777", linewidth=1, linestyle="--", zorder=0)
    ax.annotate("best guess without inputs", (0, chance), (4, 4), xycoords=("axes fraction", "data"),
                textcoords="offset points", color="#555555", fontsize=10)  # fmt: skip
    sizes = sorted(ends.batch_size.unique())
    plots.log_axis(ax, "x", at=sizes)
    ax.set_xlim(sizes[0] / 1.15, sizes[-1] * 1.15)
    ax.set(xlabel="batch size (rows)", ylabel="test accuracy (%)", ylim=(min(chance, ends.percent.min()) - 6, 101))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    best = ", ".join(f"{row.rate:g}{'*' * row.border} for {row.arm}" for row in chosen.itertuples())
    lost, tuning = int(ends.diverged.sum()), chosen.tuning.iloc[0]
    guesses = "1 run diverged and counts" if lost == 1 else f"{lost} runs diverged and count"
    plots.caption(
        fig,
        f"Numbers: updates made. make_classification, {_PARTS[0]:,} training rows; MLP with {ends.hidden.iloc[0]} "
        f"hidden units, plain SGD, the rate falls to zero in a straight line. Tuned rates, the best of "
        f"{chosen.tried.iloc[0]} on {tuning} other {'seed' if tuning == 1 else 'seeds'}: {best}. Equal epochs: "
        f"{ends.epochs.iloc[0]}, at the rate of {sizes[0]} or scaled from it, or scaled up to the rate of {sizes[-1]}; "
        f"scaled ones with a warm-up of {ends.warmup.iloc[0]:g}. 95 % bands, {plots.seeds_text(ends)}"
        + (f"; {guesses} as a guess." if lost else ".")
        + (" *: at an end of those tried." if chosen.border.any() else ""),
    )
    return fig


_CORRECTION = (
    "There is no limit at 4,000. In equally many epochs large batches fall behind for want of updates, bit by bit and "
    "from below 4,000 on. How large a batch still pays depends on the task, and with rate and budget fitted to it, "
    "larger ones cost no accuracy."
)
_REFERENCE = (
    "Goyal et al. (2017), arXiv:1706.02677; Shallue et al. (2019), JMLR 20(112); McCandlish et al. (2018), "
    "arXiv:1812.06162; for small batches Keskar et al. (2017), arXiv:1609.04836, Masters & Luschi (2018), "
    "arXiv:1804.07612"
)
_KEY = ("condition", "protocol")

CLAIMS = (
    Claim(
        "8.1-d/fixed",
        "At the same rate and in equally many epochs, batches above 4,000 have a lower test accuracy than "
        "batches of the recommended size.",
        paired("test_accuracy", higher=USUAL, than=ABOVE, where={"protocol": FIXED}, table="ends"),
        expected=HOLDS,
        ask="Both have read every row equally often, at the same rate. Does the large batch end with a lower accuracy?",
        why="An update by many rows is hardly longer than one by few, and the large batch makes far fewer.",
        beware="This says that the training was too short, not that large batches generalise worse.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "8.1-d/threshold",
        "The drop begins below 4,000: at the same rate and in equally many epochs, batches of the size between have "
        "a lower test accuracy than batches of the recommended size.",
        paired("test_accuracy", higher=USUAL, than=BETWEEN, where={"protocol": FIXED}, table="ends"),
        expected=HOLDS,
        ask="If 4,000 were a limit, nothing would be lost up to it. Is anything?",
        why="The number of updates falls with every doubling of the batch, and no doubling is special.",
        beware="Where a training goes on long after it has arrived, fewer updates cost little, and the drop comes "
        "later: at 4,000 or anywhere else.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "8.1-d/scaled",
        "With the rate scaled in proportion and a warm-up, in equally many epochs, batches above 4,000 still have "
        "a lower test accuracy than batches of the recommended size.",
        paired("test_accuracy", higher=USUAL, than=ABOVE, where={"protocol": SCALED}, table="ends"),
        expected=HOLDS,
        ask="Goyal et al. scaled the rate with the batch and lost nothing. Does that work in a training this short, "
        "from the best rate of the recommended size?",
        why="A rate can be scaled while the noise of the gradient limits it. A rate tuned for a short training stands "
        "close to what the surface bears, and no batch size changes the surface.",
        beware="Goyal et al. had thousands of updates left, and a first rate with room to grow. In a short training a "
        "warm-up also takes updates from those that count.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "8.1-d/room",
        "Scaled from a small first rate, the drop above 4,000 is smaller than at the same rate for every size.",
        contrast(
            "test_accuracy", first=((USUAL, FIXED), (ABOVE, FIXED)), second=((USUAL, SMALL), (ABOVE, SMALL)),
            by=_KEY, table="ends",
        ),
        expected=HOLDS,
        ask="Now the first rate is so small that the scaled one is no larger than the best. Does scaling help?",
        why="Few long steps go as far as many short ones while the surface hardly bends along them. Up to a moderate "
        "factor that is so; the longest steps are close to what is stable.",
        beware="Look how high the line lies: a rate with that much room was too small for the recommended size.",
    ),
    Claim(
        "8.1-d/updates",
        "In equally many updates too, each size at its best rate, batches above 4,000 have a lower test accuracy than "
        "batches of the recommended size.",
        paired("test_accuracy", higher=USUAL, than=ABOVE, where={"protocol": UPDATES}, table="ends"),
        expected=NO_DIFFERENCE,
        ask="Now both make equally many updates. What is left of the drop?",
        why="The gradient of the larger batch is the surer one. Nothing in it makes an update worse.",
        beware="Equal updates are not equal work: the large batch has read many times the rows.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "8.1-d/depends",
        "The drop depends on the protocol: it is larger at the same rate in equal epochs than in equal updates with "
        "tuned rates.",
        contrast(
            "test_accuracy", first=((USUAL, FIXED), (ABOVE, FIXED)), second=((USUAL, UPDATES), (ABOVE, UPDATES)),
            by=_KEY, table="ends",
        ),
        expected=HOLDS,
        ask="Is the drop of the one comparison larger than that of the other?",
        why="The recommended size's training is the same in both. All that differs is what the large batch may do.",
        beware="Of a warning against large batches ask first: at equal what, and was the rate tuned for them?",
    ),
)  # fmt: skip
