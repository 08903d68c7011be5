"""Ways to keep a network from learning a small training set by heart, each at the best of three settings."""

import dataclasses
import functools

import numpy as np
import pandas as pd

from textbook.replicas import Condition, EarlyStopping, train_replicas

PLAIN = "plain"
L2, DROPOUT, SMOOTHING, NOISE, STOPPING = "L2 penalty", "dropout", "label smoothing", "input noise", "early stopping"
BATCH_NORM, AUGMENTATION = "batch norm", "augmentation"
# what each method tries on the tuning seeds: a strength at the learning rate of 0.1 or, where it has none, that rate
TRIED = {
    PLAIN: (0.03, 0.1, 0.3),
    L2: (3e-4, 1e-3, 3e-3),
    DROPOUT: (0.3, 0.5, 0.7),
    SMOOTHING: (0.003, 0.01, 0.03),
    NOISE: (0.1, 0.2, 0.4),
    STOPPING: (3, 6, 12),
    BATCH_NORM: (0.01, 0.03, 0.1),
    AUGMENTATION: (0.03, 0.1, 0.3),
}
WHAT = {STOPPING: "patience", PLAIN: "rate", BATCH_NORM: "rate", AUGMENTATION: "rate"}
_RATE, _BATCH = 0.1, 64


def regularisers(
    run, *, rows: int = 300, epochs: int = 20, hidden: int = 64, target: float = 0.1, tuning: int = 4
) -> dict[str, pd.DataFrame]:
    """Choose each method's setting on the tuning seeds, by validation cross-entropy, and train it on the seeds.

    Methods whose learning rate was tried are trained at the others' rate as well: `chosen` marks the runs at the best
    setting, `same_rate` those at one learning rate for all.

    Returns: {"runs": method, setting, seed, chosen, same_rate, and the plain cross-entropy in nats, whatever the method
    adds to the loss, at the weights that are kept: train_loss, validation_loss, test_loss; test_accuracy;
    epochs_to_target, to a training cross-entropy of `target` (an epoch is two passes; one more than all where it is not
    reached), diverged, chance_loss. "chosen": method, setting, what, border}.
    """
    settings = {"rows": rows, "epochs": epochs, "hidden": hidden}
    # for seeds of its own, and so measured once for both blocks
    trials = dataclasses.replace(run, seeds=run.tuning(tuning)).shared(_trials, **settings)
    means = trials.groupby(["method", "setting"]).validation_loss.mean()
    chosen = {method: means[method].idxmin() for method in TRIED}
    arms = {*chosen.items(), *((method, _RATE) for method, what in WHAT.items() if what == "rate")}
    curves, epochs = _train(run, arms, **settings), run.epochs(epochs)
    runs = _kept(curves).merge(_epochs_to(curves, target, epochs), on=["method", "setting", "seed"])
    runs["chosen"] = runs.setting == runs.method.map(chosen)
    runs["same_rate"] = (runs.method.map(WHAT) != "rate") | (runs.setting == _RATE)
    settings = [(m, chosen[m], WHAT.get(m, "strength"), chosen[m] in (TRIED[m][0], TRIED[m][-1])) for m in TRIED]
    return {
        "runs": runs.assign(rows=rows, hidden=hidden, target=target, last_epoch=epochs),
        "chosen": pd.DataFrame(settings, columns=["method", "setting", "what", "border"]),
    }


def _trials(run, *, rows: int, epochs: int, hidden: int) -> pd.DataFrame:
    """Every method with every setting on the run's seeds."""
    every = {(method, setting) for method in TRIED for setting in TRIED[method]}
    return _kept(_train(run, every, rows=rows, epochs=epochs, hidden=hidden))


@dataclasses.dataclass(frozen=True)
class _Twice:
    """The splits with every training row twice: an epoch is two passes, and half the time goes into measuring."""

    splits: object

    def __call__(self, seed: int):
        split = self.splits(seed)
        train, *held_out = split.rows
        return dataclasses.replace(split, rows=(np.tile(train, 2), *held_out))


def _network(input_shape, outputs, *, hidden, noise=0.0, rate=0.0, l2=0.0):
    """Noise on the input, a hidden layer with dropout behind it, an L2 penalty: one graph for all their strengths."""
    import keras

    penalty = {"kernel_regularizer": keras.regularizers.L2(l2)}
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.GaussianNoise(noise),
            keras.layers.Dense(hidden, "relu", kernel_initializer="he_normal", **penalty),
            keras.layers.Dropout(rate),
            keras.layers.Dense(outputs, **penalty),
        ]
    )


def _with_batch_norm(input_shape, outputs, *, hidden):
    """Moving averages of momentum 0.9: Keras's 0.99 would lag behind for half of so few updates."""
    import keras

    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Dense(hidden, use_bias=False, kernel_initializer="he_normal"),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Activation("relu"),
            keras.layers.Dense(outputs),
        ]
    )


def _augmented(input_shape, outputs, *, hidden):
    """Images shifted by up to half a pixel and rotated by up to ten degrees, anew for every batch."""
    import keras

    from textbook.augmentation import RandomWarp
    from textbook.models import mlp

    side = int(input_shape[0] ** 0.5)
    layers = [keras.Input(input_shape), keras.layers.Reshape((side, side, 1)), RandomWarp(pixels=0.5, degrees=10.0)]
    return keras.Sequential([*layers, mlp((side, side, 1), outputs, hidden=(hidden,))])


def _condition(method: str, setting: float, hidden: int) -> Condition:
    import keras

    settings, smoothing, rate, more = {}, 0.0, _RATE, {}
    build = _network
    match method:
        case "L2 penalty":
            settings = {"l2": setting}
        case "dropout":
            settings = {"rate": setting}
        case "input noise":
            settings = {"noise": setting}
        case "label smoothing":
            smoothing = setting
        case "early stopping":
            more = {"stop": EarlyStopping(monitor="val_ce", patience=int(setting), restore_best_weights=True)}
        case _:
            rate = setting
            build = {BATCH_NORM: _with_batch_norm, AUGMENTATION: _augmented}.get(method, _network)
    return Condition(
        model=functools.partial(build, hidden=hidden, **settings),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        learning_rate=rate,
        momentum=0.9,
        **more,
    )


def ce(labels, logits):
    """Plain cross-entropy, in nats, for each row."""
    import keras

    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def _train(run, pairs, *, rows, epochs, hidden) -> pd.DataFrame:
    named = {f"{method}, {setting:g}": (method, setting) for method, setting in sorted(pairs)}
    curves = train_replicas(
        functools.partial(_network, hidden=hidden),
        _Twice(run.splits("digits", (rows, 473, 300))),
        conditions={name: _condition(*pair, hidden) for name, pair in named.items()},
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        batch_size=_BATCH,
        metrics=["accuracy", ce],
    )
    return curves.assign(
        method=[named[name][0] for name in curves.condition], setting=[named[name][1] for name in curves.condition]
    )


def _kept(curves: pd.DataFrame) -> pd.DataFrame:
    """A row per run: what it has at the weights that are kept; a diverged run has a guess's cross-entropy."""
    ends = curves[curves.selected]
    found = {"train_loss": "clean_ce", "validation_loss": "val_ce", "test_loss": "test_ce"}
    losses = {name: ends[column].where(~ends.diverged, ends.chance_loss) for name, column in found.items()}
    kept = ["method", "setting", "seed", "epoch", "test_accuracy", "diverged", "chance_loss", "chance_accuracy"]
    return ends[kept].assign(**losses)


def _epochs_to(curves: pd.DataFrame, target: float, epochs: int) -> pd.DataFrame:
    """Epochs until the training cross-entropy is at the target, one more than all where it is not."""
    there = curves[curves.clean_ce <= target].groupby(["method", "setting", "seed"]).epoch.min()
    every = pd.MultiIndex.from_frame(curves[["method", "setting", "seed"]].drop_duplicates())
    return there.reindex(every, fill_value=epochs + 1).rename("epochs_to_target").reset_index()
