"""5.4 Hold the masks still, or switch them off (드롭아웃과 시드 고정)

Dropout and augmentation make the loss a random number. If the two evaluations of a difference draw masks of their own,
their difference is that of the masks, divided by a tiny step. So switch them off, or give both evaluations the same
seed. The text offers both as equals. They are not: with dropout off its backward pass is not checked at all, and a mask
that was forgotten there stays unseen. (It also files them under implicit regularisation; they are explicit, and
"implicit" means what the training itself prefers, as SGD does.)
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.checks import relative_error
from textbook.experiment import EXACT, FAILS, HOLDS, Claim, Run, estimate, exact, share
from textbook.seeding import stream, word

ENTRIES = ("5.4-e",)
DATA = "digits"
FRESH, FIXED, OFF = "fresh masks", "same masks", "switched off"
RIGHT, FORGOTTEN = "right gradient", "mask forgotten going back"
HIDDEN, PER_TENSOR = 64, 20


def measure(run: Run, *, dropout: float = 0.5, rows: int = 10, h: float = 1e-5) -> dict[str, pd.DataFrame]:
    """Check a network with dropout in three ways, with the right gradient and with a wrong one.

    Args:
        dropout: rate, after the hidden layer.
        rows: of the training part.
        h: step of the centred differences.
    """
    if not 0 < dropout < 1:
        raise ValueError(f"expected a rate of dropout between 0 and 1, got {dropout!r}")
    splits, found = run.splits(), []
    for seed in run.seeds:
        train = splits(seed).train
        network = _Network(train.x[:rows].reshape(rows, -1), train.y[:rows], int(train.y.max()) + 1)
        w = network.drawn(stream(seed, "weights"))
        chosen = network.coordinates(stream(seed, "coordinates"))
        masks = stream(seed, "masks")
        for way in (FRESH, FIXED, OFF):
            first, second = (network.mask(masks, dropout) for _ in range(2))
            if way == FIXED:
                second = first
            if way == OFF:
                first = second = np.ones_like(first)
            numeric = network.differences(w, chosen, h, first, second)
            for gradient, going_back in ((RIGHT, first), (FORGOTTEN, np.ones_like(first))):
                analytic = network.gradient(w, first, going_back)[chosen]
                found.append((way, gradient, seed, _worst_median(network.tensor_of(chosen), analytic, numeric)))
    errors = pd.DataFrame(found, columns=["condition", "gradient", "seed", "median_error"])
    errors = errors.assign(dropout=dropout, found=errors.median_error > 1e-2)
    return {"errors": errors, "keras": _by_keras(run, splits, dropout, rows)}


def _worst_median(tensors, analytic, numeric) -> float:
    """The largest of the four tensors' median errors, as a check gives a verdict for each tensor.

    Weights of dropped units and of pixels that are 0 in all rows have no gradient and do not count.
    """
    errors = pd.Series(relative_error(analytic, numeric))
    some = np.maximum(np.abs(analytic), np.abs(numeric)) > 1e-9
    # at least rounding's size, for its logarithm
    return max(float(errors[some].groupby(tensors[some]).median().max()), 1e-16)


def _by_keras(run: Run, splits, dropout: float, rows: int) -> pd.DataFrame:
    """`gradient_check` of the same network in Keras, whose layers draw the same masks in all evaluations."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.checks import gradient_check
    from textbook.models import mlp

    found = []
    for seed in run.seeds[:2]:  # that the library's check holds the masks still needs no more
        train = splits(seed).train
        keras.utils.set_random_seed(word(seed, "weights"))
        model = mlp(train.x.shape[1:], int(train.y.max()) + 1, dropout=dropout)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        check = gradient_check(model, train.x[:rows], train.y[:rows], training=True, seed=seed)
        found.append((seed, check.passed, float(check.tensors["median"].max())))
    return pd.DataFrame(found, columns=["seed", "passed", "median_error"])


class _Network:
    """x → W₁, b₁ → ReLU → mask → W₂, b₂ → cross-entropy, weights in one float64 vector."""

    def __init__(self, x, y, classes: int):
        self.x, self.y = x.astype(float), y
        self.shapes = ((x.shape[1], HIDDEN), (HIDDEN,), (HIDDEN, classes), (classes,))
        self.ends = np.cumsum([np.prod(shape) for shape in self.shapes])

    def drawn(self, random):
        """He's initialisation; biases a little off 0, so that no unit starts on its kink."""
        parts = [random.standard_normal(shape) * np.sqrt(2 / shape[0]) for shape in self.shapes]
        parts[1], parts[3] = 0.1 * random.standard_normal(HIDDEN), 0.1 * random.standard_normal(self.shapes[3])
        return np.concatenate([part.ravel() for part in parts])

    def coordinates(self, random):
        """Some of every tensor."""
        starts = [0, *self.ends[:-1]]
        sizes = [min(PER_TENSOR, end - start) for start, end in zip(starts, self.ends, strict=True)]
        drawn = [random.choice(e - s, n, replace=False) + s for s, e, n in zip(starts, self.ends, sizes, strict=True)]
        return np.concatenate(drawn)

    def tensor_of(self, chosen):
        """The number of the tensor that each weight belongs to."""
        return np.searchsorted(self.ends, chosen, side="right")

    def mask(self, random, rate: float):
        """Kept units × 1/(1 − rate), for each row."""
        return (random.random((len(self.x), HIDDEN)) >= rate) / (1 - rate)

    def _forward(self, w, mask):
        parts = np.split(w, self.ends[:-1])
        first, bias, last, out = (part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True))
        active = self.x @ first + bias
        hidden = np.maximum(active, 0) * mask
        scores = hidden @ last + out
        scores = scores - scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return active, hidden, logs, last

    def loss(self, w, mask) -> float:
        return float(-self._forward(w, mask)[2][np.arange(len(self.y)), self.y].mean())

    def gradient(self, w, mask, going_back):
        """The gradient of all weights; `going_back` is the mask that the backward pass uses."""
        active, hidden, logs, last = self._forward(w, mask)
        of_scores = np.exp(logs)
        of_scores[np.arange(len(self.y)), self.y] -= 1
        of_scores /= len(self.y)
        of_active = of_scores @ last.T * going_back * (active > 0)
        parts = (self.x.T @ of_active, of_active.sum(axis=0), hidden.T @ of_scores, of_scores.sum(axis=0))
        return np.concatenate([part.ravel() for part in parts])

    def differences(self, w, chosen, h: float, first, second):
        """(L(w + h; first mask) − L(w − h; second mask)) / 2h of the chosen weights."""
        slopes = []
        for place in chosen:
            above, below = w.copy(), w.copy()
            above[place] += h
            below[place] -= h
            slopes.append((self.loss(above, first) - self.loss(below, second)) / (2 * h))
        return np.array(slopes)


def draw(tables: dict[str, pd.DataFrame]):
    """Relative error of a right gradient and of one that forgets the mask, with fresh masks, with the same masks and
    with dropout switched off; a dot for each seed.
    """
    errors = tables["errors"]
    fig, axes = plots.figure(1, 2, sharex=True, sharey=True, size=(7.4, 4.2))
    for ax, (gradient, rows) in zip(axes, errors.groupby("gradient", sort=False), strict=True):
        # places on the axis are powers of ten
        plots.dots(ax, rows.assign(power=np.log10(rows.median_error)), value="power")
        ax.axvspan(-2, 7, color=plots.GREY, alpha=0.15, linewidth=0)
        ax.set_title(gradient)
        ax.set_xticks(range(-10, 1, 2), [f"$10^{{{power}}}$" for power in range(-10, 1, 2)])
        ax.set(xlim=(-11, 1), xlabel="relative error of the gradient")
    axes[1].annotate("fails", (-1.9, 2.42), fontsize=10, color="#444444")
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10 with dropout {errors.dropout.iloc[0]:g}, float64, 20 weights of each tensor, "
        f"the worst tensor's median; bars: mean and 95 %. {plots.seeds_text(errors)}",
    )
    return fig


def _error(condition: str, **bound) -> estimate:
    where = {"condition": condition, "gradient": RIGHT}
    return estimate("median_error", scale="log", table="errors", where=where, **bound)


def _found(condition: str) -> share:
    return share("found", table="errors", where={"condition": condition, "gradient": FORGOTTEN})


CLAIMS = (
    Claim(
        "5.4-e/fresh",
        "With a fresh dropout mask for each evaluation the right gradient fails the check.",
        _error(FRESH, above=1e-2),
        expected=HOLDS,
        ask="The gradient is right, and dropout draws a new mask for L(w + h) and for L(w − h). What comes out?",
        why="The two losses differ by their masks, by a tenth of a nat or so, and that is divided by 2h = 0.00002.",
        beware="Averaging many masks does not help: the noise is some 100,000 times as large as the slope.",
    ),
    Claim(
        "5.4-e/same",
        "With the same masks in all evaluations it passes.",
        _error(FIXED, below=1e-6),
        expected=HOLDS,
        ask="And if both evaluations get the same seed?",
        why="With its mask held, the network is a function like any other.",
        beware="The gradient has to be taken with that mask too.",
    ),
    Claim(
        "5.4-e/off",
        "With dropout switched off it passes.",
        _error(OFF, below=1e-6),
        expected=HOLDS,
        ask="And without dropout?",
        why="There is nothing random left.",
        beware="The same holds for augmentation: augment first, then check on the rows that came out.",
    ),
    Claim(
        "5.4-e/price",
        "Switching dropout off loses nothing: a wrong backward pass of dropout is still found.",
        _found(OFF),
        expected=FAILS,
        ask="Going back, the code forgets the mask. Which of the two ways sees it?",
        why="Without dropout the mask is 1 everywhere, and forgetting it makes no difference.",
        beware="A check that passes speaks only of the code that ran.",
        correction="Fixing the seed is the better of the two ways, because switching dropout or augmentation off "
        "leaves their backward pass unchecked. And they are explicit, stochastic regularisers; implicit regularisation "
        "is the preference of the training algorithm itself.",
        reference="cs231n: Neural Networks Part 3, gradient checks; Neyshabur, Tomioka & Srebro (2014), In search of "
        "the real inductive bias, arXiv:1412.6614",
    ),
    Claim(
        "5.4-e/seen",
        "With the same masks, the forgotten mask is found.",
        _found(FIXED),
        expected=HOLDS,
        ask="How large is the relative error of a gradient that ignores which units were dropped?",
        why="It pushes on units that had no part in the loss, and half as hard as it should on those that had.",
        beware="Weights above the dropout layer are right all the same: check every tensor.",
    ),
    Claim(
        "5.4-e/keras",
        "`gradient_check(…, training=True)` passes a network with dropout in Keras.",
        exact(measured="passed", expected=True, table="keras"),
        expected=EXACT,
        ask="Keras's dropout draws a new mask at every call. Can it be checked in training mode?",
        why="Its seed is a variable of the model; put back before each evaluation, it draws the same mask again.",
        beware="A random layer of your own needs a keras.random.SeedGenerator for that, not NumPy's generator.",
    ),
)
