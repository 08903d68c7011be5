"""6.2 Drawing a number of layers (이산형 하이퍼파라미터의 추출)

`np.random.randint(2, 5)` draws 2, 3 or 4 layers, each as often: its upper bound is excluded. The next library includes
its own: `random.randint(2, 4)` and keras-tuner's `Int(2, 4)` also draw from 2 to 4. Whoever mixes them up loses a value
at the end, or gains one, and no error says so. Rounding an even number to whole ones is a trap as well: the two ends
get half of what they should.
"""

import random

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, FAILS, HOLDS, VIOLATED, Claim, Run, exact, share
from textbook.seeding import stream, word
from textbook.statistics import mean_interval

ENTRIES = ("6.2-d",)
DATA = "none"

FEWEST, MOST = 2, 4  # layers, both meant to be drawn
TEXT = "np.random.randint(2, 5)"
TRAP = "np.random.randint(2, 4)"
STANDARD = "random.randint(2, 4)"
GENERATOR = "rng.integers(2, 4,\nendpoint=True)"
TUNER = "keras-tuner Int(2, 4)"
ROUNDED = "round(uniform(2, 4))"
CUT = "int(uniform(2, 5))"
_SHOWN = range(FEWEST - 1, MOST + 2)


def measure(run: Run, *, draws: int = 30_000) -> dict[str, pd.DataFrame]:
    """Draw numbers of layers by seven calls and count them.

    Args:
        draws: of each call for each seed; keras-tuner, whose draws are slow, makes a tenth.
    """
    from scipy.stats import chisquare

    rows, tests = [], []
    for seed in run.seeds:
        for call, numbers in _drawn(seed, draws).items():
            count = np.array([np.count_nonzero(numbers == value) for value in _SHOWN])
            meant = count[1:-1]
            rows += [
                {"seed": seed, "call": call, "layers": value, "share": one / len(numbers)}
                for value, one in zip(_SHOWN, count, strict=True)
            ]
            p = chisquare(meant).pvalue if meant.sum() else 0.0
            tests.append({
                "seed": seed, "call": call, "lowest": numbers.min(), "highest": numbers.max(),
                "different": len(np.unique(numbers)), "p": p, "even": bool(p > 0.01),
            })  # fmt: skip
    return {"shares": pd.DataFrame(rows), "calls": _bounds(pd.DataFrame(tests))}


def _drawn(seed: int, draws: int) -> dict[str, np.ndarray]:
    """Numbers of layers by each call, each with a state of its own."""
    import keras_tuner  # here, because it loads Keras

    # the text's own call, which draws from NumPy's global state, here from a state like it
    old, trap = (np.random.RandomState(word(seed, call)) for call in (TEXT, TRAP))
    standard, new = random.Random(word(seed, STANDARD)), stream(seed, GENERATOR)
    layers = keras_tuner.engine.hyperparameters.Int("layers", FEWEST, MOST)
    even = stream(seed, ROUNDED).random((2, draws))
    seeds = stream(seed, TUNER).integers(2**31, size=max(1, draws // 10)).tolist()
    return {
        TEXT: old.randint(FEWEST, MOST + 1, draws),
        TRAP: trap.randint(FEWEST, MOST, draws),
        STANDARD: np.array([standard.randint(FEWEST, MOST) for _ in range(draws)]),
        GENERATOR: new.integers(FEWEST, MOST, size=draws, endpoint=True),
        TUNER: np.array([layers.random_sample(one) for one in seeds]),
        ROUNDED: np.round(FEWEST + (MOST - FEWEST) * even[0]).astype(int),
        CUT: (FEWEST + (MOST + 1 - FEWEST) * even[1]).astype(int),
    }


def _bounds(table: pd.DataFrame) -> pd.DataFrame:
    """Whether all numbers that were meant came, and no other."""
    found = (table.lowest == FEWEST) & (table.highest == MOST) & (table.different == MOST - FEWEST + 1)
    return table.assign(as_meant=found)


def draw(tables: dict[str, pd.DataFrame]):
    """How often each call draws 1 to 5 layers, a panel of bars for each call; hatched where it is not a third each of
    2, 3 and 4.
    """
    shares = tables["shares"]
    calls = list(shares.call.unique())
    fig, axes = plots.figure(2, 4, size=(8.4, 5.0), sharex=True, sharey=True)
    for ax, call in zip(axes.flat, calls, strict=False):
        wide = shares[shares.call == call].pivot(index="seed", columns="layers", values="share")
        right = np.allclose(wide.mean(), [0, 1 / 3, 1 / 3, 1 / 3, 0], atol=0.02)
        ax.bar(wide.columns, 100 * wide.mean(), width=0.7, color=plots.COLOURS[0 if right else 1],
               hatch="" if right else "//", edgecolor="white")  # fmt: skip
        for layers, column in wide.items():
            low, high = mean_interval(column.to_numpy()) if len(wide) > 1 else (column.mean(),) * 2
            ax.plot([layers] * 2, [100 * low, 100 * high], "-", color="#222222", marker="", linewidth=1.5)
            ax.text(layers, 100 * column.mean() + 2, f"{100 * column.mean():.0f}", ha="center", fontsize=10)
        ax.axhline(100 / 3, color=plots.GREY, linewidth=1, linestyle=(0, (4, 2)))
        ax.set_title(call, fontsize=9)
        ax.set_xticks(list(_SHOWN))
        ax.grid(visible=False, axis="x")
        ax.set(ylim=(0, 62))
        ax.set_xlabel("layers")
    axes.flat[-1].axis("off")
    axes.flat[-1].text(0.05, 0.62, "plain: as meant\nhatched: not\ndashed: 1/3", transform=axes.flat[-1].transAxes,
                       va="center", fontsize=10.5)  # fmt: skip
    for ax in axes[0]:
        ax.tick_params(labelbottom=True)
    for ax in axes[:, 0]:
        ax.set_ylabel("draws (%)")
    plots.caption(
        fig,
        f"2 to 4 layers are meant. Numbers: mean shares in per cent; black: 95 % intervals, mostly too short to be "
        f"seen. {plots.seeds_text(shares)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "6.2-d",
        "`np.random.randint(2, 5)` draws 2, 3 and 4 layers and no other number.",
        exact(measured="as_meant", expected=True, table="calls", where={"call": TEXT}),
        expected=EXACT,
        ask="Does randint(2, 5) ever give 5?",
        why="As with `range`, the upper bound is the first number that does not come.",
        beware="Python's own `random.randint(2, 5)` does give 5: same name, other bound.",
    ),
    Claim(
        "6.2-d/even",
        "The three numbers come equally often: in most seeds' draws a chi-squared test finds no deviation at 1 %.",
        share("even", table="calls", where={"call": TEXT}),
        expected=HOLDS,
        ask="By how much do the shares of thirty thousand draws differ from a third?",
        why="`randint` draws from a uniform distribution, so that only chance is left, a few tenths of a per cent.",
        beware="Even in the number itself is a choice: units or batch sizes are better drawn even in their logarithm.",
    ),
    Claim(
        "6.2-d/bound",
        "`np.random.randint(2, 4)`, with the bounds as they are meant, draws 2, 3 and 4 layers and no other number.",
        exact(measured="as_meant", expected=True, table="calls", where={"call": TRAP}),
        expected=VIOLATED,
        ask="A search over 2 to 4 layers reports that 3 is best. What if 4 was never tried?",
        why="4 is excluded, and no message says so; the best value then lies at the end of what was tried.",
        beware="`rng.integers(2, 4, endpoint=True)` says what is meant.",
    ),
    Claim(
        "6.2-d/rounded",
        "Rounding an even number from 2 to 4 to a whole one draws the three numbers equally often.",
        share("even", table="calls", where={"call": ROUNDED}),
        expected=FAILS,
        ask="Which numbers between 2 and 4 are rounded to 3, and which to 4?",
        why="From 2.5 to 3.5 all become 3, which is half of the range; 2 and 4 have a quarter each.",
        beware="Cutting off, `int(uniform(2, 5))`, is even; it is rounding that halves the ends.",
    ),
)
