"""4.7.1 Searching learning rate and batch size (학습률과 배치 크기의 탐색)

The text tries learning rates and batch sizes from lists, by hand and one after the other. A search draws both at once,
and then a number of epochs can be spent in several ways: on few settings trained to the end, on many trained briefly,
or by Hyperband (Li et al., 2018), which starts many, stops most early and lets the best go on. All three search the
same ranges at the same cost. What each found is then trained anew, for equally many epochs, and judged on the test
part.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ()
DATA = "any"

_BATCH_SIZES = (32, 128, 512)  # of the text's list, each a network to compile in every search
_FACTOR = 3  # of Hyperband: one trial in three goes on
_HYPERBAND, _FULL, _SHORT = "Hyperband", "full trials", "short trials"
_SCORES = ("val_loss", "test_loss", "test_accuracy")


def measure(
    run: Run, *, max_epochs: int = 9, low: float = 1e-4, high: float = 1.0, momentum: float = 0.9, repeats: int = 4
) -> pd.DataFrame:
    """Search three times for each seed, and train what was found anew.

    The searches of a seed share their data, and setting k is the same in all of them, with the same initial weights and
    order: they differ in how many settings they try and for how long.

    Args:
        max_epochs: of Hyperband's longest trials, of the full trials and of the training anew.
        low, high: the range of learning rates, searched on a log scale.
        repeats: trainings of each winner, with weights and orders that no trial had.
    """
    if not 0 < low < high or max_epochs < _FACTOR or repeats < 1:
        raise ValueError(
            f"expected 0 < low < high, max_epochs ≥ {_FACTOR} and repeats ≥ 1, got low={low:g}, high={high:g}, "
            f"max_epochs={max_epochs} and repeats={repeats}"
        )
    longest = max(_FACTOR, run.epochs(max_epochs))  # fewer would leave nothing to halve
    splits = run.splits("digits")
    found = [
        {"seed": seed, "method": method, "low": low, "high": high, "train_epochs": longest, **_winner(result)}
        for seed in run.seeds
        for method, result in _searches(splits(seed), seed, longest, (low, high), momentum)
    ]
    found = pd.DataFrame(found)
    return found.merge(_trained_anew(found, splits, longest, momentum, repeats), on=["seed", "method"])


def _searches(part, seed: int, longest: int, rates: tuple[float, float], momentum: float):
    """(method, result) of each search on one split. Whole trials cannot meet the cost exactly: the nearest number."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook import search
    from textbook.search.oracles import cost

    def build(hp):
        model = mlp(part.x.shape[1:], part.classes)
        rate = hp.Float("learning_rate", *rates, sampling="log")
        hp.Choice("batch_size", list(_BATCH_SIZES))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(rate, momentum=momentum), loss)
        return model

    settings = {"seed": seed, "batch_size": "batch_size"}
    yield _HYPERBAND, search.hyperband(build, part, max_epochs=longest, factor=_FACTOR, verbose=False, **settings)
    _, budget = cost(longest, _FACTOR)
    for method, epochs in ((_FULL, longest), (_SHORT, longest // _FACTOR)):
        yield method, search.random_search(build, part, trials=round(budget / epochs), epochs=epochs, **settings)


def _winner(result) -> dict:
    """What a search tried, what it spent and what it found."""
    table, best = result.table, result.best().iloc[0]
    epochs = table.set_index("trial").epochs
    parents = table.parent.dropna().astype(int)
    return {
        "settings": int(table.parent.isna().sum()),
        # a promoted trial's epochs hold those of the trial that it went on from
        "epochs": int(epochs.sum() - epochs[parents].sum()),
        "learning_rate": float(best.learning_rate),
        "batch_size": int(best.batch_size),
        "reported": float(best.score),
    }


def _trained_anew(found: pd.DataFrame, splits, epochs: int, momentum: float, repeats: int) -> pd.DataFrame:
    """The mean scores of each winner: a training's number is its seed; those of one split share a part of it."""
    runs = []
    for (method, batch_size), rows in found.groupby(["method", "batch_size"]):
        rates = {
            seed * repeats + repeat: rate
            for seed, rate in zip(rows.seed, rows.learning_rate, strict=True)
            for repeat in range(repeats)
        }
        condition = Condition(learning_rate=rates, momentum=momentum, batch_size=int(batch_size))
        curves = train_replicas(
            mlp,
            lambda number: splits(number // repeats),
            conditions={method: condition},
            seeds=tuple(rates),
            epochs=epochs,
        )
        runs.append(curves[curves.epoch == curves.epoch.max()])
    runs = pd.concat(runs, ignore_index=True).rename(columns={"condition": "method"})
    for name in _SCORES:
        runs[name] = runs[name].mask(runs.diverged, runs.chance_loss if "loss" in name else runs.chance_accuracy)
    runs = runs.assign(seed=runs.seed // repeats, anew_diverged=runs.diverged)
    return runs.groupby(["seed", "method"], as_index=False).agg(
        {**dict.fromkeys(_SCORES, "mean"), "anew_diverged": "sum"}
    )


def draw(found: pd.DataFrame):
    """Left, the rates and batch sizes that three searches found; right, the difference in test loss between their
    winners, two searches at a time.
    """
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.15, 1])
    looks = plots.looks(found.method.unique())
    for place, (method, look) in enumerate(looks.items()):
        mine = found[found.method == method]
        rows = np.array([_BATCH_SIZES.index(size) for size in mine.batch_size])
        # a fixed comb of heights instead of random jitter: the same table gives the same picture
        heights = rows + 0.27 * (1 - place) + 0.12 * ((np.arange(len(mine)) * 0.618) % 1 - 0.5)
        label = f"{method} ({mine.settings.iloc[0]})"
        left.plot(
            mine.learning_rate, heights, look["marker"], color=look["color"], markersize=5.5, alpha=0.7, mew=0,
            label=label,
        )  # fmt: skip
    for border in np.arange(len(_BATCH_SIZES) - 1) + 0.5:
        left.axhline(border, color="#bbbbbb", linewidth=0.8)
    plots.log_axis(left, "x", at=10.0 ** np.arange(-6, 3))
    left.set(xlabel="learning rate", ylabel="batch size", xlim=(found.low.min(), found.high.max()))
    left.set_title("found by (settings tried)")
    left.set_yticks(range(len(_BATCH_SIZES)), [str(size) for size in _BATCH_SIZES])
    left.set_ylim(-0.5, len(_BATCH_SIZES) - 0.5)
    left.grid(visible=False, axis="y")
    left.legend(loc="best", handletextpad=0.3)
    _differences(right, found)
    spent = found.groupby("method", sort=False).epochs.median()
    plots.caption(
        fig,
        "Digits, MLP 64-64-10, SGD with momentum. Epochs of a search: "
        + ", ".join(f"{method} {epochs:.0f}" for method, epochs in spent.items())
        + f"; trials are random. Right: winners trained anew for {found.train_epochs.iloc[0]} epochs; scale linear "
        f"within ±0.03; grey: ±δ; bars: 95 %. {plots.seeds_text(found)}.",
    )
    return fig


def _differences(ax, found: pd.DataFrame) -> None:
    """Test losses of the winners, two methods at a time, and how often both had found the same."""
    losses, rates = (
        found.pivot(index="seed", columns="method", values=name) for name in ("test_loss", "learning_rate")
    )
    pairs = {
        "full −\nHyperband": (_FULL, _HYPERBAND),
        "full −\nshort": (_FULL, _SHORT),
        "short −\nHyperband": (_SHORT, _HYPERBAND),
    }
    table = pd.concat(
        pd.DataFrame({"pair": name, "difference": losses[one] - losses[other]}) for name, (one, other) in pairs.items()
    )
    ax.axvline(0, color="#222222", linewidth=1.2)
    ax.axvspan(-0.01, 0.01, color="#999999", alpha=0.25, linewidth=0)
    dark = plots.look(0) | {"color": "#444444"}  # a difference is no method's
    plots.dots(ax, table, value="difference", by="pair", looks=dict.fromkeys(pairs, dark))
    for row, (one, other) in enumerate(pairs.values()):
        # rates are drawn from a continuum: only one and the same setting has the same
        same = f"same in {(rates[one] == rates[other]).sum()} of {len(rates)}"
        ax.text(0.99, row - 0.3, same, transform=ax.get_yaxis_transform(), ha="right", fontsize=10, color=plots.GREY)
    # one search that finds nothing good is a hundred times further off than the usual winner
    ax.set_xscale("symlog", linthresh=0.03, linscale=0.6)
    ax.set_xticks([-1, -0.1, 0, 0.1, 1], ["−1", "−0.1", "0", "0.1", "1"])
    ax.minorticks_off()
    ax.set_xlim(1.5 * min(table.difference.min(), -0.1), 1.5 * max(table.difference.max(), 0.1))
    ax.set(xlabel="difference of test losses (nats)", title="winners trained anew")


CLAIMS = (
    Claim(
        "4.7.1/hyperband",
        "At the same cost, Hyperband finds a setting that trains to a lower test loss than the best of full-length "
        "random trials.",
        paired("test_loss", lower=_HYPERBAND, than=_FULL, by="method"),
        expected=HOLDS,
        ask="69 epochs: eight random settings trained to the end, or seventeen of which most are stopped early?",
        why="Most settings show after an epoch or three that they will not win; the epochs saved pay for more "
        "settings. But in a space of two hyperparameters eight settings mostly hold a good one, often the same one.",
        beware="A mean of such differences hangs on the few searches that found nothing good. That is what more "
        "settings insure against, and few seeds cannot tell its price.",
    ),
    Claim(
        "4.7.1/many-short",
        "At the same cost, many short random trials find a better setting than few full-length ones.",
        paired("test_loss", lower=_SHORT, than=_FULL, by="method"),
        expected=HOLDS,
        ask="Is it better to try three times as many settings for a third of the epochs?",
        why="As far as the order of settings after three epochs is that after nine, the best of many is better than "
        "the best of few.",
        beware="Short trials favour what is fast at first, large rates and small batches. Where slow settings overtake "
        "late, as with a decayed rate, they choose wrongly.",
    ),
    Claim(
        "4.7.1/hedge",
        "At the same cost, Hyperband finds a better setting than short random trials.",
        paired("test_loss", lower=_HYPERBAND, than=_SHORT, by="method"),
        expected=NO_DIFFERENCE,
        ask="Hyperband spends a part of its epochs on full-length trials. Does that pay?",
        why="It is an insurance, against short trials that mislead; where they do not mislead it buys nothing.",
        beware="Nobody knows beforehand how early the order of settings is settled: that is what the brackets are for.",
    ),
)
