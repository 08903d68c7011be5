"""Networks that differ in their start and their order only: members for ensembles, measured once for all sections."""

import numpy as np
import pandas as pd

from textbook.ensembles import probabilities
from textbook.experiment import Run
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import stream

SIZES = (600, 473, 300)  # of the training, validation and test part
MOST_MEMBERS = 100


def members(run: Run, *, count: int = 10, epochs: int = 20) -> dict[str, pd.DataFrame]:
    """Train `count` networks for each seed: one split for all, initial weights and an order of its own for each.

    Returns: "predictions", a row per seed, member and test row: `seed`, `member`, `row`, `label`, and the
        probabilities of the classes, `p0` and so on; "weights", a row per seed and weight: `seed`, `weight`, and the
        value in each member, `m0` and so on, weights in the order of `unpacked`.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    numbers = [seed * MOST_MEMBERS + member for seed in run.seeds for member in range(count)]
    trainer = ReplicaTrainer(
        mlp,
        split_of_seed(run),
        conditions={"": Condition(learning_rate=0.1, momentum=0.9)},
        seeds=numbers,
        epochs=run.epochs(epochs),
        keep_state=True,
    )
    result, splits = trainer.run(), split_of_seed(run)
    predictions, weights = [], []
    for seed in run.seeds:
        test = splits(seed * MOST_MEMBERS).test
        stacks = stacked(result, "", [seed * MOST_MEMBERS + member for member in range(count)])
        predictions.append(predicted(seed, probabilities(outputs(stacks, test.x), logits=True), test.y))
        flat = np.concatenate([stack.reshape(count, -1) for stack in stacks], axis=1)
        named = {f"m{member}": flat[member] for member in range(count)}
        weights.append(pd.DataFrame({"seed": seed, "weight": np.arange(flat.shape[1]), **named}))
    return {"predictions": pd.concat(predictions, ignore_index=True), "weights": pd.concat(weights, ignore_index=True)}


def split_of_seed(run: Run, sizes=SIZES):
    """A callable that gives every member of a seed the split of that seed."""
    splitter, known = run.splits("digits", sizes=sizes), {}

    def of(number: int):
        seed = number // MOST_MEMBERS
        if seed not in known:
            known[seed] = splitter(seed)
        return known[seed]

    return of


def stacked(result, condition: str, numbers) -> list[np.ndarray]:
    """Kernels and biases of several replicas in order, each (members, …); the training kept their states."""
    states = [result.state(condition, number).weights for number in numbers]
    return [np.stack(parts) for parts in zip(*states, strict=True)]


def outputs(stacks, x) -> np.ndarray:
    """Logits of stacked perceptrons with rectified hidden layers: (members, rows, classes)."""
    signal = np.asarray(x, np.float32).reshape(1, len(x), -1)
    pairs = list(zip(stacks[::2], stacks[1::2], strict=True))
    for number, (kernel, bias) in enumerate(pairs):
        signal = signal @ kernel + bias[:, None, :]
        if number < len(pairs) - 1:
            signal = np.maximum(signal, 0)
    return signal


def predicted(seed: int, of_members: np.ndarray, y) -> pd.DataFrame:
    """Probabilities (members, rows, classes) as the table of `members`."""
    count, rows, classes = of_members.shape
    columns = of_members.reshape(-1, classes).astype(np.float32)
    return pd.DataFrame(
        {
            "seed": seed,
            "member": np.repeat(np.arange(count), rows),
            "row": np.tile(np.arange(rows), count),
            "label": np.tile(np.asarray(y), count),
            **{f"p{number}": columns[:, number] for number in range(classes)},
        }
    )


def of_seed(predictions: pd.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (members, rows, classes) and labels (rows,) of one seed, back from the table."""
    mine = predictions[predictions.seed == seed]
    names = [name for name in mine.columns if name[0] == "p" and name[1:].isdigit()]
    count = mine.member.nunique()
    return mine[names].to_numpy(np.float64).reshape(count, -1, len(names)), mine.label.to_numpy()[: len(mine) // count]


def unpacked(flat: np.ndarray, shapes) -> list[np.ndarray]:
    """One network's weights from a row of numbers, in arrays of these shapes, with an axis of length 1 in front."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(1, *shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


def start(random: np.random.Generator, shapes) -> list[np.ndarray]:
    """Initial weights as He et al. draw them (of the last kernel as Glorot and Bengio do), all normal; biases are 0.

    Normal, because a mixture cos θ·a + sin θ·b of two such starts is again one.
    """
    weights = []
    for number, shape in enumerate(shapes):
        last = number >= len(shapes) - 2
        deviation = 0.0 if len(shape) == 1 else np.sqrt(2 / (sum(shape) if last else shape[0]))
        weights.append((deviation * random.standard_normal(shape)).astype(np.float32))
    return weights


def reordered(run: Run, sizes=SIZES, *, purpose: str, replace: bool = False):
    """A callable as `split_of_seed` gives, with the training rows of each member in an order of its own.

    A training that takes the same row numbers in the same order then sees other samples in every batch.

    Args:
        purpose: names the stream of random numbers.
        replace: draw the rows with replacement, as bagging does.
    """
    plain, splitter = split_of_seed(run, sizes), run.splits("digits", sizes=sizes)

    def of(number: int):
        train, *held_out = plain(number).rows
        own = stream(number, purpose).choice(train, size=len(train), replace=replace)
        return splitter.with_rows((own, *held_out), number // MOST_MEMBERS)

    return of
