"""How much less time a model costs when many are trained at once, against plain `model.fit`.

Digits, batch 32, 20 epochs with validation after each; both sides in one run on one machine, rounds interleaved,
medians reported. For each network and count of replicas:

- *s per model*: once the program is compiled, as for every further experiment on the same network; *first call* is the
  time of a stack's first training, tracing included;
- *ratio*: seconds of one `fit` (compiling included, as every `fit` of a new model pays it) over seconds per model;
- *floor*: seconds that the matrix products of one model take alone (floating-point operations over the measured rate of
  batched products of the model's own shapes, for as many replicas), and how far from it the training is;
- *peak*: MiB that a process of its own takes for it, beyond what it held before.

    python benchmarks/replicas.py [--rounds 3] [--fits 2] [--threads 1] [--only NAME …]
"""

import argparse
import functools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":  # before TensorFlow is imported; other scripts that import this one set their own
    _early = argparse.ArgumentParser(add_help=False)
    _early.add_argument("--threads", type=int, default=1)
    _threads = str(_early.parse_known_args()[0].threads)
    os.environ |= {"TF_NUM_INTRAOP_THREADS": _threads, "TF_NUM_INTEROP_THREADS": _threads, "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np
import tensorflow as tf

from textbook import datasets, splits
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

EPOCHS, BATCH = 20, 32
SIZES = (1024, 473, 300)


def cnn_s(input_shape, outputs):
    """Conv8–Conv16–global average on 8×8."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Reshape((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(outputs),
        ]
    )


def embedding(input_shape, outputs):
    """Each pixel's grey level, 0–16, as a word."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Embedding(17, 8),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(outputs),
        ]
    )


CASES = {
    "MLP-64": (mlp, (1, 8, 32, 128)),
    "MLP-64, dropout, batch norm": (functools.partial(mlp, dropout=0.2, batch_norm=True), (32,)),
    "CNN-s": (cnn_s, (8, 32)),
    "embedding": (embedding, (32,)),
}


def seconds_of_fit(split, build=mlp) -> float:
    """One plain `fit` on arrays, the way a reader would write it."""
    keras.utils.clear_session()
    train, validation = split.train, split.validation
    x, y, x_val, y_val = train.x, train.y, validation.x, validation.y
    started = time.perf_counter()
    model = build((64,), 10)
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, validation_data=(x_val, y_val), verbose=0)
    return time.perf_counter() - started


def seconds_of_replicas(split_of, count: int, build=mlp) -> float:
    """`count` models at once, clean train loss and final test included."""
    started = time.perf_counter()
    condition = Condition(learning_rate=0.05, momentum=0.9)
    train_replicas(build, split_of, conditions={"sgd": condition}, seeds=range(count), epochs=EPOCHS, batch_size=BATCH)
    return time.perf_counter() - started


def products_of(build) -> list[tuple[int, int, int]]:
    """(rows per sample, inputs, outputs) of every matrix product in one forward pass."""
    found, original = [], keras.layers.Layer.__call__

    def watched(layer, *args, **kwargs):
        outputs = original(layer, *args, **kwargs)
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            found.append((int(np.prod(outputs.shape[1:-1])), int(np.prod(kernel.shape[:-1])), kernel.shape[-1]))
        return outputs

    model = build((64,), 10)
    keras.layers.Layer.__call__ = watched
    try:
        model(np.zeros((1, 64), np.float32))
    finally:
        keras.layers.Layer.__call__ = original
    return found


def floor_of(build, replicas: int) -> tuple[float, float]:
    """(floating-point operations of one model, seconds that its products take alone when so many are batched)."""
    operations, seconds = 0.0, 0.0
    evaluated = SIZES[0] + SIZES[1]
    for place, (rows, inputs, outputs) in enumerate(products_of(build)):
        shape = (rows * BATCH, inputs, outputs)
        ways = 2 if place == 0 else 3  # forward, for the weights and, but in the first layer, for the inputs
        for way in range(ways):
            m, k, n = (shape, (shape[1], shape[0], shape[2]), (shape[0], shape[2], shape[1]))[way]
            passes = SIZES[0] / BATCH + (evaluated / BATCH if way == 0 else 0)
            operations += EPOCHS * passes * 2 * m * k * n
            seconds += EPOCHS * passes * _seconds_of_product(replicas, m, k, n) / replicas
    return operations, seconds


@functools.cache
def _seconds_of_product(replicas: int, m: int, k: int, n: int) -> float:
    """Repeated inside one graph, since a call from Python costs more than a small product."""
    repeats = 20
    a, b = tf.random.normal((replicas, m, k)), tf.random.normal((replicas, k, n))

    @tf.function(autograph=False)
    def products():
        def again(i, before):
            with tf.control_dependencies([before]):
                return i + 1, tf.matmul(a, b)

        return tf.while_loop(lambda i, _: i < repeats, again, (0, tf.zeros((replicas, m, n))))[1]

    products()
    readings = []
    for _ in range(15):
        started = time.perf_counter()
        products().numpy()
        readings.append((time.perf_counter() - started) / repeats)
    return statistics.median(readings)


def peak_of(name: str, count: int, threads: int) -> float:
    """MiB that a fresh process needs for a training beyond what it held before; count 0 is one `fit`."""
    command = [sys.executable, __file__, "--threads", str(threads), "--peak", name, str(count)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def _print_peak(name: str, count: int) -> None:
    splitter, build = splits.Splitter(datasets.load("digits"), sizes=SIZES), CASES[name][0]
    split = splitter(0)
    tf.matmul(tf.zeros((2, 2)), tf.zeros((2, 2)))
    before = _peak_now()
    seconds_of_replicas(splitter, count, build) if count else seconds_of_fit(split, build)
    print(_peak_now() - before)


def _peak_now() -> float:
    """MiB; of this process alone, where getrusage would start with the peak of the one that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fits", type=int, default=2, help="plain fits per round and network")
    parser.add_argument("--threads", type=int, default=1, help="threads that an operation may use, on both sides")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        _print_peak(arguments.peak[0], int(arguments.peak[1]))
        return

    splitter = functools.cache(splits.Splitter(datasets.load("digits"), sizes=SIZES))
    for seed in range(128):
        splitter(seed)  # splitting is no part of the comparison: both sides get finished splits
    seconds_of_fit(splitter(0))  # TensorFlow's own start belongs to neither side
    print(f"digits, {SIZES[0]} rows, batch {BATCH}, {EPOCHS} epochs; {arguments.threads} thread(s) an operation")
    print(f"{'network':<28} {'replicas':>8} {'first call':>10} {'s per model':>11} {'ratio':>6} "
          f"{'GFLOP':>6} {'floor s':>8} {'× floor':>7} {'peak MiB':>8}")  # fmt: skip
    for name in arguments.only:
        build, counts = CASES[name]
        first = {count: seconds_of_replicas(splitter, count, build) for count in counts}
        fits, warm = [], {count: [] for count in counts}
        for _ in range(arguments.rounds):
            fits += [seconds_of_fit(splitter(seed), build) for seed in range(arguments.fits)]
            seconds_of_replicas(splitter, 1, build)  # sets up again what clearing the session for the fits took away
            for count in counts:
                warm[count].append(seconds_of_replicas(splitter, count, build) / count)
        fit = statistics.median(fits)
        peak = peak_of(name, 0, arguments.threads)
        print(f"{name:<28} {'fit':>8} {'':>10} {fit:>11.3f} {1:>5}× {'':>6} {'':>8} {'':>7} {peak:>8.0f}")
        for count in counts:
            seconds = statistics.median(warm[count])
            operations, floor = floor_of(build, count)
            peak = peak_of(name, count, arguments.threads)
            timed = f"{first[count]:>10.2f} {seconds:>11.4f} {fit / seconds:>5.0f}×"
            bound = f"{operations / 1e9:>6.2f} {floor:>8.4f} {seconds / floor:>6.1f}×"
            print(f"{'':<28} {count:>8} {timed} {bound} {peak:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
