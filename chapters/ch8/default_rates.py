"""8.2 Default learning rates (기본 학습률)

With an adaptive method at its default settings, the text says, nobody need worry about the learning rate when data or
model are new. Defaults are numbers that somebody chose for one kind of task. Here three optimizers are trained on four
data sets of one shape, at Keras's default rate and at a rate tuned on other seeds: the digits, the same with pixels
from 0 to 16, generated classes, and those with features of unequal size. How much is left to gain (tunability) and how
wide the range of good rates is are two questions. And Keras's Adagrad is adaptive too. Chapter 5 compares tuned
optimizers with each other; here each is compared with itself.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, contrast, equivalent
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream

ENTRIES = ("8.2-d",)
DATA = "digits"

SETS = ("digits", "pixels 0–16", "generated", "unequal scales")
# half a decade apart; Keras's default is among them
GRIDS = {
    "SGD": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    "Adagrad": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "Adam": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
}
DEFAULT, TUNED, WORST = "default", "tuned", "largest rate"
TUNING_SEEDS = 3


def measure(
    run: Run, *, epochs: int = 6, hidden: tuple[int, ...] = (32,), ratio: float = 100.0
) -> dict[str, pd.DataFrame]:
    """Tune every optimizer on every data set, then train with its default, its tuned and its largest rate.

    Args:
        epochs: of every training; batches have 32 rows.
        hidden: units of each hidden layer.
        ratio: the largest standard deviation of a feature over the smallest, with unequal scales.
    """
    splits, epochs = _splits(run, ratio), run.epochs(epochs)

    def train(arms, seeds) -> pd.DataFrame:
        conditions = {
            "|".join(map(str, arm)): Condition(optimizer=arm[1].lower(), learning_rate=arm[2], splits=splits[arm[0]])
            for arm in dict.fromkeys(arms)
        }
        build = functools.partial(mlp, hidden=hidden)
        curves = train_replicas(build, splits[SETS[0]], conditions=conditions, seeds=seeds, epochs=epochs)
        return _ends(curves)

    trials = train(
        [(data, name, rate) for data in SETS for name in GRIDS for rate in GRIDS[name]], run.tuning(TUNING_SEEDS)
    )
    chosen = _chosen(trials)
    judged = train(list(chosen[["data", "optimizer", "rate"]].itertuples(index=False, name=None)), run.seeds)
    named = chosen.merge(judged, on=["data", "optimizer", "rate"])
    return {
        "settings": named.assign(epochs=epochs, hidden="-".join(map(str, hidden))),
        "trials": trials,
        "width": _width(trials),
    }


def _splits(run: Run, ratio: float) -> dict:
    """Four data sets with the digits' numbers of rows, features and classes."""
    from sklearn.datasets import make_classification  # here, because it takes a second to import

    from textbook.splits import Splitter

    sizes, digits = (1024, 473, 300), run.data("digits")
    x, y = make_classification(
        1797, 64, n_informative=20, n_redundant=0, n_classes=10, n_clusters_per_class=1, class_sep=2.0, random_state=0
    )
    x = (x / x.std(axis=0)).astype(np.float32)
    scales = np.geomspace(1, 1 / ratio, x.shape[1])[stream(0, "scales").permutation(x.shape[1])].astype(np.float32)
    pixels = np.asarray(digits.x, np.float32) * 16
    return {
        SETS[0]: run.splits("digits"),
        SETS[1]: Splitter((pixels, np.asarray(digits.y)), sizes=sizes),
        SETS[2]: Splitter((x, y), sizes=sizes),
        SETS[3]: Splitter((x * scales, y), sizes=sizes),
    }


def _ends(curves: pd.DataFrame) -> pd.DataFrame:
    """The last row of each training; one that diverged has the losses of a guess."""
    last = curves[curves.epoch == curves.epoch.max()]
    named = last.condition.str.split("|", expand=True)
    losses = {f"{part}_loss": last[f"{part}_loss"].mask(last.diverged, last.chance_loss) for part in ("val", "test")}
    arms = {"data": named[0], "optimizer": named[1], "rate": named[2].astype(float)}
    kept = last[["seed", "diverged", "chance_loss"]].assign(**arms, **losses)
    return kept.reset_index(drop=True)


def _chosen(trials: pd.DataFrame) -> pd.DataFrame:
    """The default rate, the rate with the lowest mean validation loss on the tuning seeds, and the largest."""
    rows = []
    for (data, name), mine in trials.groupby(["data", "optimizer"], sort=False):
        means = mine.groupby("rate").val_loss.mean()
        settings = {DEFAULT: _default_rate(name), TUNED: means.idxmin(), WORST: means.index.max()}
        for setting, rate in settings.items():
            border = setting == TUNED and rate in (means.index.min(), means.index.max())
            rows.append({"data": data, "optimizer": name, "setting": setting, "rate": rate, "border": border})
    return pd.DataFrame(rows)


def _default_rate(name: str) -> float:
    """Keras's own, which it keeps in single precision."""
    import keras

    return round(float(keras.optimizers.get(name.lower()).learning_rate), 9)


def _width(trials: pd.DataFrame, *, within: float = 0.1) -> pd.DataFrame:
    """Decades of rates whose mean validation loss is at most 10 % above the lowest: half a decade for each of them."""
    means = trials.groupby(["optimizer", "data", "rate"], sort=False).val_loss.mean().reset_index()
    lowest = means.groupby(["optimizer", "data"]).val_loss.transform("min")
    good = means.assign(decades=0.5 * (means.val_loss <= (1 + within) * lowest))
    return good.groupby(["optimizer", "data"], sort=False).decades.sum().reset_index()


def draw(tables: dict[str, pd.DataFrame]):
    """Validation loss by rate for SGD, Adagrad and Adam on each data set, the default rates as rings; below, what
    tuning gains and how wide the range of good rates is.
    """
    trials, settings, width = tables["trials"], tables["settings"], tables["width"]
    fig, axes = plots.figure(3, 2, size=(7.4, 9.0))
    looks = plots.looks(GRIDS)
    for ax, data in zip(axes[:2].flat, SETS, strict=True):
        mine = trials[trials.data == data]
        means = np.exp(np.log(mine.val_loss).groupby([mine.optimizer, mine.rate]).mean())
        for name in GRIDS:
            curve = means[name]
            default = settings[(settings.optimizer == name) & (settings.setting == DEFAULT)].rate.iloc[0]
            ax.plot(curve.index, curve, **looks[name] | {"markersize": 4}, label=name)
            ax.plot(default, curve[default], "o", mfc="none", color=looks[name]["color"], markersize=13, mew=1.8)
        plots.log_axis(ax, "x", at=(1e-3, 1e-1, 10))
        plots.log_axis(ax, "y")
        ax.set(xlabel="learning rate", ylabel="validation loss (nats)", title=data)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    wide = settings.pivot(index=["optimizer", "data", "seed"], columns="setting", values="test_loss")
    gain = (wide[DEFAULT] - wide[TUNED]).groupby(["optimizer", "seed"]).mean().rename("gain").reset_index()
    ordered = gain.set_index("optimizer").loc[list(GRIDS)].reset_index()
    plots.dots(axes[2, 0], ordered, value="gain", by="optimizer", looks=looks)
    axes[2, 0].set(xlabel="test loss, default − tuned (nats)")
    means = width.groupby("optimizer").decades.mean().loc[list(GRIDS)].reset_index()
    plots.bars(axes[2, 1], means, label="optimizer", value="decades", colour=plots.COLOURS[5])
    axes[2, 1].set(xlabel="rates within 10 % of the best (decades)")
    axes[2, 0].axvline(0, color=plots.GREY, linewidth=1)
    border = settings[settings.border.astype(bool)].drop_duplicates(["data", "optimizer"])
    ends = ", ".join(f"{row.optimizer} on {row.data}" for row in border.itertuples()) or "none"
    plots.caption(
        fig,
        f"MLP 64-{settings.hidden.iloc[0]}-10, {settings.epochs.iloc[0]} epochs. Rings: Keras's default rates. Curves "
        f"and widths: {trials.seed.nunique()} tuning seeds; tuned to an end of the grid: {ends}. Bottom: means of the "
        f"data sets, bars on the left: 95 %; {plots.seeds_text(settings)}.",
    )
    return fig


_BY = {"by": ("optimizer", "setting"), "table": "settings", "mean_over": "data"}
_CONTESTED = (
    "Defaults of Adam are decent, not optimal, and tuning gains remain on most tasks; that of Keras's Adagrad, and "
    "of SGD on most of these data, is far from useful. That a method is adaptive does not choose its rate."
)
_REFERENCE = (
    "Wilson et al. (2017), arXiv:1705.08292; Choi et al. (2019), arXiv:1910.05446; Schmidt et al. (2021), "
    "arXiv:2007.01547"
)


def _as_tuned(name: str):
    return equivalent("test_loss", conditions=((name, DEFAULT), (name, TUNED)), bad=(name, WORST), **_BY)


CLAIMS = (
    Claim(
        "8.2-d",
        "On new data there is no need to worry about Adam's rate: at the default it ends with the test loss that "
        "tuning gives, on the mean over four data sets.",
        _as_tuned("Adam"),
        expected=FAILS,
        ask="optimizer='adam' and nothing else. How far is that from the best rate, on four data sets?",
        why="Adam's rate is about the length of a step for each weight, and a good length depends on how many steps "
        "there are and how far the weights have to go.",
        beware="With many more updates a small rate gets there as well: these trainings are short.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "8.2-d/adagrad",
        "The same of Keras's Adagrad: at its default rate it ends with the test loss that tuning gives.",
        _as_tuned("Adagrad"),
        expected=FAILS,
        ask="Adagrad is adaptive as well, and its default rate in Keras is 0.001. Where does it end?",
        why="Adagrad divides by the root of all squared gradients so far, so that its steps shrink from 0.001 on.",
        beware="torch's default for Adagrad is ten times Keras's: a default belongs to a library, not to a method.",
        correction=_CONTESTED,
        reference=_REFERENCE,
    ),
    Claim(
        "8.2-d/less",
        "Adam needs tuning less than SGD: at SGD's default rate more test loss is left to gain than at Adam's.",
        contrast(
            "test_loss", first=(("SGD", DEFAULT), ("SGD", TUNED)), second=(("Adam", DEFAULT), ("Adam", TUNED)), **_BY
        ),
        expected=HOLDS,
        ask="Two defaults, 0.01 for SGD and 0.001 for Adam. Which one is further from its own best?",
        why="SGD's steps are the rate times the gradient, whose size goes with that of the features; Adam's are not.",
        beware="SGD has no momentum here, as in Keras's default; with one of 0.9 the same rate goes ten times as far.",
    ),
)
