"""7.1 What a search costs (탐색의 비용)

Setting hyperparameters is trial and error, the text says, and grid search (격자 탐색; the text writes "greedy search")
and random search (무작위 탐색) take too long. Smith's way is to look at short range tests instead and to train once.
Here each way is charged for every epoch that it uses, the recipe's own short tests included, until it has found a
network as good as the recipe's, or as the best of all. Random search is no straw man: chapters 5 and 6 call it the
cheap baseline, and its price is one over the share of good settings in the range that it draws from.
"""

import functools
import itertools

import numpy as np
import pandas as pd

from chapters.shared.search_epochs import arrivals, best_so_far, with_equal_epochs
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import OneCycle
from textbook.seeding import stream

ENTRIES = ("7.1-a",)
DATA = "any"
FOR_DATA = {
    "fashion_mnist": {
        "hidden": (64,),
        "batch_size": 128,
        "epochs": 2,
        "trials": 10,
        "grid_rates": (0.001, 0.01, 0.1, 1.0),
        "grid_momenta": (0.9,),
        "grid_decays": (1e-4,),
    }
}

RECIPE, RANDOM, NARROW, GRID = "Smith's recipe", "random search", "random, range known", "grid search"
OWN, BEST = "the recipe's loss", "the best of all"
_DISTANCES, _DECAYS = (0.01, 0.2), (1e-5, 1e-2)  # 1 − momentum and weight decay: what the recipe tries lies within
_MOST_TRIALS = 1000


def measure(
    run: Run,
    *,
    hidden: tuple[int, ...] = (32,),
    batch_size: int = 32,
    epochs: int = 8,
    trials: int = 32,
    rates: int = 100,
    lowest: float = 1e-6,
    highest: float = 10.0,
    known: tuple[float, float] = (0.01, 1.0),
    grid_rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    grid_momenta: tuple[float, ...] = (0.9, 0.99),
    grid_decays: tuple[float, ...] = (1e-5, 1e-3),
    tolerance: float = 0.01,
) -> dict[str, pd.DataFrame]:
    """Follow the recipe, train a pool of random settings and a grid, and read searches off them.

    All trainings are 1cycles of as many epochs; the recipe's also cycles the momentum.

    Args:
        epochs: of every training.
        trials: random settings of each seed.
        rates: updates of each of the recipe's ten range tests.
        lowest, highest: learning rates that the recipe looks at and that random search draws from, on a log scale.
        known: the narrower range of a random search by somebody who knows where good rates lie.
        tolerance: nats above a target that count as there.
    """
    from textbook.range_test import smith_recipe_over_seeds

    build, splits, epochs = functools.partial(mlp, hidden=hidden), run.splits("digits"), run.epochs(epochs)
    found = smith_recipe_over_seeds(
        build, splits, seeds=run.seeds, epochs=epochs, batch_size=batch_size, start=lowest, end=highest, rates=rates
    )
    settings = pd.concat(
        [
            _random(run.seeds, trials, lowest, highest),
            _grid(run.seeds, grid_rates, grid_momenta, grid_decays, first=trials),
        ],
        ignore_index=True,
    )
    train = functools.partial(_train, build, splits, epochs=epochs, batch_size=batch_size)
    tried = settings.merge(train(settings), on=["seed", "trial"])
    own = found.table.merge(_follow(train, found, lowest, epochs), on="seed").assign(epochs=epochs)
    where = {RANDOM: tried.search == RANDOM, GRID: tried.search == GRID}
    where[NARROW] = where[RANDOM] & tried.rate.between(*known)
    ends = pd.concat([tried[rows].assign(search=name) for name, rows in where.items()], ignore_index=True)
    ends = ends.assign(epochs=epochs, hidden="-".join(map(str, hidden)))
    names = {"procedure": RECIPE, "fallback": RANDOM}
    targets = {OWN: own.set_index("seed").val_loss, BEST: pd.concat([ends, own]).groupby("seed").val_loss.min()}
    return {
        "ends": ends,
        "recipes": own,
        "arrival": arrivals(ends, own, targets=targets, tolerance=tolerance, **names),
        "curves": best_so_far(ends),
        "equal": with_equal_epochs(ends, own, procedure=RECIPE),
    }


def _random(seeds, count: int, lowest: float, highest: float) -> pd.DataFrame:
    tables = []
    for seed in seeds:
        rate, distance, decay = stream(seed, "search cost").random((count, 3)).T
        drawn = {
            "rate": lowest * (highest / lowest) ** rate,
            "momentum": 1 - _DISTANCES[0] * (_DISTANCES[1] / _DISTANCES[0]) ** distance,
            "weight_decay": _DECAYS[0] * (_DECAYS[1] / _DECAYS[0]) ** decay,
        }
        tables.append(pd.DataFrame({"search": RANDOM, "seed": seed, "trial": np.arange(count)} | drawn))
    return pd.concat(tables)


def _grid(seeds, rates, momenta, decays, *, first: int) -> pd.DataFrame:
    points = pd.DataFrame(itertools.product(rates, momenta, decays), columns=["rate", "momentum", "weight_decay"])
    points = points.assign(search=GRID, trial=first + np.arange(len(points)))
    return pd.concat([points.assign(seed=seed) for seed in seeds])


def _train(build, splits, settings: pd.DataFrame, *, epochs: int, batch_size: int, momentum=None) -> pd.DataFrame:
    """Train a row of settings each, with a schedule in place of the momenta where one is given; what they end with."""
    numbers = (settings.seed * _MOST_TRIALS + settings.trial).tolist()
    cycles = [OneCycle(rate, total=epochs).per_update() for rate in settings.rate]
    rate, decay = dict(zip(numbers, cycles, strict=True)), dict(zip(numbers, settings.weight_decay, strict=True))
    if momentum is None:
        each = dict(zip(numbers, settings.momentum, strict=True))
        condition = Condition(learning_rate=rate, momentum=each, weight_decay=decay)
    else:
        from textbook.optimizers import SGD

        condition = Condition(learning_rate=rate, optimizer=SGD(0.01, momentum=momentum), weight_decay=decay)
    curves = train_replicas(
        build,
        lambda number: splits(number // _MOST_TRIALS),
        conditions={"": condition},
        seeds=tuple(numbers),
        epochs=epochs,
        batch_size=batch_size,
    )
    last = curves[curves.epoch == curves.epoch.max()]
    last = last.assign(trial=last.seed % _MOST_TRIALS, seed=last.seed // _MOST_TRIALS)
    for name in ("val_loss", "test_loss"):
        last[name] = last[name].mask(last.diverged, last.chance_loss)
    return last[["seed", "trial", "val_loss", "test_loss", "chance_loss", "diverged"]]


def _follow(train, found, lowest: float, epochs: int) -> pd.DataFrame:
    """Train what the recipe says. Where it names no rate, the lowest; no momentum, 0.95; no weight decay, none."""
    table = found.table.rename(columns={"maximum": "rate"}).assign(trial=_MOST_TRIALS - 1)
    table = table.fillna({"rate": lowest, "momentum": 0.95, "weight_decay": 0.0})
    ends = []
    for _, rows in table.groupby("momentum"):  # a momentum that cycles is a graph of its own
        cycles = (found.recipes[seed].schedule for seed in rows.seed)
        cycle = next((cycle for cycle in cycles if cycle is not None), OneCycle(lowest, total=epochs))
        ends.append(train(rows, momentum=cycle.momentum.in_steps(found.updates_per_epoch)))
    return pd.concat(ends).drop(columns="trial")


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the best validation loss so far by the epochs used, for each way to search; below, a dot a seed for the
    epochs until the recipe's loss and until the best of all.
    """
    curves, recipes, arrival, ends = (tables[name] for name in ("curves", "recipes", "arrival", "ends"))
    fig, axes = plots.figure(2, 2, height_ratios=[1.35, 1])
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    above = fig.add_subplot(grid[0, :])
    axes[1, 1].sharey(axes[1, 0])
    looks = plots.looks((RECIPE, RANDOM, NARROW, GRID))
    for name in (RANDOM, NARROW, GRID):
        mine = curves[curves.search == name]
        shared = mine.groupby("epochs").seed.transform("count") == mine.seed.nunique()
        plots.band(above, mine[shared], x="epochs", y="val_loss", hue="search", log=True, looks=looks, names="none")
    _draw_recipe(above, recipes, looks[RECIPE])
    plots.log_axis(above, "xy")
    fig.legend(*above.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    above.set(xlabel="epochs used so far, the recipe's range tests included", ylabel="best validation loss (nats)")
    for ax, target in zip(axes[1], (OWN, BEST), strict=True):
        mine = arrival[arrival.target == target]
        mine = pd.concat([mine[mine.search == name] for name in looks])
        plots.dots(ax, mine.assign(log=np.log10(mine.epochs)), value="log", by="search", looks=looks)
        low, high = np.log10(arrival.epochs.min()), np.log10(arrival.epochs.max())
        ticks = np.arange(np.floor(low), np.ceil(high) + 1)
        ticks = np.unique(np.concatenate([ticks, ticks + np.log10(3)]))
        ax.set_xticks(ticks, [f"{10**tick:.0f}" for tick in ticks])
        ax.set(xlim=(low - 0.15, high + 0.15), xlabel="epochs until there", title=target)
    axes[1, 1].tick_params(labelleft=False)
    counts = ends.groupby(["search", "seed"]).size().groupby("search").max()
    missed = arrival[~arrival.arrived & (arrival.target == BEST)].groupby("search").size()
    plots.caption(
        fig,
        f"Digits, MLP, {ends.hidden.iloc[0]} hidden units, {ends.epochs.iloc[0]} epochs of 1cycle a training; the "
        f"recipe's tests take {recipes.epochs_spent.mean():.2g} more. Means over all orders of {counts[RANDOM]} random "
        f"trials and {counts[GRID]} grid points a seed, as far as every seed has them. There: within 0.01 nats of the "
        f"target unless set otherwise. Out of reach of the best, in seeds: "
        + (", ".join(f"{name} {missed[name]}" for name in looks if name in missed) or "none")
        + f". Bands and bars: 95 %; {plots.seeds_text(recipes)}.",
    )
    return fig


def _draw_recipe(ax, recipes: pd.DataFrame, look: dict) -> None:
    """One point for the recipe's only training, with the spread over the seeds, after the stretch of its tests."""
    from textbook.statistics import mean_interval

    tests, end = recipes.epochs_spent.mean(), (recipes.epochs_spent + recipes.epochs).mean()
    logs = np.log(recipes.val_loss.to_numpy())
    at = np.exp(logs.mean())
    if len(logs) > 1:
        ax.plot([end, end], np.exp(mean_interval(logs)), color=look["color"], lw=2.2, linestyle="-", marker="")
    ax.plot([tests, end], [at, at], color=look["color"], lw=2.2, linestyle="-", marker="")
    ax.plot(end, at, look["marker"], color=look["color"], markersize=11, linestyle="", label=RECIPE, zorder=6)


_CONTESTED = (
    "The paper means grid search (격자 탐색), not greedy search (탐욕적 탐색), and by weight decay 가중치 감쇠, not "
    "부식. Random search costs one training over the share of good settings: it is dear over seven decades of rates "
    "and cheap over two, and it needs no judgement."
)
_REFERENCE = "Smith (2018), arXiv:1803.09820, section 1; Bergstra & Bengio (2012), JMLR 13:281-305"


def _cheaper(than: str, target: str):
    return paired(
        "epochs", lower=RECIPE, than=than, by="search", scale="log", table="arrival", where={"target": target}
    )


CLAIMS = (
    Claim(
        "7.1-a/best",
        "Smith's recipe needs fewer epochs than random search to come within 0.01 nats of the best network of all.",
        _cheaper(RANDOM, BEST),
        expected=HOLDS,
        ask="Ten short range tests and one training, or one training after another: who first has a network that is "
        "as good as the best?",
        why="A range test tries a hundred rates in the time that random search takes for a part of one training; but "
        "it reads them off a training loss of a few updates, while random search sees what it is looking for.",
        beware="Where the recipe misses the target it goes on with random search and pays for both. Where random "
        "search misses it, it counts with all its trials, which is too few.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "7.1-a/random",
        "Random search needs more epochs than Smith's recipe to come within 0.01 nats of the recipe's own loss.",
        _cheaper(RANDOM, OWN),
        expected=HOLDS,
        ask="Now the target is what the recipe found. How many random trainings does it take to be as good?",
        why="Of rates drawn over seven decades only a few are good, and the chance of a trial is that share.",
        beware="The recipe is at its own target by definition: this judges its price, not its quality.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "7.1-a/known",
        "Random search over the range in which good rates are known to lie needs more epochs than Smith's recipe to "
        "come within 0.01 nats of the recipe's loss.",
        _cheaper(NARROW, OWN),
        expected=REVERSED,
        ask="Somebody who has trained such networks before draws from two decades instead of seven. And now?",
        why="In a narrower range more of the trials are good, and each spares the recipe's range tests.",
        beware="Whoever knows the range has paid for it at some other time. The recipe, too, gets cheaper with a "
        "narrower one. Where none of the few trials in the range is good, the search goes on over all decades and pays "
        "for both, which nobody who knows the range would do: that counts against it.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "7.1-a/grid",
        "Grid search needs more epochs than Smith's recipe to come within 0.01 nats of the recipe's loss.",
        _cheaper(GRID, OWN),
        expected=HOLDS,
        ask="A grid of powers of ten, its points tried in any order: is one of them good, and how soon?",
        why="Most of its points have a rate that is far off, and every one of those is tried at each value of the "
        "other hyperparameters as well.",
        beware="A grid's luck is where its points lie: between two powers of ten there may be nothing good, or a "
        "point may hit the best rate. On Fashion-MNIST the grid has four rates and varies nothing else: whoever sets "
        "one up like that knows the other values already.",
    ),
    Claim(
        "7.1-a/equal",
        "With the epochs that Smith's recipe takes, random search ends with a higher test loss than the recipe.",
        paired("test_loss", lower=RECIPE, than=RANDOM, by="search", table="equal"),
        expected=HOLDS,
        ask="Both may use as many epochs as the recipe. Whose network is better on the test part?",
        why="The recipe's tests cost as much as a few trainings, and a few random trials may have no good rate among "
        "them; a single bad search weighs heavily in the mean.",
        beware="The mean over searches hides how unequal they are: some of the random searches beat the recipe. "
        "Random search gets whole trainings only; the epochs left over stay unused.",
    ),
)
