"""7.4 Accuracy or loss (정확도인가 손실인가)

Smith's larger batches ended with the higher test accuracy, his smaller ones with the lower test loss, and the review
finds no explanation. There need be no riddle: accuracy counts which class has the largest probability, the loss also
how large it is. A network can name more classes rightly and be too sure, or not sure enough, of all of them. Dividing
the logits by one number, the temperature fitted on validation rows, takes that part away and leaves every named class
as it is. So each batch size is trained by 1cycle for equally many epochs with its own best rate, on right labels and on
partly wrong ones, and scored by accuracy, by loss, and by loss after the temperature.
"""

import functools
import itertools

import numpy as np
import pandas as pd

from chapters.shared.members import outputs, stacked
from chapters.shared.opposite_orders import orders
from chapters.shared.tuned_arms import best_rates
from textbook import plots
from textbook.calibration import (
    error_if_calibrated,
    expected_calibration_error,
    fit_temperature,
    plot_reliability,
    reliability_table,
)
from textbook.ensembles import negative_log_likelihood, probabilities
from textbook.experiment import FAILS, HOLDS, INCONCLUSIVE, Claim, Run, paired, share
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.schedules import OneCycle

ENTRIES = ("7.4-b",)
DATA = "any"

RATES = (0.05, 0.1, 0.2, 0.4, 0.8)  # peaks for batches of 32; in proportion for others
TUNING_SEEDS = 4
SMALLEST, LARGEST = "smallest", "largest"
TRAINED, SCALED = "as trained", "scaled"


def measure(
    run: Run,
    *,
    batch_sizes: tuple[int, ...] = (8, 16, 32, 64, 128),
    label_noise: float = 0.2,
    epochs: int = 20,
    hidden: tuple[int, ...] = (64,),
) -> dict[str, pd.DataFrame]:
    """Tune the peak rate for every batch size and kind of labels, then train with it and score the test rows.

    Args:
        batch_sizes: two or more; verdicts are on the smallest and the largest.
        label_noise: share of the training labels that are wrong in the second half of the runs.
        hidden: units of the hidden layers.
    """
    sizes = sorted(set(batch_sizes))
    if len(sizes) < 2:
        raise ValueError(f"expected two batch sizes or more, got {batch_sizes}; mend by (8, 128)")
    splits = {"clean": run.splits("digits"), "noisy": run.splits("digits", label_noise=label_noise)}
    arms = list(itertools.product(splits, sizes))
    train = functools.partial(_train, splits, epochs=run.epochs(epochs), hidden=hidden)
    tried = RATES[::2] if run.quick else RATES
    tuning, _ = train({arm: tried for arm in arms}, seeds=run.tuning(TUNING_SEEDS))
    chosen = best_rates(tuning).set_index("arm")
    ends, result = train({arm: (chosen.rate[arm],) for arm in arms}, seeds=run.seeds)
    names = {sizes[0]: SMALLEST, sizes[-1]: LARGEST}
    runs, answers = [], []
    for end in ends.itertuples():
        (labels, size), stacks = end.arm, stacked(result, end.condition, [end.seed])
        split = splits[labels](end.seed)
        scored, predicted = _scores(end, lambda x, stacks=stacks: outputs(stacks, x)[0], split)
        arm = {"labels": labels, "batch_size": size, "seed": end.seed, "condition": names.get(size, "between")}
        runs.append(arm | {"rate": end.rate, "on_border": chosen.border[end.arm]} | scored)
        answers.append((labels, size, predicted, split.test.y))
    settings = {"epochs": run.epochs(epochs), "hidden": "-".join(map(str, hidden)), "noise": label_noise}
    runs = pd.DataFrame(runs).assign(**settings)
    return {"runs": runs, "losses": _losses(runs), "orders": orders(runs), "reliability": _pooled(answers)}


def _train(splits, rates: dict, *, seeds, epochs: int, hidden):
    """The end of every run with its arm and rate, and the result that has the networks."""
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    tried = {f"{arm} {rate}": (arm, rate) for arm, each in rates.items() for rate in each}
    conditions = {
        name: Condition(
            learning_rate=OneCycle(rate * size / 32, total=epochs, momentum_range=None).per_update(),
            momentum=0.9, batch_size=size, splits=splits[labels],
        )
        for name, ((labels, size), rate) in tried.items()
    }  # fmt: skip
    build, common = functools.partial(mlp, hidden=hidden), {"seeds": seeds, "epochs": epochs, "keep_state": True}
    result = ReplicaTrainer(build, splits["clean"], conditions=conditions, **common).run()
    ends = result.table[result.table.epoch == epochs]
    arms, each = zip(*ends.condition.map(tried), strict=True)
    return ends.assign(arm=arms, rate=each), result


def _scores(end, logits_of, split) -> tuple[dict, np.ndarray]:
    """Scores of one network on its test rows, and its probabilities there before and after the temperature."""
    kept = {"diverged": end.diverged, "chance_loss": end.chance_loss, "chance_accuracy": end.chance_accuracy}
    if end.diverged:  # no number says what its logits are worth; the tests put a guess's scores in
        return kept, np.empty((2, 0, 0))
    found = fit_temperature(logits_of(split.validation.x), split.validation.y, logits=True)
    logits, y = logits_of(split.test.x), split.test.y
    predicted = np.stack([probabilities(logits, logits=True), found.probabilities(logits)])
    loss, scaled_loss = negative_log_likelihood(predicted, y).mean(axis=-1)
    scores = {
        "test_accuracy": (predicted[0].argmax(axis=-1) == y).mean(),
        "test_loss": loss,
        "scaled_loss": scaled_loss,
        "confidence": predicted[0].max(axis=-1).mean(),
        "temperature": found.temperature,
        "error": expected_calibration_error(predicted[0], y, binning="count"),
        "scaled_error": expected_calibration_error(predicted[1], y, binning="count"),
        "chance_error": error_if_calibrated(predicted[1], binning="count", draws=50).mean(),
    }
    return scores | kept, predicted


def _losses(runs: pd.DataFrame) -> pd.DataFrame:
    """Two rows a run: its loss as trained, and after the temperature."""
    scaled = runs.assign(condition=SCALED, test_loss=runs.scaled_loss, error=runs.scaled_error)
    both = pd.concat([runs.assign(condition=TRAINED), scaled], ignore_index=True)
    return both[["labels", "batch_size", "seed", "condition", "test_loss", "error", "diverged", "chance_loss"]]


def _pooled(answers) -> pd.DataFrame:
    """Reliability of all seeds' test rows together, for each kind of labels and batch size, before and after."""
    tables = []
    for labels, size in dict.fromkeys(answer[:2] for answer in answers):
        mine = [answer for answer in answers if answer[:2] == (labels, size) and answer[2].size]
        for number, name in enumerate((TRAINED, SCALED) if mine else ()):
            predicted = np.concatenate([each[2][number] for each in mine])
            table = reliability_table(predicted, np.concatenate([each[3] for each in mine]), bins=10)
            tables.append(table.assign(labels=labels, batch_size=size, condition=name))
    return pd.concat(tables, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """By batch size, test accuracy, loss and calibration error, before and after division by a temperature; bottom
    left, a reliability diagram.
    """
    runs, losses = tables["runs"], tables["losses"]
    named = {"clean": "right labels", "noisy": f"{runs.noise.iloc[0]:.0%} wrong labels"}
    looks = {}
    for number, words in enumerate(named.values()):
        looks[words] = looks[f"{words}, {TRAINED}"] = {**plots.look(number), "linestyle": "-"}
        looks[f"{words}, {SCALED}"] = {**plots.look(number), "linestyle": (0, (2, 1.5)), "markerfacecolor": "white"}
    runs = runs[~runs.diverged].assign(arm=runs.labels.map(named), percent=100 * runs.test_accuracy)
    arms = losses.labels.map(named) + ", " + losses.condition
    losses = losses.assign(arm=arms, percent=100 * losses.error)[~losses.diverged]
    fig, ((accuracy, loss), (reliability, error)) = plots.figure(2, 2)
    shown = {"x": "batch_size", "looks": looks, "hue": "arm", "names": "none"}
    plots.band(accuracy, runs, y="percent", **shown)
    plots.band(loss, losses, y="test_loss", log=True, **shown)
    plots.band(error, losses, y="percent", **shown)
    with plots.style():
        for number, (_, rows) in enumerate(runs.groupby("labels")):
            chance = 100 * rows.groupby("batch_size").chance_error.mean()
            words = "" if number else "by chance alone"
            error.plot(chance.index, chance, color=plots.GREY, linestyle=(0, (1, 1.5)), marker="", label=words)
        for ax in (accuracy, loss, error):
            plots.log_axis(ax, "x", at=tuple(sorted(runs.batch_size.unique())))
            ax.set_xlabel("batch size (rows)")
        plots.log_axis(loss, "y")
        fig.legend(*error.get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=9.5)
    noisy, sizes = tables["reliability"].query("labels == 'noisy'"), (runs.batch_size.min(), runs.batch_size.max())
    for number, (size, state) in enumerate(((sizes[0], TRAINED), (sizes[1], TRAINED), (sizes[0], SCALED))):
        rows = noisy[(noisy.batch_size == size) & (noisy.condition == state)]
        if len(rows):  # none where all runs of this batch size diverged
            plot_reliability(reliability, rows, name=f"B = {size}, {state}", look=plots.look(number + 2))
    reliability.legend(loc="lower right", fontsize=9, handlelength=1.4)
    reliability.set(title=f"reliability, {named['noisy']}")
    accuracy.set(ylabel="test accuracy (%)", title="accuracy")
    loss.set(ylabel="test loss (nats)", title="loss")
    error.set(ylabel="calibration error (points)", title="calibration error", ylim=(0, None))
    heat = runs.groupby("labels").temperature.median().reindex(list(named))
    plots.caption(
        fig,
        f"Digits, MLP with {runs.hidden.iloc[0]} hidden units, 1cycle over {runs.epochs.iloc[0]} epochs, momentum 0.9, "
        "peak rate tuned for each point; wrong labels in training rows only. Scaled by temperatures fitted on "
        f"validation rows, median {heat['clean']:.2g}, with wrong labels {heat['noisy']:.2g}. 95 % bands. Reliability: "
        "all seeds' test rows in ten bins (B: batch size), intervals as of independent rows. "
        + plots.seeds_text(tables["runs"])
        + (". Some best rates lie at an end of the grid." if tables["runs"].on_border.any() else ""),
    )
    return fig


_CLEAN, _NOISY = {"labels": "clean"}, {"labels": "noisy"}

CLAIMS = (
    Claim(
        "7.4-b/accuracy",
        "For equally many epochs, each at its best rate, the largest batches reach a higher test accuracy than the "
        "smallest.",
        paired("test_accuracy", higher=LARGEST, than=SMALLEST, where=_CLEAN, table="runs"),
        expected=INCONCLUSIVE,
        ask="Many updates on few rows each, or few updates on many rows at a larger rate: which is right more often?",
        why="A larger rate makes up for fewer updates as long as it can grow with the batch. Where it cannot grow any "
        "more, the largest batches just get less far in the same epochs.",
        beware="With 300 test rows a single answer is a third of a point.",
    ),
    Claim(
        "7.4-b/loss",
        "For equally many epochs, each at its best rate, the smallest batches reach a lower test loss than the "
        "largest.",
        paired("test_loss", lower=SMALLEST, than=LARGEST, where=_CLEAN, table="runs"),
        expected=INCONCLUSIVE,
        ask="And which of the two gives the right digit the larger probability, on the geometric mean?",
        why="The loss is what training lowers, and what the peak rates were chosen by; more updates help where the "
        "rate cannot be raised in proportion.",
        beware="A rate chosen by accuracy may be another one than the rate chosen by loss.",
    ),
    Claim(
        "7.4-b/puzzle",
        "In most seeds the largest batches have the higher test accuracy and the smallest ones the lower test loss.",
        share("puzzle", where=_CLEAN, table="orders"),
        expected=FAILS,
        ask="In how many of the seeds do you expect to see both at once?",
        why="Two scores that look at different things can disagree, but need not do so in a fixed direction.",
        beware="Smith's networks are deep ones on CIFAR-10; small ones on digits rule out nothing there. Two coins "
        "would show the puzzle in a quarter of the seeds.",
        correction="There is no contradiction to explain: accuracy counts which class has the largest probability, the "
        "loss also how large it is, so that the two can rank networks oppositely. Which batch size each favours is a "
        "finding about one network and its data.",
        reference="Guo et al. (2017), On Calibration of Modern Neural Networks, arXiv:1706.04599",
    ),
    Claim(
        "7.4-b/wrong-labels",
        "Trained on partly wrong labels, the largest batches have the higher test accuracy and the smallest ones the "
        "lower test loss in most seeds.",
        share("puzzle", where=_NOISY, table="orders"),
        expected=INCONCLUSIVE,
        ask="Every fifth training label is wrong, and no network may be sure any more. Does the puzzle appear now?",
        why="With wrong labels confidence and accuracy part company. The orders turn opposite only where they do so "
        "more for one batch size than for the other.",
        beware="Labels of the validation and test rows are right: only the training rows lie.",
    ),
    Claim(
        "7.4-b/opposite",
        "In most seeds accuracy and loss rank some pair of batch sizes oppositely.",
        share("opposite", where=_CLEAN, table="orders"),
        expected=HOLDS,
        ask="Five batch sizes make ten pairs. Is there one that accuracy and loss rank oppositely?",
        why="One surely wrong answer costs the loss as much as many slightly unsure ones, and accuracy as much as any "
        "other wrong answer.",
        beware="That some pair is ranked oppositely says nothing about the direction: the next seed may turn it round.",
    ),
    Claim(
        "7.4-b/flip",
        "After temperature scaling the order of the losses of smallest and largest batches is turned round in most "
        "seeds.",
        share("flips", where=_CLEAN, table="orders"),
        expected=FAILS,
        ask="If only confidence set the two losses apart, what would be left of the order once it is put right?",
        why="A flip needs networks whose calibration differs more than the rest of their loss does.",
        beware="One temperature mends a common excess of confidence, not a row here and a row there.",
    ),
    Claim(
        "7.4-b/temperature",
        "Of networks trained on partly wrong labels, a temperature fitted on validation rows lowers the test loss.",
        paired("test_loss", lower=SCALED, than=TRAINED, where=_NOISY, mean_over="batch_size", table="losses"),
        expected=HOLDS,
        ask="The network has seen every fifth label wrong. Is it too sure of its answers on clean test rows, or too "
        "unsure?",
        why="It has learnt to expect wrong labels, and the test rows have none: its confidence is too low, and a "
        "temperature below 1 raises it. Not one of its answers changes.",
        beware="Fitted on rows with wrong labels, the temperature would have learnt to be unsure as well.",
    ),
)
