"""How long an epoch of plain `model.fit` takes on this computer, by batch size."""

import time

import pandas as pd


def epoch_seconds(build, split, *, batch_sizes, repeats: int, steps_per_execution=(1,)) -> pd.DataFrame:
    """Wall time of one epoch of `fit` with plain SGD, every setting once per repeat.

    Settings take turns within a repeat, so that a computer that slows down for a while slows all of them. The clock
    runs from the epoch's begin to its end: what `fit` prepares before its first epoch is left out.

    Args:
        build: `build(input_shape, outputs)`, as for `train_replicas`.
        split: its training part is what an epoch passes over.
        batch_sizes: rows per update.
        repeats: readings of each setting; comparisons pair them like seeds, by the column `seed`.
        steps_per_execution: updates that Keras runs in one call of the compiled program.

    Returns: columns `batch_size`, `steps_per_execution`, `seed` (the repeat), `updates` (per epoch), `seconds`.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    x, y, rows = split.train.x, split.train.y, len(split.train)
    models = {steps: build(x.shape[1:], split.classes) for steps in steps_per_execution}
    for steps, model in models.items():
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.01), loss, steps_per_execution=steps)
        for size in batch_sizes:  # every shape of batch is compiled before any clock runs, the last one's as well
            some = size + rows % size
            model.fit(x[:some], y[:some], batch_size=size, verbose=0)
    table = []
    for repeat in range(repeats):
        for size in batch_sizes:
            for steps, model in models.items():
                clock = []
                tick = keras.callbacks.LambdaCallback(
                    on_epoch_begin=lambda epoch, logs, clock=clock: clock.append(time.perf_counter()),
                    on_epoch_end=lambda epoch, logs, clock=clock: clock.append(time.perf_counter()),
                )
                model.fit(x, y, batch_size=size, verbose=0, callbacks=[tick])
                table.append((size, steps, repeat, -(-rows // size), clock[1] - clock[0]))
    return pd.DataFrame(table, columns=["batch_size", "steps_per_execution", "seed", "updates", "seconds"])
