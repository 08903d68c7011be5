"""5.11 From coarse to fine (성긴 탐색에서 촘촘한 탐색으로)

Try many rates for an epoch, narrow the range around the best, try fewer for longer. The text compares it with the
up-down game. There every answer is exact and gives a direction, so that halving finds one of 100 numbers in seven
questions; after "up" from 50 the numbers 51 to 100 are left. A search gets noisy losses and no direction: whoever
narrows by a stage that says little may lose the optimum, and that is no bisection.
"""

import functools
import math

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, VIOLATED, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream

ENTRIES = ("5.11-g",)
DATA = "any"

_SEEDS = 20
_STAGED, _NOISY, _SINGLE = "coarse to fine", "noisy first stage", "one stage"
_NETWORK = functools.partial(mlp, hidden=(32,))


def measure(
    run: Run,
    *,
    trials: tuple[int, int, int] = (16, 8, 4),
    epochs: tuple[int, int, int] = (1, 5, 20),
    low: float = 1e-4,
    high: float = 10.0,
    momentum: float = 0.9,
    noisy_rows: int = 64,
) -> dict[str, pd.DataFrame]:
    """Search the rate in three stages, in three of which the first sees few rows, and in one stage of equal epochs.

    Ranges are narrowed by `textbook.search.narrowing.narrowed`, to a third or to where the best trials are, or past an
    end that has the best. Stages of all seeds are trained at once.

    Args:
        trials, epochs: of the three stages.
        low, high: the first range of rates.
        noisy_rows: training rows of the first stage in the arm that begins with little.
    """
    seeds, epochs = run.seeds_for(_SEEDS), tuple(run.epochs(count) for count in epochs)
    whole, little = (run.splits("digits", (rows, 473, 300)) for rows in (512, noisy_rows))
    own, few = {seed: whole(seed) for seed in seeds}.get, {seed: little(seed) for seed in seeds}.get
    ranges = {(arm, seed): (low, high) for arm in (_STAGED, _NOISY) for seed in seeds}
    spent = sum(count * length for count, length in zip(trials, epochs, strict=True))
    single = max(1, round(spent / epochs[-1]))
    tables, steps = [], []
    for stage, (count, length) in enumerate(zip(trials, epochs, strict=True)):
        rates = {(arm, k): {} for arm in (_STAGED, _NOISY) for k in range(count)}
        for (arm, seed), (left, right) in ranges.items():
            # both arms draw the same places of their ranges
            drawn = left * (right / left) ** stream(seed, f"stage {stage}").random(count)
            for k in range(count):
                rates[arm, k][seed] = float(drawn[k])
            steps.append({"arm": arm, "seed": seed, "stage": stage + 1, "low": left, "high": right, "epochs": length})
        if stage == len(trials) - 1:
            for k in range(single):
                rates[_SINGLE, k] = {
                    seed: float(low * (high / low) ** stream(seed, "one stage").random(single)[k]) for seed in seeds
                }
        splits = {_NOISY: few} if stage == 0 else {}
        found = _trained(rates, own, splits, seeds, length, momentum).assign(stage=stage + 1, epochs=length)
        ranges = {key: _narrower(found, *key, ranges[key]) for key in ranges}
        tables.append(found)
    found = pd.concat(tables, ignore_index=True)
    last = found[found.stage == len(trials)]
    winners = last.loc[last.groupby(["arm", "seed"], sort=False).val_loss.idxmin()]
    cost = {_STAGED: spent, _NOISY: spent, _SINGLE: single * epochs[-1]}
    game = _game(100)
    return {
        "trials": found,
        "ranges": pd.DataFrame(steps),
        "winners": winners.assign(budget=winners.arm.map(cost)).reset_index(drop=True),
        "game": game,
        "questions": pd.DataFrame({"most": [game.questions.max()], "closed_form": [math.ceil(math.log2(101))]}),
        "left": pd.DataFrame(
            {
                "end": ["lowest", "highest"],
                "left": [*_left(range(1, 101), 50)],
                "in_the_text": [52, 99],
            }
        ),
    }


def _trained(rates: dict, own, splits: dict, seeds, epochs: int, momentum: float) -> pd.DataFrame:
    """Train (arm, k) → seed → rate, and return the last epoch of each."""
    conditions = {
        f"{arm}/{k}": Condition(learning_rate=by_seed, momentum=momentum, splits=splits.get(arm))
        for (arm, k), by_seed in rates.items()
    }
    curves = train_replicas(_NETWORK, own, conditions=conditions, seeds=seeds, epochs=epochs, batch_size=32)
    last = curves[curves.epoch == curves.epoch.max()].copy()
    for name in ("val_loss", "test_loss"):
        last[name] = last[name].where(~last.diverged, last.chance_loss)
    last["arm"], last["trial"] = last.condition.str.split("/").str[0], last.condition.str.split("/").str[1].astype(int)
    return last[["arm", "trial", "seed", "learning_rate", "val_loss", "test_loss", "diverged", "chance_loss"]]


def _narrower(found: pd.DataFrame, arm: str, seed: int, rates: tuple[float, float]) -> tuple[float, float]:
    """The range of the next stage."""
    import keras_tuner  # here, because it loads Keras

    from textbook.search.narrowing import narrowed

    space = keras_tuner.HyperParameters()
    space.Float("rate", *rates, sampling="log")
    mine = found[(found.arm == arm) & (found.seed == seed)]
    table = pd.DataFrame({
        "trial": mine.trial, "status": "completed", "score": mine.val_loss, "rate": mine.learning_rate
    })  # fmt: skip
    _, decisions = narrowed(space, table)
    return float(decisions.next_low[0]), float(decisions.next_high[0])


def _left(numbers, guess: int) -> tuple[int, int]:
    """The lowest and the highest number that are left after the answer "up"."""
    above = [number for number in numbers if number > guess]
    return above[0], above[-1]


def _game(most: int) -> pd.DataFrame:
    """Questions of the up-down game for each number, always asking for the middle of what is left."""
    questions = []
    for number in range(1, most + 1):
        low, high, asked = 1, most, 0
        while True:
            guess, asked = (low + high) // 2, asked + 1
            if guess == number:
                break
            low, high = (guess + 1, high) if number > guess else (low, guess - 1)
        questions.append(asked)
    return pd.DataFrame({"number": np.arange(1, most + 1), "questions": questions})


def draw(tables: dict[str, pd.DataFrame]):
    """Above, ranges closing in under the losses of full-length trials, with a sound and with a noisy first stage;
    below, the test loss of what each search found, and the questions that the up-down game takes.
    """
    trials, ranges, winners = tables["trials"], tables["ranges"], tables["winners"]
    full = trials[trials.arm == _SINGLE]
    fig, axes = plots.figure(2, 2, height_ratios=[1, 1.15])
    first = ranges.seed.min()
    for ax, (arm, mine) in zip(axes[0], ranges.groupby("arm", sort=False), strict=True):
        ax.plot(full.learning_rate, full.val_loss, "o", color="#999999", markersize=3.5, alpha=0.6, mew=0)
        for stage, rows in mine.groupby("stage"):
            height, colour = 0.042 * 1.35 ** (3 - stage), plots.look(int(stage) - 1)["color"]
            own = rows[rows.seed == first].iloc[0]
            ax.plot([own.low, own.high], [height, height], "-", color=colour, linewidth=5, solid_capstyle="butt")
            tried = trials[(trials.arm == arm) & (trials.seed == first) & (trials.stage == stage)]
            ax.plot(tried.learning_rate, np.full(len(tried), height), "|", color="#222222", markersize=8)
        plots.log_axis(ax, "x", at=(1e-4, 1e-2, 1))
        plots.log_axis(ax, "y", at=(0.1, 0.3, 1, 3))
        ax.set(ylim=(0.034, 4), xlabel="learning rate", ylabel="validation loss (nats)", title=arm)
    left, right = axes[1]
    looks = plots.looks((_STAGED, _NOISY, _SINGLE))
    plots.dots(left, winners.sort_values("arm", key=lambda arms: arms.map(list(looks).index)), value="test_loss",
               by="arm", looks=looks)  # fmt: skip
    # one search that ends where nothing trains is ten times further off than the others
    plots.log_axis(left, "x", at=(0.05, 0.1, 0.2, 0.5, 1, 2))
    left.set_xlim(left=0.04)
    left.set_yticks(range(3), ["coarse\nto fine", "noisy\nfirst stage", "one\nstage"])
    left.set(xlabel="test loss of the winner (nats)", title="what was found")
    counts = tables["game"].questions.value_counts().sort_index()
    right.bar(counts.index, counts.to_numpy(), color="#888888", width=0.7)
    right.set(xlabel="questions", ylabel="numbers of 100", title="the up-down game", xticks=counts.index)
    plots.note(right, 'after "up" from 50:\n{} to {} are left'.format(*tables["left"].left), at="upper left")
    spent = winners.groupby("arm", sort=False).budget.first()
    plots.caption(
        fig,
        "Digits, 512 training images, MLP 64-32-10, SGD with momentum. Dots: trials of the single stage, all seeds. "
        "Bars: ranges of one seed, strokes its trials. Epochs of a search: "
        + ", ".join(f"{arm} {count}" for arm, count in spent.items())
        + f". Means with 95 % intervals; {plots.seeds_text(winners)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-g/equal",
        "At equal epochs, three stages from coarse to fine find a rate with a lower test loss than one stage of "
        "full-length trials.",
        paired("test_loss", lower=_STAGED, than=_SINGLE, by="arm", table="winners"),
        expected=HOLDS,
        ask="136 epochs: seven rates for 20 epochs each, or sixteen for 1, eight for 5 and four for 20?",
        why="One epoch is enough to see where nothing trains, and the epochs saved are spent near the optimum.",
        beware="One stage of seven trials often has a good rate as well: the curve is flat around its optimum.",
    ),
    Claim(
        "5.11-g/noise",
        "Narrowing by a first stage on few rows ends at a higher test loss than narrowing by one on all rows.",
        paired("test_loss", higher=_NOISY, than=_STAGED, by="arm", table="winners"),
        expected=HOLDS,
        ask="The first stage makes two updates a trial instead of sixteen. What does its best rate tell?",
        why="Two updates are won by whatever rate is fast at first or lucky, and the range closes around that.",
        beware="A later stage may pass the end of its range and so find its way back; halving cannot.",
        correction="Searching hyperparameters is not the up-down game: answers are noisy and give no direction, so "
        "narrowing too early can lose the optimum.",
        reference="Bergstra & Bengio (2012), JMLR 13:281-305; Li et al. (2018), JMLR 18(185), on how early to stop",
    ),
    Claim(
        "5.11-g/game",
        "Asking for the middle, the up-down game over 100 numbers takes seven questions at most.",
        exact(measured="most", expected="closed_form", table="questions"),
        expected=EXACT,
        ask="A number from 1 to 100. How many questions does the worst case take?",
        why="Seven questions tell 127 numbers apart, six only 63.",
        beware="That needs answers that are always right.",
    ),
    Claim(
        "5.11-g/left",
        'After the answer "up" to 50, the numbers inside the interval (51, 100) are left.',
        exact(measured="left", expected="in_the_text", table="left"),
        expected=VIOLATED,
        ask="50 was too low. Which is the smallest number that it can still be?",
        why="Above 50 the numbers 51 to 100 are left; the open interval has neither of its ends.",
        beware="It is a slip of notation: the text means the closed interval.",
        correction="The numbers 51 to 100 are left, both ends included.",
        reference="Arithmetic; counted here.",
    ),
)
