"""How much less time a model costs when many are trained at once, against plain `model.fit`.

Digits, 64-64-10, batch 32, 20 epochs with validation after each; both sides in one run on one machine, rounds
interleaved, medians reported. Three numbers for each count of replicas:

- *warm*: seconds per model once the program is compiled, as for every further experiment on the same network;
- *cold*: the first call, tracing included;
- ratio: seconds of one `fit` (compiling included, as every `fit` of a new model pays it) over warm seconds per model.

    python benchmarks/replicas.py [--rounds 3] [--fits 2]
"""

import argparse
import os
import statistics
import time

# One thread an operation, as the book's own runs have it: it leaves `fit` as it is (its operations are too small to
# share) and spares a small stack the waking of threads.
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")

import keras

from textbook import datasets, splits
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

EPOCHS, BATCH = 20, 32
COUNTS = (1, 8, 32, 128)
SIZES = (1024, 473, 300)


def seconds_of_fit(split) -> float:
    """One plain `fit` on arrays, the way a reader would write it."""
    keras.utils.clear_session()
    train, validation = split.train, split.validation
    x, y, x_val, y_val = train.x, train.y, validation.x, validation.y
    started = time.perf_counter()
    model = mlp((64,), 10)
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, validation_data=(x_val, y_val), verbose=0)
    return time.perf_counter() - started


def seconds_of_replicas(splitter, count: int, first_seed: int) -> float:
    """`count` models at once, clean train loss and final test included."""
    started = time.perf_counter()
    train_replicas(
        mlp,
        splitter,
        conditions={"sgd": Condition(learning_rate=0.1, momentum=0.9)},
        seeds=range(first_seed, first_seed + count),
        epochs=EPOCHS,
        batch_size=BATCH,
    )
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fits", type=int, default=2, help="plain fits per round")
    arguments = parser.parse_args()

    splitter = splits.Splitter(datasets.load("digits"), sizes=SIZES)
    for seed in range(max(COUNTS)):
        splitter(seed)  # splitting is no part of the comparison: both sides get finished splits
    seconds_of_fit(splitter(0))  # TensorFlow's own start belongs to neither side
    cold = seconds_of_replicas(splitter, 1, 0)
    fits, warm = [], {count: [] for count in COUNTS}
    for _ in range(arguments.rounds):
        fits += [seconds_of_fit(splitter(seed)) for seed in range(arguments.fits)]
        seconds_of_replicas(splitter, 1, 0)  # sets up again what clearing the session for the fits took away
        for count in COUNTS:
            warm[count].append(seconds_of_replicas(splitter, count, 0) / count)
    fit = statistics.median(fits)
    print(f"one plain fit: {fit:.2f} s (median of {len(fits)}); first call of train_replicas, 1 replica: {cold:.2f} s")
    print(f"{'replicas':>8}  {'s per model':>11}  {'fit / replica':>13}")
    for count in COUNTS:
        seconds = statistics.median(warm[count])
        print(f"{count:>8}  {seconds:>11.4f}  {fit / seconds:>12.0f}×")


if __name__ == "__main__":
    main()
