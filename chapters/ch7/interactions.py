"""7.1 Hyperparameters that depend on each other (하이퍼파라미터의 상호작용)

Learning rate, momentum and regularisation are said to be tightly coupled, so that the best values have to be found
together. Coupled means that the effect of one is another at other values of the second. That is a difference of
differences, an interaction, and it can be measured: a surface over two knobs is additive where the rows have one shape,
and what is left over is interaction. Rate and momentum share a ridge, since a velocity adds up steps to rate / (1 − μ).
An interaction need not move the optimum, and a moved optimum need not cost much; the maps show both.
"""

import functools

import numpy as np
import pandas as pd

from chapters.shared.tuning_grid import (
    BATCH_SIZE,
    CONSTANT,
    MOMENTA,
    RATES,
    SIZES,
    USUAL_MOMENTUM,
    ends,
    tuning_grid,
)
from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, contrast, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("7.1-b",)
DATA = "any"

_MOMENTUM, _DECAY, _BATCH = "momentum", "weight decay", "batch size"
_ALONG, _ACROSS = "along rate/(1 − momentum)", "rate alone"
# the best rate at momentum 0.9 and batches of 32 on the tuning block, and half a decade to either side
_LOW, _BEST, _HIGH = 0.03, 0.1, 0.3
_OTHER_BATCHES = (8, 128)


def measure(run: Run, *, hidden: int = 32, epochs: int = 8) -> dict[str, pd.DataFrame]:
    """Cut rate × momentum and rate × weight decay out of the shared grid, and train two other batch sizes.

    Args:
        hidden: units of the one hidden layer.
    """
    grid = run.shared(tuning_grid, hidden=hidden, epochs=epochs)
    constant = grid[grid.schedule == CONSTANT]
    usual = constant[constant.momentum == USUAL_MOMENTUM]
    plain = usual[usual.weight_decay == 0]
    batches = {size: _other_batch(run, size, hidden, epochs) for size in _OTHER_BATCHES}
    surfaces = {
        _MOMENTUM: constant[constant.weight_decay == 0].assign(other=lambda rows: rows.momentum),
        _DECAY: usual.assign(other=usual.weight_decay),
        _BATCH: pd.concat([plain.assign(other=BATCH_SIZE), *(rows.assign(other=n) for n, rows in batches.items())]),
    }
    table = pd.concat([rows.assign(surface=name) for name, rows in surfaces.items()], ignore_index=True)
    columns = ["surface", "learning_rate", "other", "seed", "test_loss", "diverged", "chance_loss", "epochs"]
    table = table[columns].astype({"other": float}).assign(hidden=hidden)
    return {"surfaces": table, "shares": _shares(table), "steps": _steps(table[table.surface == _MOMENTUM])}


def _other_batch(run: Run, batch_size: int, hidden: int, epochs: int) -> pd.DataFrame:
    """All rates at the usual momentum without weight decay, with batches of another size."""
    curves = train_replicas(
        functools.partial(mlp, hidden=(hidden,)),
        run.splits("digits", SIZES),
        conditions={str(rate): Condition(learning_rate=rate, momentum=USUAL_MOMENTUM) for rate in RATES},
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        batch_size=batch_size,
    )
    rows = ends(curves)
    return rows.assign(learning_rate=rows.condition.astype(float))


def _shares(surfaces: pd.DataFrame) -> pd.DataFrame:
    """Per surface and seed: the share of the variance of log loss over the cells that rows + columns do not explain."""
    found = []
    for (surface, seed), rows in surfaces.groupby(["surface", "seed"], sort=False):
        cells = np.log(rows.pivot(index="learning_rate", columns="other", values="test_loss").to_numpy())
        rest = cells - cells.mean(axis=0) - cells.mean(axis=1, keepdims=True) + cells.mean()
        found.append({"surface": surface, "seed": seed, "share": np.square(rest).mean() / cells.var()})
    return pd.DataFrame(found)


def _steps(surface: pd.DataFrame) -> pd.DataFrame:
    """Per seed: by how much the loss changes (mean absolute difference) when the rate goes down one step of the grid.

    Once alone, and once with the momentum up one step, which leaves rate / (1 − momentum) as it is. Both start from
    the same cells.
    """
    found = []
    for seed, rows in surface.groupby("seed"):
        cells = rows.pivot(index="learning_rate", columns="other", values="test_loss").to_numpy()
        start = cells[1:, :-1]
        for direction, end in ((_ALONG, cells[:-1, 1:]), (_ACROSS, cells[:-1, :-1])):
            found.append({"direction": direction, "seed": seed, "change": np.abs(start - end).mean()})
    return pd.DataFrame(found)


def draw(tables: dict[str, pd.DataFrame]):
    """Test loss as shades over the learning rate and momentum, weight decay or batch size; a
    line joins the best rates.
    """
    surfaces, shares = tables["surfaces"], tables["shares"]
    mean_share = shares.groupby("surface").share.mean()
    limits = surfaces.assign(log=np.log(surfaces.test_loss)).groupby(["surface", "learning_rate", "other"]).log.mean()
    fig, axes = plots.figure(1, 3, size=(9.6, 4.6), sharey=True, width_ratios=[4, 4, 3.9])
    for ax, name in zip(axes, (_MOMENTUM, _DECAY, _BATCH), strict=True):
        rows = surfaces[surfaces.surface == name]
        plots.heat_map(
            ax,
            rows,
            x="other",
            y="learning_rate",
            value="test_loss",
            ridge="x",
            log=True,
            limits=tuple(np.exp([limits.min(), limits.max()])),
            label="test loss (nats)" if name == _BATCH else "",
        )
        ax.set(xlabel=name, title=f"{mean_share[name]:.0%} not additive")
    axes[0].set_ylabel("learning rate")
    _line(axes[0], _BEST * (1 - np.array(MOMENTA)) / (1 - USUAL_MOMENTUM))
    batches = np.sort(surfaces.loc[surfaces.surface == _BATCH, "other"].unique())
    _line(axes[2], _BEST * batches / BATCH_SIZE)
    first = surfaces.iloc[0]
    # the cells of the usual momentum without weight decay are on all three maps: counted once
    again = (surfaces.surface == _DECAY) & (surfaces.other == 0)
    again |= (surfaces.surface == _BATCH) & (surfaces.other == BATCH_SIZE)
    diverged = surfaces.diverged[~again]
    plots.caption(
        fig,
        f"Digits, MLP with a hidden layer of {first.hidden}, {first.epochs} epochs; unless on the axis: momentum "
        f"{USUAL_MOMENTUM:g}, no weight decay, batches of {BATCH_SIZE}. Geometric mean; dots: the best rate of each "
        "column; dashes: rate/(1 − momentum), or rate/batch size, stays the same. 'Not additive': share of the "
        f"variance of log loss. {int(diverged.sum())} of {len(diverged)} runs diverged and count as a guess. "
        f"{plots.seeds_text(surfaces)}",
    )
    return fig


def _line(ax, rates: np.ndarray) -> None:
    """A dashed line through these rates, one for each column, as far as they are on the map."""
    up = np.interp(np.log(rates), np.log(RATES), np.arange(len(RATES)) + 0.5, left=np.nan, right=np.nan)
    ax.plot(np.arange(len(rates)) + 0.5, up, "--", color="#222222", lw=1.6)


_BY = ("surface", "learning_rate", "other")


def _gains(surface: str, worse: float, better: float) -> contrast:
    """How much `better` is below `worse`, at the low rate beyond the high one."""
    first, second = (tuple((surface, rate, other) for other in (worse, better)) for rate in (_LOW, _HIGH))
    return contrast("test_loss", first=first, second=second, by=_BY, table="surfaces")


CLAIMS = (
    Claim(
        "7.1-b/momentum",
        "What momentum 0.9 gains over none depends on the rate: more at 0.03 than at 0.3.",
        _gains(_MOMENTUM, 0.0, 0.9),
        expected=HOLDS,
        ask="Momentum 0.9 helps at a rate of 0.03. Does it help at ten times that rate?",
        why="A velocity adds up steps to ten times the gradient's: a gift where the rate is too small, and too much "
        "where it is large already.",
        beware="Whoever tunes the rate at momentum 0.9 and then compares momenta at that rate finds 0.9 best.",
    ),
    Claim(
        "7.1-b/ridge",
        "Lowering the rate and raising the momentum so that rate/(1 − momentum) stays changes the loss less than "
        "lowering the rate alone.",
        paired("change", lower=_ALONG, than=_ACROSS, by="direction", unit="nats", delta=0.01, table="steps"),
        expected=HOLDS,
        ask="Along which direction on the map of rate and momentum does next to nothing change?",
        why="For slowly turning gradients a momentum μ is a rate of 1/(1 − μ) times the size. Two knobs do the work of "
        "one, and the valley runs diagonally between their axes.",
        beware="The ridge ends where the velocity's memory, 1/(1 − μ) updates, is no longer short beside the training.",
    ),
    Claim(
        "7.1-b/weight-decay",
        "What weight decay 0.0003 gains over none depends on the rate: more at 0.03 than at 0.3.",
        _gains(_DECAY, 0.0, 3e-4),
        expected=NO_DIFFERENCE,
        ask="Weight decay pulls by rate × decay at each update. Does that make its best value depend on the rate here?",
        why="In a short training 0.0003 shrinks the weights by about a per cent at the low rate and by ten at the high "
        "one. There runs scatter far more than that from seed to seed, as they do at any rate close to failure.",
        beware="Little interaction in a short training on digits says nothing about weeks of training, where "
        "rate × decay × updates is large.",
    ),
    Claim(
        "7.1-b/batch",
        "What a batch of 128 loses against one of 8, at equal epochs, depends on the rate: more at 0.03 than at 0.3.",
        _gains(_BATCH, 128.0, 8.0),
        expected=HOLDS,
        ask="Sixteen times the batch, the same epochs. Where does it hurt most, at a small or at a large rate?",
        why="A sixteenth of the updates: at a small rate the way gets too short, at a large one fewer and less noisy "
        "steps are what is wanted.",
        beware="A comparison of batch sizes at one rate is decided by that rate.",
    ),
)
