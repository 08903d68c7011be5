"""8.1 All the data in one update (전체 데이터로 한 번에 갱신하기)

Before SGD, the text says, the whole data set went through the model for every update: too large for the memory of a
GPU, and slow. There are two reasons. Training keeps what every layer puts out for every row until the backward pass has
used it, so memory grows in proportion to the rows at work. And an update costs an epoch: even at its own best learning
rate the full batch is far behind after as many epochs.
"""

import numpy as np
import pandas as pd

from chapters.shared.tuned_arms import rates_text, tuned_arms
from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, paired, slope
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import stream

ENTRIES = ("8.1-b",)
DATA = "any"
FULL, MINI = "full batch", "mini-batch"
RATES = (0.03, 0.1, 0.3, 1.0, 3.0)
TUNING = 4


def measure(
    run: Run,
    *,
    rows: tuple[int, ...] = (256, 1024, 4096, 16384),
    batch_size: int = 32,
    epochs: int = 10,
) -> dict[str, pd.DataFrame]:
    """Add up what is alive in the graph of an update; train with all rows and with mini-batches, both tuned.

    Args:
        rows: of the updates whose memory is added up; each seed draws a network of one to four layers.
        batch_size, epochs: of the training in mini-batches, and of both trainings.
    """
    splits = run.splits("digits")
    curves, chosen = tuned_arms(
        mlp,
        splits,
        arms={
            MINI: lambda rate: Condition(learning_rate=rate, batch_size=batch_size),
            FULL: lambda rate: Condition(learning_rate=rate, batch_size="all"),
        },
        rates=RATES,
        tuning=run.tuning(TUNING),
        seeds=run.seeds,
        epochs=run.epochs(epochs),
    )
    kept = ["arm", "rate", "seed", "epoch", "val_loss", "clean_loss", "diverged", "chance_loss"]
    return {
        "memory": _memory(splits, run.seeds, rows),
        "curves": curves[kept].assign(batch_size=batch_size),
        "chosen": chosen,
    }


def _memory(splits, seeds, sizes) -> pd.DataFrame:
    """The peak of live bytes in the graph of one update, for each seed's network and each number of rows."""
    table, split = [], splits(seeds[0])
    for seed in seeds:
        random = stream(seed, "network")
        hidden = tuple(int(units) for units in 2 ** random.integers(6, 10, size=random.integers(1, 5)))
        model = mlp(split.x.shape[1:], split.classes, hidden=hidden)
        for size in sizes:
            graph = _graph_of_an_update(model, (size, *split.x.shape[1:]))
            table.append({"seed": seed, "batch_size": size, "mib": _peak_of_live_bytes(graph) / 2**20})
    return pd.DataFrame(table)


def _graph_of_an_update(model, shape):
    """The graph of loss and gradients for a batch of this shape."""
    import keras
    import tensorflow as tf

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def gradients(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        return tape.gradient(value, model.trainable_variables)

    signature = tf.TensorSpec(shape, tf.float32), tf.TensorSpec(shape[:1], tf.int64)
    return gradients.get_concrete_function(*signature).graph


def _peak_of_live_bytes(graph) -> int:
    """Bytes of the tensors alive at the worst moment: each from the operation that makes it to the last that reads it.

    Weights and the batch itself are there before and after, and views of a tensor take nothing.
    """
    views = {"Identity", "Reshape", "ReadVariableOp", "Placeholder", "Const", "NoOp", "ExpandDims", "Squeeze"}
    place = {operation.name: at for at, operation in enumerate(graph.get_operations())}
    kept = {tensor.name for tensor in graph.outputs}
    born, dies = np.zeros(len(place) + 1, dtype=np.int64), np.zeros(len(place) + 1, dtype=np.int64)

    def last_use(tensor) -> int:
        readers = [place[reader.name] for reader in tensor.consumers()]
        through = [last_use(seen) for reader in tensor.consumers() if reader.type in views for seen in reader.outputs]
        return len(place) - 1 if tensor.name in kept else max([place[tensor.op.name], *readers, *through])

    for operation in graph.get_operations():
        for tensor in operation.outputs if operation.type not in views else ():
            if tensor.shape.is_fully_defined():
                size = tensor.shape.num_elements() * tensor.dtype.size
                born[place[operation.name]] += size
                dies[last_use(tensor) + 1] += size
    return int(np.cumsum(born - dies).max())


def draw(tables: dict[str, pd.DataFrame]):
    """Memory of an update by its rows; validation loss by epoch for all rows at once and for mini-batches."""
    memory, curves, chosen = tables["memory"], tables["curves"], tables["chosen"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.6))
    with plots.style():
        plots.band(left, memory, x="batch_size", y="mib", hue=None, log=True)
        for _, network in memory.groupby("seed"):
            left.plot(network.batch_size, network.mib, color=plots.GREY, linestyle="-", linewidth=0.6, alpha=0.6)
        plots.log_axis(left, "x", at=sorted(memory.batch_size.unique()))
        plots.log_axis(left, "y")
        left.set(xlabel="rows in the update", ylabel="alive at the worst moment (MiB)", title="memory")
        plots.band(right, curves, x="epoch", y="val_loss", hue="arm", log=True)
        plots.log_axis(right, "y")
        right.set(xlabel="epochs completed", ylabel="validation loss (nats)", title="progress")
    plots.caption(
        fig,
        "Left: MLPs of one to four layers of 64 to 512 units, one drawn by each seed (thin); tensors in TensorFlow's "
        f"graph of loss and gradients, without weights and the batch. Right: digits, MLP with 64 hidden units, "
        f"plain SGD, mini-batches of {curves.batch_size.iloc[0]}, rates tuned on other seeds ({rates_text(chosen)}). "
        f"95 % bands, {plots.seeds_text(curves)}",
    )
    return fig


CLAIMS = (
    Claim(
        "8.1-b/memory",
        "The memory of an update grows in proportion to its rows.",
        slope("mib", over="batch_size", theory=1.0, table="memory"),
        expected=HOLDS,
        ask="Eight times the rows in one update: how much more memory does it take?",
        why="What each layer puts out for each row is kept until the backward pass has used it, and so are the "
        "gradients for it.",
        beware="Added up from the graph in the order of its operations, not read from the system, whose allocator "
        "keeps what it once had. Gradients are the same for any batch: with few rows they are most of it.",
    ),
    Claim(
        "8.1-b/slow",
        "After equally many epochs the full batch is behind mini-batches, each at its best learning rate.",
        paired("val_loss", lower=MINI, than=FULL, by="arm", table="curves"),
        expected=HOLDS,
        ask="The full batch may take a rate of its own. Does it keep up, epoch by epoch?",
        why="It makes one update an epoch. Its steps are surer, but not as much longer as they are fewer.",
        beware="Epochs, not seconds: with much hardware an epoch of one large update is sooner done.",
    ),
)
