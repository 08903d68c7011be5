"""5.10 Bias correction in Adam (편향 보정)

Adam's two averages start at 0, and after t updates on a steady gradient hold only 1 − β₁ᵗ and 1 − β₂ᵗ of what they
should. The text stops there, as if the steps were then too small. The step is m/√v, and v is short of more than m is:
without correction the first steps are *longer*, by (1 − β₁ᵗ)/√(1 − β₂ᵗ), 3.16 times at first, 6.6 times after a dozen
updates, and still 2.4 times after two hundred. With β₂ as small as β₁ they would be shorter. Long first steps are said
to make the loss leap up; on the digits at ten times the usual rate the batch losses show whether they do.
"""

import numpy as np
import pandas as pd

from chapters.shared.uncorrecting import Uncorrecting
from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, contrast, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.update_rules import Adam

ENTRIES = ("5.10-e",)
DATA = "any"
WITH, WITHOUT = "corrected", "uncorrected"
BATCH_SIZE = 32


def measure(
    run: Run,
    *,
    rate: float = 0.01,
    beta_1: float = 0.9,
    betas_2: tuple[float, ...] = (0.9, 0.99, 0.999),
    updates: int = 200,
    early: int = 50,
) -> dict[str, pd.DataFrame]:
    """Steps on a constant gradient, and the digits' batch losses with and without correction for each β₂.

    Args:
        rate, updates: on the digits.
        beta_1, betas_2: weights of the past in the averages of the gradient and of its square.
        early: updates within which the highest batch loss is looked for.
    """
    curves = _digits(run, rate, beta_1, betas_2, updates)
    start = curves["update"] <= early
    return {
        "averages": pd.concat(_averages(beta_1, beta_2, updates) for beta_2 in betas_2),
        "steps": pd.concat(_steps(beta_1, beta_2, updates) for beta_2 in betas_2),
        "losses": curves,
        "peaks": curves[start]
        .groupby(["beta_2", "correction", "seed"], sort=False)
        .loss.max()
        .reset_index(name="peak"),
    }


def _walk(rule, updates: int, gradient: float):
    """[(step, state)] of a rule that gets the same gradient at every update."""
    state = rule.init(np.zeros(1))
    for _ in range(updates):
        change, state = rule.update(np.full(1, gradient), state)
        yield -change.item(), state


def _averages(beta_1: float, beta_2: float, updates: int, gradient: float = 0.3) -> pd.DataFrame:
    """Both averages as shares of what they average, beside 1 − βᵗ."""
    rule = Adam(1.0, beta_1=beta_1, beta_2=beta_2)
    shares = [(m.item() / gradient, s.item() / gradient**2) for _, (_, m, s) in _walk(rule, updates, gradient)]
    t = np.arange(1, updates + 1)
    tables = [
        pd.DataFrame({"average": name, "beta": beta, "update": t, "share": share, "closed_form": 1 - beta**t})
        for name, beta, share in zip(("mean", "square"), (beta_1, beta_2), np.transpose(shares), strict=True)
    ]
    return pd.concat(tables)


def _steps(beta_1: float, beta_2: float, updates: int, gradient: float = 0.3) -> pd.DataFrame:
    """Length of the steps at rate 1, without correction as a multiple of those with it."""
    t, lengths = np.arange(1, updates + 1), {}
    for name, correction in ((WITH, True), (WITHOUT, False)):
        rule = Adam(1.0, beta_1=beta_1, beta_2=beta_2, epsilon=1e-14, bias_correction=correction)
        lengths[name] = np.array([step for step, _ in _walk(rule, updates, gradient)])
    closed_form = (1 - beta_1**t) / np.sqrt(1 - beta_2**t)
    return pd.DataFrame(
        {
            "beta_2": beta_2,
            "update": t,
            **lengths,
            "ratio": lengths[WITHOUT] / lengths[WITH],
            "closed_form": closed_form,
        }
    )


def _digits(run: Run, rate: float, beta_1: float, betas_2, updates: int) -> pd.DataFrame:
    """The loss of every batch: Keras's Adam, and Adam whose rate undoes the correction."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.replicas import ReplicaTrainer

    splits = run.splits("digits")
    per_epoch = -(-len(splits(run.seeds[0]).train) // BATCH_SIZE)
    arms, conditions = {}, {}
    for beta_2 in betas_2:
        undone = Uncorrecting(rate, updates=per_epoch, beta_1=beta_1, beta_2=beta_2).per_update()
        for name, learning_rate in ((WITH, rate), (WITHOUT, undone)):
            label = f"{name}, β₂ {beta_2:g}"
            arms[label] = (beta_2, name)
            conditions[label] = Condition(
                learning_rate=learning_rate, optimizer=keras.optimizers.Adam(beta_1=beta_1, beta_2=beta_2)
            )
    trainer = ReplicaTrainer(
        mlp, splits, seeds=run.seeds, conditions=conditions, updates=updates, batch_size=BATCH_SIZE, trace=True
    )
    trace = trainer.run().trace
    return pd.DataFrame(
        {
            "beta_2": [arms[label][0] for label in trace.condition],
            "correction": [arms[label][1] for label in trace.condition],
            "seed": trace.seed,
            "update": trace["update"],
            "loss": trace.loss,
        }
    )


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the uncorrected step over the corrected one by update, for each β₂; below, the digits' losses in the first
    updates, corrected and not, with the largest β₂ and with the smallest.
    """
    steps, losses = tables["steps"], tables["losses"]
    betas = sorted(steps.beta_2.unique())
    fig, axes = plots.figure(2, 2, size=(7.2, 6.8), height_ratios=[1.1, 1], sharey="row")
    for ax in axes[0]:
        ax.remove()
    with plots.style():
        above = fig.add_subplot(axes[0, 0].get_gridspec()[0, :])
        for number, beta in enumerate(betas):
            rows = steps[steps.beta_2 == beta]
            above.plot(rows["update"], rows.ratio, **{**plots.look(number), "marker": ""}, label=f"β₂ = {beta:g}")
        largest = steps[steps.beta_2 == betas[-1]]
        top = largest.loc[largest.ratio.idxmax()]
        for row in (largest.iloc[0], top, largest.iloc[-1]):
            above.plot(row["update"], row.ratio, "o", color="#222222", markersize=5)
            above.annotate(f"{row.ratio:.2f}", (row["update"], row.ratio), (0, 7), textcoords="offset points",
                           ha="center", fontsize=10)  # fmt: skip
        above.axhline(1, color="#777777", linestyle=":", linewidth=1)
        plots.log_axis(above, "x")
        above.set(xlabel="update", ylabel="uncorrected ÷ corrected step", title="a constant gradient")
        above.set_ylim(0, 1.15 * steps.ratio.max())
        above.legend(loc="upper left")
        for ax, beta in zip(axes[1], (betas[-1], betas[0]), strict=True):
            shown = losses[losses.beta_2 == beta].rename(columns={"correction": "condition"})
            # on easy data float32 rounds a batch's loss to 0, which a log axis cannot show
            shown["loss"] = shown.loss.clip(lower=1e-8)
            plots.band(ax, shown, x="update", y="loss", log=True, names="legend")
            plots.log_axis(ax, "x")
            plots.log_axis(ax, "y")
            ax.set(xlabel="update", title=f"digits, β₂ = {beta:g}")
            ax.legend(loc="lower left")
        axes[1, 0].set_ylabel("loss of the batch (nats)")
    plots.caption(
        fig,
        "Above: exact. Below: MLP 64-64-10, Adam, batches of 32, geometric mean and 95 % band of each batch's loss. "
        f"{plots.seeds_text(losses)}",
    )
    return fig


CLAIMS = (
    Claim(
        "5.10-e/bias",
        "After t updates on a steady gradient the averages hold 1 − βᵗ of what they average: they are biased to 0.",
        exact(measured="share", expected="closed_form", tolerance=1e-12, table="averages"),
        expected=EXACT,
        ask="With β₂ = 0.999, how much of the mean square has the average seen after ten updates?",
        why="It starts at 0, and an update fills up a thousandth of what is missing.",
        beware="Dividing by 1 − βᵗ is right on average for any gradients whose mean stays, not for those that change.",
    ),
    Claim(
        "5.10-e/longer",
        "Without correction a step is (1 − β₁ᵗ)/√(1 − β₂ᵗ) times as long: longer, with the usual β₁ and β₂.",
        exact(measured="ratio", expected="closed_form", tolerance=1e-9, relative=True, table="steps"),
        expected=EXACT,
        ask="Both averages are too small. Are the uncorrected steps too small, then, or too long?",
        why="The step divides one average by the root of the other. At the first update the one is 0.1 of what it "
        "should be, the root √0.001 ≈ 0.03 of that.",
        beware="With β₂ = 0.9 the early steps are shorter indeed, √(1 − 0.9ᵗ): it depends on both β.",
        correction="The averages are biased towards 0, but not so the step: uncorrected it is 3.16 times as long at "
        "the first update, at most about 6.6 times (after a dozen), and 2.35 times after 200.",
        reference="Kingma and Ba (2015), Adam: a method for stochastic optimization, sections 3 and 6.4",
    ),
    Claim(
        "5.10-e/spike",
        "On the digits at rate 0.01 the loss peaks higher early on without correction (β₂ = 0.999).",
        paired(
            "peak", lower=(0.999, WITH), than=(0.999, WITHOUT), by=("beta_2", "correction"), scale="log", table="peaks"
        ),
        expected=HOLDS,
        ask="Steps up to six times too long, while the network knows nothing yet: what does the loss do?",
        why="Every weight is moved by up to 0.066 an update, in a direction learnt from a few batches. On a small "
        "network that direction is mostly right: the loss falls faster, and its peak is one of the first three "
        "batches'.",
        beware="Judged is the highest batch loss: that of the first batch is high already, and only a climb above it "
        "would show.",
    ),
    Claim(
        "5.10-e/depends",
        "It does so more at β₂ = 0.999 than at 0.9.",
        contrast(
            "peak",
            first=((0.999, WITHOUT), (0.999, WITH)),
            second=((0.9, WITHOUT), (0.9, WITH)),
            by=("beta_2", "correction"),
            scale="log",
            table="peaks",
        ),
        expected=HOLDS,
        ask="Which of the two averages has to be slow for the correction to matter?",
        why="At β₂ = 0.9 the average of squares fills up as fast as the other, and the steps are shorter at first. But "
        "whatever β₂, the peak is one of the first three batches', before the steps can tell.",
        beware="A small β₂ has a price of its own: the divisor then follows the last few batches.",
    ),
)
