"""Every gradient of a network checked: `gradient_check` against a loop over coordinates.

64-64-10 on a few digits, all 4,810 weights, float64 on our side. *plain loop*: assign w + h, call model, loss, assign
w − h, call them again, assign w. *compiled loop*: the same with the loss of the model in a `tf.function`. Both are
timed on a sample of weights and extrapolated to all, which is said in the table; they find no kinks and check nothing
else. Ours is timed whole: gradients, graph, all evaluations, table and verdicts. Rounds are interleaved; medians of
CPU seconds, since other programs share the machine.

    python benchmarks/gradient_check.py [--rounds 5] [--sample 150]
"""

import argparse
import os
import time

# one thread an operation, as in the other benchmarks: a second one is woken for nothing by operations this small
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np
import tensorflow as tf

from textbook import datasets
from textbook.checks import gradient_check
from textbook.models import mlp

STEP = 1e-3


def compiled() -> keras.Model:
    model = mlp((64,), 10)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def loop(model, loss, places) -> list[float]:
    """Centred differences as they are usually written: `places` are (variable, index) pairs."""
    slopes = []
    for variable, index in places:
        before = variable.numpy()
        values = []
        for side in (1, -1):
            moved = before.copy()
            moved[index] += side * STEP
            variable.assign(moved)
            values.append(float(loss()))
        variable.assign(before)
        slopes.append((values[0] - values[1]) / (2 * STEP))
    return slopes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=150)
    arguments = parser.parse_args()
    print(f"keras {keras.__version__} on {keras.backend.backend()}; loops timed on {arguments.sample} weights a round")
    print(f"{arguments.rounds} rounds; medians and quartiles")
    for rows in (10, 32):
        compare(rows, arguments)


def compare(rows: int, arguments) -> None:
    digits = datasets.load("digits")
    x, y = np.asarray(digits.x)[:rows].astype("float32"), np.asarray(digits.y)[:rows]
    keras.utils.set_random_seed(0)
    model = compiled()
    everything = [(variable, index) for variable in model.trainable_variables for index in np.ndindex(*variable.shape)]
    random = np.random.default_rng(0)

    def plain():
        return model.loss(y, model(x, training=False))

    fast = tf.function(plain)
    fast()

    def looped(loss) -> float:
        """Seconds for all weights, extrapolated from a sample."""
        places = [everything[i] for i in random.choice(len(everything), arguments.sample, replace=False)]
        started = time.process_time()
        loop(model, loss, places)
        return (time.process_time() - started) * len(everything) / arguments.sample

    def ours(coordinates) -> float:
        started = time.process_time()
        check = gradient_check(model, x, y, coordinates=coordinates)
        seconds = time.process_time() - started
        assert check.passed
        assert coordinates != "all" or len(check.table) == len(everything)
        return seconds

    started = time.process_time()
    ours(20)
    first = time.process_time() - started
    ways = {
        "plain loop (extrapolated)": lambda: looped(plain),
        "compiled loop (extrapolated)": lambda: looped(fast),
        "gradient_check, all": lambda: ours("all"),
        "gradient_check, 20 a tensor": lambda: ours(20),
    }
    times = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name in random.permutation(list(ways)):
            times[name].append(ways[name]())
    print(f"{len(everything)} weights, {rows} rows")
    print(f"{'way':<30} {'seconds':>8} {'loop / way':>11} {'quartiles':>15}")
    for name, seconds in times.items():
        ratios = np.array(times["plain loop (extrapolated)"]) / np.array(seconds)
        low, middle, high = np.percentile(ratios, [25, 50, 75])
        print(f"{name:<30} {np.median(seconds):>8.2f} {middle:>10.1f}× {low:>6.1f} – {high:.1f}")
    print(f"the first check of 20 a tensor, with what is built for it: {first:.2f} s")


if __name__ == "__main__":
    main()
