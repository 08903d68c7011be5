"""7.5 Cyclical momentum (순환 모멘텀)

A velocity makes steps up to rate/(1 − μ) long, so a momentum that falls while the rate rises takes the edge off the
highest rates. The text stops there; but the rate falls again, and then the momentum has to rise: the two are mirror
images. Smith's own numbers say less for the cycle than the text does: it *equals* the best constant momentum (81.3 %
against 81.2 % for a three-layer network) and beats a constant 0.85 (79.5 %). So the comparator matters, above all since
a constant 0.85 has the momentum that the cycle has at its peak. And in Keras 3 a callback that sets
`optimizer.momentum` cycles nothing: the compiled step has the first value in it.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.momentum_in_training import WAYS, draw_momentum, momentum_in_training
from chapters.shared.tuned_arms import best_rates
from textbook import plots
from textbook.experiment import EXACT, HOLDS, INCONCLUSIVE, NO_DIFFERENCE, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import OneCycle
from textbook.seeding import ReplicaSeed, Seeds

ENTRIES = ("7.5-a",)
DATA = "any"
FOR_DATA = {
    "fashion_mnist": {
        "hidden": (100, 100, 100),
        "batch_size": 128,
        "epochs": 1,
        "rates": (0.0125, 0.03, 0.1, 0.2, 0.4),
        "tuning_seeds": 2,
    }
}

LOW, MIDDLE, HIGH = "constant low", "constant middle", "constant high"
CONSTANT = (LOW, MIDDLE, HIGH)
CYCLICAL, IN_PHASE, BEST = "cyclical", "in phase", "best constant"


class _Tied(Seeds):
    """One replica for every seed in the list `split`, all four purposes from that seed; a seed may stand in it twice.

    A condition whose optimizer has a schedule is a graph of its own, so a condition for each rate would be traced nine
    times. Here the rates are replicas of one condition instead: the trainer counts `Seeds` from 0, and that number
    stands for a rate and a seed. The other three fields of `Seeds` are not read.
    """

    def __iter__(self):
        return (ReplicaSeed.same(seed) for seed in self.split)


def measure(
    run: Run,
    *,
    rates: tuple[float, ...] = (0.035, 0.07, 0.14, 0.28, 0.4, 0.57, 0.8, 1.13, 1.6),
    momenta: tuple[float, float, float] = (0.85, 0.9, 0.95),
    hidden: tuple[int, ...] = (64,),
    batch_size: int = 32,
    epochs: int = 8,
    tuning_seeds: int = 3,
) -> dict[str, pd.DataFrame]:
    """Train one cycle of the rate with five policies of the momentum at every highest rate; the tuning seeds choose.

    One cycle as in the paper: up and down in straight lines from a tenth of the highest rate, then a tenth of the run
    far below. All seeds and rates of a policy are trained at once, because each momentum schedule is a graph.

    Args:
        rates: highest rates of the cycle, at every one of which each policy is tried.
        momenta: the constants; the cycle goes from the last to the first and back.
        hidden, batch_size, epochs: of the network and its training.
        tuning_seeds: how many choose each policy's rate.
    """
    splits, epochs = run.splits("digits"), run.epochs(epochs)
    tuning = [seed for seed in run.tuning(tuning_seeds) if seed not in run.seeds]
    places = [(rate, seed) for rate in rates for seed in (*tuning, *run.seeds)]
    per_update = {
        place: OneCycle.smith(rate, total=epochs, momentum_range=(momenta[0], momenta[-1])).per_update()
        for place, (rate, _) in enumerate(places)
    }
    steps = -(-len(splits(run.seeds[0]).train) // batch_size)
    curves = train_replicas(
        functools.partial(mlp, hidden=hidden),
        splits,
        conditions={
            name: Condition(learning_rate=per_update, **settings)
            for name, settings in _policies(momenta, epochs, steps).items()
        },
        seeds=_Tied([seed for _, seed in places], 0, 0, 0),
        epochs=epochs,
        batch_size=batch_size,
    )
    last = curves[curves.epoch == curves.epoch.max()]
    grid = last.assign(rate=[places[i][0] for i in last.seed], seed=[places[i][1] for i in last.seed])
    grid = grid.assign(stable=~grid.diverged & (grid.clean_loss < grid.chance_loss / 2))
    grid = grid.rename(columns={"condition": "policy"})
    tuned = best_rates((grid[grid.seed.isin(tuning)] if tuning else grid).assign(arm=grid.policy)).set_index("arm")
    grid = grid[grid.seed.isin(run.seeds)]
    columns = ["policy", "rate", "seed", "test_loss", "test_accuracy", "chance_loss", "chance_accuracy"]
    facts = {"low": momenta[0], "middle": momenta[1], "high": momenta[-1], "epochs": epochs, "batch_size": batch_size}
    facts |= {"hidden": "-".join(map(str, hidden)), "tuning_seeds": len(tuning)}
    return {
        "grid": grid[[*columns, "diverged", "stable"]].assign(**facts),
        "ends": _at_tuned(grid[[*columns, "diverged"]], tuned),
        "limits": _limits(grid, rates),
        "moved": pd.concat(momentum_in_training(way, low=momenta[0], high=momenta[-1]) for way in WAYS),
    }


def _policies(momenta, epochs: float, steps: int) -> dict[str, dict]:
    """The settings of each policy; the two that cycle need an optimizer whose momentum is a schedule."""
    from textbook.optimizers import SGD  # here, because it imports Keras

    low, high = momenta[0], momenta[-1]
    cycle = OneCycle.smith(1.0, total=epochs, momentum_range=(low, high)).momentum
    # a cycle of the rate that goes from low to high and back is just what a momentum in phase does
    same = OneCycle.smith(high, total=epochs, div_factor=high / low, final_div_factor=1.0)
    constant = {name: {"momentum": value} for name, value in zip(CONSTANT, momenta, strict=True)}
    scheduled = {CYCLICAL: cycle, IN_PHASE: same}
    return constant | {name: {"optimizer": SGD(momentum=m.in_steps(steps))} for name, m in scheduled.items()}


def _at_tuned(grid: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """Every policy at its own rate, and once more the constant one that the tuning seeds prefer."""
    arms = {name: name for name in tuned.index} | {BEST: tuned.val_loss[list(CONSTANT)].idxmin()}
    return pd.concat(
        grid[(grid.policy == policy) & (grid.rate == tuned.rate[policy])].assign(arm=arm, border=tuned.border[policy])
        for arm, policy in arms.items()
    )


def _limits(grid: pd.DataFrame, rates) -> pd.DataFrame:
    """The largest rate up to which every run of a policy and seed ends below half the loss of a guess.

    Where even the smallest does not, one grid step below it; `censored` where the largest still does.
    """
    ordered, tables = sorted(rates), []
    below = ordered[0] ** 2 / ordered[1]
    for (policy, seed), rows in grid.groupby(["policy", "seed"], sort=False):
        stable = rows.sort_values("rate").stable.to_numpy()
        held = len(stable) if stable.all() else int(np.argmin(stable))
        limit = ordered[held - 1] if held else below
        tables.append({"policy": policy, "seed": seed, "limit": limit, "censored": held == len(stable)})
    return pd.DataFrame(tables)


def _names(facts) -> dict[str, str]:
    low, high = f"{facts.low:g}", f"{facts.high:g}"
    constant = {LOW: f"constant {low}", MIDDLE: f"constant {facts.middle:g}", HIGH: f"constant {high}"}
    return constant | {CYCLICAL: f"cyclical {high}→{low}→{high}", IN_PHASE: f"in phase {low}→{high}→{low}"}


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the momentum that a training really had, and test loss by highest rate; below, for each momentum schedule,
    the test loss at the tuned rate and the largest rate that trains.
    """
    grid, ends, limits = tables["grid"], tables["ends"], tables["limits"]
    names = _names(grid.iloc[0])
    looks = plots.looks(names.values())
    fig, ((moved, curves), (tuned, limit)) = plots.figure(2, 2, size=(8.6, 7.4), height_ratios=[1.25, 1])
    limit.sharey(tuned)
    draw_momentum(moved, tables["moved"])
    loss = grid.test_loss.where(~grid.diverged, grid.chance_loss)
    shown = grid.assign(policy=grid.policy.map(names), test_loss=loss)
    plots.band(curves, shown, x="rate", y="test_loss", hue="policy", looks=looks, log=True, names="none")
    plots.log_axis(curves, "xy")
    curves.set(xlabel="highest rate of the cycle", ylabel="test loss (nats)", title="every highest rate")
    own = ends[ends.arm != BEST]
    loss = own.test_loss.where(~own.diverged, own.chance_loss)
    plots.dots(tuned, own.assign(arm=own.arm.map(names), test_loss=loss), value="test_loss", by="arm", looks=looks)
    tuned.set(xlabel="test loss (nats)", title="at the tuned rate")
    plots.dots(limit, limits.assign(policy=limits.policy.map(names)), value="limit", by="policy", looks=looks)
    limit.set(xlabel="largest rate that trains", title="limit of stability", xscale="log")
    plots.log_axis(limit, "x")
    limit.tick_params(labelleft=False)
    fig.legend(*curves.get_legend_handles_labels(), loc="outside upper left", ncols=3, title="momentum")
    own = own.assign(accuracy=own.test_accuracy.where(~own.diverged, own.chance_accuracy))
    ours = own.groupby("arm", sort=False).accuracy.mean() * 100
    facts, border = grid.iloc[0], own[own.border].arm.map(names).unique()
    plots.caption(
        fig,
        f"Digits, MLP with hidden units {facts.hidden}, SGD, batches of {facts.batch_size}, one cycle (epochs: "
        f"{facts.epochs}). Rates tuned on {facts.tuning_seeds} other seeds; at the grid's end: "
        f"{', '.join(border) or 'none'}; limits beyond it: {limits.censored.sum()}. Test accuracy: "
        f"cyclical {ours[CYCLICAL]:.1f} %, constant {facts.low:g} {ours[LOW]:.1f}, {facts.middle:g} "
        f"{ours[MIDDLE]:.1f}, {facts.high:g} {ours[HIGH]:.1f}; Smith, 3 layers on CIFAR-10: cyclical 81.3 ± 0.1, "
        f"constant 0.95 81.2 ± 0.2, 0.85 79.5. {plots.seeds_text(grid)}",
    )
    return fig


_REFERENCE = "Smith (2018), arXiv:1803.09820"
_MIRROR = (
    "Falling momentum belongs to the rising half of the cycle alone: while the rate falls, the momentum has to rise "
    "again. And the paper claims no more than that the cycle equals the best constant momentum."
)


def _lower(than: str):
    return paired("test_loss", lower=CYCLICAL, than=than, by="arm", table="ends")


def _longer(than: str):
    return paired("limit", higher=CYCLICAL, than=than, by="policy", scale="log", table="limits")


CLAIMS = (
    Claim(
        "7.5-a/mirror",
        "In a training with a cyclical rate the momentum is the rate's mirror image: it falls while the rate rises "
        "and rises while the rate falls.",
        exact(measured="momentum", expected="mirror", tolerance=1e-3, table="moved", where={"way": "graph"}),
        expected=EXACT,
        ask="The text lowers the momentum while the rate rises. What should it do in the second half?",
        why="The idea: a short memory for long steps, and a long one to average out noise once the rate has fallen.",
        beware="The momentum is solved from the weights before and after every update, so a schedule that only an "
        "attribute knew of would be found out.",
        correction=_MIRROR,
        reference=_REFERENCE,
    ),
    Claim(
        "7.5-a/callback",
        "A Keras callback that sets optimizer.momentum at every update leaves the momentum of the training where it "
        "was compiled.",
        exact(measured="momentum", expected="compiled", tolerance=1e-3, table="moved", where={"way": "callback"}),
        expected=EXACT,
        ask="`self.model.optimizer.momentum = 0.85` in on_train_batch_begin: which momentum does the next update have?",
        why="The first batch compiles the training step, and a Python number is a constant in it. The rate is a "
        "variable, so setting it works.",
        beware="The attribute reads back what was set. Only the weights tell. `textbook.optimizers.SGD` takes a "
        "schedule and computes it inside the step; `run_eagerly=True` would help too, at a price.",
        correction="On Keras 3 a callback cannot cycle the momentum of a compiled training; the schedule has to be "
        "part of the optimizer.",
        reference="Keras 3.15, `keras.optimizers.SGD.update_step`",
    ),
    Claim(
        "7.5-a/best",
        "With a cyclical rate, a momentum that cycles against it ends with a lower test loss than the best constant "
        "momentum.",
        _lower(BEST),
        expected=INCONCLUSIVE,
        ask="Every policy has its own tuned rate, and of three constants the best may compete. What is left to gain?",
        why="Tuning gives each policy about the same longest step, rate/(1 − μ). What is left is how long steps are "
        "remembered before and after the peak: with 0.95 some twenty updates.",
        beware="In Smith's tables, too, the cycle equals the best constant: 81.3 ± 0.1 against 81.2 ± 0.2 (three "
        "layers), 92.0 ± 0.2 against 92.1 ± 0.1 (ResNet-56). It saves the search for that constant.",
        correction=_MIRROR,
        reference=_REFERENCE,
    ),
    Claim(
        "7.5-a/low",
        "It ends with a lower test loss than a constant momentum as low as its lowest (0.85).",
        _lower(LOW),
        expected=NO_DIFFERENCE,
        ask="Smith: 81.3 % with the cycle, 79.5 % with a constant 0.85. Does the gap survive a rate tuned for each?",
        why="At the peak of the rate both have the same momentum. Before and after, the cycle remembers longer: that "
        "averages out noise, and in a short run it also carries long steps into the end.",
        beware="At one small rate for all policies the constant with the shorter steps looks worse: that compares step "
        "lengths. And a memory of twenty updates weighs more in a short run: compare --set epochs=32.",
    ),
    Claim(
        "7.5-a/in-phase",
        "Against the rate is the right way round: it ends with a lower test loss than momentum that rises with the "
        "rate.",
        _lower(IN_PHASE),
        expected=INCONCLUSIVE,
        ask="Turn the cycle round: high momentum where the rate is high. Is it worse once the rate is tuned?",
        why="In phase, rate/(1 − μ) peaks three times as high at the same rate, so tuning picks a lower one; and the "
        "run ends with the short memory instead of the long one.",
        beware="Same momentum values, same rates on offer: only the order differs.",
    ),
    Claim(
        "7.5-a/limit",
        "The largest rate that still trains is larger with cyclical momentum than with a constant as high as its "
        "highest (0.95).",
        _longer(HIGH),
        expected=HOLDS,
        ask="By which factor may the rate be higher if the momentum drops from 0.95 to 0.85 at the peak?",
        why="Steps are rate/(1 − μ) long along a steady gradient: three times shorter at 0.85 than at 0.95.",
        beware="A higher limit is a wider choice of rates; whether the network ends better is another claim.",
    ),
    Claim(
        "7.5-a/limit-peak",
        "That limit is also larger than with a constant momentum as low as its lowest (0.85).",
        _longer(LOW),
        expected=NO_DIFFERENCE,
        ask="At the peak of the rate both have a momentum of 0.85. Which one bears more?",
        why="Most of it is decided by the momentum at the highest rates, which is the same; but the cycle meets the "
        "rates on the way there with a longer memory.",
        beware="The rates stand in steps: a limit is known to one step of the grid, and averages over seeds to less.",
    ),
)
