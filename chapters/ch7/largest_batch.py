"""7.4 The largest batch that fits? (메모리에 들어가는 가장 큰 배치)

The text hands on the paper's advice: take the largest batch that memory holds, and a large rate. That pays up to a
critical batch size only. With the rate tuned for every B, the updates to a target follow S·(1 + B_c/B): below B_c twice
the batch nearly halves them, above it S are needed all the same, and every further row is read for nothing. B_c has
the size of the gradient noise scale tr Σ / |G|², which one training with any batch size can measure.
"""

import math

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, estimate, paired
from textbook.models import mlp
from textbook.replicas import Condition, EarlyStopping, train_replicas

ENTRIES = ("7.4-c",)

RATES = (0.2, 0.28, 0.4, 0.57, 0.8, 1.13, 1.6)  # a factor √2 apart
TUNING_SEEDS = 3
LARGEST, BASE = "largest batch", "base"
LAW, POWER = "S (1 + B_c/B)", "power law"
FIRST, LAST = "first fourfold", "last fourfold"
_SNAPSHOTS = (1, 2, 3)  # epochs of batches of `base`, about as many as they need


def measure(
    run: Run,
    *,
    target: float = 0.2,
    sizes: tuple[int, ...] = (8, 16, 32, 64, 256, 1024),
    base: int = 32,
) -> dict[str, pd.DataFrame]:
    """Count the updates to a validation loss for every batch size at its best rate; measure the gradient's noise scale.

    Args:
        target: validation loss, in nats.
        sizes: of the batches; the smallest and a quarter of the largest have a fourfold among them.
        base: the size that the largest is compared with, and in whose training the noise scale is measured.
    """
    sizes = sorted({*sizes, base})
    if not {4 * sizes[0], sizes[-1] // 4} <= {*sizes}:
        raise ValueError(f"expected sizes with {4 * sizes[0]} and {sizes[-1] // 4}, got {sizes}; mend by adding them")
    if not 0 < target < 2:
        raise ValueError(f"expected a target between 0 and 2, below the loss of a guess, got {target:g}; mend by 0.2")
    splits = run.splits("digits")
    rows = len(splits(run.seeds[0]).train)
    if sizes[-1] > rows:
        raise ValueError(f"expected sizes up to the {rows} training rows, got {sizes[-1]}; mend by smaller ones")
    grid = {size: RATES[::2] if run.quick else RATES for size in sizes}
    trials = _arrivals(splits, grid, rows=rows, target=target, patience=1, seeds=run.tuning(TUNING_SEEDS))
    means = np.log(trials.updates).groupby([trials.batch_size, trials.rate]).mean()
    best = {size: float(means[size].idxmin()) for size in sizes}
    chosen = {size: (rate,) for size, rate in best.items()}
    found = _arrivals(splits, chosen, rows=rows, target=target, patience=3, seeds=run.seeds)
    found["on_border"] = found.rate.isin((RATES[0], RATES[-1]))
    found["epochs"] = found.updates * found.batch_size / rows
    names = {sizes[-1]: LARGEST, base: BASE}
    found["condition"] = [names.get(size, f"B = {size}") for size in found.batch_size]
    fits = _fits(found)
    noise = _noise(splits, base, best[base], seeds=run.seeds)
    apart = fits[fits.condition == LAW].merge(noise, on="seed")
    apart["apart"] = np.exp(np.abs(np.log(apart.critical / apart.noise_scale)))
    return {
        "found": found.assign(target=target, rows=rows, tried=trials.rate.nunique()),
        "fits": fits,
        "gains": _gains(found, sizes),
        "noise": apart[["seed", "critical", "noise_scale", "apart"]],
    }


def _arrivals(splits, rates, *, rows: int, target: float, patience: int, seeds) -> pd.DataFrame:
    """The updates to the target, a row per batch size, rate and seed. `rates`: batch size → the rates to try.

    A run ends at the target, or after `patience` times the epochs of 110 (1 + 48/B) updates, which is more than twice
    what tuned runs take to a loss of 0.2.
    """
    stop = EarlyStopping(monitor="val_loss", target=target)
    conditions = {
        f"{size} {rate}": Condition(
            learning_rate=rate,
            momentum=0.0,
            batch_size=size,
            stop=stop,
            epochs=math.ceil(patience * 110 * (1 + 48 / size) * size / rows),
        )
        for size in rates
        for rate in rates[size]
    }
    longest = max(condition.epochs for condition in conditions.values())
    curves = train_replicas(mlp, splits, conditions=conditions, seeds=seeds, epochs=longest)
    table = [
        (int(name.split()[0]), float(name.split()[1]), seed, *_crossing(curve, target))
        for (name, seed), curve in curves.groupby(["condition", "seed"], sort=False)
    ]
    return pd.DataFrame(table, columns=["batch_size", "rate", "seed", "updates", "arrived"])


def _crossing(curve: pd.DataFrame, target: float) -> tuple[float, bool]:
    """Updates at which the validation loss falls to the target, the line between two epochs taken on log loss.

    Before the first epoch stands the loss of a guess. A run that never arrives counts as many updates as it made and
    an epoch's more.
    """
    curve = curve.sort_values("epoch")
    updates = np.array([0, *curve.updates], float)
    losses = np.array([curve.chance_loss.iloc[0], *curve.val_loss], float)
    below = np.flatnonzero(losses <= target)
    if not len(below) or curve.diverged.iloc[below[0] - 1]:
        return updates[-1] + updates[1], False
    at = below[0]
    (before, after), (start, end) = np.log(losses[at - 1 : at + 1]), updates[at - 1 : at + 1]
    return float(start + (end - start) * (before - math.log(target)) / (before - after)), True


def _fits(found: pd.DataFrame) -> pd.DataFrame:
    """Both laws, fitted to each seed's updates by least squares on their logarithms: constants and misfit."""
    from scipy.optimize import least_squares  # here, because it takes a while to import

    table = []
    for seed, mine in found.groupby("seed"):
        size, logs = mine.batch_size.to_numpy(float), np.log(mine.updates.to_numpy())

        def residuals(constants, size=size, logs=logs):
            return constants[0] + np.log1p(np.exp(constants[1]) / size) - logs

        fit = least_squares(residuals, (logs.min(), np.log(np.median(size))))
        line = np.polyfit(np.log(size), logs, 1)
        straight = np.polyval(line, np.log(size)) - logs
        table.append((seed, LAW, *np.exp(fit.x), np.sqrt(np.mean(fit.fun**2))))
        table.append((seed, POWER, np.exp(line[1]), np.nan, np.sqrt(np.mean(straight**2))))
    return pd.DataFrame(table, columns=["seed", "condition", "least", "critical", "misfit"])


def _gains(found: pd.DataFrame, sizes: list[int]) -> pd.DataFrame:
    """By what factor a batch four times as large saves updates: at the smallest, and up to the largest."""
    updates = found.pivot(index="seed", columns="batch_size", values="updates")
    pairs = {FIRST: (sizes[0], 4 * sizes[0]), LAST: (sizes[-1] // 4, sizes[-1])}
    return pd.concat(
        pd.DataFrame({"condition": name, "gain": updates[small] / updates[large]}).reset_index()
        for name, (small, large) in pairs.items()
    )


def _noise(splits, size: int, rate: float, *, seeds) -> pd.DataFrame:
    """tr Σ / |G|² in the training with batches of `size`: both summed over the snapshots of a seed."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.gradients import LossGradient
    from textbook.noise_scale import noise_scale_of
    from textbook.replicas import ReplicaTrainer

    conditions = {"": Condition(learning_rate=rate, momentum=0.0, batch_size=size)}
    trainer = ReplicaTrainer(
        mlp, splits, seeds=seeds, conditions=conditions, epochs=max(_SNAPSHOTS), snapshots=_SNAPSHOTS
    )
    result, model, table = trainer.run(), None, []
    for seed in seeds:
        train, parts = splits(seed).train, []
        for epoch in _SNAPSHOTS:
            trained = result.trained("", seed, epoch=epoch)
            if model is None:  # compiled once, and lent every network's weights
                model = trained
                model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
                gradient = LossGradient(model)
            model.set_weights(trained.get_weights())
            parts.append(noise_scale_of(gradient, train.x, train.y, small=32, seed=(seed, epoch)))
        signal = sum(part.gradient_squared for part in parts)
        table.append((seed, sum(part.noise for part in parts) / signal if signal > 0 else np.nan))
    return pd.DataFrame(table, columns=["seed", "noise_scale"])


def draw(tables: dict[str, pd.DataFrame]):
    """Updates to the target, and epochs to it, by batch size, with the fitted law and the noise scale."""
    found, noise = tables["found"], tables["noise"]
    law = tables["fits"][tables["fits"].condition == LAW]
    least, critical = (float(np.exp(np.log(law[name]).mean())) for name in ("least", "critical"))
    scales = noise.noise_scale
    middle, rows = float(np.exp(np.log(scales).mean())), found.rows.iloc[0]
    sizes = sorted(found.batch_size.unique())
    across = np.geomspace(sizes[0], sizes[-1], 101)
    fig, axes = plots.figure(1, 2)
    for ax, value, unit in ((axes[0], "updates", 1), (axes[1], "epochs", across / rows)):
        ax.axvspan(scales.min(), scales.max(), color="#999999", alpha=0.25, linewidth=0, label="noise scale")
        ax.axvline(middle, color="#555555", linewidth=1.2)
        ax.plot(across, least * (1 + critical / across) * unit, color="#222222", linewidth=1.2, linestyle="--",
                label="$S\\,(1 + B_c/B)$")  # fmt: skip
        ax.axvline(critical, color=plots.look(1)["color"], linewidth=1.6, linestyle=":", label="fitted $B_c$")
        plots.band(ax, found.assign(measured="measured"), x="batch_size", y=value, hue="measured", log=True,
                   looks={"measured": plots.look(0) | {"linestyle": ""}}, names="none")  # fmt: skip
        plots.log_axis(ax, "x", at=[size for size in sizes if size != 16])
        plots.log_axis(ax, "y")
        ax.set(xlabel="batch size B (rows)", ylabel=f"{value} to the target")
    for size, height in np.log(found[found.on_border].updates).groupby(found.batch_size).mean().items():
        axes[0].plot(size, np.exp(height), "o", markersize=14, markerfacecolor="none", markeredgecolor="black")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    axes[0].set_title("what larger batches save")
    axes[1].set_title("what they cost in rows read")
    rates = ", ".join(f"{rate:g}" for rate in found.groupby("batch_size").rate.first())
    missed = int((~found.arrived).sum())
    plots.caption(
        fig,
        f"Digits, MLP 64-64-10, plain SGD at the best of {found.tried.iloc[0]} rates, by batch size {rates}, to a "
        f"validation loss of {found.target.iloc[0]:g}; geometric mean and 95 % band. Fit: S = {least:.0f}, B_c = "
        f"{critical:.0f} (geometric means); noise scale {middle:.0f} (grey line), shaded from the least "
        f"to the largest of the seeds. {plots.seeds_text(found)}"
        + (f"; {missed} runs never arrived." if missed else "."),
    )
    return fig


_CORRECTION = (
    "Only with the rate tuned anew, and only up to the critical batch size, which is about the gradient noise scale. "
    "Beyond it a larger batch saves hardly any updates, and with few rows the full batch wastes epochs."
)
_REFERENCE = "McCandlish et al. (2018), arXiv:1812.06162; Shallue et al. (2019), JMLR 20(112)"

CLAIMS = (
    Claim(
        "7.4-c/fit",
        "With the rate tuned for every batch size, the updates to the target follow S·(1 + B_c/B) more closely than a "
        "power law.",
        paired("misfit", lower=LAW, than=POWER, scale="log", table="fits"),
        expected=HOLDS,
        ask="Does each doubling of the batch save the same share of the updates?",
        why="A small batch's gradient is mostly noise, which twice the rows halve; a large one's is mostly signal, "
        "which they leave as it is.",
        beware="Both laws have two constants, so this is no matter of having more of them.",
    ),
    Claim(
        "7.4-c/gain",
        "A batch four times as large saves a larger factor of updates among the smallest sizes than among the largest.",
        paired("gain", higher=FIRST, than=LAST, scale="log", table="gains"),
        expected=HOLDS,
        ask="Four times the batch, once from the smallest size, once up to the largest: how much do updates fall?",
        why="Below the critical batch size rows are as good as updates; above it they are not.",
        beware="At a rate that is not tuned anew the gain is smaller still.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.4-c/largest",
        "The largest batch that fits, here all training rows, reaches the target after fewer epochs than batches of "
        "the base size.",
        paired("epochs", lower=LARGEST, than=BASE, scale="log", table="found"),
        expected=REVERSED,
        ask="All rows fit into memory. How many times do they have to be read, in one batch or in many?",
        why="The rows read are B times the updates, S·(B + B_c): the least for small batches, and in proportion to B "
        "above B_c.",
        beware="What a large batch buys is time on hardware that works on all its rows at once. Seconds lie between "
        "the two panels, nearer to the left one on a GPU.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.4-c/noise",
        "The critical batch size that is fitted to the trainings lies within a factor of three of the gradient noise "
        "scale.",
        estimate("apart", below=3, scale="log", table="noise"),
        expected=HOLDS,
        ask="Can gradients of one training tell how large a batch pays, without a training at every size?",
        why="tr Σ / |G|² is the number of rows at which noise and signal of a batch's gradient are equal.",
        beware="It grows as training goes on and the gradient shrinks: the number depends on when one looks.",
    ),
)
