"""6.1 Robust models, bias and variance (강건한 모델, 편향과 분산)

The text calls a model robust that was trained on a sample and predicts new data well, and sums it up as low variance.
Two things go together there that are better kept apart. Predicting new data of the same kind is generalisation, and its
error has two parts: variance, which each training set adds, and bias, which all share. Neither alone will do: a
constant has next to no variance and predicts nothing. Robustness in the usual sense is about data of another kind,
shifted or noisy; a network can be as good as any on new clean images and fail there.
"""

import numpy as np
import pandas as pd

from chapters.shared.members import outputs, stacked
from chapters.shared.polynomials import polynomial_errors
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, contrast, estimate, paired, trend
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import stream
from textbook.splits import Split

ENTRIES = ("6.1-a",)
DATA = "digits"

PLAIN, SHIFTED, NOISY = "plain", "shifted copies", "noisy copies"
_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_NOISES = (0.0, 0.1, 0.2, 0.3, 0.4)
_SHIFTS = (0, 1, 2)
# the corruptions that the verdicts rest on
_JUDGED = {"shift": 1.0, "noise": 0.3}
_SIDE = 8


def measure(
    run: Run, *, points: int = 30, noise: float = 0.1, copy_noise: float = 0.2, epochs: int = 4
) -> dict[str, pd.DataFrame]:
    """Take the error of polynomials apart by degree, and train networks on copies of images to be tested on others.

    Every network sees five copies of each of its images in an epoch: the image itself five times; or the image and its
    four shifts by one pixel; or the image and four copies with noise.

    Args:
        points, noise: of the training sets of the polynomials, noise as a standard deviation.
        copy_noise: standard deviation of the noise in copies; pixels run from 0 to 1.
        epochs: over the copies.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    data, draw_split = run.data("digits"), run.splits("digits")
    copies = _copies(data.x, copy_noise)

    def splits_of(arm):
        stacked, labels = np.concatenate(copies[arm]), np.tile(data.y, len(copies[arm]))

        def splits(seed):
            part = draw_split(seed)
            train, validation, test = part.rows
            rows = np.concatenate([train + number * len(data.x) for number in range(len(copies[arm]))])
            return Split(stacked, labels, (rows, validation, test), classes=part.classes, seed=seed)

        return splits

    result = ReplicaTrainer(
        mlp,
        draw_split,
        conditions={arm: Condition(learning_rate=0.1, momentum=0.9, splits=splits_of(arm)) for arm in copies},
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        keep_state=True,
    ).run()
    last = result.table[result.table.epoch == result.table.epoch.max()].set_index(["condition", "seed"])
    rows = []
    for (arm, seed), row in last.iterrows():
        part = draw_split(seed).test
        scores = _scores(stacked(result, arm, [seed]), part.x, part.y, seed) if not row.diverged else {}
        for kind, levels in (("shift", _SHIFTS), ("noise", _NOISES)):
            rows += [
                (arm, seed, kind, float(level), scores.get((kind, level), row.chance_accuracy)) for level in levels
            ]
    networks = pd.DataFrame(rows, columns=["training", "seed", "kind", "level", "accuracy"])
    return {
        "polynomials": run.shared(polynomial_errors, points=points, noise=noise)["errors"],
        "networks": networks.assign(epochs=run.epochs(epochs), copy_noise=copy_noise),
        **_judged(networks),
    }


def _copies(x: np.ndarray, noise: float) -> dict[str, list[np.ndarray]]:
    """Five copies of all images for each way of training; (rows, 64) each."""
    rng = stream(0, "noisy copies")
    noisy = [(x + noise * rng.normal(size=x.shape)).astype(x.dtype) for _ in _STEPS]
    return {PLAIN: [x] * 5, SHIFTED: [x, *(shifted(x, *step) for step in _STEPS)], NOISY: [x, *noisy]}


def shifted(x: np.ndarray, down: int, right: int) -> np.ndarray:
    """Square images (rows, pixels) moved by whole pixels; what comes in at an edge is 0, what goes out is lost."""
    images = x.reshape(-1, _SIDE, _SIDE)
    moved = np.zeros_like(images)
    into, out = ([slice(max(0, s * d), _SIDE + min(0, s * d)) for d in (down, right)] for s in (1, -1))
    moved[:, into[0], into[1]] = images[:, out[0], out[1]]
    return moved.reshape(x.shape)


def _scores(network, x, y, seed: int) -> dict:
    """Accuracy of a network, as `stacked` gives it, by kind and level of corruption; shifts in all four directions."""

    def accuracy(inputs):
        return float((outputs(network, inputs)[0].argmax(axis=1) == y).mean())

    # the same noise at every level and for every network
    noise = stream(seed, "noise on test images").normal(size=x.shape)
    scores = {("noise", level): accuracy(x + level * noise) for level in _NOISES}
    for level in _SHIFTS:
        moves = [(level * down, level * right) for down, right in _STEPS]
        scores["shift", level] = float(np.mean([accuracy(shifted(x, *move)) for move in moves]))
    return scores


def _judged(networks: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Accuracies on clean images and at the corruptions of the verdicts, and what the corruptions cost."""
    key = ["training", "seed"]
    clean = networks[(networks.level == 0) & (networks.kind == "shift")].assign(kind="clean")
    corrupted = networks[networks.level == networks.kind.map(_JUDGED)]
    judged = pd.concat([clean, corrupted], ignore_index=True)[[*key, "kind", "accuracy"]]
    lost = corrupted.set_index([*key, "kind"]).accuracy.rsub(clean.set_index(key).accuracy)
    return {"judged": judged, "drops": lost.rename("lost_accuracy").reset_index()}


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the error on new data with its bias² and its variance by the polynomial's degree; below, test accuracy by
    shift and by noise for networks trained on plain images, on shifted and on noisy copies.
    """
    polynomials, networks = tables["polynomials"], tables["networks"]
    fig, axes = plots.figure(2, 2, size=(7, 7.2), height_ratios=[1.15, 1], sharey="row")
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    above = fig.add_subplot(grid[0, :])
    floor = 1e-2
    words = {"error": "bias² + variance + noise", "variance": "variance", "bias": "bias²"}
    places = {"error": (1, "left", (8, 4)), "variance": (12, "left", (6, -12)), "bias": (3, "right", (-6, -12))}
    for number, (column, word) in enumerate(words.items()):
        look, (degree, side, offset) = plots.look(number), places[column]
        shown = polynomials[["seed", "degree"]].assign(value=polynomials[column].clip(lower=floor / 10), word=word)
        # estimates of a bias of 0 scatter around it, far below the axis: the line leaves it once
        below = polynomials.groupby("degree")[column].mean() < floor
        shown = shown[shown.degree <= (below.idxmax() if below.any() else shown.degree.max())]
        plots.band(above, shown, x="degree", y="value", hue="word", looks={word: look}, log=True, names="none")
        mean = np.exp(np.log(shown[shown.degree == degree].value).mean())
        above.annotate(
            word,
            (degree, mean),
            offset,
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=11,
            color=look["color"],
        )
    above.set(
        xlabel="degree of the polynomial", ylabel="mean squared error\n(in variances of the noise)", ylim=(floor, None)
    )
    plots.log_axis(above, "y")
    above.set_title("error on new data of the same kind")
    looks = plots.looks([PLAIN, SHIFTED, NOISY])
    for ax, kind, label in (
        (axes[1, 0], "shift", "shift (pixels)"),
        (axes[1, 1], "noise", "noise (standard deviation)"),
    ):
        mine = networks[networks.kind == kind].assign(percent=100 * networks.accuracy)
        plots.band(ax, mine, x="level", y="percent", hue="training", looks=looks, names="none")
        ax.set(xlabel=label, title=f"{kind} on test images")
    axes[1, 0].set_ylabel("accuracy (%)")
    axes[1, 0].set_xticks(_SHIFTS)
    axes[1, 1].legend(title="trained on", loc="lower left", fontsize=10)
    first, network = polynomials.iloc[0], networks.iloc[0]
    plots.caption(
        fig,
        f"Above: {first.training_sets:.0f} training sets of {first.points:.0f} noisy values of a cosine for each seed, "
        f"noise {first.noise:g}. Below: digits, MLP 64-64-10, {network.epochs} epochs over five copies of each image; "
        f"noisy copies with {network.copy_noise:g}. Means, 95 % bands, {plots.seeds_text(networks)}.",
    )
    return fig


_TWO = "Geman, Bienenstock and Doursat (1992), Neural Computation 4, 1–58"
_OTHER = "Hendrycks and Dietterich (2019), arXiv:1903.12261"
_BY = ("training", "kind")

CLAIMS = (
    Claim(
        "6.1-a/variance",
        "The variance of a polynomial's predictions rises with its degree.",
        trend("variance", over="degree", direction="rises", log=False, scale="log", table="polynomials"),
        expected=HOLDS,
        ask="Two hundred training sets, a curve through each. At which degree do the curves differ most?",
        why="Each further coefficient is one more number that has to be estimated from the same noisy values.",
        beware="Variance here is over training sets. One training set cannot show it, but folds or seeds can.",
    ),
    Claim(
        "6.1-a/bias",
        "Its squared bias falls with the degree.",
        trend(
            "bias", over="degree", direction="falls", log=False, unit="noise variances", delta=0.1, table="polynomials"
        ),
        expected=HOLDS,
        ask="What does the mean of two hundred straight lines through bent data look like?",
        why="What a low degree cannot follow, it misses with every training set, and no averaging mends it.",
        beware="More data lower the variance and not the bias.",
    ),
    Claim(
        "6.1-a/low-variance",
        "The model with the lower variance predicts new data better: a constant errs less than degree 4.",
        paired("error", lower=0, than=4, by="degree", scale="log", table="polynomials"),
        expected=REVERSED,
        ask="A model that answers the mean whatever it is asked has nearly no variance. Is it robust?",
        why="The error is bias² + variance + noise. The constant saves a little variance and pays with bias.",
        beware="A gap between training and validation score speaks of variance only if both come from the same kind of "
        "data.",
        correction="Predicting new data well is generalisation, and low variance is half of it: the error is bias² + "
        "variance + noise. A constant has the lowest variance of all and is of no use.",
        reference=_TWO,
    ),
    Claim(
        "6.1-a/robust",
        "A network that predicts new images well is robust: a shift by one pixel costs it less than five points.",
        estimate("lost_accuracy", below=0.05, table="drops", where={"training": PLAIN, "kind": "shift"}),
        expected=REVERSED,
        ask="Nineteen in twenty new digits are read correctly. All of them move by one pixel: what is left?",
        why="A fully connected network has a weight for each pixel and no idea that pixels have neighbours. Its "
        "training images were centred, and so were the test images.",
        beware="A pixel of 8 × 8 is an eighth of the image; a shift by one pixel of 28 × 28 is less.",
        correction="Robust usually means: still good when the data are of another kind, shifted, noisy or attacked. A "
        "score on new data of the same kind does not measure that.",
        reference=_OTHER,
    ),
    Claim(
        "6.1-a/clean-accuracy",
        "What the shift costs depends on the training and not on clean accuracy alone: it costs the network trained on "
        "plain images more than the one trained on shifted copies.",
        contrast(
            "accuracy",
            first=((PLAIN, "clean"), (PLAIN, "shift")),
            second=((SHIFTED, "clean"), (SHIFTED, "shift")),
            by=_BY,
            table="judged",
        ),
        expected=HOLDS,
        ask="Two networks differ by a few points on clean images. Can a shift drive them far apart?",
        why="Nothing in clean images tells the first network what a shift looks like; the copies tell the second.",
        beware="Copies help against what they show. Against another change they need not, and may cost something.",
    ),
    Claim(
        "6.1-a/which",
        "Which network is the more robust one depends on the corruption: shifted copies are ahead of noisy copies by "
        "more under shifts than under noise.",
        contrast(
            "accuracy",
            first=((SHIFTED, "shift"), (NOISY, "shift")),
            second=((SHIFTED, "noise"), (NOISY, "noise")),
            by=_BY,
            table="judged",
        ),
        expected=HOLDS,
        ask="Is there one order of these networks, from fragile to robust?",
        why="Robustness is always against something. Each kind of copy teaches its own kind of change.",
        beware="A single robustness score hides which changes it was averaged over.",
    ),
)
