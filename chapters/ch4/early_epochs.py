"""4.8.3 The first epochs (처음 몇 에포크)

The text calls it chance when the training loss starts out above the validation loss. It is no chance: Keras reports
the mean over an epoch in which the network was still getting better, and measures the validation loss when the epoch is
over. The reported training loss is half an epoch old. Measured after the epoch like the validation loss, the training
curve stands above in some runs only; drawn half an epoch earlier, at the low rate it begins within a hundredth of a nat
of the validation curve, above or below. The two begin together and part later.
"""

import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("4.8.3-a",)
DATA = "any"


def measure(
    run: Run, *, slow: float = 0.005, fast: float = 0.05, momentum: float = 0.9, batch_size: int = 32
) -> pd.DataFrame:
    """Train without any regularisation at two rates and compare the losses at every epoch.

    `loss` is what Keras reports, `clean_loss` the training part measured after the epoch. `val_midway` is the
    validation loss half an epoch earlier, halfway between its values before and after the epoch.
    """
    curves = train_replicas(
        mlp,
        run.splits("digits"),
        conditions={
            name: Condition(learning_rate=rate, momentum=momentum) for name, rate in (("slow", slow), ("fast", fast))
        },
        seeds=run.seeds_for(24),
        epochs=run.epochs(10),
        batch_size=batch_size,
    )
    before = curves.groupby(["condition", "seed"]).val_loss.shift()
    columns = ["condition", "seed", "epoch", "learning_rate", "loss", "clean_loss", "val_loss"]
    return curves[columns].assign(
        reported_above=curves.loss > curves.val_loss,
        after_above=curves.clean_loss > curves.val_loss,
        # the first epoch has no validation loss before it: there the shifted comparison says nothing
        shifted_above=curves.loss > (before + curves.val_loss) / 2,
    )


def draw(curves: pd.DataFrame):
    """Left, the slow run's validation loss, its reported training loss, and the same half an epoch earlier; right, by
    epoch, the share of seeds with the training loss above.
    """
    fig, (left, right) = plots.figure(1, 2)
    slow = curves[(curves.condition == "slow") & (curves.epoch <= 5)]
    mean = slow.groupby("epoch")[["loss", "clean_loss", "val_loss"]].mean()
    train, held_out, _ = (plots.look(i) for i in range(3))
    left.plot(mean.index, mean.val_loss, **held_out, label="validation")
    left.plot(mean.index, mean.loss, **train, label="training, reported")
    left.plot(
        mean.index - 0.5,
        mean.loss,
        **{**train, "linestyle": ":", "markerfacecolor": "white"},
        label="½ epoch earlier",
    )
    left.set(xlabel="epochs completed", ylabel="loss (nats)", xlim=(0, 5.3), xticks=range(6))
    left.set_ylim(bottom=0.35 * mean.val_loss.min())  # room for the legend
    left.set_title(f"losses at rate {slow.learning_rate.iloc[0]:.3g}")
    left.legend(loc="lower left")
    events = {"reported_above": "reported", "after_above": "after the epoch"}
    for (_, rows), dashes in zip(curves.groupby("condition", sort=False), ("-", ":"), strict=True):
        rate = f"rate {rows.learning_rate.iloc[0]:.3g}"
        for i, (event, word) in enumerate(events.items()):
            by_epoch = 100 * rows.groupby("epoch")[event].mean()
            look = {**plots.look(2 * i), "linestyle": dashes}
            right.plot(by_epoch.index, by_epoch, **look, label=f"{word}, {rate}")
    right.axhline(50, color="#222222", linewidth=1)
    right.set(xlabel="epochs completed", ylabel="seeds with training above\nvalidation loss (%)", ylim=(-3, 103))
    right.set_title("chance would stay near 50 %")
    fig.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    plots.caption(
        fig, f"Digits, MLP 64-64-10, SGD with momentum 0.9, no regularisation. Left: means. {plots.seeds_text(curves)}"
    )
    return fig


_FIRST = {"slow": {"condition": "slow", "epoch": 1}, "fast": {"condition": "fast", "epoch": 1}}
_REASON = (
    "Keras reports the mean over the epoch, most of which the network spent with a higher loss than it has at the end, "
    "where the validation loss is measured."
)
_TRUTH = (
    "The inversion in the first epochs is systematic: the reported training loss is a running mean, half an epoch "
    "older than the validation loss."
)
_SOURCE = "Keras FAQ, 'Why is my training loss much higher than my testing loss?'"

CLAIMS = (
    Claim(
        "4.8.3-a/slow",
        "At a low rate, the first epoch's training loss lies above the validation loss by coincidence: in fewer than "
        "half of the seeds.",
        share("reported_above", above=False, where=_FIRST["slow"]),
        expected=FAILS,
        ask="In how many of 24 runs is the first training loss above the first validation loss, if that is chance?",
        why=_REASON,
        beware="A thing that happens in all runs alike has a cause, even if each single run surprises.",
        correction=_TRUTH,
        reference=_SOURCE,
    ),
    Claim(
        "4.8.3-a/fast",
        "At ten times the rate, too, it happens by coincidence.",
        share("reported_above", above=False, where=_FIRST["fast"]),
        expected=FAILS,
        ask="Is the inversion rarer where the loss falls faster?",
        why=_REASON + " The faster it falls, the larger the difference.",
        beware="It passes quickly here: once the loss is nearly flat, half an epoch makes no difference.",
        correction=_TRUTH,
        reference=_SOURCE,
    ),
    Claim(
        "4.8.3-a/after-slow",
        "Measured after the first epoch, as the validation loss is, the training loss lies above it in fewer than half "
        "of the seeds (low rate).",
        share("after_above", above=False, where=_FIRST["slow"]),
        expected=HOLDS,
        ask="Both losses of the same weights: which one is lower after a single epoch?",
        why="The weights were fitted to the training rows, if only a little so far.",
        beware="After one slow epoch the two still lie close together, and single splits can go either way.",
    ),
    Claim(
        "4.8.3-a/after-fast",
        "Measured after the first epoch, the training loss lies above the validation loss in fewer than half of the "
        "seeds (high rate).",
        share("after_above", above=False, where=_FIRST["fast"]),
        expected=HOLDS,
        ask="And at ten times the rate?",
        why="The weights were fitted to the training rows, and a higher rate has fitted them further.",
        beware="Evaluate on the training rows after the epoch to see this; the history does not hold it.",
    ),
    Claim(
        "4.8.3-a/shift",
        "Drawn half an epoch earlier, the reported training loss of the second epoch lies above the validation loss in "
        "fewer than half of the seeds (low rate).",
        share("shifted_above", above=False, where={"condition": "slow", "epoch": 2}),
        expected=HOLDS,
        ask="Shift the training curve half an epoch to the left. Is it still above?",
        why="A mean over an epoch belongs to the middle of the epoch.",
        beware="The shift is an approximation. A batch's loss is taken before its update, so the mean stands for half "
        "an update before the middle, and where the two losses are still alike even that little shows.",
    ),
)
