"""Pools of random trials on small data sets, and of Adam: which hyperparameter matters there?

On wine and moons the trials are those of `trials` but for the widths, half of those on the digits, and the batch sizes:
two shares of the training part, whose logarithms have the mean and the spread of those of the three sizes there. Both
widths and both depths are trained at once, because each network of its own would take a second to compile: a unit whose
weights are all zero gives 0, gets no gradient and stays as it is, so a narrow network is a wide one whose other units
begin at zero; and a weight that nobody trains leads past the second hidden layer.
"""

import functools
import itertools

import numpy as np
import pandas as pd

from chapters.shared.trials import CHOICES, TRIALS_PER_SEED, WEIGHT_DECAYS
from textbook.experiment import Run
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import ExponentialDecay
from textbook.seeding import stream

WIDTHS = (8, 32)
BATCHES_PER_EPOCH = (50, 5)  # on the digits 64, 16 or 4: 16 is the middle, and both have a standard deviation of ln 3.1
ADAM = ("learning_rate", "decay", "beta_1", "beta_2", "epsilon")
_DISTANCES_1, _DISTANCES_2, _EPSILONS = (0.01, 1.0), (1e-4, 0.1), (1e-9, 1e-3)  # 1 − β₁, 1 − β₂, ε


def small_trials(
    run: Run, *, data: str = "wine", lowest: float = 1e-4, highest: float = 1.0, epochs: int = 6
) -> pd.DataFrame:
    """Train random trials of SGD with momentum on a small data set; see `trials` for arguments and columns.

    `batch_size` is in rows. Initial weights are normal as He et al. (2015) draw them, with the narrow width's variance.
    """
    splits, epochs = run.splits(data), run.epochs(epochs)
    first = splits(run.seeds[0])
    rows, inputs, classes = len(first.train.y), first.train.x.shape[1], int(first.train.y.max()) + 1
    batches = {count: max(1, rows // count) for count in BATCHES_PER_EPOCH}
    pool = pd.concat([_draw(seed, lowest, highest) for seed in run.seeds], ignore_index=True)
    pool["batch_size"] = pool.batch_size.map(batches)
    widest, results = max(WIDTHS), []
    build = functools.partial(one_or_two_layers, units=widest)  # one builder, as each would be compiled anew
    for batch_size, mine in pool.groupby("batch_size"):
        weights = {
            trial: _with_both_layers(narrow_weights((inputs, *[width] * depth, classes), widest=widest, seed=trial))
            for trial, width, depth in zip(mine.trial, mine.width, mine.depth, strict=True)
        }
        condition = Condition(
            learning_rate=_decaying(mine, epochs),
            momentum=dict(zip(mine.trial, mine.momentum, strict=True)),
            weight_decay=dict(zip(mine.trial, mine.weight_decay, strict=True)),
            batch_size=int(batch_size),
            initial_weights=weights,
        )
        results.append(_last(build, splits, condition, mine.trial, epochs))
    return pool.merge(pd.concat(results), on="trial", validate="one_to_one")


def adam_trials(
    run: Run,
    *,
    lowest: float = 1e-5,
    highest: float = 0.1,
    hidden: int = 32,
    batch_size: int = 128,
    count: int = 16,
    epochs: int = 6,
) -> pd.DataFrame:
    """Train `count` random trials of Adam on each seed's split of the digits.

    Learning rate, 1 − β₁ (0.01 to 1), 1 − β₂ (0.0001 to 0.1) and ε (1e-9 to 0.001) are log-uniform, the decay is as in
    `trials`.

    Returns: a row per trial with `trial`, `seed`, the columns `ADAM`, and `val_loss` (of a guess, where it `diverged`).
    """
    tables = []
    for seed in run.seeds:
        random = stream(seed, "adam trials")
        rate, first, second, small = random.random((4, count))
        drawn = {
            "learning_rate": _log_uniform(rate, lowest, highest),
            "decay": random.choice(CHOICES["decay"], count),
            "beta_1": 1 - _log_uniform(first, *_DISTANCES_1),
            "beta_2": 1 - _log_uniform(second, *_DISTANCES_2),
            "epsilon": _log_uniform(small, *_EPSILONS),
        }
        tables.append(pd.DataFrame({"trial": seed * 1000 + np.arange(count), "seed": seed} | drawn))
    pool, epochs = pd.concat(tables, ignore_index=True), run.epochs(epochs)
    condition = Condition(
        optimizer="adam",
        learning_rate=_decaying(pool, epochs),
        strengths={name: dict(zip(pool.trial, pool[name], strict=True)) for name in ADAM[2:]},
        batch_size=batch_size,
    )
    build = functools.partial(mlp, hidden=(hidden,))
    splits = run.splits("digits")
    parts = {seed: splits(seed) for seed in run.seeds}
    return pool.merge(_last(build, lambda trial: parts[trial // 1000], condition, pool.trial, epochs), on="trial")


def narrow_weights(sizes: tuple[int, ...], *, widest: int, seed: int) -> list[np.ndarray]:
    """Kernels and biases of a network with these layers inside one whose hidden layers have `widest` units.

    The rows and columns of the units that are not there are zero.

    >>> kernel, bias, *_ = narrow_weights((3, 2, 2), widest=4, seed=0)
    >>> kernel.shape, (kernel != 0).sum(axis=0).tolist()
    ((3, 4), [3, 3, 0, 0])
    """
    random, weights = stream(seed, "narrow weights"), []
    for place, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        last = place == len(sizes) - 2
        shape = (fan_in if place == 0 else widest, fan_out if last else widest)
        kernel = np.zeros(shape, np.float32)
        deviation = np.sqrt(2 / (fan_in + fan_out) if last else 2 / fan_in)
        kernel[:fan_in, :fan_out] = random.normal(size=(fan_in, fan_out)) * deviation
        weights += [kernel, np.zeros(shape[1], np.float32)]
    return weights


def one_or_two_layers(input_shape, outputs: int, *, units: int):
    """Two hidden layers of ReLU units, the second of which a weight that nobody trains, `deep`, lets in (1) or not (0).

    At 0 the second layer gets no gradient, and the network is exactly one without it.
    """
    import keras

    class Switch(keras.layers.Layer):
        def build(self, shape):
            self.deep = self.add_weight(name="deep", shape=(), initializer="ones", trainable=False)

        def call(self, inputs):
            first, second = inputs
            return self.deep * second + (1 - self.deep) * first

    # zeros, because every trial brings its own weights: others would be drawn for nothing
    dense = functools.partial(keras.layers.Dense, kernel_initializer="zeros")
    x = keras.Input(tuple(input_shape))
    first = dense(units, activation="relu")(x)
    second = dense(units, activation="relu")(first)
    return keras.Model(x, dense(outputs)(Switch()([first, second])))


def _with_both_layers(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Weights of `one_or_two_layers` from those of one hidden layer, beside a second of zeros, or of two."""
    first, last, deep = weights[:2], weights[-2:], len(weights) == 6
    units = len(first[1])
    second = weights[2:4] if deep else [np.zeros((units, units), np.float32), np.zeros(units, np.float32)]
    return [*first, *second, np.float32(deep), *last]


def _draw(seed: int, lowest: float, highest: float) -> pd.DataFrame:
    random, count = stream(seed, "small trials"), TRIALS_PER_SEED
    choices = CHOICES | {"batch_size": BATCHES_PER_EPOCH, "width": WIDTHS}
    drawn = {
        "trial": seed * 1000 + np.arange(count),
        "seed": seed,
        "learning_rate": _log_uniform(random.random(count), lowest, highest),
        "weight_decay": _log_uniform(random.random(count), *WEIGHT_DECAYS),
    }
    return pd.DataFrame(drawn | {name: random.choice(values, count) for name, values in choices.items()})


def _log_uniform(unit, low: float, high: float):
    return low * (high / low) ** unit


def _decaying(pool: pd.DataFrame, epochs: int) -> dict:
    return {
        trial: ExponentialDecay(rate, factor=decay, every=epochs)
        for trial, rate, decay in zip(pool.trial, pool.learning_rate, pool.decay, strict=True)
    }


def _last(build, splits, condition: Condition, trials, epochs: int) -> pd.DataFrame:
    curves = train_replicas(build, splits, conditions={"": condition}, seeds=tuple(trials), epochs=epochs)
    last = curves[curves.epoch == curves.epoch.max()].rename(columns={"seed": "trial"})
    return last.assign(val_loss=last.val_loss.mask(last.diverged, last.chance_loss))[["trial", "val_loss", "diverged"]]
