"""7.2 Error and complexity (과소적합, 과대적합)

The text's first figure is the classical U: a model that is too simple underfits, one that is too complex overfits, and
tuning is meant to reach the level part of the test loss. The left branch is there whatever the model. The right one is
not universal. A polynomial in one variable has it; a network on clean labels need not; and random features have a peak
where they are as many as the training rows, beyond which the test loss falls again (double descent). What does rise
again with wrong labels is the loss over the epochs: the level part is one of training time as much as of size.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, REVERSED, Claim, Run, paired
from textbook.models import mlp
from textbook.random_features import RandomFeatures, minimum_norm
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream

ENTRIES = ("7.2-a",)
DATA = "any"

_CLEAN, _NOISY = "clean labels", "wrong labels"
_WIDTHS = (1, 4, 16, 64, 256)
_MIDDLING = 64
# random features as shares of the training rows
_RATIOS = (0.0625, 0.125, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0, 8.0)
_FEATURE_ROWS = 128  # the solver's time grows with their cube
_DEGREES = tuple(range(10))
_POINTS, _NOISE = 20, 0.3


def measure(
    run: Run,
    *,
    rows: int = 256,
    label_noise: float = 0.2,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    epochs: int = 40,
) -> dict[str, pd.DataFrame]:
    """Train networks of many widths, fit random features and polynomials, each on its own ladder of complexity.

    Args:
        rows: of the training part; few, so that wide networks can learn them by heart.
        label_noise: share of wrong training labels; those of the other parts are right.
        epochs: enough for the widest network to fit wrong labels as well.
    """
    parts = {
        _CLEAN: run.splits("digits", (rows, 473, 300)),
        _NOISY: run.splits("digits", (rows, 473, 300), label_noise=label_noise),
    }
    conditions = {
        f"{width}/{labels}": Condition(
            model=functools.partial(mlp, hidden=(width,)), learning_rate=learning_rate, momentum=momentum, splits=splits
        )
        for width in _WIDTHS
        for labels, splits in parts.items()
    }
    curves = train_replicas(
        mlp, parts[_CLEAN], conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs), batch_size=32
    )
    curves["width"] = curves.condition.str.split("/").str[0].astype(int)
    curves["labels"] = curves.condition.str.split("/").str[1]
    return {
        "networks": _ends(curves).assign(rows=rows, label_noise=label_noise),
        "progress": _progress(curves),
        "features": _features(run.seeds, parts, _FEATURE_ROWS),
        "polynomials": _polynomials(run.seeds),
    }


def _ends(curves: pd.DataFrame) -> pd.DataFrame:
    """Losses after the last epoch, a diverged run at a guess's."""
    last = curves[curves.epoch == curves.epoch.max()]
    kept = last[["width", "labels", "seed", "epoch", "chance_loss", "diverged"]].reset_index(drop=True)
    for name, column in (("train_loss", "clean_loss"), ("test_loss", "test_loss")):
        kept[name] = last[column].where(~last.diverged, last.chance_loss).to_numpy()
    return kept


def _progress(curves: pd.DataFrame) -> pd.DataFrame:
    """Validation loss by epoch of a middling width; `when` marks a sixth of the epochs and the last."""
    mine = curves[curves.width == _MIDDLING]
    last = mine.epoch.max()
    marks = {max(1, last // 6): "a sixth of the epochs", last: "all epochs"}
    kept = mine[["width", "labels", "seed", "epoch", "val_loss", "chance_loss", "diverged"]]
    return kept.assign(when=mine.epoch.map(marks).fillna("")).reset_index(drop=True)


def _features(seeds, parts: dict, rows: int) -> pd.DataFrame:
    """Squared errors, summed over the classes, of least squares on random features, for each number of features.

    With more features than rows, of all solutions that fit the rows exactly, the one of smallest norm is taken. Images
    are centred: else a tenth of the features would be 0 for all of them, and the threshold a tenth further on.
    """
    table = []
    for labels, splits in parts.items():
        for seed in seeds:
            split = splits(seed)
            n = min(rows, len(split.train))
            x, held = (part.x.reshape(len(part), -1) for part in (split.train, split.test))
            y, wanted = (np.eye(split.classes)[part.y] for part in (split.train, split.test))
            x, held, y = x[:n] - x[:n].mean(axis=0), held - x[:n].mean(axis=0), y[:n]
            features = RandomFeatures.draw(x, count=round(max(_RATIOS) * n), seed=seed)
            hidden, hidden_held = features(x), features(held)
            for ratio in _RATIOS:
                p = max(1, round(ratio * n))
                weights = minimum_norm(hidden[:, :p], y)
                train, test = hidden[:, :p] @ weights - y, hidden_held[:, :p] @ weights - wanted
                table.append((labels, seed, ratio, n, (train**2).sum(axis=1).mean(), (test**2).sum(axis=1).mean()))
    return pd.DataFrame(table, columns=["labels", "seed", "ratio", "rows", "train_error", "test_error"])


def _polynomials(seeds) -> pd.DataFrame:
    """Least-squares polynomials on noisy values of sin(πx): squared errors by degree; the test values have no noise."""
    rows = []
    for seed in seeds:
        rng = stream(seed, "polynomials")
        x, held = rng.uniform(-1, 1, _POINTS), np.linspace(-1, 1, 201)
        y, wanted = np.sin(np.pi * x) + rng.normal(scale=_NOISE, size=_POINTS), np.sin(np.pi * held)
        for degree in _DEGREES:
            # Legendre's basis, because powers of x are nearly parallel
            weights = minimum_norm(np.polynomial.legendre.legvander(x, degree), y)
            train, test = (
                np.polynomial.legendre.legvander(at, degree) @ weights - value for at, value in ((x, y), (held, wanted))
            )
            rows.append((seed, degree, (train**2).mean(), (test**2).mean()))
    return pd.DataFrame(rows, columns=["seed", "degree", "train_error", "test_error"])


def draw(tables: dict[str, pd.DataFrame]):
    """Training and test loss by hidden units, epochs, number of random features and degree of a polynomial; the error
    peaks where there are as many features as rows.
    """
    networks, progress, features, polynomials = (
        tables[name] for name in ("networks", "progress", "features", "polynomials")
    )
    fig, ((width, time), (random, degree)) = plots.figure(2, 2)
    for place, labels in enumerate((_CLEAN, _NOISY)):
        look = plots.look(place) | {"linestyle": "-"}
        looks = {"looks": {labels: look}, "hue": "labels", "log": True, "names": "none"}
        mine, fitted = (table[table.labels == labels] for table in (networks, features))
        plots.band(width, mine, x="width", y="test_loss", **looks)
        _training(width, mine, x="width", y="train_loss", look=look)
        plots.band(time, progress[progress.labels == labels], x="epoch", y="val_loss", hue="labels", log=True,
                   looks={labels: plots.look(place)}, names="none")  # fmt: skip
        plots.band(random, fitted, x="ratio", y="test_error", **looks)
        # beyond the threshold the training error is rounding alone
        _training(random, fitted[fitted.ratio < 1], x="ratio", y="train_error", look=look)
    time.plot([], [], ":", color=plots.GREY, label="training part")
    time.legend(loc="upper right", fontsize=9.5)
    look = plots.look(2) | {"linestyle": "-"}
    plots.band(degree, polynomials, x="degree", y="test_error", hue=None, log=True, looks={"": look})
    _training(degree, polynomials, x="degree", y="train_error", look=look)
    random.axvline(1, color="#555555", linewidth=1, zorder=0)
    random.annotate("as many\nas rows", (1, 1), (-9, -3), xycoords=("data", "axes fraction"), ha="right", va="top",
                    textcoords="offset points", fontsize=9.5, color="#444444")  # fmt: skip
    for ax, label, title in (
        (width, "loss (nats)", "networks: width"),
        (time, "validation loss (nats)", f"{progress.width.iloc[0]} hidden units: time"),
        (random, "mean squared error", "random features: number"),
        (degree, "mean squared error", "polynomials: degree"),
    ):
        plots.log_axis(ax, "y")
        ax.set(ylabel=label, title=title)
    width.set(xlabel="hidden units")
    time.set(xlabel="epochs completed")
    time.set_ylim(None, 2.2 * time.get_ylim()[1])
    random.set(xlabel="features per training row")
    degree.set(xlabel="degree")
    plots.log_axis(width, "x", at=_WIDTHS)
    plots.log_axis(random, "x", at=(0.1, 0.25, 1, 4))
    first = networks.iloc[0]
    plots.caption(
        fig,
        f"Digits, {first['rows']} training images, labels right or {first.label_noise:.0%} wrong. MLP 64-width-10, "
        f"SGD with momentum, {first.epoch} epochs. "
        f"Random ReLU features on {features.rows.iloc[0]} of them, least squares of minimum norm. Polynomials "
        f"through {_POINTS} noisy points, judged on values without noise. Dotted: training part. "
        f"Geometric mean, 95 % band; {plots.seeds_text(networks)}.",
    )
    return fig


def _training(ax, table: pd.DataFrame, *, x: str, y: str, look: dict) -> None:
    """The training part's geometric mean as a dotted line."""
    means = np.exp(np.log(table[["seed", x, y]].clip(lower=1e-12)).groupby(table[x])[y].mean())
    ax.plot(means.index, means, ":", color=look["color"], linewidth=1.8, marker="")


_DOUBLE = "Belkin et al. (2019), arXiv:1812.11118; Nakkiran et al. (2020), arXiv:1912.02292"

CLAIMS = (
    Claim(
        "7.2-a/left",
        "A network that is too narrow underfits: 64 hidden units have a lower test loss than one.",
        paired("test_loss", lower=_MIDDLING, than=1, by="width", table="networks", where={"labels": _CLEAN}),
        expected=HOLDS,
        ask="One hidden unit for ten classes. How high is the loss, on the training images too?",
        why="One unit gives one number for an image, and ten classes cannot be told apart on one line. The training "
        "loss is as high as the test loss: that is underfitting.",
        beware="Underfitting comes from too few epochs or too small a rate as well; look at the training loss first.",
    ),
    Claim(
        "7.2-a/right",
        "A network that is too wide overfits: with clean labels, 256 hidden units have a higher test loss than 16.",
        paired("test_loss", higher=256, than=16, by="width", table="networks", where={"labels": _CLEAN}),
        expected=FAILS,
        ask="Some 19,000 weights for 256 images: does the loss on other images rise again?",
        why="All widths from 16 on fit the training images. Among the many networks that do, training from small "
        "weights ends in a smooth one, and a wide network has more of those to choose from.",
        beware="It is no licence: a wide network may still be wrongly sure, and it costs more.",
        correction="The U-shape is not universal. The test loss need not rise with size; where it does, it can fall "
        "again beyond the size that just fits the training part (double descent).",
        reference=_DOUBLE,
    ),
    Claim(
        "7.2-a/noise",
        "With a fifth of the training labels wrong, 256 hidden units have a higher test loss than 16.",
        paired("test_loss", higher=256, than=16, by="width", table="networks", where={"labels": _NOISY}),
        expected=HOLDS,
        ask="Now there is something that should not be learnt. Is the wider network the worse one?",
        why="Wrong labels are what an overfitting network learns by heart, and it takes units to do so. How much harm "
        "they do depends on how they are fitted: a network with just enough units has to bend everywhere, a wide one "
        "can bend around each wrong label alone.",
        beware="All widths are trained for as many epochs, and 16 units have not learnt the wrong labels by then. No "
        "peak marks the size that just manages to. Stopped early, 64 units are better than at their end.",
        correction="With wrong labels a rise is possible; where it comes, the worst size is the one that just manages "
        "to fit them, and not the largest.",
        reference=_DOUBLE,
    ),
    Claim(
        "7.2-a/horizontal",
        "With wrong labels, the validation loss of 64 units does not stay level over the epochs: it ends higher than "
        "it was after a sixth of them.",
        paired(
            "val_loss",
            higher="all epochs",
            than="a sixth of the epochs",
            by="when",
            table="progress",
            where={"labels": _NOISY, "when": ("a sixth of the epochs", "all epochs")},
        ),
        expected=HOLDS,
        ask="The text's goal is the level part of the test loss. Level over what: size, or training time?",
        why="What most labels agree on is learnt first, the wrong ones later, one by one.",
        beware="Early stopping is then the cheapest regulariser. On clean labels the same curve is nearly level.",
    ),
    Claim(
        "7.2-a/peak",
        "Random features have a right branch: as many as training rows err more than a quarter as many.",
        paired(
            "test_error", higher=1.0, than=0.25, by="ratio", scale="log", table="features", where={"labels": _NOISY}
        ),
        expected=HOLDS,
        ask="Least squares with as many features as rows fits every row. What does it do in between?",
        why="There is just one solution, and it needs huge weights of both signs to pass through every wrong label.",
        beware="The peak is one of least squares without a penalty; a little ridge removes it.",
    ),
    Claim(
        "7.2-a/beyond",
        "More complex means worse, beyond that point too: eight times as many features as rows err more than as many.",
        paired("test_error", higher=8.0, than=1.0, by="ratio", scale="log", table="features", where={"labels": _NOISY}),
        expected=REVERSED,
        ask="The features grow from 128 to 1,024. Does the error go on rising?",
        why="Of the many solutions that now fit every row, the one of smallest norm is taken, and the more features "
        "there are, the smaller it can be.",
        beware="That it falls again does not make it the best: compare the end with the bottom of the first valley.",
        correction="The U is the part up to the interpolation threshold; beyond it the test error falls again.",
        reference=_DOUBLE,
    ),
    Claim(
        "7.2-a/polynomial",
        "Polynomials show the text's U: degree 9 through 20 noisy points errs more than degree 3.",
        paired("test_error", higher=9, than=3, by="degree", scale="log", table="polynomials"),
        expected=HOLDS,
        ask="Which degree is right for 20 noisy points of one period of a sine?",
        why="Three is the lowest degree with the right bends; each further one follows the noise, most of all near the "
        "ends.",
        beware="One variable and no other preference: pictures of overfitting are nearly always of this kind.",
    ),
)
