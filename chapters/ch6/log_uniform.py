"""6.2 Rates between 0.0001 and 1 (로그 균등 추출)

Drawn evenly between 0.0001 and 1, nine rates in ten are above 0.1; drawn evenly on a log scale, a quarter falls into
each decade. The text's code is right: `r = -4 * np.random.rand()`, then ten to the power r. Its words are not: nothing
is multiplied, r becomes an exponent. And that a continuous hyperparameter must never be drawn evenly goes too far. It
depends on how wide the range is and on where the good values lie, which for SGD with momentum may be near its upper
end. A dropout rate is drawn evenly; a momentum on the log scale of its distance from 1. Chapter 5 draws from a wider
range, 0.000001 to 10.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, VIOLATED, Claim, Run, contrast, exact, paired, share
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.search import expected_best
from textbook.seeding import stream

ENTRIES = ("6.2-e", "6.2-f")
DATA = "any"

LOWEST, HIGHEST = 1e-4, 1.0  # the text's
EVEN, LOG = "even", "log scale"
SGD, ADAM = "SGD, momentum 0.9", "Adam"
WIDE, NARROW = "wide", "narrow"
_FACTOR = 3.0  # between the ends of the narrow range
_SIZES = (1, 2, 5, 10, 20, 40)
_DRAWS = 1 << 18
_FINE = 1 << 10


def measure(run: Run, *, rates: int = 17, hidden: tuple[int, ...] = (64,), epochs: int = 8) -> dict[str, pd.DataFrame]:
    """Count draws on both scales, and train two optimizers at rates over the whole range to search among them.

    Args:
        rates: trained on each seed, at equal distances on the log scale; between them losses are interpolated.
        hidden: units of each hidden layer.
        epochs: of every training.
    """
    curves = _curves(run, np.geomspace(LOWEST, HIGHEST, rates), hidden, run.epochs(epochs))
    names = ["optimizer", "seed", "rate", "val_loss", "test_loss"]
    searches = [
        _searches(mine.rate.to_numpy(), mine.val_loss.to_numpy(), mine.test_loss.to_numpy()).assign(
            optimizer=optimizer, seed=seed
        )
        for (optimizer, seed), mine in curves[names].groupby(["optimizer", "seed"], sort=False)
    ]
    drawn = {seed: 1 - stream(seed, "draws").random(_DRAWS) for seed in run.seeds}  # in (0, 1], as 1 − rand
    return {
        "curves": curves[[*names, "diverged"]].assign(epochs=run.epochs(epochs), hidden="-".join(map(str, hidden))),
        "searches": pd.concat(searches, ignore_index=True),
        "shares": _shares(drawn),
        "code": pd.concat([_code(seed, 1 - unit) for seed, unit in drawn.items()], ignore_index=True),
        "ways": _ways(1 - drawn[run.seeds[0]]),
        "points": pd.DataFrame({"seed": run.seeds[0], "unit": drawn[run.seeds[0]][:60]}),
    }


def _curves(run: Run, rates: np.ndarray, hidden: tuple[int, ...], epochs: int) -> pd.DataFrame:
    """Losses after the last epoch by optimizer, rate and seed; a diverged training has those of a guess."""
    arms = {
        f"{name}|{rate!r}": Condition(learning_rate=float(rate), **settings)
        for name, settings in ((SGD, {"momentum": 0.9}), (ADAM, {"optimizer": "adam"}))
        for rate in rates.tolist()
    }
    found = train_replicas(
        functools.partial(mlp, hidden=hidden), run.splits("digits"), conditions=arms, seeds=run.seeds, epochs=epochs
    )
    last = found[found.epoch == found.epoch.max()]
    named = last.condition.str.split("|", expand=True)
    losses = {f"{part}_loss": last[f"{part}_loss"].mask(last.diverged, last.chance_loss) for part in ("val", "test")}
    return last.assign(optimizer=named[0], rate=named[1].astype(float), **losses)


def _searches(rates: np.ndarray, val: np.ndarray, test: np.ndarray) -> pd.DataFrame:
    """Expected test loss of the best of n rates on validation, drawn from the wide range and around the best."""
    order = np.argsort(rates)
    at = np.log(rates[order])
    centre = at[np.argmin(val[order])]
    half = np.log(_FACTOR) / 2
    low = np.clip(centre - half, at[0], at[-1] - 2 * half)
    rows = []
    for width, ends in ((WIDE, (at[0], at[-1])), (NARROW, (low, low + 2 * half))):
        edges = np.linspace(*ends, _FINE + 1)
        middles = (edges[:-1] + edges[1:]) / 2
        scores, tests = (np.interp(middles, at, loss[order]) for loss in (val, test))
        weights = {LOG: np.ones(_FINE), EVEN: np.diff(np.exp(edges))}
        for scale, weight in weights.items():
            for n in _SIZES:
                best = expected_best(scores, weight, n, of=tests)
                rows.append({"range": width, "scale": scale, "trials": n, "test_loss": best})
    return pd.DataFrame(rows)


def _shares(drawn: dict[int, np.ndarray]) -> pd.DataFrame:
    """Shares of all draws in each decade, and above and below 0.1, beside the text's numbers and the closed form."""
    unit = np.concatenate(list(drawn.values()))
    scales = {EVEN: LOWEST + (HIGHEST - LOWEST) * unit, LOG: LOWEST * (HIGHEST / LOWEST) ** unit}
    parts = {f"decade {10.0**d:g}": (10.0**d, 10.0 ** (d + 1)) for d in range(-4, 0)}
    parts |= {"above 0.1": (0.1, HIGHEST), "up to 0.1": (LOWEST, 0.1)}
    rows = []
    for scale, rates in scales.items():
        for part, (low, high) in parts.items():
            even = (high - low) / (HIGHEST - LOWEST)
            form = even if scale == EVEN else np.log(high / low) / np.log(HIGHEST / LOWEST)
            counted = ((rates > low) & (rates <= high)).mean()
            rows.append({"scale": scale, "part": part, "from": low, "counted": counted, "closed_form": form})
    text = {"above 0.1": 0.9, "up to 0.1": 0.1}
    return pd.DataFrame(rows).assign(text=lambda table: table.part.map(text).fillna(0.25))


def _code(seed: int, rand: np.ndarray) -> pd.DataFrame:
    """The text's two lines beside keras-tuner's log sampling of the same numbers, and a test of evenness."""
    import keras_tuner  # here, because it loads Keras
    from scipy.stats import kstest

    rates = 10 ** (-4 * rand)
    tuner = keras_tuner.engine.hyperparameters.Float("rate", LOWEST, HIGHEST, sampling="log")
    some = slice(0, 256)
    theirs = np.array([tuner.prob_to_value(1 - one) for one in rand[some]])
    p = kstest(np.log10(rates), "uniform", args=(-4, 4)).pvalue
    ratio = np.abs(rates[some] / theirs - 1).max() + 1
    return pd.DataFrame([{"seed": seed, "largest_ratio": ratio, "p": p, "even": bool(p > 0.01)}])


def _ways(rand: np.ndarray) -> pd.DataFrame:
    """What becomes of r by multiplying and by raising ten to it: the share that lies in the range of rates."""
    ways = {"10 · r": 10 * -4 * rand, "10⁴ · r": 1e4 * -4 * rand, "10 ** r": 10 ** (-4 * rand)}
    inside = [((found > LOWEST) & (found <= HIGHEST)).mean() for found in ways.values()]
    return pd.DataFrame({"way": ways.keys(), "in_range": inside})


def draw(tables: dict[str, pd.DataFrame]):
    """Rates drawn evenly and on a log scale, on both axes and by decade; test loss by rate for Adam and SGD, and of the
    best of n draws of either scale."""
    curves, searches, unit = tables["curves"], tables["searches"], tables["points"].unit
    fig, axes = plots.figure(3, 2, size=(7.2, 8.6), height_ratios=[0.62, 1.1, 1.1])
    looks = plots.looks((EVEN, LOG))
    drawn = {EVEN: LOWEST + (HIGHEST - LOWEST) * unit, LOG: LOWEST * (HIGHEST / LOWEST) ** unit}
    for ax, title in zip(axes[0], ("on a linear axis", "on a log axis"), strict=True):
        for row, (scale, rates) in enumerate(drawn.items()):
            ax.plot(rates, 0 * rates + row, "|", color=looks[scale]["color"], markersize=15, alpha=0.7, mew=1.5)
        ax.set_yticks([0, 1], [f"drawn {EVEN}ly", "drawn on log"])
        ax.set(ylim=(1.6, -0.6), xlabel="learning rate", title=title)
        ax.grid(visible=False, axis="y")
    axes[0, 1].sharey(axes[0, 0])
    axes[0, 1].tick_params(labelleft=False)
    plots.log_axis(axes[0, 1], "x", at=(1e-4, 1e-2, 1))
    shares, left = tables["shares"], axes[1, 0]
    decades = shares[shares.part.str.startswith("decade")]
    for number, (scale, mine) in enumerate(decades.groupby("scale", sort=False)):
        at = np.arange(len(mine)) + 0.4 * number - 0.2
        left.bar(at, 100 * mine.counted, width=0.38, color=looks[scale]["color"], hatch=("", "//")[number],
                 edgecolor="white", label=scale)  # fmt: skip
        for x, height in zip(at, 100 * mine.counted, strict=True):
            left.text(x, height + 1.5, f"{height:{'.0f' if height > 1 else '.1g'}}", ha="center", fontsize=8.5)
    ticks = [f"{plots.plain(low)}–\n{plots.plain(10 * low)}" for low in decades["from"].unique()]
    left.set_xticks(range(len(ticks)), ticks, fontsize=8)
    left.set(xlabel="learning rate", ylabel="draws (%)", xlim=(-0.6, 3.6), ylim=(0, 105))
    left.legend(loc="upper left")
    plots.band(axes[1, 1], curves, x="rate", y="test_loss", hue="optimizer", log=True, names="none")
    plots.log_axis(axes[1, 1], "x", at=(1e-4, 1e-2, 1))
    plots.log_axis(axes[1, 1], "y", at=(0.1, 0.3, 1, 3))
    axes[1, 1].set(xlabel="learning rate", ylabel="test loss (nats)", ylim=(0.08, 12))
    axes[1, 1].legend(loc="upper right", fontsize=9.5)
    axes[2, 1].sharey(axes[2, 0])
    for ax, optimizer in zip(axes[2], (ADAM, SGD), strict=True):
        mine = searches[(searches.optimizer == optimizer) & (searches.range == WIDE)]
        plots.band(
            ax, mine, x="trials", y="test_loss", hue="scale", looks={scale: looks[scale] for scale in (LOG, EVEN)}
        )
        plots.log_axis(ax, "x", at=(1, 5, 20))
        ax.set(
            xlabel="trials", ylabel="test loss (nats)", title=f"best of n: {optimizer.split(',')[0]}", ylim=(0, None)
        )
    plots.caption(
        fig,
        f"Digits, MLP 64-{curves.hidden.iloc[0]}-10, {curves.epochs.iloc[0]} epochs. Best of n on validation, expected "
        f"over all draws, interpolated between {curves.rate.nunique()} trained rates. Bands: 95 %; "
        f"{plots.seeds_text(curves)}.",
    )
    return fig


_BEST = {"table": "searches", "by": ("optimizer", "range", "scale"), "where": {"trials": 20}}
_NG = "Ng (2017), Improving deep neural networks, Coursera, “Using an appropriate scale to pick hyperparameters”"

CLAIMS = (
    Claim(
        "6.2-e",
        "Of rates drawn evenly between 0.0001 and 1, 90 % are above 0.1 and 10 % up to 0.1.",
        exact(
            measured="counted",
            expected="text",
            tolerance=2e-3,
            table="shares",
            where={"scale": EVEN, "part": ("above 0.1", "up to 0.1")},
        ),
        expected=EXACT,
        ask="Which share of the line from 0.0001 to 1 lies above 0.1?",
        why="Evenly drawn, a part's share is its length: 0.9 of 0.9999.",
        beware="This is about lengths, and says nothing yet about where good rates lie.",
        correction="The share is 0.9 / 0.9999, or 90.009 %, and the rest is from 0.0001 to 0.1, not from 0. On a log "
        "scale each decade has a quarter.",
        reference=_NG,
    ),
    Claim(
        "6.2-e/decades",
        "Of rates drawn evenly on the log scale, a quarter falls into each of the four decades.",
        exact(
            measured="counted",
            expected="text",
            tolerance=2e-3,
            table="shares",
            where={"scale": LOG, "part": tuple(f"decade {10.0**d:g}" for d in range(-4, 0))},
        ),
        expected=EXACT,
        ask="How many of 100 draws on the log scale are below 0.001?",
        why="The exponent is even over four units, and a decade is one of them.",
        beware="Move an end and all shares move: from 0.000001 to 10 a decade has a seventh.",
    ),
    Claim(
        "6.2-e/adam",
        "With Adam, the best of twenty rates has a lower test loss if they are drawn on the log scale.",
        paired("test_loss", lower=(ADAM, WIDE, LOG), than=(ADAM, WIDE, EVEN), **_BEST),
        expected=HOLDS,
        ask="Twenty trials each way. Where do Adam's good rates lie, and how many draws come near them?",
        why="Adam's good rates reach up to a few hundredths, where an even draw lands a few times in a hundred.",
        beware="The means hold searches that found nothing good; most of the gap is theirs.",
    ),
    Claim(
        "6.2-e/sgd",
        "With SGD and momentum, the best of twenty rates has a lower test loss if they are drawn on the log scale.",
        paired("test_loss", lower=(SGD, WIDE, LOG), than=(SGD, WIDE, EVEN), **_BEST),
        expected=NO_DIFFERENCE,
        ask="The same range, another optimizer. Is an even draw as bad?",
        why="Good rates of SGD reach up to a few tenths here; of twenty even draws several are among them.",
        beware="Nobody knows beforehand that the good rates lie at the upper end. The log scale is the safer bet.",
    ),
    Claim(
        "6.2-e/depends",
        "What the log scale gains depends on the optimizer: more with Adam than with SGD.",
        contrast(
            "test_loss",
            first=((ADAM, WIDE, EVEN), (ADAM, WIDE, LOG)),
            second=((SGD, WIDE, EVEN), (SGD, WIDE, LOG)),
            **_BEST,
        ),
        expected=HOLDS,
        ask="Is the harm in the even draw itself, or in where the good values lie?",
        why="An even draw looks at the upper end of the range only. It finds what lies there.",
        beware="Two optimizers on one task; a larger network moves the good rates of either.",
    ),
    Claim(
        "6.2-e/narrow",
        "A continuous hyperparameter must not be drawn evenly: also from a range of a factor of three, twenty rates of "
        "Adam on the log scale end lower.",
        paired("test_loss", lower=(ADAM, NARROW, LOG), than=(ADAM, NARROW, EVEN), **_BEST),
        expected=NO_DIFFERENCE,
        ask="The rate is known to a factor of three. Does the scale of the draws still matter?",
        why="Over so short a stretch the two densities differ by less than a factor of two anywhere.",
        beware="The range has to contain the good values: narrowing it is what must not be done too early.",
        correction="The scale matters for ranges over several powers of ten. A dropout rate, or any narrow range, may "
        "be drawn evenly.",
        reference=_NG,
    ),
    Claim(
        "6.2-f",
        "`10 ** (-4 * np.random.rand())` gives the rates of keras-tuner's log sampling between 0.0001 and 1.",
        exact(measured="largest_ratio", expected=1.0, tolerance=1e-9, table="code"),
        expected=EXACT,
        ask='Two lines of NumPy against a library\'s `sampling="log"`: is there a difference?',
        why="Both are low · (high / low)^u for an even u; the text's u runs from the other end.",
        beware="`rand` is below 1, so that 1 itself may come and 0.0001 never does. Nobody will notice.",
    ),
    Claim(
        "6.2-f/even",
        "The logarithms of these rates are even between −4 and 0, by the Kolmogorov–Smirnov test.",
        share("even", table="code"),
        expected=HOLDS,
        ask="A quarter of a million draws: would a test see any deviation from evenness?",
        why="r is drawn evenly, and the logarithm of 10^r is r.",
        beware="A test that rejects nothing has not proved anything; with this many draws it would see a per cent.",
    ),
    Claim(
        "6.2-f/multiply",
        "Multiplying r by a power of ten, as the text says, turns it into rates between 0.0001 and 1.",
        exact(measured="in_range", expected=1.0, table="ways", where={"way": ("10 · r", "10⁴ · r")}),
        expected=VIOLATED,
        ask="r is −2. What is 10 times r, and what is the rate that was meant?",
        why="r is negative, and stays so under any factor; ten to the power r is positive.",
        beware="The text's code does the right thing; only its sentence about it does not.",
        correction="Not multiplied but raised: the rate is ten to the power r.",
        reference=_NG,
    ),
)
