"""5.10 Adagrad and RMSprop (아다그라드와 RMSprop)

Adagrad divides each weight's gradient by the root of the sum of its past squares. Two things follow, which the text
mixes: weights with large gradients get smaller rates than others, at any time; and every rate falls, as 1/√t on steady
gradients. That sum of rates is infinite, so Adagrad slows down and never stops; on the digits it is still learning
after sixty epochs. What it cannot do is forget: where gradients shrink, the old large ones hold it back. RMSprop's
average leaks, its rates rise again, and it recovers. Where gradients grow, the new squares bury the old ones in a sum,
too. Keras begins the sum at 0.1, with ε inside the root, and its default rate of 0.001 barely trains at all.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, FAILS, HOLDS, Claim, Run, exact, paired, share, slope
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream
from textbook.update_rules import Adagrad, RMSprop

ENTRIES = ("5.10-b", "5.10-c")
DATA = "any"
SUM, LEAKY = "Adagrad", "RMSprop"
RULES = {SUM: Adagrad, LEAKY: RMSprop}
KNOTS = (10, 18, 32, 56, 100, 180, 320, 560, 1000)  # updates at which the slope is read
WEIGHTS, JUMP, PATIENCE = 10, 500, 4000  # of the bowl that changes, and updates that it is watched for thereafter
FLOOR = 1e-8  # of the losses shown, where Adagrad would go on to 10⁻³⁰
TRIED = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
STEEPER, FLATTER = "100 times as steep", "100 times as flat"


def measure(
    run: Run, *, rate: float = 0.1, default: float = 0.001, jump: float = 100.0, stopped: float = 0.01
) -> dict[str, pd.DataFrame]:
    """Rates on streams of gradients; a bowl that changes; the digits for sixty epochs.

    Args:
        rate, default: of Adagrad on the digits; RMSprop has the default.
        jump: factor by which the bowl's curvatures rise, or fall, when its minimum moves after 500 updates.
        stopped: a training has stopped if its loss fell by less than this share in the last sixth of the epochs.
    """
    chosen = {name: _tuned(run, name) for name in RULES}
    walks = [
        _walk(name, chosen[name], seeds=run.seeds, factor=factor, change=change)
        for change, factor in ((STEEPER, jump), (FLATTER, 1 / jump))
        for name in RULES
    ]
    curves = _digits(run, rate, default)
    return {
        "stream": _stream(run),
        "scales": _scales(),
        "walks": pd.concat(walk for walk, _ in walks),
        "recovery": pd.concat(recovery for _, recovery in walks),
        "turns": _turns(walks),
        "curves": curves,
        "stops": _stops(curves, stopped),
    }


def _rates(rule, state):
    """The effective rate of each weight: what multiplies its gradient at the update that led to this state."""
    return rule.learning_rate / np.sqrt(state[1] + rule.epsilon)


def _stream(run: Run) -> pd.DataFrame:
    """Geometric mean over 64 weights of the effective rate, on gradients that are normal noise of unit variance."""
    noise = np.stack([stream(seed, "gradients").normal(size=(max(KNOTS), 64)) for seed in run.seeds], axis=1)
    tables = []
    for name, build in RULES.items():
        rule = build(0.1)
        state = rule.init(noise[0])
        for update, gradient in enumerate(noise, start=1):
            _, state = rule.update(gradient, state)
            if update in KNOTS:
                values = np.exp(np.log(_rates(rule, state)).mean(axis=1))
                tables.append(pd.DataFrame({"condition": name, "seed": run.seeds, "update": update, "rate": values}))
    return pd.concat(tables)


def _scales(sizes=(0.1, 1.0, 10.0, 100.0), updates: int = 1000) -> pd.DataFrame:
    """Adagrad's rate for weights whose gradients have different sizes and stay, from a sum that begins at 0."""
    rule, gradient = Adagrad(0.1, initial_accumulator=0.0, epsilon=1e-20), np.array(sizes)
    state, rows = rule.init(gradient), []
    for update in range(1, updates + 1):
        _, state = rule.update(gradient, state)
        if update in (1, 10, 100, updates):
            rates = _rates(rule, state)
            rows += zip([update] * len(sizes), sizes, rates, rates / rates[0], sizes[0] / gradient, strict=True)
    return pd.DataFrame(rows, columns=["update", "gradient", "rate", "ratio", "expected_ratio"])


def _bowls(seeds):
    """Curvatures (weights,), first start and second displacement (seeds, weights) of the bowl that changes."""
    first, second = (np.stack([stream(s, part).normal(size=WEIGHTS) for s in seeds]) for part in ("start", "move"))
    return np.geomspace(0.1, 1.0, WEIGHTS), first, second


def _loss(curvatures, w):
    return 0.5 * np.sum(curvatures * w**2, axis=-1)


def _tuned(run: Run, name: str) -> float:
    """The rate that brings the first bowl's loss soonest to a hundredth, geometric mean over the tuning seeds."""
    curvatures, start, _ = _bowls(run.tuning(16))
    means = {}
    for rate in TRIED:
        rule, w = RULES[name](rate), start
        state, needed = rule.init(w), np.full(len(w), JUMP)
        for update in range(1, JUMP + 1):
            change, state = rule.update(curvatures * w, state)
            w = w + change
            there = (_loss(curvatures, w) <= 0.01 * _loss(curvatures, start)) & (needed == JUMP)
            needed = np.where(there, update, needed)
        means[rate] = np.log(needed).mean()
    return min(means, key=means.get)


def _walk(name: str, rate: float, *, seeds, factor: float, change: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Over a bowl whose minimum moves, and whose curvatures change by a factor: the loss, and updates to recover.

    Recovered is a loss of a hundredth of what it was right after the change; a walk that never gets there counts
    `PATIENCE`, the least that it would have needed.
    """
    curvatures, w, move = _bowls(seeds)
    rule = RULES[name](rate)
    state, losses, rates, needed = rule.init(w), [], [], np.full(len(w), PATIENCE)
    for update in range(JUMP + PATIENCE):
        if update == JUMP:
            curvatures, w = factor * curvatures, w + move  # the minimum moves, seen from it
            shock = _loss(curvatures, w)
        losses.append(_loss(curvatures, w))
        step, state = rule.update(curvatures * w, state)
        w = w + step
        rates.append(_rates(rule, state)[:, 0])  # of the shallowest weight
        if update >= JUMP:
            there = (_loss(curvatures, w) <= 0.01 * shock) & (needed == PATIENCE)
            needed = np.where(there, update + 1 - JUMP, needed)
    labels = {"change": change, "condition": name, "learning_rate": rate}
    at = np.unique([*range(0, JUMP, 10), *(JUMP + np.geomspace(1, PATIENCE - 1, 60).astype(int)), JUMP])
    walked = pd.DataFrame(
        {
            **labels,
            "seed": np.tile(seeds, len(at)),
            "update": np.repeat(at, len(seeds)),
            "loss": np.maximum(np.array(losses)[at].ravel(), FLOOR),
            "rises": bool(np.any(np.diff(rates, axis=0) > 0)),
        }
    )
    return walked, pd.DataFrame({**labels, "seed": seeds, "updates": needed, "recovered": needed < PATIENCE})


def _turns(walks) -> pd.DataFrame:
    """Whether any rate ever rose, for each rule, beside whether its average leaks."""
    table = pd.concat(walk.groupby("condition", sort=False).rises.any().reset_index() for walk, _ in walks)
    table = table.groupby("condition", sort=False).rises.any().reset_index()
    return table.assign(leaks=table.condition == LEAKY)


def _digits(run: Run, rate: float, default: float) -> pd.DataFrame:
    """Training loss by epoch of Adagrad at two rates and of RMSprop at its default."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    conditions = {
        f"{SUM}, {rate:g}": Condition(optimizer=keras.optimizers.Adagrad(), learning_rate=rate),
        f"{SUM}, {default:g}": Condition(optimizer=keras.optimizers.Adagrad(), learning_rate=default),
        f"{LEAKY}, {default:g}": Condition(optimizer=keras.optimizers.RMSprop(), learning_rate=default),
    }
    arms = dict(zip(conditions, ("large", "default", LEAKY), strict=True))
    curves = train_replicas(mlp, run.splits("digits"), conditions=conditions, seeds=run.seeds, epochs=run.epochs(60))
    columns = ["condition", "seed", "epoch", "clean_loss", "diverged", "chance_loss"]
    return curves[columns].assign(arm=curves.condition.map(arms))


def _stops(curves: pd.DataFrame, stopped: float) -> pd.DataFrame:
    """Whether a run's training loss has fallen by less than a share over the last sixth of its epochs."""
    epochs = curves.epoch.max()
    wide = curves.pivot(index=["arm", "seed"], columns="epoch", values="clean_loss")
    fallen = 1 - wide[epochs] / wide[epochs - max(1, epochs // 6)]
    return pd.DataFrame({"fallen": fallen, "stopped": fallen < stopped}).reset_index()


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the effective rates on steady noise, and the digits' training loss; below, the loss on a bowl that becomes
    steeper and on one that becomes flatter.
    """
    rates, curves, walks = tables["stream"], tables["curves"], tables["walks"]
    fig, axes = plots.figure(2, 2, size=(7.6, 7.0))
    looks = plots.looks(RULES)
    with plots.style():
        above, digits = axes[0]
        plots.band(above, rates, x="update", y="rate", looks=looks, log=True, names="none")
        for name, rows in rates.groupby("condition", sort=False):
            middle = rows[rows["update"] == 32].rate.mean()
            text = f"{name}: ∝ 1/√t" if name == SUM else f"{name}: stays"
            above.annotate(text, (32, middle), (6, 6), textcoords="offset points", color=looks[name]["color"])
        for axis in "xy":
            plots.log_axis(above, axis)
        above.set(xlabel="update", ylabel="effective rate", title="steady gradients, rate 0.1")
        arms = {"large": looks[SUM], "default": plots.look(4), LEAKY: looks[LEAKY]}
        shown = {name: arms[arm] for name, arm in curves.groupby("condition", sort=False).arm.first().items()}
        plots.band(digits, curves, x="epoch", y="clean_loss", looks=shown, log=True, names="legend")
        digits.legend(loc="upper right", bbox_to_anchor=(1.0, 0.86), fontsize=9.5, handlelength=1.8)
        plots.log_axis(digits, "y")
        digits.xaxis.get_major_locator().set_params(integer=True)
        digits.set(xlabel="epochs completed", ylabel="training loss (nats)", title="digits")
        for ax, (change, rows) in zip(axes[1], walks.groupby("change", sort=False), strict=True):
            plots.band(ax, rows[rows["update"] > 0], x="update", y="loss", looks=looks, log=True, names="none")
            ax.axvline(JUMP, color="#777777", linestyle=":", linewidth=1)
            plots.log_axis(ax, "y")
            ax.set(xlabel="update", ylabel="loss of the bowl", xlim=(0, 2000), title=f"then {change}")
        axes[1, 0].legend(*above.get_legend_handles_labels(), loc="center right")
    found = tables["recovery"].groupby("condition", sort=False).learning_rate.first()
    chosen = ", ".join(f"{name} {value:g}" for name, value in found.items())
    plots.caption(
        fig,
        f"Digits: MLP 64-64-10, batches of 32. Below: ten weights; after {JUMP} updates the minimum moves and the "
        f"curvatures change; rates found before that on other seeds: {chosen}. Geometric means, 95 % bands, losses "
        f"from {FLOOR:g} up. {plots.seeds_text(curves)}",
    )
    return fig


_DUCHI = "Duchi, Hazan and Singer (2011), Adaptive subgradient methods, JMLR 12"

CLAIMS = (
    Claim(
        "5.10-b/scales",
        "At any time Adagrad's rate is in inverse proportion to the size of a weight's gradients.",
        exact(measured="ratio", expected="expected_ratio", tolerance=1e-9, relative=True, table="scales"),
        expected=EXACT,
        ask="One weight has gradients a thousand times as large as another's. How do their rates compare, at update "
        "1 and at update 1000?",
        why="Each weight's rate is lr over the root of the sum of its own squares.",
        beware="Keras begins that sum at 0.1: for gradients far below 0.3 it decides, and the rates are all alike.",
        correction="A rate is smaller for a weight with larger gradients at every time; large gradients and the early "
        "phase are two things. What falls with time is every weight's rate.",
        reference=_DUCHI,
    ),
    Claim(
        "5.10-b/slope",
        "On gradients that keep their size Adagrad's rate falls as 1/√t.",
        slope("rate", over="update", theory=-0.5, where={"condition": SUM}, table="stream"),
        expected=HOLDS,
        ask="After a hundred times as many updates, how much smaller is the rate?",
        why="A sum of t squares of one size grows as t.",
        beware="On a network the gradients shrink as it learns, and the rate falls more slowly than that.",
    ),
    Claim(
        "5.10-b/stops",
        "Adagrad's training stops at some point: over the last ten of sixty epochs the loss falls by less than 1 %.",
        share("stopped", where={"arm": "large"}, table="stops"),
        expected=FAILS,
        ask="The rates only ever fall. Has the training come to a halt by epoch sixty?",
        why="The sum of 1/√t is infinite: any distance can still be travelled.",
        beware="It slows down all the same: each further halving of the loss takes longer than the last.",
        correction="Adagrad slows down but does not stop: rates of 1/√t add up without end, and by its regret bound it "
        "comes, on convex losses, as close to the best fixed weights on average as one likes.",
        reference=_DUCHI,
    ),
    Claim(
        "5.10-b/default",
        "At Keras's default rate of 0.001 Adagrad has learnt less after all epochs than at 0.1.",
        paired("clean_loss", lower="large", than="default", by="arm", table="curves"),
        expected=HOLDS,
        ask="How far does Adagrad get at the rate that suits Adam?",
        why="The first steps are 0.001 and every later one is shorter.",
        beware="In torch the default is 0.01: a default is no recommendation.",
    ),
    Claim(
        "5.10-c/monotone",
        "RMSprop's rates rise again where gradients shrink; Adagrad's never rise.",
        exact(measured="rises", expected="leaks", table="turns"),
        expected=EXACT,
        ask="The bowl gets flat and the gradients small. What do the two rates do?",
        why="An average forgets at the rate of 1 − ρ an update, a sum never.",
        beware="A rate that can rise also never settles: at a constant lr RMSprop keeps jumping about the minimum.",
    ),
    Claim(
        "5.10-c/steeper",
        "After the minimum has moved and the curvatures have risen a hundredfold, RMSprop recovers in fewer updates.",
        paired("updates", lower=LEAKY, than=SUM, scale="log", where={"change": STEEPER}, table="recovery"),
        expected=HOLDS,
        ask="Gradients a hundred times as large as all before: does Adagrad's memory hold it back?",
        why="New squares that are ten thousand times the old ones bury them: a sum forgets in that way, too, and has "
        "nothing to catch up on.",
        beware="Recovered is at a hundredth for the first time. At a constant rate RMSprop is thrown out again, and "
        "goes on jumping at two to three times that loss, where Adagrad settles.",
    ),
    Claim(
        "5.10-c/flatter",
        "It does so, too, after they have fallen a hundredfold.",
        paired("updates", lower=LEAKY, than=SUM, scale="log", where={"change": FLATTER}, table="recovery"),
        expected=HOLDS,
        ask="And if the gradients are a hundred times as small as before?",
        why="The sum still holds the old squares, ten thousand times as large; their root divides the new gradients.",
        beware="Here, too, the first time counts: at its constant rate RMSprop goes on jumping at nearly twice that "
        "loss, and Adagrad, late as it is, falls far below it.",
    ),
)
