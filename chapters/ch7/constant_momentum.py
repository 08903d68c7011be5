"""7.5 Momentum at a constant rate (일정한 학습률에서의 모멘텀)

With a constant rate the text looks for the best constant momentum. At one fixed rate that search finds a lot, because a
larger momentum acts like a larger rate: a velocity adds up 1/(1 − μ) steps. So it is a search for the rate in disguise.
Hold the effective rate, rate/(1 − μ), instead, and the loss depends far less on the momentum, until the velocity
remembers so many updates that it swings.
"""

import functools

import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, contrast, equivalent, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("7.5-b",)
DATA = "any"

MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.99)
FIXED, EFFECTIVE = "fixed rate", "fixed effective rate"
BEST, NONE = "best momentum", "no momentum"
TUNING_SEEDS = 3


def measure(
    run: Run,
    *,
    rate: float = 0.1,
    effective: float = 1.0,
    hidden: tuple[int, ...] = (64,),
    batch_size: int = 32,
    epochs: int = 20,
) -> dict[str, pd.DataFrame]:
    """Train with every momentum at one rate, and at the rates that hold rate/(1 − momentum).

    Args:
        rate: of all momenta on the first line.
        effective: rate/(1 − momentum) of all on the second.
        hidden, batch_size, epochs: of the training.
    """
    arms = {f"{FIXED}|{mu}": (FIXED, mu, rate) for mu in MOMENTA}
    arms |= {f"{EFFECTIVE}|{mu}": (EFFECTIVE, mu, effective * (1 - mu)) for mu in MOMENTA}
    epochs = run.epochs(epochs)

    def train(names, seeds) -> pd.DataFrame:
        curves = train_replicas(
            functools.partial(mlp, hidden=hidden),
            run.splits("digits"),
            conditions={n: Condition(learning_rate=arms[n][2], momentum=arms[n][1]) for n in names},
            seeds=seeds,
            epochs=epochs,
            batch_size=batch_size,
        )
        named = pd.DataFrame([arms[name] for name in curves.condition], columns=["line", "momentum", "rate"])
        losses = {part: curves[part].where(~curves.diverged, curves.chance_loss) for part in ("val_loss", "test_loss")}
        return named.assign(**curves[["seed", "epoch", "diverged", "chance_loss"]], **losses)

    tuning = train([name for name in arms if name.startswith(f"{FIXED}|")], run.tuning(TUNING_SEEDS))
    means = tuning[tuning.epoch == epochs].groupby("momentum").val_loss.mean()
    curves = train(arms, run.seeds)
    ends = curves[curves.epoch == epochs]
    fixed = ends[ends.line == FIXED]
    arms_judged = [fixed[fixed.momentum == mu].assign(arm=arm) for arm, mu in ((BEST, means.idxmin()), (NONE, 0.0))]
    facts = {"hidden": "-".join(map(str, hidden)), "batch_size": batch_size, "best": means.idxmin()}
    return {"ends": ends.assign(**facts, effective=effective), "choice": pd.concat(arms_judged), "curves": curves}


def draw(tables: dict[str, pd.DataFrame]):
    """Left, test loss by momentum at a fixed rate and at a fixed effective rate; right, validation loss by epoch at the
    fixed effective rate, a line for each momentum.
    """
    ends, curves = tables["ends"], tables["curves"]
    momenta = sorted(ends.momentum.unique())
    ends = ends.assign(place=ends.momentum.map({mu: place for place, mu in enumerate(momenta)}))
    facts = ends.iloc[0]
    rate = ends[ends.line == FIXED].rate.iloc[0]
    names = {FIXED: f"rate {rate:g}", EFFECTIVE: f"rate/(1 − μ) = {facts.effective:g}"}
    fig, (left, right) = plots.figure(1, 2, size=(8.4, 4.6))
    ends["line"] = ends.line.map(names)
    plots.band(left, ends, x="place", y="test_loss", hue="line", log=True, names="legend")
    left.set_xticks(range(len(momenta)), [f"{mu:g}" for mu in momenta])
    left.set(xlabel="momentum μ", ylabel="test loss (nats)", title="at the end")
    shown = curves[(curves.line == EFFECTIVE) & curves.momentum.isin((0.0, 0.9, 0.95, 0.99))]
    shown = shown.assign(momentum=shown.momentum.map(lambda mu: f"μ = {mu:g}"))
    plots.band(right, shown, x="epoch", y="val_loss", hue="momentum", log=True, names="legend")
    right.set(xlabel="epochs completed", ylabel="validation loss (nats)", title=f"on the way, {names[EFFECTIVE]}")
    for ax in (left, right):
        plots.log_axis(ax, "y")
    plots.caption(
        fig,
        f"Digits, MLP with hidden units {facts.hidden}, SGD at a constant rate, batches of {facts.batch_size}, "
        f"{facts.epoch} epochs. Geometric mean and 95 % band. Best momentum at rate {rate:g}, chosen on "
        f"other seeds: {facts.best:g}. {plots.seeds_text(ends)}",
    )
    return fig


_BY = ("line", "momentum")

CLAIMS = (
    Claim(
        "7.5-b/best",
        "At a constant rate of 0.1 the best constant momentum, chosen on other seeds, ends with a lower test loss than "
        "no momentum.",
        paired("test_loss", lower=BEST, than=NONE, by="arm", table="choice"),
        expected=HOLDS,
        ask="The rate stays at 0.1 and seven momenta are tried. Which one wins, and by how much?",
        why="At this rate steps without momentum are short, and a velocity makes them 1/(1 − μ) times as long.",
        beware="At a rate that is right without momentum, the best momentum is none: the search finds what the rate "
        "lacks.",
    ),
    Claim(
        "7.5-b/high",
        "At that rate too high a momentum fails as too high a rate does: 0.99 ends with a higher test loss than 0.9.",
        paired("test_loss", higher=(FIXED, 0.99), than=(FIXED, 0.9), by=_BY, table="ends"),
        expected=HOLDS,
        ask="A momentum of 0.99 at a rate of 0.1: which rate would that be without momentum?",
        why="Along a steady gradient the steps add up to a rate of 10.",
        beware="The remedy is the same as for a rate that is too high: lower either of the two.",
    ),
    Claim(
        "7.5-b/effective",
        "At the same effective rate, rate/(1 − μ) = 1, all momenta up to 0.95 end with the same test loss.",
        equivalent(
            "test_loss",
            conditions=tuple((EFFECTIVE, mu) for mu in (0.0, 0.5, 0.8, 0.9, 0.95)),
            bad=(FIXED, 0.99),
            by=_BY,
            table="ends",
        ),
        expected=HOLDS,
        ask="Now the rate falls as the momentum rises. Is there still a best momentum?",
        why="While gradients change slowly, a velocity is a longer step and nothing else. What is not the same is how "
        "sharp a valley may be: up to 2(1 + μ)/rate, at one effective rate 19 times sharper with 0.9 than without.",
        beware="All ten pairs have to agree within 0.01 nats, which takes narrow intervals; the control is the "
        "momentum of 0.99 at the fixed rate.",
    ),
    Claim(
        "7.5-b/disguise",
        "From no momentum to 0.95 the test loss changes more at the fixed rate than at the fixed effective rate.",
        contrast(
            "test_loss",
            first=((FIXED, 0.0), (FIXED, 0.95)),
            second=((EFFECTIVE, 0.0), (EFFECTIVE, 0.95)),
            by=_BY,
            table="ends",
        ),
        expected=HOLDS,
        ask="How much of what momentum does at one rate is left when the effective rate is held?",
        why="At the fixed rate the effective one grows twentyfold on the way.",
        beware="If the fixed rate is already right, going up in momentum loses instead of gaining, and this contrast "
        "turns round.",
    ),
    Claim(
        "7.5-b/long",
        "Beyond 0.95 the effective rate is not all: at the same one, 0.99 ends with a higher test loss than 0.9.",
        paired("test_loss", higher=(EFFECTIVE, 0.99), than=(EFFECTIVE, 0.9), by=_BY, table="ends"),
        expected=HOLDS,
        ask="A velocity with 0.99 remembers a hundred updates, three epochs of the digits. Does it still not matter?",
        why="Gradients change within a hundred updates, and the velocity goes on where they pointed before: it "
        "overshoots and swings.",
        beware="Momentum is counted in updates. With larger batches, an epoch has fewer of them and the same momentum "
        "remembers more epochs.",
    ),
)
