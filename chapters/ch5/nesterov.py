"""5.7 Nesterov momentum (네스테로프 모멘텀)

Heavy ball takes the gradient where it stands and then moves by its velocity. Nesterov moves by the velocity first and
takes the gradient there: v ← μv − lr·g(x + μv), x ← x + v. The text sees a problem of causality in this and rewrites
the rule for a gradient at the present point. There is none: x + μv is known before the update, and one gradient is all
it takes. The rewriting only changes what is stored, the point looked ahead to instead of x, under the old name: the two
codes walk the same steps and report different weights. Keras has the rewritten form. What looking ahead brings is
damping: along a curvature λ the swing shrinks by √(μ(1 − lr·λ)) an update, where heavy ball's shrinks by √μ.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.surfaces import Quadratic, trajectory
from textbook.update_rules import HeavyBall, Nesterov, NesterovLookAhead

ENTRIES = ("5.7-f",)
DATA = "none"
AHEAD, REWRITTEN, BALL = "look-ahead", "rewritten", "heavy ball"


class _Counted:
    """A surface that counts the gradients taken from it."""

    def __init__(self, surface):
        self.surface, self.gradients = surface, 0

    def gradient(self, w):
        self.gradients += 1
        return self.surface.gradient(w)


def measure(
    run: Run,
    *,
    ratio: float = 10.0,
    rate: float = 0.05,
    momentum: float = 0.9,
    updates: int = 20,
    momenta: tuple[float, ...] = (0.9, 0.99, 0.999),
) -> dict[str, pd.DataFrame]:
    """Walk the forms over a bowl with curvatures 1 and `ratio` from (1, 1), and watch the steep weight swing.

    Args:
        ratio: of the two curvatures.
        rate, momentum, updates: of the comparison of the forms.
        momenta: for the swings, at the same rate.
    """
    bowl, start = Quadratic((1.0, ratio)), (1.0, 1.0)
    rules = {
        AHEAD: NesterovLookAhead(rate, momentum=momentum),
        REWRITTEN: Nesterov(rate, momentum=momentum),
        BALL: HeavyBall(rate, momentum=momentum),
    }
    counted = {name: _Counted(bowl) for name in rules}
    walks = {name: trajectory(counted[name], rule, start=start, steps=updates) for name, rule in rules.items()}
    return {
        "paths": pd.concat(
            pd.DataFrame({"form": name, "update": np.arange(updates + 1), "shallow": walk[:, 0], "steep": walk[:, 1]})
            for name, walk in walks.items()
        ),
        "forms": _forms(bowl, walks, rate, momentum),
        "calls": pd.DataFrame(
            {"form": list(counted), "gradients": [c.gradients for c in counted.values()], "updates": updates}
        ),
        "swings": pd.concat(_swing(bowl, name, rate, mu) for mu in momenta for name in (BALL, AHEAD)),
        "settings": pd.DataFrame([{"ratio": ratio, "rate": rate, "momentum": momentum, "updates": updates}]),
    }


def _forms(bowl, walks: dict, rate: float, momentum: float) -> pd.DataFrame:
    """Weight by weight: x and x + μv of the look-ahead form, beside what the rewritten form and Keras call x."""
    behind, rewritten = walks[AHEAD], walks[REWRITTEN]
    velocity = np.vstack([np.zeros((1, 2)), np.diff(behind, axis=0)])  # at rest in the beginning
    update, weight = np.indices(behind.shape)
    return pd.DataFrame(
        {
            "update": update.ravel(),
            "weight": np.take(["shallow", "steep"], weight.ravel()),
            "behind": behind.ravel(),
            "ahead": (behind + momentum * velocity).ravel(),
            "rewritten": rewritten.ravel(),
            "keras": _by_keras(bowl, rate, momentum, len(behind) - 1).ravel(),
        }
    )


def _by_keras(bowl, rate: float, momentum: float, updates: int):
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    w, path = keras.Variable(np.ones(2), dtype="float64"), [np.ones(2)]
    optimizer = keras.optimizers.SGD(rate, momentum=momentum, nesterov=momentum > 0)
    for _ in range(updates):
        optimizer.apply([keras.ops.convert_to_tensor(bowl.gradient(path[-1]), "float64")], [w])
        path.append(np.copy(keras.ops.convert_to_numpy(w)))
    return np.array(path)


def _swing(bowl, name: str, rate: float, momentum: float, updates: int = 120) -> pd.DataFrame:
    """The steep weight by update, and the factor by which its swing shrinks in one.

    The weight obeys wₖ₊₁ = a·wₖ − b·wₖ₋₁, whose swing shrinks by √b wherever it swings; and b is the factor by which
    wₖ₊₁wₖ₋₁ − wₖ² changes from one k to the next, whatever a is.
    """
    rule = (HeavyBall if name == BALL else NesterovLookAhead)(rate, momentum=momentum)
    w = trajectory(bowl, rule, start=(1.0, 1.0), steps=updates)[:, 1]
    casorati = w[2:] * w[:-2] - w[1:-1] ** 2
    shrinks = 1.0 if name == BALL else 1 - rate * bowl.curvatures[1]
    return pd.DataFrame(
        {
            "form": name,
            "momentum": momentum,
            "update": np.arange(updates + 1),
            "steep": w,
            "factor": np.sqrt(np.abs(casorati[6] / casorati[5])),
            "closed_form": np.sqrt(momentum * np.abs(shrinks)),
        }
    )


def draw(tables: dict[str, pd.DataFrame]):
    """One update of each rule as arrows, from one place and velocity; the steep weight's swings for two momenta."""
    settings = tables["settings"].iloc[0]
    swings = tables["swings"]
    momenta = swings.momentum.unique()[:2]
    fig, axes = plots.figure(2, 2, size=(7.2, 6.6), height_ratios=[1.15, 1], sharey="row")
    with plots.style():
        _step(axes[0, 0], tables, settings, ahead=False)
        _step(axes[0, 1], tables, settings, ahead=True)
        axes[0, 1].set_ylabel("")
        for ax, momentum in zip(axes[1], momenta, strict=False):
            for number, name in enumerate((BALL, AHEAD)):
                rows = swings[(swings.momentum == momentum) & (swings.form == name)]
                label = f"{'heavy ball' if name == BALL else 'Nesterov'} (× {rows.factor.iloc[0]:.2f} an update)"
                ax.plot(rows["update"], rows.steep, **{**plots.look(number), "marker": ""}, label=label)
            ax.set(xlabel="update", title=f"swings at μ = {momentum:g}", ylim=(-1.1, 1.9))
            ax.legend(loc="upper right", fontsize=9)
        axes[1, 0].set_ylabel("steep weight")
    plots.caption(
        fig,
        f"Exact, no seeds: ½(w₁² + {settings.ratio:g} w₂²) from (1, 1), rate {settings.rate:g}. Above: the fourth "
        f"update of Nesterov at μ = {settings.momentum:g}, and heavy ball's from the same place (○) and velocity.",
    )
    return fig


def _step(ax, tables, settings, *, ahead: bool) -> None:
    """The velocity's part, the gradient's part, and their sum, where the look-ahead path is after three updates."""
    bowl = Quadratic((1.0, settings.ratio))
    path = tables["paths"]
    x = path[path.form == AHEAD][["shallow", "steep"]].to_numpy()
    at, velocity = x[3], settings.momentum * (x[3] - x[2])
    gradient = bowl.gradient(at + velocity if ahead else at)
    total = velocity - settings.rate * gradient
    corners = np.array([at, at + velocity, at + total, at + velocity - settings.rate * bowl.gradient(at)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    # one unit as long on both axes, so that the gradient's part is at right angles to the level line at the diamond
    half, middle = 0.95 * np.max(high - low) + 1e-6, (low + high) / 2
    window = {
        "x": (middle[0] - 1.2 * half, middle[0] + 1.2 * half),
        "y": (middle[1] - 0.85 * half, middle[1] + 1.15 * half),
    }
    plots.contour(ax, lambda a, b: bowl.value(np.stack([a, b], -1)), **window)
    for start, step, name, number in (
        (at, velocity, "velocity's part, μv", 0),
        (at + velocity, -settings.rate * gradient, "gradient's part", 1),
        (at, total, "the step, their sum", 2),
    ):
        look = {**plots.look(number), "marker": "", "linestyle": "-"}
        arrow = {"arrowstyle": "-|>", "color": look["color"], "linewidth": 2.4, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", start + step, start, arrowprops=arrow, zorder=5)
        ax.plot([], [], **look, linewidth=2.4, label=name)
    if not ahead:
        ax.legend(loc="upper left", fontsize=9.5, handlelength=1.4)
    ax.plot(*at, marker="o", mfc="white", mec="#222222", mew=1.6, markersize=12, zorder=7)
    where = at + velocity if ahead else at
    ax.plot(*where, marker="D", color="#222222", markersize=6, linestyle="", zorder=8)
    ax.set_aspect("equal")
    ax.set(xlabel="shallow weight", ylabel="steep weight", title="Nesterov" if ahead else "heavy ball")
    plots.note(ax, "◆ where the gradient is taken", at="lower right")


_SUTSKEVER = "Sutskever, Martens, Dahl and Hinton (2013), On the importance of initialization and momentum"

CLAIMS = (
    Claim(
        "5.7-f/same",
        "What the rewritten form calls x is, at every update, the look-ahead form's x + μv.",
        exact(measured="rewritten", expected="ahead", tolerance=1e-12, table="forms"),
        expected=EXACT,
        ask="Two codes, one takes its gradient ahead and one where it stands. Do they take the same steps?",
        why="Put y for x + μv: the look-ahead rule, written for y, is the rewritten one.",
        beware="The identity needs the rate and the momentum to stay; where they change, the two differ a little.",
    ),
    Claim(
        "5.7-f/reported",
        "After each update the rewritten form has the weights that the look-ahead form has.",
        exact(measured="rewritten", expected="behind", tolerance=1e-6, table="forms"),
        expected=VIOLATED,
        ask="Stop both codes after twenty updates and save the weights. The same network?",
        why="One stores x, the other x + μv, a velocity further on.",
        beware="At the end of a training with a decayed rate the velocity is small, and with it the difference.",
        correction="The rewriting stores the point looked ahead to and renames it x. The steps are the same ones; the "
        "weights reported are not, until the velocity has died down.",
        reference="Bengio, Boulanger-Lewandowski and Pascanu (2013), Advances in optimizing recurrent networks, "
        "section 3.5",
    ),
    Claim(
        "5.7-f/causal",
        "Looking ahead takes one gradient an update, at a point that is known before it, as heavy ball does.",
        exact(measured="gradients", expected="updates", table="calls"),
        expected=EXACT,
        ask="Looking ahead before every step: how many gradients does that cost?",
        why="x + μv is made of the position and the velocity that the last update left.",
        beware="A framework that computes gradients at the stored weights has to move them first; that, not causality, "
        "is what the rewriting avoids.",
        correction="There is no problem of causality: x + μv can be computed before the gradient is. Rewriting is for "
        "the convenience of code that takes its gradient at the stored weights.",
        reference=_SUTSKEVER,
    ),
    Claim(
        "5.7-f/keras",
        "Keras's SGD(nesterov=True) is the rewritten form.",
        exact(measured="keras", expected="rewritten", tolerance=1e-6, table="forms"),
        expected=EXACT,
        ask="Which of the two forms does Keras have?",
        why="Keras computes gradients at its variables, so the variables have to be the points looked ahead to.",
        beware="Keras's weights are therefore the ones ahead: comparing with a paper's x, subtract μv.",
    ),
    Claim(
        "5.7-f/damping",
        "Where the weight swings, an update shrinks heavy ball's swing by √μ and Nesterov's by √(μ(1 − lr·λ)).",
        exact(measured="factor", expected="closed_form", tolerance=1e-9, table="swings"),
        expected=EXACT,
        ask="With μ = 0.999 heavy ball swings for thousands of updates. What does the look ahead change?",
        why="The gradient ahead already sees the overshoot that the velocity will make, and pulls back by lr·λ of it.",
        beware="Along shallow directions lr·λ is small and both are alike; the gain lies in the steep ones.",
    ),
)
