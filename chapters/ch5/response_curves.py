"""5.11 Hyperparameters and their response curves (하이퍼파라미터와 반응 곡선)

The first rate, the policy by which it falls and the strength of a penalty are set before training, and training leaves
them as they are. The text adds that they have no objective. They have one, the validation loss of the trained network;
what is missing is a cheap gradient. A dear one can be had by finite differences: train at a little more and a little
less, and step downhill along the response curve.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("5.11-a",)
DATA = "any"

_RATE, _PENALTY = "learning rate", "penalty"
_AT = {_RATE: 10.0 ** np.arange(-4, 0.6, 0.5), _PENALTY: 10.0 ** np.arange(-6, 0.1, 0.5)}
_STEP = 2  # places on the half-decade grid, so a step is a factor of ten


def measure(
    run: Run,
    *,
    rows: int = 256,
    rate: float = 0.1,
    penalty: float = 1e-4,
    momentum: float = 0.9,
    epochs: int = 20,
    first_rate: float = 1e-3,
    first_penalty: float = 0.1,
) -> dict[str, pd.DataFrame]:
    """Train along a line of rates and a line of L2 strengths, and step against the finite-difference slope.

    Args:
        rows: of the training part; few, so that the penalty has something to do.
        rate, penalty: what is held while the other one varies.
        first_rate, first_penalty: where the step begins; the nearest value that has neighbours is taken.
    """
    conditions = {
        f"{name}/{place}": Condition(
            learning_rate=float(value) if name == _RATE else rate,
            momentum=momentum,
            model=functools.partial(mlp, l2=float(value) if name == _PENALTY else penalty),
        )
        for name, values in _AT.items()
        for place, value in enumerate(values)
    }
    curves = train_replicas(
        mlp, run.splits("digits", (rows, 473, 300)), conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs)
    )
    last = curves[curves.epoch == curves.epoch.max()].copy()
    last["hyperparameter"] = last.condition.str.split("/").str[0]
    last["place"] = last.condition.str.split("/").str[1].astype(int)
    last["value"] = [_AT[name][place] for name, place in zip(last.hyperparameter, last.place, strict=True)]
    for part in ("val", "test"):
        # without the penalty, which is no part of what the network is for
        last[f"{part}_loss"] = last[f"{part}_clean_loss"].where(~last.diverged, last.chance_loss)
    response = last[["hyperparameter", "place", "value", "seed", "val_loss", "test_loss"]].reset_index(drop=True)
    slopes = _slopes(response)
    steps = [_steps(response, slopes, _RATE, first_rate), _steps(response, slopes, _PENALTY, first_penalty)]
    return {"response": response, "slopes": slopes, "steps": pd.concat(steps, ignore_index=True), "kinds": _kinds()}


def _slopes(response: pd.DataFrame) -> pd.DataFrame:
    """Centred differences of the validation loss in log10 of the value, nats per decade, at all but the end places."""
    ordered = response.sort_values(["hyperparameter", "seed", "place"])
    by = ordered.groupby(["hyperparameter", "seed"])
    rise = by.val_loss.shift(-1) - by.val_loss.shift(1)
    run = np.log10(by.value.shift(-1) / by.value.shift(1))
    return ordered.assign(slope=rise / run).dropna(subset="slope").reset_index(drop=True)


def _steps(response: pd.DataFrame, slopes: pd.DataFrame, name: str, first: float) -> pd.DataFrame:
    """Before and after one step of a factor of ten against the slope, for each seed."""
    values = _AT[name]
    start = int(np.clip(np.abs(np.log(values / first)).argmin(), _STEP, len(values) - 1 - _STEP))
    here = response[response.hyperparameter == name].set_index(["seed", "place"])
    slope = slopes[(slopes.hyperparameter == name) & (slopes.place == start)].set_index("seed").slope
    rows = []
    for seed in slope.index:
        after = start - _STEP * int(np.sign(slope[seed]))
        for when, place in (("before", start), ("after", after)):
            row = here.loc[(seed, place)]
            rows.append({
                "hyperparameter": name, "seed": seed, "when": when, "value": row.value, "slope": slope[seed],
                "val_loss": row.val_loss, "test_loss": row.test_loss,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _kinds() -> pd.DataFrame:
    """Numbers of a small network before and after three updates: which of them did training change?"""
    import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = mlp((8,), 3, hidden=(4,), l2=0.01)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        run_eagerly=True,
    )

    def numbers() -> dict:
        policy = schedule.get_config()
        return {
            "kernel": float(np.abs(model.layers[0].kernel.numpy()).sum()),
            "bias": float(np.abs(model.layers[0].bias.numpy()).sum()),
            "first learning rate": float(policy["initial_learning_rate"]),
            "learning rate policy": float(policy["decay_rate"]),
            "momentum": float(model.optimizer.momentum),
            "penalty": float(model.layers[0].kernel_regularizer.l2),
        }

    before = numbers()
    for _ in range(3):
        model.train_on_batch(rng.normal(size=(16, 8)).astype("float32"), rng.integers(3, size=16))
    after = numbers()
    return pd.DataFrame({
        "number": before.keys(), "before": before.values(), "after": after.values(),
        "changed": [before[name] != after[name] for name in before],
        "weight": [name in ("kernel", "bias") for name in before],
    })  # fmt: skip


def draw(tables: dict[str, pd.DataFrame]):
    """The validation loss along both hyperparameters, with the slope where the step begins and where it leads."""
    response, steps = tables["response"], tables["steps"]
    fig, axes = plots.figure(1, 2, sharey=True)
    for ax, name in zip(axes, (_RATE, _PENALTY), strict=True):
        plots.band(ax, response[response.hyperparameter == name], x="value", y="val_loss", hue=None, log=True)
        mine = steps[steps.hyperparameter == name]
        before, after = (mine[mine.when == when] for when in ("before", "after"))
        start, height = before.value.iloc[0], np.exp(np.log(before.val_loss).mean())
        reach = np.array([-0.75, 0.75])
        # drawn through the mean point; a straight line on this axis is exponential in the loss
        slope = before.slope.mean() / height
        ax.plot(start * 10**reach, height * np.exp(slope * reach), "-", color="#222222", linewidth=2)
        ends = after.value.value_counts()
        end = after[after.value == ends.index[0]]
        ax.annotate(
            "", (end.value.iloc[0], np.exp(np.log(end.val_loss).mean())), (start, height),
            arrowprops={"arrowstyle": "->", "color": plots.COLOURS[1], "linewidth": 2, "shrinkA": 4, "shrinkB": 4},
        )  # fmt: skip
        words = f"slope {before.slope.mean():+.2f}".replace("-", "−") + " nats per decade"
        plots.note(ax, words, at="upper left" if name == _PENALTY else "upper right")
        plots.log_axis(ax, "x", at=_AT[name][:: 2 if name == _RATE else 4])
        ax.set(xlabel="learning rate" if name == _RATE else "strength of the penalty λ")
    plots.log_axis(axes[0], "y", at=(0.1, 0.2, 0.5, 1, 2))
    axes[0].set(ylabel="validation loss (nats)")
    axes[0].set_title("first rate")
    axes[1].set_title("L2 penalty")
    plots.caption(
        fig,
        "Digits, few training images (256 unless set), MLP 64-64-10, SGD with momentum 0.9. Black: centred difference "
        "at the start; arrow: a step of a factor of ten against it, as most seeds go. Loss without the penalty. "
        f"Bands: 95 %; {plots.seeds_text(response)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-a/fixed",
        "Training changes the weights and none of the hyperparameters: first rate, policy, momentum, penalty.",
        exact(measured="changed", expected="weight", table="kinds"),
        expected=EXACT,
        ask="Which of these numbers does an update change: kernel, bias, first rate, policy, momentum, penalty?",
        why="Only what the loss is differentiated by is updated, and that is the model's trainable variables.",
        beware="A schedule changes the rate while training; what is fixed are the numbers that describe the schedule.",
    ),
    Claim(
        "5.11-a/rate",
        "From a rate that is too small, a step of a factor of ten against the finite-difference slope of the "
        "validation loss lowers the loss on held-out data.",
        paired("test_loss", lower="after", than="before", by="when", table="steps", where={"hyperparameter": _RATE}),
        expected=HOLDS,
        ask="Three trainings at neighbouring rates give a slope. Can one descend along a hyperparameter by it?",
        why="The validation loss of the trained network is a function of the rate like any other, only dear to "
        "evaluate.",
        beware="Near the optimum the slope is smaller than the noise between seeds, and its sign is luck.",
        correction="Hyperparameters do have an objective, the validation loss; it lacks a cheap gradient, and even "
        "exact hypergradients can be computed.",
        reference="Lorraine, Vicol & Duvenaud (2020), arXiv:1911.02590",
    ),
    Claim(
        "5.11-a/penalty",
        "From a penalty that is too strong, such a step lowers the loss on held-out data.",
        paired("test_loss", lower="after", than="before", by="when", table="steps", where={"hyperparameter": _PENALTY}),
        expected=HOLDS,
        ask="The L2 strength is 0.1. Which way is downhill, and how far down does a factor of ten lead?",
        why="So strong a penalty keeps the weights from fitting even what the training rows agree on.",
        beware="For weak penalties the curve is flat: below some strength there is nothing to gain.",
    ),
)
