"""5.5 The loss of a guess (정상 여부 점검)

Before anything is learnt a network guesses, and what a guess loses is known: ln C for the cross-entropy of C classes,
C − 1 for the support vector machine of Weston and Watkins. The text expects these of any random initialisation. Random
is not enough: the scores must be small, so weights must be small or inputs scaled. And C − 1 belongs to the form that
sums over the wrong classes; others of the same name start at 1, or at 1 − 1/C.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, FAILS, HOLDS, VIOLATED, Claim, Run, estimate, exact, share
from textbook.seeding import stream

ENTRIES = ("5.5-a", "5.5-b")
DATA = "digits"
SPREADS = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
HE = "He"


def measure(run: Run, *, hidden: int = 64, near: float = 0.1) -> dict[str, pd.DataFrame]:
    """First losses of a network of one hidden layer, over sizes of its weights and kinds of inputs.

    Weights are drawn from N(0, σ²), or as the book's network draws them (He, and Glorot for the outputs); biases are 0.

    Args:
        hidden: units.
        near: nats within which a loss counts as that of a guess.
    """
    splits = {name: run.splits(name) for name in ("digits", "wine", "breast_cancer")}
    found, hinges = [], []
    for seed in run.seeds:
        for name, splitter in splits.items():
            train = splitter(seed).train
            x, classes = train.x.reshape(len(train.y), -1).astype(float), int(train.y.max()) + 1
            inputs = {"scaled": x} | ({"0 to 16": 16 * x} if name == "digits" else {})
            for (kind, samples), spread in ((i, s) for i in inputs.items() for s in (*SPREADS, HE)):
                scores = _scores(samples, classes, hidden, spread, stream(seed, f"weights {name}"))
                loss = _cross_entropy(scores, train.y)
                found.append((name, classes, kind, str(spread), spread if spread != HE else np.nan, seed, loss))
                if name == "digits" and kind == "scaled" and spread != HE:
                    losses = _hinges(scores, train.y)
                    hinges += [(form, spread, seed, value) for form, value in losses.items()]
    columns = ["data", "classes", "inputs", "weights", "spread", "seed", "loss"]
    losses = pd.DataFrame(found, columns=columns).assign(guess=lambda t: np.log(t.classes))
    losses["near_guess"] = (losses.loss - losses.guess).abs() < near
    losses["excess_loss"] = losses.loss - losses.guess
    return {
        "losses": losses,
        "small": losses[losses.spread <= 1e-2],
        "hinges": pd.DataFrame(hinges, columns=["form", "spread", "seed", "loss"]),
        "zero": _at_zero_scores(),
    }


def _scores(x, classes: int, hidden: int, spread, random) -> np.ndarray:
    """Outputs of x → ReLU layer → scores; (rows, classes)."""
    features = x.shape[1]
    first, last = random.standard_normal((features, hidden)), random.standard_normal((hidden, classes))
    # of Glorot's uniform draw only the variance matters here
    sizes = (np.sqrt(2 / features), np.sqrt(2 / (hidden + classes))) if spread == HE else (spread, spread)
    return np.maximum(x @ (sizes[0] * first), 0) @ (sizes[1] * last)


def _cross_entropy(scores, y) -> float:
    top = scores.max(axis=1, keepdims=True)
    logs = np.log(np.exp(scores - top).sum(axis=1)) + top[:, 0]
    return float(np.mean(logs - scores[np.arange(len(y)), y]))


def _hinges(scores, y) -> dict[str, float]:
    """Four losses that are called hinge, of the same scores."""
    rows, classes = np.arange(len(y)), scores.shape[1]
    short = np.maximum(scores - scores[rows, y][:, None] + 1, 0)
    short[rows, y] = 0
    signs = np.where(np.arange(classes) == y[:, None], 1.0, -1.0)
    # Keras puts a 0 in the true class's place, which counts as a wrong score
    largest = np.where(signs > 0, 0.0, scores).max(axis=1)
    return {
        "Weston–Watkins: sum": float(short.sum(axis=1).mean()),
        "Keras CategoricalHinge: largest": float(np.maximum(largest - scores[rows, y] + 1, 0).mean()),
        "Keras Hinge: ±1 targets": float(np.maximum(1 - signs * scores, 0).mean()),
        "torch MultiMarginLoss: sum / C": float(short.sum(axis=1).mean() / classes),
    }


def _at_zero_scores() -> pd.DataFrame:
    """Each loss as Keras computes it (torch's as it is documented), at scores of 0, beside its closed form."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.losses import weston_watkins

    rows = []
    for classes in (10, 3, 2):
        y, scores = np.arange(classes), np.zeros((classes, classes), "float32")
        one_hot = np.eye(classes, dtype="float32")
        cases = {
            "cross-entropy": (
                keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, scores),
                np.log(classes),
            ),
            "Weston–Watkins: sum": (weston_watkins()(y, scores), classes - 1),
            "Keras CategoricalHinge: largest": (keras.losses.CategoricalHinge()(one_hot, scores), 1),
            "Keras Hinge: ±1 targets": (keras.losses.Hinge()(2 * one_hot - 1, scores), 1),
            "torch MultiMarginLoss: sum / C": (
                _hinges(np.zeros((classes, classes)), y)["torch MultiMarginLoss: sum / C"],
                1 - 1 / classes,
            ),
        }
        for form, (value, formula) in cases.items():
            rows.append((form, classes, float(value), float(formula), classes - 1.0, form != "cross-entropy"))
    return pd.DataFrame(rows, columns=["form", "classes", "loss", "formula", "text", "hinge"])


def draw(tables: dict[str, pd.DataFrame]):
    """First losses by the size of the initial weights: left, cross-entropy on two scales of input and on two other data
    sets; right, four losses called hinge.
    """
    losses, hinges = tables["losses"], tables["hinges"]
    digits = losses[losses.data == "digits"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.9))
    names = {"scaled": "digits, inputs 0 to 1", "0 to 16": "digits, inputs 0 to 16"}
    looks = {name: plots.look(number) for number, name in enumerate(names.values())}
    named = digits.assign(condition=digits.inputs.map(names))
    plots.band(left, named[named.weights != HE], x="spread", y="loss", looks=looks, names="none", log=True)
    for name, look in looks.items():
        he = named[(named.condition == name) & (named.weights == HE)].loss.mean()
        left.plot(3, he, color=look["color"], marker=look["marker"], linestyle="", markersize=8)
        left.annotate(f"He {he:.1f}", (3, he), (0, 8), textcoords="offset points", ha="center")
    for number, name in enumerate(("wine", "breast_cancer"), 2):
        rows = losses[(losses.data == name) & (losses.weights != HE)].groupby("spread").loss.mean()
        left.plot(rows.index, rows, **plots.look(number), label=name.replace("_", " "))
    for count in (10, 3, 2):
        left.axhline(np.log(count), color=plots.GREY, linestyle="--", linewidth=1)
        left.annotate(f"ln {count}", (8, np.log(count)), (3, 0), textcoords="offset points", va="center", fontsize=10)
    left.legend(loc="upper left", fontsize=9.5)
    plots.log_axis(left, "x")
    plots.log_axis(left, "y")
    left.set(xlabel="σ of the initial weights", ylabel="first cross-entropy (nats)", xlim=(8e-4, 8), ylim=(0.5, 9e3))
    left.set_title("softmax")
    shown = hinges.assign(condition=hinges.form)
    forms = {form: plots.look(number) for number, form in enumerate(hinges.form.unique())}
    plots.band(right, shown, x="spread", y="loss", looks=forms, names="none", log=True)
    plots.log_axis(right, "x")
    plots.log_axis(right, "y")
    right.set(xlabel="σ of the initial weights", ylabel="first hinge loss", ylim=(0.5, 900))
    right.legend(loc="upper left", fontsize=9)
    right.set_title("four losses called hinge, C = 10")
    plots.caption(
        fig,
        "MLP with one hidden layer, biases 0, nothing trained; wine and breast cancer are standardised. He, at the "
        f"right: weights as the book's network draws them. Bands: 95 %. {plots.seeds_text(losses)}",
    )
    return fig


CLAIMS = (
    Claim(
        "5.5-a/small",
        "With small initial weights the cross-entropy starts at ln C: 2.303 for ten classes, 1.099 for three, 0.693 "
        "for two.",
        exact(measured="loss", expected="guess", tolerance=0.01, table="small"),
        expected=EXACT,
        ask="The digits have ten classes. Which loss should the very first batch show?",
        why="At scores near 0 the softmax gives each class 1/C, and −ln(1/C) = ln C, whatever the label is.",
        beware="It tests the code and not the network: any small initialisation passes, also one too small to learn.",
    ),
    Claim(
        "5.5-a/random",
        "With He's initialisation, on inputs from 0 to 16, the loss starts within 0.1 nats of ln 10.",
        share("near_guess", table="losses", where={"data": "digits", "inputs": "0 to 16", "weights": HE}),
        expected=FAILS,
        ask="The same network, and somebody forgot to divide the pixels by 16. Where does the loss start?",
        why="He's weights keep the size of the inputs, so the scores are as large as the pixels, and a guess at random "
        "becomes a wrong answer given with certainty.",
        beware="This is what the check is for: the large first loss points at the inputs before any training.",
        correction="Random weights are not enough: the scores must be small. ln 10 holds for small initial weights, or "
        "for an output layer that starts small, on scaled inputs.",
        reference="cs231n: Neural Networks Part 3, sanity checks (initialise with small parameters)",
    ),
    Claim(
        "5.5-a/scaled",
        "Also on inputs from 0 to 1, He's initialisation starts above ln 10.",
        estimate("excess_loss", above=0, table="losses", where={"data": "digits", "inputs": "scaled", "weights": HE}),
        expected=HOLDS,
        ask="Pixels divided by 16, He's initialisation: exactly 2.303?",
        why="The scores still differ a little from 0, and the loss is convex: differences of either sign raise its "
        "mean.",
        beware="A tenth or two above ln C is no mistake, and no reason to change the initialisation.",
    ),
    Claim(
        "5.5-b/own-form",
        "At scores of 0, Weston–Watkins gives C − 1, Keras's CategoricalHinge and Hinge 1, torch's MultiMarginLoss "
        "1 − 1/C.",
        exact(measured="loss", expected="formula", tolerance=1e-6, table="zero"),
        expected=EXACT,
        ask="All scores are 0 and the margin is 1. What do a sum over the wrong classes, their largest, and their mean "
        "give?",
        why="Every wrong class is short of its margin by 1: nine of them add up to 9, the largest is 1.",
        beware="A penalty comes on top; look at the data's loss alone.",
    ),
    Claim(
        "5.5-b/nine",
        "A hinge loss of several classes starts at C − 1.",
        exact(measured="loss", expected="text", tolerance=1e-6, table="zero", where={"hinge": True}),
        expected=VIOLATED,
        ask="Your loss is called hinge and starts at 1 instead of 9. Is the initialisation wrong?",
        why="Libraries give the name to different sums of the same margins.",
        beware="With two classes C − 1 is 1, and most of the forms cannot be told apart there.",
        correction="C − 1 holds for the sum over the wrong classes with margin 1, averaged over samples, at scores "
        "near 0 and without a penalty. Keras's CategoricalHinge and Hinge start at 1, torch's MultiMarginLoss at "
        "1 − 1/C.",
        reference="Weston & Watkins (1999), Support vector machines for multi-class pattern recognition; Keras: "
        "CategoricalHinge, Hinge; PyTorch: MultiMarginLoss",
    ),
)
