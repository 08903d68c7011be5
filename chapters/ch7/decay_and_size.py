"""7.6 Weight decay by size of data, size of network, and rate (가중치 감쇠와 규모)

Small or simple data and networks need a larger weight decay, says the text, large and complex ones a smaller, and a
higher rate a smaller. The best value by itself scatters over a plateau, so what is compared here is what one strength,
fixed beforehand, gains against none: with few and with many rows, in a narrow and in a wide network, at a low and at a
high rate. The last comparison is confounded. A penalty takes the share rate·λ/(1 − μ) off a weight in each update, so
the same λ is a stronger decay at a higher rate, and in a longer training. One more arm therefore holds rate·λ.
"""

import functools

import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, REVERSED, Claim, Run, contrast
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("7.6-b",)
DATA = "any"

FEW, MANY = "few rows", "many rows"
NARROW, WIDE = "narrow", "wide"
LOW, HIGH = "low rate", "high rate"
NO_DECAY, DECAY, SCALED = "none", "decay", "decay, rate·λ held"


def measure(
    run: Run,
    *,
    decay: float = 1e-3,
    rows: tuple[int, int] = (100, 1024),
    widths: tuple[int, int] = (16, 128),
    rates: tuple[float, float] = (0.03, 0.2),
    momentum: float = 0.9,
    updates: int = 400,
) -> dict[str, pd.DataFrame]:
    """Train with and without weight decay for every size of data and network and every rate, all for as many updates.

    Equal updates, since a decay works by the update: in equal epochs much data would be decayed more than little.

    Args:
        decay: λ of an L2 penalty whose gradient is λw, as in the paper; fixed beforehand, on seeds of the tuning block.
        rows: of the small and of the large training part.
        widths: units of the hidden layer.
        rates: constant ones; at the low one, one more arm has λ·high/low.
        momentum, updates: of the training.
    """
    low, high = rates
    settings = {(LOW, NO_DECAY): (low, 0.0), (LOW, DECAY): (low, decay), (LOW, SCALED): (low, decay * high / low)}
    settings |= {(HIGH, NO_DECAY): (high, 0.0), (HIGH, DECAY): (high, decay)}
    arms, conditions, parts = {}, {}, {}
    for data, count in zip((FEW, MANY), rows, strict=True):
        parts[data] = run.splits("digits", sizes=(count, 64, 600))
        for network, units in zip((NARROW, WIDE), widths, strict=True):
            build = functools.partial(mlp, hidden=(units,), l2=1e-3)  # any number: each condition has its own
            for (rate, strength), (value, penalty) in settings.items():
                name = f"{data}|{network}|{rate}|{strength}"
                arms[name] = (data, network, rate, strength)
                # the gradient of l·Σw² is 2l·w
                conditions[name] = Condition(
                    model=build,
                    splits=parts[data],
                    learning_rate=value,
                    momentum=momentum,
                    strengths={"l2": penalty / 2},
                )
    updates = run.epochs(updates)
    curves = train_replicas(mlp, parts[FEW], conditions=conditions, seeds=run.seeds, updates=updates)
    last = curves[curves.updates == updates]
    ends = pd.DataFrame(
        [arms[name] for name in last.condition], columns=["data", "network", "rate", "decay"], index=last.index
    )
    loss = last.test_clean_loss.where(~last.diverged, last.chance_loss)
    facts = {"strength": decay, "momentum": momentum, "updates": updates, "low": low, "high": high}
    facts |= dict(zip(("narrow", "wide"), widths, strict=True))
    sizes = [len(parts[data](run.seeds[0]).train) for data in (FEW, MANY)]
    facts |= dict(zip(("few", "many"), sizes, strict=True))
    kept = last[["seed", "diverged", "chance_loss"]]
    return {"ends": ends.assign(**kept, test_loss=loss, **facts), "gains": gains(ends.assign(**kept, test_loss=loss))}


def gains(ends: pd.DataFrame) -> pd.DataFrame:
    """For each level of a factor and seed: the loss without decay less the loss with it, mean of the other settings."""
    key = ["data", "network", "rate", "seed"]
    losses = ends.pivot(index=key, columns="decay", values="test_loss")
    gain = pd.DataFrame({name: losses[NO_DECAY] - losses[name] for name in (DECAY, SCALED)}).reset_index()
    levels = [("data", FEW), ("data", MANY), ("network", NARROW), ("network", WIDE), ("rate", LOW), ("rate", HIGH)]
    tables = [
        gain[gain[factor] == level].groupby("seed", as_index=False)[DECAY].mean().assign(level=level)
        for factor, level in levels
    ]
    held = gain[gain.rate == LOW].groupby("seed", as_index=False)[SCALED].mean()
    tables.append(held.rename(columns={SCALED: DECAY}).assign(level=SCALED))
    return pd.concat(tables, ignore_index=True).rename(columns={DECAY: "gain"})


def draw(tables: dict[str, pd.DataFrame]):
    """Left, what weight decay gains at each number of rows, of units, and rate; right, the test loss without and with
    it in every setting.
    """
    table, ends = tables["gains"], tables["ends"]
    facts = ends.iloc[0]
    names = {
        FEW: f"{facts.few} rows",
        MANY: f"{facts.many} rows",
        NARROW: f"{facts.narrow} units",
        WIDE: f"{facts.wide} units",
        LOW: f"rate {facts.low:g}",
        HIGH: f"rate {facts.high:g}",
        SCALED: f"rate {facts.low:g},\nλ × {facts.high / facts.low:.3g}",
    }
    looks = {name: plots.look(i // 2) for i, name in enumerate(names.values())}
    fig, (left, right) = plots.figure(1, 2, size=(8.8, 5.0), width_ratios=[1, 1.05])
    plots.dots(left, table.assign(level=table.level.map(names)), value="gain", by="level", looks=looks)
    left.axvline(0, color=plots.GREY, lw=1, ls="-")
    left.set(xlabel="loss without − with decay (nats)", title=f"gain of λ = {facts.strength:g}")
    means = ends.groupby(["data", "network", "rate", "decay"], sort=False).test_loss.mean().unstack()
    for place, loss in enumerate(means.to_dict("records")):
        right.plot([loss[NO_DECAY], loss[DECAY]], [place] * 2, color=plots.COLOURS[0], ls="-", lw=1.6)
        right.plot(loss[NO_DECAY], place, "o", color="#222222", mfc="white", markersize=7, mew=1.6)
        right.plot(loss[DECAY], place, "o", color=plots.COLOURS[0], markersize=6)
        if pd.notna(loss[SCALED]):
            right.plot(loss[SCALED], place, "D", color=plots.COLOURS[1], markersize=6)
    right.plot([], [], "o", color="#222222", mfc="white", label="no decay")
    right.plot([], [], "o", color=plots.COLOURS[0], label="with λ")
    right.plot([], [], "D", color=plots.COLOURS[1], label=f"with λ × {facts.high / facts.low:.3g}")
    labels = [", ".join(names[word].split("\n")[0] for word in setting) for setting in means.index]
    right.set_yticks(range(len(means)), labels, fontsize=9)
    right.set_ylim(len(means) - 0.5, -0.5)
    right.set(xlabel="test loss, no penalty (nats)", title="every setting")
    right.legend(fontsize=9.5, loc="lower right")
    plots.caption(
        fig,
        f"Digits, MLP with one hidden layer, SGD with momentum {facts.momentum:g}, batches of 32, {facts.updates} "
        f"updates. λ is an L2 penalty with the gradient λw. Left: mean over the other settings and 95 % interval, one "
        f"dot a seed. {plots.seeds_text(ends)}",
    )
    return fig


def _more(factor: str, first: str, second: str, *, with_first: str = DECAY):
    """The gain of decay is larger at the first level than at the second, averaged over the other settings."""
    return contrast(
        "test_loss",
        first=((first, NO_DECAY), (first, with_first)),
        second=((second, NO_DECAY), (second, DECAY)),
        by=(factor, "decay"),
        mean_over=tuple(name for name in ("data", "network", "rate") if name != factor),
        table="ends",
    )


_CORRECTION = (
    "A rule of thumb from a few networks, not a law. How strong a weight decay is depends on λ times the rate times "
    "the number of updates, so a comparison has to say which of them it holds."
)
_REFERENCE = "Smith (2018), arXiv:1803.09820; Loshchilov and Hutter (2019), arXiv:1711.05101"

CLAIMS = (
    Claim(
        "7.6-b/data",
        "Weight decay gains more with 100 training rows than with 1024.",
        _more("data", FEW, MANY),
        expected=HOLDS,
        ask="The same λ, as many updates: where does it help more, with few rows or with many?",
        why="Few rows are learnt by heart early, and from then on the loss on other rows rises with the weights.",
        beware="What is compared is the gain of one λ. That the best λ is larger is likely, but another statement.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.6-b/network",
        "Weight decay gains more in the narrow network than in the wide one.",
        _more("network", NARROW, WIDE),
        expected=FAILS,
        ask="The text asks for more weight decay in small networks, with fewer weights to overfit with. Does that fit?",
        why="A wide network learns rows by heart more easily, which a penalty counters; a narrow one is thrown about "
        "more at a high rate, which a penalty damps.",
        beware="The paper compares a shallow net with deep residual networks with batch norm, where weight decay acts "
        "on the effective rate instead. Width is only one meaning of size.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.6-b/rate",
        "Weight decay gains more at the low rate than at the high one, so that a higher rate needs less of it.",
        _more("rate", LOW, HIGH),
        expected=REVERSED,
        ask="'The larger rate regularises already.' After as many updates, where does the same λ gain more?",
        why="At the high rate the same λ takes more off the weights, rows are learnt by heart sooner, and steps "
        "that are almost too long leave large weights behind.",
        beware="In the paper weight decay 10⁻³ diverges where 10⁻⁴ is right, at rates near the limit of stability. "
        "That is about the limit, this is about the gain below it.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.6-b/product",
        "Even where rate·λ is the same, weight decay gains more at the high rate than at the low one.",
        contrast(
            "test_loss",
            first=((HIGH, NO_DECAY), (HIGH, DECAY)),
            second=((LOW, NO_DECAY), (LOW, SCALED)),
            by=("rate", "decay"),
            mean_over=("data", "network"),
            table="ends",
        ),
        expected=HOLDS,
        ask="At the low rate λ is now larger by as much as the rate is lower. Is the gain the same?",
        why="With rate·λ held, every training takes the same share off the weights. What still differs is how far the "
        "data have driven them.",
        beware="A low rate with a large λ also has another minimum: the penalty weighs more against the data there.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
)
