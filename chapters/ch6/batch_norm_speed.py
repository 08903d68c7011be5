"""6.3 Why batch norm is fast (배치 정규화와 학습 속도)

The text says that batch norm makes training converge faster because it removes covariate shift: a layer need not
follow inputs whose mean and variance change with every update of the layers below. That it is faster can be measured,
and so can the reason. Noise behind every batch norm, a new shift and factor for each unit at each update, gives the
layers inputs that move more than those of a network without batch norm. If steady inputs were what makes it fast, that
network would be slow. What else may change is the surface: larger rates are usable, and the gradient may last longer
along its own direction. Nor do mean and variance stay fixed: they become β and γ², which are learned.
"""

import pandas as pd

from chapters.shared.batch_norm_grid import ARMS, BATCH_NORM, NOISY, NONE, SPEED, batch_norm_arm
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, paired

ENTRIES = ("6.3-c",)
DATA = "any"

_ACTIVATIONS = {"relu": "ReLU", "sigmoid": "sigmoid"}


def measure(
    run: Run,
    *,
    depth: int = 4,
    epochs: int = 10,
    target: float = 0.3,
    shift: float = 1.0,
    scale: float = 1.5,
) -> dict[str, pd.DataFrame]:
    """Tune and train networks without batch norm, with it, and with noise behind it, for two activations.

    Args:
        depth: hidden layers of 64 units.
        target: training loss, in nats, that the updates are counted to.
        shift: of the noise, up to so many standard deviations of what batch norm gives, either way.
        scale: of the noise, a factor up to this, or down to its inverse.
    """
    found = {}
    for activation in _ACTIVATIONS:
        for arm in ARMS:
            noise = {"shift": shift, "scale": scale} if arm == NOISY else {}
            setting = {"depth": depth, "activation": activation, "epochs": epochs, "target": target}
            tables = run.shared(batch_norm_arm, arm=arm, probe=activation == "relu", **setting, **noise)
            for name, table in tables.items():
                found.setdefault(name, []).append(table)
    tables = {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}
    drift = tables.pop("drift").groupby(["arm", "seed", "update"], as_index=False, sort=False).drift.mean()
    smoothness = tables.pop("smoothness")[["arm", "seed", "update", "smoothness"]]
    probes = drift.merge(smoothness, on=["arm", "seed", "update"])
    runs = tables["runs"]
    return {
        "runs": runs[runs.tuned_for == SPEED].reset_index(drop=True).assign(noise_shift=shift, noise_scale=scale),
        "trials": tables["trials"],
        "curves": tables["curves"],
        "probes": probes,
    }


def draw(tables: dict[str, pd.DataFrame]):
    """Without batch norm, with it and with noise behind it: training loss by update for ReLU and sigmoid; updates to a
    low loss by rate and at the best rate; how far a layer's inputs move and how fast the gradient changes.
    """
    runs, trials, curves, probes = (tables[name] for name in ("runs", "trials", "curves", "probes"))
    looks = {arm: plots.look(number) for number, arm in enumerate((NONE, BATCH_NORM, NOISY))}
    fig, ((relu, sigmoid), (rates, counts), (drift, smooth)) = plots.figure(3, 2, size=(7.4, 9))
    target = runs.target.iloc[0]
    for ax, (activation, name) in zip((relu, sigmoid), _ACTIVATIONS.items(), strict=True):
        mine = curves[(curves.activation == activation) & curves.train_loss.notna()]
        plots.band(ax, mine, x="update", y="train_loss", hue="arm", looks=looks, log=True, names="none")
        ax.axhline(target, color="#222222", linewidth=1, linestyle=":")
        plots.log_axis(ax, "y")
        ax.set(xlabel="updates", ylabel="training loss (nats)", title=f"{name}, best rate of each")
    mine = trials[trials.activation == "relu"]
    plots.band(rates, mine, x="rate", y="updates", hue="arm", looks=looks, log=True, names="none")
    plots.log_axis(rates, "xy")
    rates.set(xlabel="learning rate", ylabel=f"updates to loss {target:g}", title="ReLU, by rate")
    _counts(counts, runs, looks)
    counts.set(xlabel=f"updates to loss {target:g}", title="at the best rate")
    for ax, name, label, title in (
        (drift, "drift", "shift by one update (sd)", "how far a layer's inputs move"),
        (smooth, "smoothness", "change per length", "how fast the gradient changes"),
    ):
        plots.band(ax, probes[probes[name] > 0], x="update", y=name, hue="arm", looks=looks, log=True, names="none")
        plots.log_axis(ax, "y")
        ax.set(xlabel="updates", ylabel=label, title=title)
    fig.legend(*relu.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    late = ", ".join(
        f"{_ACTIVATIONS[activation]} {arm} {int((~rows.arrived).sum())}"
        for (activation, arm), rows in runs.groupby(["activation", "arm"], sort=False)
        if not rows.arrived.all()
    )
    late = late or "none"
    first = runs.iloc[0]
    plots.caption(
        fig,
        f"Digits, {first['rows']} training rows, MLP of {first.depth} × {first.width} units, plain SGD, batch "
        f"{first.batch_size}; rates chosen on other seeds ({trials.seed.nunique()}, also in the panel by rate), lines "
        f"are geometric means with 95 % bands. Noise behind batch norm: shift up to ±{first.noise_shift:g} sd, factor "
        f"up to {first.noise_scale:g}, anew each update. Not there after {first.total} updates, counted so: "
        f"{late}. Rate at the end of the grid: {_border(runs)}. {plots.seeds_text(runs)}.",
    )
    return fig


def _border(runs: pd.DataFrame) -> str:
    found = runs[runs.border].groupby(["activation", "arm"], sort=False).rate.first()
    return ", ".join(f"{_ACTIVATIONS[activation]} {arm}" for activation, arm in found.index) or "none"


def _counts(ax, runs: pd.DataFrame, looks: dict) -> None:
    """Updates to the target of every arm, a dot a seed and the geometric mean, for both activations."""
    names = []
    for activation, title in _ACTIVATIONS.items():
        for arm in ARMS:
            rows, place = runs[(runs.activation == activation) & (runs.arm == arm)], len(names)
            look = {"color": looks[arm]["color"], "marker": looks[arm]["marker"], "linestyle": ""}
            ax.plot(rows.updates, [place + 0.18] * len(rows), **look, alpha=0.35, markersize=4)
            ax.plot(rows.updates.prod() ** (1 / len(rows)), place - 0.12, **look, markersize=8)
            names.append({NONE: f"{title}, none", BATCH_NORM: "batch norm", NOISY: "noisy"}[arm])
    plots.log_axis(ax, "x")
    ax.margins(x=0.08)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")


_BY = ("activation", "arm")
_CONTESTED = (
    "That batch norm speeds training up is well established; that it does so by removing internal covariate shift is "
    "not. With noise that shifts what every batch norm gives, such networks are still faster than those without. Batch "
    "norm allows larger rates and makes the loss surface smoother. Mean and variance of what a layer gets are not held "
    "fixed either: they become β and γ², which are learned. (And inputs are multiplied by W; b is added.)"
)
_REFERENCE = (
    "Santurkar, Tsipras, Ilyas and Mądry (2018), arXiv:1805.11604; Bjorck, Gomes, Selman and Weinberger (2018), "
    "arXiv:1806.02375; Ioffe and Szegedy (2015), arXiv:1502.03167"
)


def _faster(activation: str, arm: str, than: str):
    return paired("updates", lower=(activation, arm), than=(activation, than), by=_BY, table="runs", scale="log")


CLAIMS = (
    Claim(
        "6.3-c/relu",
        "Batch norm speeds training up: with four hidden ReLU layers, each network at its own best rate, a training "
        "loss of 0.3 takes fewer updates than without.",
        _faster("relu", BATCH_NORM, NONE),
        expected=HOLDS,
        ask="Both networks may choose their rate. How many times faster is the one with batch norm, if at all?",
        why="With batch norm a rate can be used at which the other network falls apart, and no layer's signals can "
        "become too large or too small on their way up.",
        beware="Counted in updates. An update with batch norm takes longer, above all in a small network.",
    ),
    Claim(
        "6.3-c/sigmoid",
        "With sigmoid units too, batch norm speeds training up: it takes fewer updates to the same training loss.",
        _faster("sigmoid", BATCH_NORM, NONE),
        expected=HOLDS,
        ask="Four layers of sigmoids squeeze their signals between 0 and 1. Does the network without batch norm "
        "arrive?",
        why="Signals that hardly differ from sample to sample shrink from layer to layer, and the gradient with them. "
        "Batch norm spreads them again at every layer.",
        beware="Initial weights as for ReLU, plain gradient descent, few updates: larger initial weights help a "
        "network of sigmoids as well. A run that does not arrive counts with the updates it made, so that the ratio is "
        "too small.",
    ),
    Claim(
        "6.3-c/cause",
        "It is fast because its layers get steady inputs: with noise that moves them at every update, batch norm takes "
        "at least as many updates as no batch norm (ReLU).",
        _faster("relu", NONE, NOISY),
        expected=REVERSED,
        ask="Take the steadiness away and leave the rest of batch norm in place. How much of the speed is left?",
        why="If the reason were the steady inputs, this network should be the slowest of the three. It normalises, so "
        "it can use large rates; its inputs are the least steady of all.",
        beware="One kind of noise on one small network. It shows that steady inputs are not needed, not that they do "
        "no good: compare the two networks with batch norm.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "6.3-c/cause-sigmoid",
        "With sigmoid units too it is fast because its layers get steady inputs: with noise that moves them at every "
        "update, batch norm takes at least as many updates as no batch norm.",
        _faster("sigmoid", NONE, NOISY),
        expected=REVERSED,
        ask="And where the network without batch norm does not learn at all?",
        why="What the sigmoids lack is spread, and noise behind batch norm does not take the spread away.",
        beware="Beating a network that does not train is no art. The comparison with ReLU says more.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "6.3-c/control",
        "The noise does what it is meant to: what the layers get moves further at one update than without batch norm.",
        paired("drift", higher=NOISY, than=NONE, by="arm", table="probes", mean_over="update", scale="log"),
        expected=HOLDS,
        ask="Before you believe in the noise: is it large enough to spoil what batch norm is said to mend?",
        why="A shift of up to one standard deviation, drawn anew for each unit at each update, is more than a step of "
        "gradient descent usually moves a layer's inputs.",
        beware="The mean over the training and the layers. Early in the training the network without batch norm may "
        "move its uppermost inputs as far.",
    ),
    Claim(
        "6.3-c/steady",
        "Batch norm makes what the layers get steadier: one update moves it less than without batch norm.",
        paired("drift", lower=BATCH_NORM, than=NONE, by="arm", table="probes", mean_over="update", scale="log"),
        expected=HOLDS,
        ask="The text's premise, by itself: are the inputs steadier, though batch norm takes larger steps?",
        why="Whatever the layers below do to mean and spread is taken out again, up to β and γ.",
        beware="Steadier and faster together do not make one the cause of the other: that is what the noise is for. "
        "And measured by gradients instead of moments, Santurkar and others found no less shift with batch norm.",
    ),
    Claim(
        "6.3-c/smooth",
        "With batch norm the gradient changes more slowly along its own direction than without.",
        paired("smoothness", lower=BATCH_NORM, than=NONE, by="arm", table="probes", mean_over="update", scale="log"),
        expected=HOLDS,
        ask="Go one step along the gradient and take it again. In which network is it less like the first one?",
        why="That is the other explanation: where the gradient lasts, a large step still goes where it pointed.",
        beware="Along each network's own way at its own rate, and in units of the weights, which batch norm leaves "
        "free in size: a network with larger weights is smoother by that alone.",
    ),
)
