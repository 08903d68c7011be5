"""How many images a second the augmenting layers make, beside Keras's own, in one graph.

Ten thousand grey images of 28 × 28 pixels, in batches, with two threads an operation. Every round runs every layer
over all images, in an order drawn by chance; medians of the rounds. Keras's layers and ours are set to equal strengths
and to fill with zeros.

    python benchmarks/augmentation.py [--images 10000] [--batch 256] [--rounds 7]
"""

import argparse
import os
import time

os.environ |= {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np
import tensorflow as tf

from textbook.augmentation import RandomFlip, RandomRotation, RandomShift, RandomWarp, warp

SIDE, PIXELS, DEGREES = 28, 2, 15
AIM = 5_000  # images a second


def ways() -> dict:
    """Name → function of a batch."""
    layers = keras.layers
    shares = {"height_factor": PIXELS / SIDE, "width_factor": PIXELS / SIDE}
    moves = layers.RandomTranslation(**shares, fill_mode="constant")
    turns = layers.RandomRotation(DEGREES / 360, fill_mode="constant")
    found = {
        f"RandomShift({PIXELS})": RandomShift(PIXELS),
        "Keras's RandomTranslation": moves,
        f"RandomRotation({DEGREES})": RandomRotation(DEGREES),
        "Keras's RandomRotation": turns,
        "RandomWarp, both at once": RandomWarp(pixels=PIXELS, degrees=DEGREES),
        "Keras's two layers": keras.Sequential([turns, moves]),
        "RandomFlip": RandomFlip(),
        "Keras's RandomFlip": layers.RandomFlip("horizontal"),
    }
    return {name: tf.function(lambda x, layer=layer: layer(x, training=True)) for name, layer in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("images", 10_000), ("batch", 256), ("rounds", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    images = np.random.default_rng(0).random((arguments.images, SIDE, SIDE, 1)).astype("float32")
    batches = [tf.constant(images[i : i + arguments.batch]) for i in range(0, len(images), arguments.batch)]

    def seconds(function) -> float:
        started = time.perf_counter()
        for batch in batches:
            function(batch)
        return time.perf_counter() - started

    measured = ways()
    rate = np.random.default_rng(0).uniform(-1, 1, (3, len(images)))
    measured["NumPy reference"] = None
    for function in filter(None, measured.values()):
        seconds(function)  # traces
    times = {name: [] for name in measured}
    order = np.random.default_rng(0)
    for _ in range(arguments.rounds):
        for name in order.permutation(list(measured)):
            if measured[name] is None:
                started = time.perf_counter()
                warp(images, down=PIXELS * rate[0], across=PIXELS * rate[1], degrees=DEGREES * rate[2])
                times[name].append(time.perf_counter() - started)
            else:
                times[name].append(seconds(measured[name]))
    print(
        f"keras {keras.__version__}; {len(images)} images of {SIDE} × {SIDE}, batches of {arguments.batch}, 2 threads"
    )
    print(f"{'way':<28} {'images a second':>16} {'× aimed at':>11}")
    for name, taken in times.items():
        speed = len(images) / np.median(taken)
        print(f"{name:<28} {speed:>16,.0f} {speed / AIM:>11.1f}")


if __name__ == "__main__":
    main()
