"""Searches against keras-tuner's own, side by side in one run: time a trial, the best found, memory, and a large pool.

MLP-64 on the digits over learning rate and momentum. Every measurement has a process of its own; both sides train with
one thread an operation. keras-tuner is measured on fewer trials where that is asked for, since it takes minutes.

    python benchmarks/search.py [--tuner-trials 128] [--only random hyperband memory pool]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

TRIALS, EPOCHS, MAX_EPOCHS = 128, 5, 27


def build(hp):
    """64-64-10."""
    import keras

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
    rate = hp.Float("rate", 1e-4, 1.0, sampling="log")
    momentum = 1 - hp.Float("1 - momentum", 0.01, 1.0, sampling="log")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate, momentum=momentum), loss, metrics=["accuracy"])
    return model


def data():
    """1,024 rows to train, 473 to validate; everything that either side imports is loaded now, and not timed."""
    import keras_tuner  # noqa: F401

    from textbook import datasets, search, splits

    search.random_search  # noqa: B018  (a name that is loaded when it is first used)

    return splits.split(datasets.load("digits"), seed=0, sizes=(1024, 473, 300))


def random_ours(trials: int) -> dict:
    from textbook import search

    part = data()
    started = time.perf_counter()
    found = search.random_search(build, part, trials=trials, seed=0, epochs=EPOCHS)
    seconds = time.perf_counter() - started
    again = time.perf_counter()
    search.random_search(build, part, trials=trials, seed=1, epochs=EPOCHS)
    second = time.perf_counter() - again
    fresh = found.retrained(seeds=16)
    return {
        "seconds": seconds, "second": second, "trials": trials,
        "best": float(found.best().loc[0, "score"]), "retrained": [fresh.mean, *fresh.interval],
    }  # fmt: skip


def random_tuner(trials: int) -> dict:
    import keras_tuner

    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.RandomSearch(build, "val_loss", max_trials=trials, seed=1, directory=folder)
        seconds = _searched(tuner, epochs=EPOCHS)
        return {"seconds": seconds, "trials": trials, "best": tuner.oracle.get_best_trials(1)[0].score}


def hyperband_ours(_: int) -> dict:
    from textbook import search

    part = data()
    started = time.perf_counter()
    found = search.hyperband(build, part, max_epochs=MAX_EPOCHS, seed=0)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "trials": len(found.table), "best": float(found.best().loc[0, "score"])}


def hyperband_tuner(_: int) -> dict:
    import keras_tuner

    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.Hyperband(build, "val_loss", max_epochs=MAX_EPOCHS, seed=1, directory=folder)
        seconds = _searched(tuner)
        best = tuner.oracle.get_best_trials(1)[0].score
        return {"seconds": seconds, "trials": len(tuner.oracle.trials), "best": best}


def memory_ours(_: int) -> dict:
    from textbook import search

    part, held = data(), {}
    for trials in (32, 32, 250, 500):  # the first traces and fills TensorFlow's pools, the second shows what is left
        search.random_search(build, part, trials=trials, seed=0, epochs=1, wave=32)
        held[trials] = _resident()
    return {"growth": held[500] - held[32], "held": held[500]}


def memory_tuner(_: int) -> dict:
    import keras_tuner

    held = []
    with tempfile.TemporaryDirectory() as folder:
        for trials in (4, 24):
            tuner = keras_tuner.RandomSearch(
                build, "val_loss", max_trials=trials, seed=1, directory=f"{folder}/{trials}"
            )
            _searched(tuner, epochs=1)
            held.append(_resident())
    return {"growth": (held[1] - held[0]) / 24}


def pool_ours(_: int) -> dict:
    from textbook import search

    part = data()
    started = time.perf_counter()
    found = search.random_search(build, part, trials=1000, seed=0, epochs=15)
    return {"seconds": time.perf_counter() - started, "rows": len(found.curves)}


def _searched(tuner, **fit) -> float:
    part = data()
    started = time.perf_counter()
    validation = (part.validation.x, part.validation.y)
    tuner.search(part.train.x, part.train.y, validation_data=validation, batch_size=32, verbose=0, **fit)
    return time.perf_counter() - started


def _resident() -> float:
    """MiB that the process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


MEASUREMENTS = [
    random_ours, random_tuner, hyperband_ours, hyperband_tuner, memory_ours, memory_tuner, pool_ours,
]  # fmt: skip


def measured(function, trials: int) -> dict:
    """The measurement, in a process of its own."""
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
    run = subprocess.run(
        [sys.executable, __file__, "--measure", function.__name__, "--tuner-trials", str(trials)],
        env={**os.environ, **threads, "TF_CPP_MIN_LOG_LEVEL": "3"}, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    return json.loads(run.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tuner-trials", type=int, default=TRIALS)
    parser.add_argument("--only", nargs="+", default=["random", "hyperband", "memory", "pool"])
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    by_name = {function.__name__: function for function in MEASUREMENTS}
    if arguments.measure:
        print(json.dumps(by_name[arguments.measure](arguments.tuner_trials)))
        return
    if "random" in arguments.only:
        ours, tuner = measured(random_ours, TRIALS), measured(random_tuner, arguments.tuner_trials)
        ratio = tuner["seconds"] / tuner["trials"] / (ours["seconds"] / TRIALS)
        again = tuner["seconds"] / tuner["trials"] / (ours["second"] / TRIALS)
        print(f"random search, {EPOCHS} epochs, seconds a trial: keras-tuner {tuner['seconds'] / tuner['trials']:.3f}")
        print(f"  ours {ours['seconds'] / TRIALS:.4f} with tracing: {ratio:.0f} x; a second search: {again:.0f} x")
        mean, low, high = ours["retrained"]
        print(f"  best: keras-tuner {tuner['best']:.4f} of {tuner['trials']}, ours {ours['best']:.4f} of {TRIALS}")
        print(f"  ours trained again with 16 fresh seeds {mean:.4f} [{low:.4f}, {high:.4f}]")
    if "hyperband" in arguments.only:
        ours, tuner = measured(hyperband_ours, 0), measured(hyperband_tuner, 0)
        print(f"Hyperband, max_epochs={MAX_EPOCHS}: keras-tuner {tuner['seconds']:.0f} s for {tuner['trials']} trials")
        print(f"  ours {ours['seconds']:.1f} s for {ours['trials']} trials: {tuner['seconds'] / ours['seconds']:.0f} x")
        print(f"  best val_loss {tuner['best']:.4f} (keras-tuner), {ours['best']:.4f} (ours)")
    if "memory" in arguments.only:
        ours, tuner = measured(memory_ours, 0), measured(memory_tuner, 0)
        print(f"memory: 500 trials in waves of 32 hold {ours['growth']:.0f} MiB more than 32 did")
        print(f"  keras-tuner grows by {tuner['growth']:.1f} MiB a trial")
    if "pool" in arguments.only:
        pool = measured(pool_ours, 0)
        print(f"a pool of 1,000 trials x 15 epochs ({pool['rows']} rows): {pool['seconds']:.0f} s")


if __name__ == "__main__":
    main()
