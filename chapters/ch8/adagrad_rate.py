"""8.2 What Adagrad divides by, and who came before (아다그라드의 학습률)

The text calls Adagrad the first adaptive rule and lets its rates fall in inverse proportion to the number of updates.
Neither is so. Rprop gave every weight a step length of its own in 1993, and delta-bar-delta a rate in 1988. And what
Adagrad divides by is the root of the sum of squared gradients: on gradients that keep their size that is √t, not t, and
on gradients that shrink, as those of real data do, it is less.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, VIOLATED, Claim, Run, exact, slope
from textbook.seeding import stream
from textbook.update_rules import Adagrad, GradientDescent, HeavyBall, Nesterov, Rprop
from textbook.update_rules.family import FAMILY

ENTRIES = ("8.2-e",)
DATA = "any"
STEADY, REAL, KERAS = "steady noise", "real data, sum from 0", "real data, sum from 0.1"
KNOTS = (10, 18, 32, 56, 100, 180, 320, 560, 1000)  # updates at which the rate is read
WEIGHTS = 64  # of the steady noise
# each rule after one update from rest, at a rate (Rprop: a step) of 0.1
RULES = {
    "gradient descent": GradientDescent(0.1),
    "momentum": HeavyBall(0.1),
    "Nesterov": Nesterov(0.1),
    "Rprop": Rprop(0.1),
    "Adagrad": Adagrad(0.1),
}
GRADIENTS = (0.01, 0.1, 1.0, 10.0)


def measure(run: Run, *, learning_rate: float = 0.1, batch_size: int = 32) -> dict[str, pd.DataFrame]:
    """Adagrad's rates on noise of one size and while it trains a softmax regression; first steps of five rules.

    Args:
        learning_rate: of Adagrad.
        batch_size: of the softmax regression.
    """
    from_zero, keras = Adagrad(learning_rate, initial_accumulator=0.0, epsilon=1e-20), Adagrad(learning_rate)
    rates = pd.concat(
        [
            _steady(run, from_zero),
            _softmax(run, from_zero, batch_size, REAL),
            _softmax(run, keras, batch_size, KERAS),
        ]
    )
    return {"rates": rates.assign(learning_rate=learning_rate, batch_size=batch_size), "first_steps": _first_steps()}


def _rate(rule: Adagrad, state, counted) -> np.ndarray:
    """Geometric mean of what multiplies a gradient over the weights counted, for each seed: (seeds,)."""
    rates = np.log(rule.learning_rate / np.sqrt(state[1] + rule.epsilon))
    return np.exp([one[of].mean() for one, of in zip(rates, counted, strict=True)])


def _steady(run: Run, rule: Adagrad) -> pd.DataFrame:
    noise = np.stack(
        [stream(seed, "steady gradients").normal(size=(max(KNOTS), WEIGHTS)) for seed in run.seeds], axis=1
    )
    state, rows = rule.init(noise[0]), []
    for update, gradient in enumerate(noise, start=1):
        _, state = rule.update(gradient, state)
        if update in KNOTS:
            rows.append(_row(STEADY, run.seeds, update, _rate(rule, state, state[1] > 0), gradient))
    return pd.concat(rows)


def _softmax(run: Run, rule: Adagrad, batch_size: int, name: str) -> pd.DataFrame:
    """One layer from pixels to classes, trained by Adagrad on each seed's training part, all seeds at once."""
    splits = run.splits("digits")
    parts = [splits(seed).train for seed in run.seeds]
    x = np.stack([part.x.reshape(len(part), -1) for part in parts]).astype(np.float64)
    x = np.concatenate([x, np.ones((*x.shape[:2], 1))], axis=2)
    classes = splits(run.seeds[0]).classes
    one_hot = np.eye(classes)[np.stack([part.y for part in parts])]
    orders = [stream(seed, "order").integers(0, x.shape[1], size=(max(KNOTS), batch_size)) for seed in run.seeds]
    drawn, each = np.stack(orders, axis=1), np.arange(len(parts))[:, None]
    w, rows = np.zeros((len(parts), x.shape[2], classes)), []
    state = rule.init(w)
    for update, picked in enumerate(drawn, start=1):
        xs = x[each, picked]
        logits = xs @ w
        p = np.exp(logits - logits.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        gradient = np.swapaxes(xs, 1, 2) @ (p - one_hot[each, picked]) / batch_size
        change, state = rule.update(gradient, state)
        w = w + change
        if update == min(KNOTS):
            # weights that wait for their first gradient would join later at their full rate
            counted = state[1] > rule.initial_accumulator
        if update in KNOTS:
            rows.append(_row(name, run.seeds, update, _rate(rule, state, counted), gradient))
    return pd.concat(rows)


def _row(condition, seeds, update, rate, gradient) -> pd.DataFrame:
    size = np.sqrt((gradient.reshape(len(gradient), -1) ** 2).mean(axis=1))
    return pd.DataFrame({"condition": condition, "seed": seeds, "update": update, "rate": rate, "gradient": size})


def _first_steps() -> pd.DataFrame:
    """What each rule multiplies a weight's gradient by in its first update, for gradients of four sizes."""
    gradient, rows = np.array(GRADIENTS), []
    for name, rule in RULES.items():
        change, _ = rule.update(gradient, rule.init(np.zeros(len(gradient))))
        rates = -change / gradient
        ratio = rates / rates[0]
        older = FAMILY[name].year < FAMILY["Adagrad"].year
        for size, rate in zip(gradient, rates, strict=True):
            own = bool(np.ptp(ratio) > 1e-9)
            rows.append(
                {"rule": name, "year": FAMILY[name].year, "gradient": size, "rate": rate, "own": own, "older": older}
            )
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Adagrad's rate over the updates beside 1/√t and 1/t; the first step of five rules by the gradient's size."""
    rates, first = tables["rates"], tables["first_steps"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.6))
    looks = plots.looks([STEADY, REAL, KERAS])
    with plots.style():
        plots.band(left, rates, x="update", y="rate", looks=looks, log=True, names="none")
        start = rates[rates["update"] == min(KNOTS)].groupby("condition").rate.mean()
        t = np.array([min(KNOTS), max(KNOTS)], dtype=float)
        for power, text in ((0.5, "∝ 1/√t"), (1.0, "∝ 1/t, the text")):
            line = start[STEADY] * (t / t[0]) ** -power
            left.plot(t, line, color=plots.GREY, linestyle=":", linewidth=1.4)
            left.annotate(text, (t[1], line[1]), (-12, -2), textcoords="offset points", ha="right", va="top",
                          color=plots.GREY)  # fmt: skip
        for name, value in rates[rates["update"] == 56].groupby("condition").rate.mean().items():
            left.annotate(name, (56, value), (4, 6), textcoords="offset points", color=looks[name]["color"])
        for axis in "xy":
            plots.log_axis(left, axis)
            plots.log_axis(right, axis)
        left.set_ylim(bottom=line[1] / 3)
        left.set(xlabel="update t", ylabel="effective rate", title="Adagrad's rate falls")
        for i, (name, rows) in enumerate(first.groupby("rule", sort=False)):
            right.plot(rows.gradient, rows.rate, **plots.look(i), label=f"{name} ({rows.year.iloc[0]})")
        right.set(
            xlabel="size of a weight's gradient", ylabel="first step / gradient", title="who has rates of its own"
        )
        right.legend(fontsize=9, loc="upper right")
    real = rates[rates.condition == REAL]
    shrunk = real.groupby("update").gradient.mean()
    plots.caption(
        fig,
        f"Adagrad at {rates.learning_rate.iloc[0]:g}. Left: {WEIGHTS} weights with unit noise; softmax regression in "
        f"batches of {rates.batch_size.iloc[0]}, whose gradients shrink to {shrunk.iloc[-1] / shrunk.iloc[0]:.0%} on "
        f"the way, with the paper's sum and with Keras's; geometric means over the weights with a gradient by update "
        f"{min(KNOTS)}, 95 % bands, {plots.seeds_text(rates)}. Right: exact.",
    )
    return fig


_DUCHI = "Duchi, Hazan and Singer (2011), Adaptive subgradient methods, JMLR 12"

CLAIMS = (
    Claim(
        "8.2-e/first",
        "No rule older than Adagrad gives each weight a rate of its own.",
        exact(measured="own", expected=False, table="first_steps", where={"older": True}),
        expected=VIOLATED,
        ask="Adagrad is of 2011. Did any rule before it treat each weight differently?",
        why="Rprop takes the sign of each weight's gradient and a length of the weight's own; the first step over the "
        "gradient then differs from weight to weight.",
        beware="Rprop wants the gradient of all the data. On mini-batches signs turn by chance, and that is what its "
        "successor RMSprop was made for.",
        correction="Delta-bar-delta (1988) and Rprop (1993) adapted a rate or a step for each weight long before.",
        reference="Jacobs (1988); Riedmiller and Braun (1993)",
    ),
    Claim(
        "8.2-e/inverse",
        "On gradients that keep their size Adagrad's rate falls as 1/t.",
        slope("rate", over="update", theory=-1.0, where={"condition": STEADY}, table="rates"),
        expected=FAILS,
        ask="After a hundred times as many updates, is the rate a hundredth?",
        why="The sum of t squares grows as t, and its root is what divides.",
        beware="Its sum is infinite all the same, so Adagrad slows down but need not stop.",
        correction="The rate is lr/√(Σg²) for each weight: 1/√t on steady gradients.",
        reference=_DUCHI,
    ),
    Claim(
        "8.2-e/root",
        "It falls as 1/√t.",
        slope("rate", over="update", theory=-0.5, where={"condition": STEADY}, table="rates"),
        expected=HOLDS,
        ask="And is it a tenth?",
        why="√t for squares of mean one.",
        beware="Steady gradients are the theorist's case.",
    ),
    Claim(
        "8.2-e/real",
        "While Adagrad trains a softmax regression, its sum beginning at 0, its rates fall as 1/√t.",
        slope("rate", over="update", theory=-0.5, where={"condition": REAL}, table="rates"),
        expected=FAILS,
        ask="Real gradients shrink as the loss falls. What does that do to the rate?",
        why="Small squares add little to the sum. The update number is not in the formula at all.",
        beware="In Keras the sum begins at 0.1. Squares of gradients as small as these take long to outgrow it, and "
        "the rate hardly falls at all.",
    ),
)
