"""4.8.3 Another split seed (분할 시드 바꾸기)

A split may leave the harder examples in the training part, and the text advises to change the seed of
`train_test_split`. Drawing again until the curves look right is a choice made on the rows that should judge it: the
best of k splits looks better the larger k is, and an untouched test set sees only a part of that gain. Stratify,
repeat over several splits, and report their mean and spread instead.
"""

import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, NO_DIFFERENCE, Claim, Run, estimate, paired, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import Seeds
from textbook.splits import FixedTest
from textbook.statistics import best_of

ENTRIES = ("4.8.3-b",)
DATA = "any"
_MOST_DRAWS = 100


def measure(run: Run, *, draws: int = 12, tries: int = 10, epochs: int = 10) -> dict[str, pd.DataFrame]:
    """Set a test part aside for each seed, draw the rest again and again, and keep the best of k splits.

    All splits overlap, and those of one seed share their test part, so they count as one: the unit is the seed. All
    networks start from the same weights and see their batches in the same order.

    Args:
        draws: splits per seed, at most 100.
        tries: the k on which the verdicts rest.
        epochs: ten instead of the book's twenty keep 384 networks within the chapter's time.
    """
    if not 1 < tries <= draws <= _MOST_DRAWS:
        raise ValueError(f"expected 1 < tries ≤ draws ≤ {_MOST_DRAWS}, got tries={tries} and draws={draws}")
    numbers = [seed * _MOST_DRAWS + number for seed in run.seeds for number in range(draws)]
    first = run.seeds[0]
    curves = train_replicas(
        mlp,
        run.splits("digits"),
        conditions={
            name: Condition(learning_rate=0.1, momentum=0.9, splits=_redrawn(run, stratify=stratify))
            for name, stratify in (("stratified", None), ("not stratified", False))
        },
        seeds=Seeds(split=numbers, weights=first, order=first, masks=first),
        epochs=run.epochs(epochs),
    )
    last = curves[curves.epoch == curves.epoch.max()]
    runs = pd.DataFrame(
        {
            "condition": last.condition,
            "seed": last.split_seed // _MOST_DRAWS,
            "draw": last.split_seed % _MOST_DRAWS,
            "gap_loss": last.val_clean_loss - last.clean_loss,
            "val_accuracy": last.val_accuracy.mask(last.diverged, last.chance_accuracy),
            "test_accuracy": last.test_accuracy.mask(last.diverged, last.chance_accuracy),
        }
    )
    gains = _gains(runs, tries)
    lowest = runs[runs.condition == "stratified"].groupby("seed", as_index=False).gap_loss.min()
    inverted = pd.DataFrame({"seed": lowest.seed, "validation_below_training": lowest.gap_loss < 0})
    return {"runs": runs, "gains": gains, "judged": gains[gains.k == tries], "inverted": inverted}


def _redrawn(run: Run, *, stratify: bool | None):
    """The split of a number: its hundreds name the seed that set the test part aside."""
    splitter = run.splits("digits", stratify=stratify)
    tests = {seed: FixedTest(splitter, seed) for seed in run.seeds}
    return lambda number: tests[number // _MOST_DRAWS](number)


def _gains(runs: pd.DataFrame, tries: int) -> pd.DataFrame:
    """For each seed and k, what the best of k splits gains on the mean split, by validation and by test accuracy."""
    rows = []
    for (condition, seed), mine in runs.groupby(["condition", "seed"], sort=False):
        for k in range(1, tries + 1):
            gain = best_of(mine.val_accuracy, mine.test_accuracy, k)
            rows.append((condition, seed, k, gain.apparent, gain.real, gain.optimism))
    return pd.DataFrame(rows, columns=["condition", "seed", "k", "apparent_gain", "real_gain", "optimism"])


def draw(tables: dict[str, pd.DataFrame]):
    """Left, a histogram of validation less training loss over the splits; right, what the best of k splits gains on
    validation and on test.
    """
    runs, gains = (tables[name][tables[name].condition == "stratified"] for name in ("runs", "gains"))
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1, 1.25])
    left.hist(runs.gap_loss, bins=20, color=plots.COLOURS[0], alpha=0.8, edgecolor="white")
    left.axvline(0, color="#222222", linewidth=1.4)
    left.set(xlabel="validation − training loss\nafter the last epoch (nats)", ylabel="splits", xlim=(-0.01, None))
    left.set_title("does any fall below 0?")
    scores = {"apparent_gain": "validation", "real_gain": "test"}
    curves = pd.concat(
        gains[["seed", "k"]].assign(score=name, points=100 * gains[column]) for column, name in scores.items()
    )
    right.axhline(0, color="#222222", linewidth=1)
    plots.band(right, curves, x="k", y="points", hue="score")
    right.set(xlabel="split seeds tried, best kept (k)", ylabel="gain over the mean split (points)")
    right.set_title("what the best of k splits gains on")
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, SGD with momentum 0.9; {len(runs)} splits, same initial weights; bands: 95 %. "
        f"Test parts: {plots.seeds_text(runs)}.",
    )
    return fig


_JUDGED = {"table": "judged", "where": {"condition": "stratified"}}

CLAIMS = (
    Claim(
        "4.8.3-b/inverts",
        "Among a dozen stratified split seeds there is one whose validation loss ends below its training loss.",
        share("validation_below_training", table="inverted"),
        expected=FAILS,
        ask="Could an unlucky split alone put the training loss above the validation loss at the end of training?",
        why="The network has fitted its training rows, whichever they are; a split moves the gap between the losses by "
        "less than the gap itself.",
        beware="With few epochs, little data or label noise the gap is smaller, and then a split can turn it over.",
    ),
    Claim(
        "4.8.3-b/optimism",
        "The validation accuracy of the best of ten split seeds overstates what was gained by half a point or more.",
        estimate("optimism", above=0, unit="points", delta=0.5, **_JUDGED),
        expected=HOLDS,
        ask="Try ten split seeds and report the best: how much too good is the number?",
        why="The maximum of ten noisy numbers lies above their mean, and it picks out easy validation rows more than "
        "good networks.",
        beware="That the number is too good on average is certain beforehand; the question is only by how much.",
        correction="Do not choose a split seed by the curves that it gives: that is selection on the evaluation data. "
        "Stratify, repeat the split, and report mean and spread.",
        reference="Cawley & Talbot (2010), On over-fitting in model selection, JMLR 11, 2079-2107.",
    ),
    Claim(
        "4.8.3-b/gain",
        "Keeping the best of ten split seeds gives a network that is better on an untouched test set.",
        estimate("real_gain", above=0, unit="points", delta=0.5, **_JUDGED),
        expected=NO_DIFFERENCE,
        ask="The best split of ten wins by a point on validation. How much of it does the test set see?",
        why="Most of the gain is easy validation rows, which leave the network as it was. A part can be real, since "
        "another split also trains another network, and a run that ended badly shows in both scores.",
        beware="Even where some gain is real, report the test part: the score that made the choice flatters.",
    ),
    Claim(
        "4.8.3-b/stratify",
        "Stratified splits leave less to gain by drawing again.",
        paired("optimism", lower="stratified", than="not stratified", unit="points", delta=0.5, table="judged"),
        expected=NO_DIFFERENCE,
        ask="Does keeping the classes in proportion take the luck out of the split?",
        why="Digits has ten classes of about equal size; what varies is which examples of a class are drawn, and "
        "stratifying does not see that.",
        beware="With a rare class it matters a good deal: without it, some splits hardly contain the class.",
    ),
)
