"""Two searches as a user's script has them. Run in each process of the distributed test, which steers it by files.

Environment: HALT, a file that is made in mid-trial, whereupon the process waits for the file GATE.
Arguments: the folder of the searches, and where this process writes its tables.
"""

import os
import signal
import sys
import time
from pathlib import Path

import keras
import numpy as np

from textbook import search, splits

# the tests themselves may run where Ctrl-C is ignored, which a process hands on to those that it starts
signal.signal(signal.SIGINT, signal.default_int_handler)
built = 0


def build(hp):
    global built
    built += 1
    # the first two calls find out the space, with either number of units; the third one is in a trial
    if built == 3 and "HALT" in os.environ:
        Path(os.environ["HALT"]).touch()
        while not Path(os.environ["GATE"]).exists():
            time.sleep(0.05)
    rate = hp.Float("rate", 1e-4, 1e-1, sampling="log")
    units = hp.Choice("units", [4, 8])
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, "tanh"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    part = splits.split((x, np.sin(x).sum(axis=1) + 0.1 * rng.normal(size=120)), seed=0, sizes=(80, 30, 10))
    common = {"seed": 3, "wave": 2, "keep": 2}
    shared, mine = Path(sys.argv[1]), Path(sys.argv[2])
    kinds = {
        "random": lambda **own: search.random_search(build, part, trials=8, epochs=3, **own),
        "hyperband": lambda **own: search.hyperband(build, part, max_epochs=4, factor=2, **own),
    }
    for kind, run in kinds.items():
        found = run(directory=shared / kind, **common)
        name = f"{mine.stem}.{kind}.table"
        found.table.to_pickle(name)
        found.curves.to_pickle(f"{name}.curves")
        np.save(f"{name}.outputs.npy", found.best_model().predict(part.validation.x, verbose=0))
