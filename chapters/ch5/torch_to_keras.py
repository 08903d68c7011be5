"""5.0 Reading PyTorch recipes in Keras (PyTorch에서 Keras로)

The text speaks PyTorch; this book runs Keras, where the same name is often another number. Momentum is the subtle
case. torch keeps gradients in its velocity and multiplies all of it by the rate, v ← μv + g, w ← w − lr·v; Keras keeps
steps, v ← μv − lr·g, w ← w + v. At a constant rate they are one method. When a schedule cuts the rate, torch's steps
shrink at once, and Keras's go on at the old pace for some 1/(1 − μ) updates.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, Claim, Run, exact
from textbook.schedules import PiecewiseConstant
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import HeavyBall, TorchMomentum

ENTRIES = ("5.0-b",)
DATA = "none"
BOWL, START = Quadratic((1, 25)), (1.0, 1.0)
RULES = {"Keras": HeavyBall, "torch": TorchMomentum}
# what is compared, torch's default, Keras's value that does the same, Keras's default as noted for version 3.15
NUMBERS = (
    ("SGD: rate", 1e-3, 1e-3, 0.01),
    ("Adam: ε", 1e-8, 1e-8, 1e-7),
    ("RMSprop: 1 − ρ", 0.01, 0.01, 0.1),
    ("RMSprop: rate", 0.01, 0.01, 1e-3),
    ("Adagrad: rate", 0.01, 0.01, 1e-3),
    ("batch norm: new weight", 0.1, 0.1, 0.01),
    ("batch norm: ε", 1e-5, 1e-5, 1e-3),
    ("leaky ReLU: slope", 0.01, 0.01, 0.3),
)


def measure(
    run: Run, *, momentum: float = 0.9, before: float = 0.1, after: float = 0.01, updates: int = 60
) -> dict[str, pd.DataFrame]:
    """Walk both forms of momentum at a constant rate and over a cut of the rate, and read Keras's defaults.

    Args:
        momentum: μ.
        before, after: the rate, and what it is cut to.
        updates: before the cut, and again after it.
    """
    walks = {
        name: trajectory(BOWL, rule(0.02, momentum=momentum), start=START, steps=100) for name, rule in RULES.items()
    }
    constant = pd.DataFrame({name: walk.ravel() for name, walk in walks.items()})
    return {
        "constant": constant,
        "steps": _steps(momentum, before, after, updates),
        "numbers": _numbers(),
    }  # fmt: skip


def _steps(momentum: float, before: float, after: float, updates: int) -> pd.DataFrame:
    """Length of each step on a gradient that stays at 1, over a cut of the rate; Keras's own optimizer beside ours."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    cut = PiecewiseConstant(boundaries=(updates,), values=(before, after))
    lengths = {}
    for name, rule in RULES.items():
        rule = rule(cut, momentum=momentum)
        state, lengths[name] = rule.init(np.zeros(1)), []
        for _ in range(2 * updates):
            change, state = rule.update(np.ones(1), state)
            lengths[name].append(-change.item())
    optimizer = keras.optimizers.SGD(before, momentum=momentum)
    weight, taken = keras.Variable([0.0]), []
    for k in range(2 * updates):
        optimizer.learning_rate = float(cut(k))
        weight.assign([0.0])  # far from 0 the weight's own rounding would drown the step's
        optimizer.apply([keras.ops.ones(1)], [weight])
        taken.append(-float(weight[0]))
    table = pd.DataFrame({"update": range(1, 2 * updates + 1), **lengths, "Keras's SGD": taken})
    late = table["update"] - updates
    sum_at_cut = (1 - momentum**updates) / (1 - momentum)
    table["since_cut"] = late
    table["excess"] = table["Keras"] - table["torch"]
    table["closed_form"] = np.where(late > 0, (before - after) * sum_at_cut * momentum ** np.maximum(late, 0), 0.0)
    return table.assign(momentum=momentum)


def _numbers() -> pd.DataFrame:
    """The defaults that this Keras has, in the meaning of `NUMBERS`."""
    import inspect

    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    def default(owner, name):
        return inspect.signature(owner).parameters[name].default

    optimizers, norm = keras.optimizers, keras.layers.BatchNormalization
    found = {
        "SGD: rate": default(optimizers.SGD, "learning_rate"),
        "Adam: ε": default(optimizers.Adam, "epsilon"),
        "RMSprop: 1 − ρ": 1 - default(optimizers.RMSprop, "rho"),
        "RMSprop: rate": default(optimizers.RMSprop, "learning_rate"),
        "Adagrad: rate": default(optimizers.Adagrad, "learning_rate"),
        "batch norm: new weight": 1 - default(norm, "momentum"),
        "batch norm: ε": default(norm, "epsilon"),
        "leaky ReLU: slope": default(keras.layers.LeakyReLU, "negative_slope"),
    }
    table = pd.DataFrame(NUMBERS, columns=["quantity", "torch", "same_in_keras", "noted"])
    return table.assign(keras=table.quantity.map(found))


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the length of the steps around the cut of the rate, in Keras and in torch; below, each default of Keras
    divided by torch's.
    """
    steps, numbers = tables["steps"], tables["numbers"]
    fig, (above, below) = plots.figure(2, 1, size=(7, 7.4))
    near = steps[(steps.since_cut > -15) & (steps.since_cut <= 45)]
    looks = plots.looks(RULES)
    for name in RULES:
        shown = {**looks[name], "marker": ""}
        above.plot(near.since_cut, near[name], label=name, drawstyle="steps-post", **shown)
    above.set_yscale("log")
    plots.log_axis(above, "y")
    reach = 1 / (1 - steps.momentum.iloc[0])
    above.axvspan(0, reach, color="#888888", alpha=0.15, linewidth=0)
    above.text(reach + 0.7, near["Keras"].max(), "the first 1/(1 − μ)\nupdates shaded", va="top", fontsize=10)
    above.legend(loc="center right")
    above.set(xlabel="updates since the rate was cut", ylabel="length of the step", title="one recipe, two velocities")
    ratio = numbers.keras / numbers.same_in_keras
    places = np.arange(len(numbers))
    below.hlines(places, 1, ratio, color=plots.COLOURS[0], linewidth=3)
    below.plot(ratio, places, "o", color=plots.COLOURS[0], markersize=8)
    below.axvline(1, color="#222222", linewidth=1.2)
    below.set_xscale("log")
    below.set(xlim=(0.03, 2500), ylim=(len(numbers) - 0.4, -0.6), xlabel="Keras's default ÷ torch's")
    below.set_yticks(places, numbers.quantity)
    for place, (row, right) in enumerate(zip(numbers.itertuples(), ratio, strict=True)):
        text = f"{row.torch:g} → {row.keras:g}"
        below.annotate(text, (max(right, 1), place), (10, 0), textcoords="offset points", va="center", fontsize=10)
    below.grid(visible=False, axis="y")
    below.set_title("one name, two defaults: torch → Keras")
    plots.caption(
        fig,
        f"Above: gradient held at 1, momentum {steps.momentum.iloc[0]:g}; closed form, no seeds. Below: constructor "
        "defaults, Keras's read from the installed version, torch's from its documentation.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.0-b/constant",
        "At a constant rate torch's momentum and Keras's take the same path.",
        exact(measured="Keras", expected="torch", tolerance=1e-12, table="constant"),
        expected=EXACT,
        ask="torch: v ← μv + g, w ← w − lr·v. Keras: v ← μv − lr·g, w ← w + v. Do they differ?",
        why="Keras's velocity is −lr times torch's as long as lr stays what it was.",
        beware="Nothing shows in a test at a constant rate; the difference comes with the first schedule.",
    ),
    Claim(
        "5.0-b/drop",
        "After a cut of the rate Keras's steps exceed torch's by (lr before − lr after) · μʲ · (1 − μᵗ)/(1 − μ), "
        "j updates after the cut.",
        exact(measured="excess", expected="closed_form", tolerance=1e-12, table="steps"),
        expected=EXACT,
        ask="The rate is cut to a tenth. Which framework's next step is shorter, and for how long?",
        why="Keras's velocity still holds steps made at the old rate, and forgets them by a factor μ an update.",
        beware="With μ = 0.99 the old pace lasts a hundred updates: a warm restart or a 1cycle feels it.",
    ),
    Claim(
        "5.0-b/keras",
        "Keras's own SGD makes the steps that its formula says, over the cut as well.",
        exact(measured="Keras's SGD", expected="Keras", tolerance=2e-6, table="steps"),
        expected=EXACT,
        ask="Is v ← μv − lr·g what Keras runs, or only what its documentation says?",
        why="The optimizer is run for every update of the figure, and each step is compared.",
        beware="Equal to seven digits, since Keras computes in float32.",
    ),
    Claim(
        "5.0-b/defaults",
        "Keras's defaults are the ones noted here, so that a recipe that relies on torch's has to spell them out.",
        exact(measured="keras", expected="noted", tolerance=1e-12, table="numbers"),
        expected=EXACT,
        ask="A recipe says LeakyReLU() and BatchNorm1d(). Which numbers does it mean?",
        why="torch and Keras chose their defaults apart, and even the meaning differs: batch norm's momentum is the "
        "weight of the new batch in torch and that of the old average in Keras.",
        beware="torch's weight_decay in SGD is an L2 penalty in the gradient, Keras's is taken from the weights apart.",
    ),
)
