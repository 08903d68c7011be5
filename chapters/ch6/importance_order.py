"""6.2 An order of importance (하이퍼파라미터의 중요도 순서)

The text ranks hyperparameters: first the learning rate; then batch size, hidden units and momentum; then layers and
the decay of the rate; last Adam's β₁, β₂ and ε. This is Andrew Ng's experience, handed on as a law. Here four hundred
random trials on each of three data sets say how much of the validation loss each hyperparameter explains by itself. The
first place can be measured; the places behind it depend on the data, on the ranges that are tried and on what is tuned
already, so they are shown for all rates and for good ones. Part of it is no ranking at all: rate, momentum and batch
size act together, as rate / ((1 − momentum) · batch size).
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from chapters.shared.small_trials import ADAM, adam_trials, small_trials
from chapters.shared.trials import HYPERPARAMETERS, trials
from textbook import plots
from textbook.experiment import FAILS, HOLDS, NO_DIFFERENCE, Claim, Run, paired
from textbook.importance_by_block import importance_by_block, importance_over_pools

ENTRIES = ("6.2-c",)
DATA = "digits"

GROUPS = {"learning_rate": 1, "batch_size": 2, "width": 2, "momentum": 2, "depth": 3, "decay": 3}  # of the text
SMALL = ("wine", "moons")
ADAM_POOL = "Adam"
ALL_RATES, GOOD_RATES = "all rates", "good rates"
FIRST, RIVAL, SECOND, THIRD = "the rate", "the strongest other", "weakest of group 2", "strongest of group 3"
LAST = "strongest of β₁, β₂, ε"
_LOG = ("learning_rate", "weight_decay", "epsilon")
_RATIO = "rate / ((1 − momentum) · batch size)"
_VARIABLES = {"rate": ("rate",), "rate / (1 − momentum)": ("rate", "mass"), _RATIO: ("rate", "mass", "batch")}
_NAMES = {
    "beta_1": "β₁",
    "beta_2": "β₂",
    "epsilon": "ε",
    "width": "hidden units",
    "depth": "layers",
    "decay": "rate decay",
}
_ORDER = (*GROUPS, "weight_decay")  # of the text, which does not name the last
_NEIGHBOURS = 15


def measure(run: Run, *, low: float = 0.03, high: float = 0.3, trees: int = 32) -> dict[str, pd.DataFrame]:
    """Explain the validation loss of random trials on three data sets, and of trials with Adam.

    A trial that ends worse than a guess counts as a guess, as one that diverged does: how much worse is no matter.

    Args:
        low, high: the good rates, read off the same forests.
        trees: of each forest without one seed's trials, a quarter in a quick run; that of all has four times as many.
    """
    trees = max(4, trees // 4) if run.quick else trees
    pools = {"digits": run.shared(trials)} | {name: run.shared(small_trials, data=name) for name in SMALL}
    pools[ADAM_POOL] = run.shared(adam_trials)
    values, rows = [], []
    for name, pool in pools.items():
        data = "digits" if name == ADAM_POOL else name
        pool = pool.assign(val_loss=pool.val_loss.clip(upper=_guess(run.splits(data)(run.seeds[0]))))
        parts = {ALL_RATES: {}} | ({} if name == ADAM_POOL else {GOOD_RATES: {"learning_rate": (low, high)}})
        found = importance_by_block(
            pool,
            target="val_loss",
            block="seed",
            hyperparameters=ADAM if name == ADAM_POOL else HYPERPARAMETERS,
            log=[column for column in _LOG if column in pool],
            parts=parts,
            trees=4 * trees,
            trees_without=trees,
        )
        values.append(found.assign(data=name))
        if name != ADAM_POOL:
            logs = {"rate": pool.learning_rate, "mass": 1 / (1 - pool.momentum), "batch": 1 / pool.batch_size}
            for variable, factors in _VARIABLES.items():
                pool[variable] = np.prod([logs[factor] for factor in factors], axis=0)
            rows.append(pool[["seed", *_VARIABLES, "val_loss"]].assign(data=name))
    shares = pd.concat(values, ignore_index=True)
    return {
        "shares": shares,
        "ranks": importance_over_pools(shares, pool="data"),
        "roles": _roles(shares),
        "collapse": pd.concat([_collapse(table) for table in rows], ignore_index=True),
        "trials": pd.concat(rows, ignore_index=True),
        "settings": pd.DataFrame({"low": [low], "high": [high], "adam_trials": [len(pools[ADAM_POOL])]}),
    }


def _guess(part) -> float:
    """The loss of always answering with the classes' shares in the training part."""
    share = np.bincount(part.train.y) / len(part.train.y)
    return float(-(share[share > 0] * np.log(share[share > 0])).sum())


def _roles(shares: pd.DataFrame) -> pd.DataFrame:
    """The rate, its strongest rival, and the ends of the text's groups that meet, for each pool, part and seed.

    Who is the strongest or the weakest is decided by the shares of all trials, so that each comparison is with the
    hardest rival. `hardest`: whether this is the data set on which the rate leads by least.
    """
    tables = []
    for (data, part), mine in shares.groupby(["data", "part"], sort=False):
        wide = mine.pivot(index="seed", columns="hyperparameter", values="share")
        mean = wide.mean()
        roles = {FIRST: "learning_rate", RIVAL: mean.drop("learning_rate").idxmax()}
        if data == ADAM_POOL:
            roles |= {"decay": "decay", LAST: mean[list(ADAM[2:])].idxmax()}
        else:
            groups = {number: [name for name in GROUPS if GROUPS[name] == number] for number in (2, 3)}
            roles |= {SECOND: mean[groups[2]].idxmin(), THIRD: mean[groups[3]].idxmax()}
        for role, name in roles.items():
            tables.append(wide[name].rename("share").reset_index().assign(role=role, who=name, data=data, part=part))
    table = pd.concat(tables, ignore_index=True)
    sgd = table[(table.data != ADAM_POOL) & (table.part == ALL_RATES)]
    means = sgd.groupby(["data", "role"]).share.mean().unstack()
    return table.assign(hardest=table.data == (means[FIRST] - means[RIVAL]).idxmin())


def _collapse(pool: pd.DataFrame) -> pd.DataFrame:
    """The share of variance that one number foretells in trials it was not fitted to; a value for each seed.

    Each trial is foretold by the mean of its nearest neighbours in the logarithm of the number, itself left out.
    """
    loss, tables = pool.val_loss.to_numpy(), []
    for variable in _VARIABLES:
        at = np.log(pool[variable].to_numpy())
        apart = np.abs(at[:, None] - at)
        np.fill_diagonal(apart, np.inf)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :_NEIGHBOURS]
        error = pd.Series((loss[nearest].mean(axis=1) - loss) ** 2)
        explained = 1 - error.groupby(pool.seed.to_numpy()).mean() / loss.var()
        tables.append(explained.rename_axis("seed").rename("explained").reset_index().assign(variable=variable))
    return pd.concat(tables).assign(data=pool.data.iloc[0])


def draw(tables: dict[str, pd.DataFrame]):
    """Each hyperparameter's share of the variance at all and good rates; ranks; Adam's; loss by rate, by one ratio."""
    shares, settings, pool = tables["shares"], tables["settings"].iloc[0], tables["trials"]
    fig, axes = plots.figure(3, 2, size=(7.4, 9.6), height_ratios=[1.25, 1.1, 1])
    looks = plots.looks(sets := ["digits", *SMALL])
    for ax, part in zip(axes[0], (ALL_RATES, GOOD_RATES), strict=True):
        _draw_shares(ax, shares[shares.part == part], sets, _ORDER, looks)
        ax.set(xlabel="variance explained alone (%)", title=part)
    axes[0, 0].sharex(axes[0, 1])
    axes[0, 1].sharey(axes[0, 0])
    axes[0, 1].set_xlim(-15, 105)
    axes[0, 1].tick_params(labelleft=False)
    handles = [axes[0, 0].plot([], [], label=name, **looks[name] | {"linestyle": ""})[0] for name in sets]
    axes[0, 0].legend(handles=handles, loc="lower right")
    _draw_ranks(axes[1, 0], tables["ranks"], sets)
    _draw_shares(axes[1, 1], shares[shares.data == ADAM_POOL], [ADAM_POOL], ADAM, {ADAM_POOL: plots.look(3)})
    axes[1, 1].set(xlabel="variance explained alone (%)", xlim=(-5, 105), title="with Adam, digits")
    digits, explained = pool[pool.data == "digits"], tables["collapse"].groupby(["data", "variable"]).explained.mean()
    for ax, variable, label in ((axes[2, 0], "rate", "rate"), (axes[2, 1], _RATIO, "rate / ((1 − μ) · batch)")):
        ax.plot(digits[variable], digits.val_loss, "o", color=plots.COLOURS[0], markersize=3.2, alpha=0.55, mew=0)
        plots.log_axis(ax, "x", at=(1e-4, 1e-2, 1) if variable == "rate" else (1e-6, 1e-4, 1e-2, 1))
        ax.set(xlabel=label, ylabel="validation loss (nats)", ylim=(0, None))
        ax.set_title(f"foretells {100 * explained['digits', variable]:.0f} %")
    axes[2, 1].sharey(axes[2, 0])
    axes[2, 1].label_outer()
    plots.caption(
        fig,
        f"{len(pool) // len(sets)} random trials for each data set, SGD with momentum (rates 0.0001–1; good: "
        f"{settings.low:g}–{settings.high:g}), {settings.adam_trials:.0f} of Adam; random-forest functional ANOVA with "
        f"95 % jackknife intervals. Ranks: all rates; *: not told apart from some other. Bottom: digits, "
        f"variance foretold by {_NEIGHBOURS} neighbours; μ: momentum. {plots.seeds_text(shares)}.",
    )
    return fig


def _label(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " "))


def _draw_shares(ax, shares: pd.DataFrame, sets: list[str], names, looks: dict) -> None:
    """A row for each hyperparameter, in it a mark with its interval for each data set."""
    for place, name in enumerate(sets):
        wide = shares[shares.data == name].pivot(index="seed", columns="hyperparameter", values="share")[list(names)]
        rows = np.arange(len(names)) + 0.24 * (place - (len(sets) - 1) / 2)
        half = student.ppf(0.975, max(1, len(wide) - 1)) * wide.std(ddof=1).fillna(0) / np.sqrt(len(wide))
        look = looks[name]
        ax.errorbar(100 * wide.mean(), rows, xerr=100 * half, fmt=look["marker"], color=look["color"], markersize=6)
    ax.set_yticks(range(len(names)), [_label(name) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)


def _draw_ranks(ax, ranks: pd.DataFrame, sets: list[str]) -> None:
    """The text's group and the rank on each data set, over all rates."""
    mine = ranks[ranks.part == ALL_RATES]
    table = mine.pivot(index="hyperparameter", columns="data", values="rank").loc[list(_ORDER), sets]
    rivals = mine.pivot(index="hyperparameter", columns="data", values="rivals").loc[list(_ORDER), sets]
    groups = [GROUPS.get(name, np.nan) for name in _ORDER]
    shades = np.column_stack([np.array(groups) * 2 - 1, table])
    ax.pcolormesh(np.ma.masked_invalid(shades), cmap="Blues_r", vmin=-1, vmax=9, edgecolors="white", linewidth=1.5)
    for row, name in enumerate(_ORDER):
        words = [f"group {GROUPS[name]}" if name in GROUPS else "–"]
        words += [f"{table.loc[name, one]:.0f}{'*' if rivals.loc[name, one] else ''}" for one in sets]
        for column, word in enumerate(words):
            dark = shades[row, column] <= 3 if column else groups[row] == 1
            ax.text(column + 0.5, row + 0.5, word, ha="center", va="center", fontsize=9.5,
                    color="white" if dark else "#222222")  # fmt: skip
    ax.set_xticks(np.arange(len(sets) + 1) + 0.5, ["the text", *sets])
    ax.set_yticks(np.arange(len(table)) + 0.5, [_label(name) for name in table.index])
    ax.set_ylim(len(table), 0)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.set_title("rank by share")


_CONTESTED = (
    "The order is one expert's experience. That the learning rate comes first can be measured; what comes after it "
    "depends on the data, on the ranges tried and on what has been tuned already."
)
_REFERENCE = "Bergstra & Bengio (2012), JMLR 13:281-305; van Rijn & Hutter (2018), arXiv:1710.04725"
_POINTS = {"by": "role", "unit": "points", "delta": 5, "table": "roles"}

CLAIMS = (
    Claim(
        "6.2-c",
        "On each of the three data sets the learning rate explains more of the validation loss than any other "
        "hyperparameter does.",
        paired("share", higher=FIRST, than=RIVAL, where={"hardest": True, "part": ALL_RATES}, **_POINTS),
        expected=HOLDS,
        ask="Images, chemistry, two half-moons: is it the same hyperparameter everywhere that must not be wrong?",
        why="Most of four decades of rates is too small to get anywhere in time, or too large; that is so on any data.",
        beware="Judged on the data set where the lead is smallest. The range of rates is four decades, the others' "
        "ranges are narrower: this is part of why it wins.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "6.2-c/middle",
        "Among good rates, each of batch size, hidden units and momentum explains more than layers or rate decay do.",
        paired(
            "share",
            higher=SECOND,
            than=THIRD,
            mean_over="data",
            where={"part": GOOD_RATES, "data": ("digits", *SMALL)},
            **_POINTS,
        ),
        expected=FAILS,
        ask="The rate is right to a factor of three. Would you tune the hidden units before the layers?",
        why="Behind the rate and whatever sets the number of updates, the shares are small, and which is smallest "
        "changes from one data set to the next.",
        beware="The mean over the three data sets of the weakest of the one group less the strongest of the other. "
        "Wider ranges of layers or decay would make them more important.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "6.2-c/adam",
        "With Adam, the decay of the rate explains more of the validation loss than β₁, β₂ or ε does.",
        paired("share", higher="decay", than=LAST, where={"data": ADAM_POOL}, **_POINTS),
        expected=NO_DIFFERENCE,
        ask="β₁ anywhere from 0 to 0.99, ε over six decades: how much does that matter beside the rate?",
        why="Adam's step is about as long as its rate whatever the other three are, and a short training has little "
        "left to gain from a falling rate.",
        beware="The rate, over four decades, leaves the others little to explain. It is no licence for any value: "
        "with ε as large as the root of the squared gradients Adam becomes SGD with momentum.",
        correction=_CONTESTED,
        reference="Choi et al. (2019), arXiv:1910.05446",
    ),
    Claim(
        "6.2-c/band",
        "Among good rates, the learning rate explains less of the validation loss than among all rates.",
        paired(
            "share",
            lower=GOOD_RATES,
            than=ALL_RATES,
            mean_over="data",
            where={"role": FIRST, "data": ("digits", *SMALL)},
            **_POINTS | {"by": "part"},
        ),
        expected=HOLDS,
        ask="Is the rate still first when you already know it to a factor of three?",
        why="An importance is a share of what varies. Leave out the failures that the rate caused, and others show.",
        beware="Neither share is the true one. An importance without its ranges says nothing.",
    ),
    Claim(
        "6.2-c/collapse",
        "The one number rate / ((1 − momentum) · batch size) foretells more of the validation loss than the rate does.",
        paired(
            "explained",
            higher=_RATIO,
            than="rate",
            by="variable",
            unit="points",
            delta=5,
            table="collapse",
            mean_over="data",
        ),
        expected=HOLDS,
        ask="Three of the hyperparameters in the ranking. Are they three knobs?",
        why="Momentum adds up 1 / (1 − μ) gradients, and a batch B times as large means B times fewer updates in the "
        "same epochs: all three say how far a training can go.",
        beware="This holds in equal epochs and below the limit of stability; too large a step fails however it is "
        "composed.",
    ),
)
