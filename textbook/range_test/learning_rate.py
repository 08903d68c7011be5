"""The learning rate range test: the loss of a short training whose rate grows from far too small to far too large."""

import numpy as np
import pandas as pd

from textbook.range_test.batches import Batches
from textbook.range_test.result import RangeTest
from textbook.range_test.steps import accumulation, steps, untouched
from textbook.range_test.suggestions import suggest
from textbook.range_test.sweep import Watch
from textbook.range_test.sweep import rates as rates_between


def learning_rate_range_test(
    model,
    x,
    y=None,
    *,
    sample_weight=None,
    batch_size: int = 32,
    start: float = 1e-6,
    end: float = 10.0,
    rates: int = 100,
    log: bool = True,
    smoothing: float = 0.98,
    stop_factor: float | None = 4.0,
    seed: int = 0,
) -> RangeTest:
    """Trains a compiled model for some updates with a growing rate, tells which rates look good, and undoes it all.

    Update k of n (from 0) has the rate start·(end/start)^(k/(n−1)) and is paired with the loss of its own batch, taken
    before it. The test ends early where the loss explodes. Then the model is put back to the last bit: weights,
    statistics, dropout's seeds, optimizer, rate or schedule, metrics, random numbers (`textbook.model_state`); so it is
    where the test fails or is interrupted.

    Args:
        model: a compiled `keras.Model`, trained or not. A schedule for its rate is set aside for the test. With
            gradient accumulation an update takes several batches, and its loss is their mean.
        x: an array, or a dict or list of arrays, with samples along the first axis; or batches: a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, a torch `DataLoader`.
        y, sample_weight: with arrays, targets (samples, …) and weights (samples,).
        batch_size: samples in a batch, with arrays.
        start, end: the first and the last rate.
        rates: how many, which is the number of updates.
        log: equal factors between the rates; False for equal differences.
        smoothing: weight of the past in the moving average of the losses, from 0 and below 1.
        stop_factor: stop where the smoothed loss exceeds so many times its best; None goes on while it is finite.
        seed: of the order in which arrays are drawn.

    Returns: a `RangeTest` with `.table`, `.suggestions`, `.agreement`, `.stopped` and `.plot(ax)`.

    Raises: ValueError where an argument does not fit; the message says what was expected.

    Source: Smith (2017), "Cyclical learning rates for training neural networks", section 3.3; smoothing, factor and
    suggestions as in Howard and Gugger (2020), "fastai: a layered API for deep learning".

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mse")
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> result = learning_rate_range_test(model, x, 3 * x, batch_size=64, smoothing=0)
    >>> 0.1 < result.suggestions["steepest"].rate < 10
    True
    >>> float(model.get_weights()[0][0, 0])  # as it was before
    1.0
    """
    planned = rates_between(start, end, rates, log=log)
    watch = Watch(smoothing=smoothing, stop_factor=stop_factor)
    batches = Batches(x, y, sample_weight=sample_weight, batch_size=batch_size, seed=seed)
    with untouched(model, batches):
        losses = sweep(model, batches, planned, watch)
    return result_of(planned, losses, watch)


def sweep(model, batches: Batches, planned, watch: Watch, *, fresh: bool = False) -> list[float]:
    """Train with each of the planned rates in turn until the watch ends it; the losses of the updates made."""
    updates = steps(model, fresh=fresh)
    count, begun = accumulation(model.optimizer)
    source, losses, pending = iter(batches), [], None
    # each loss is looked at while the next update is on its way; the one update too many at the end is undone as well
    for rate in planned:
        parts = [updates.update(next(source), rate) for _ in range(count - begun)]
        begun = 0
        if pending is not None and not _saw(pending, losses, watch):
            return losses
        pending = parts
    _saw(pending, losses, watch)
    return losses


def _saw(parts: list, losses: list[float], watch: Watch) -> bool:
    losses.append(float(np.mean([float(part) for part in parts])))
    return watch.see(losses[-1])


def result_of(planned, losses: list[float], watch: Watch) -> RangeTest:
    """The table and the suggestions of one sweep."""
    made = len(losses)
    table = pd.DataFrame(
        {
            "update": np.arange(1, made + 1),
            "learning_rate": planned[:made],
            "loss": losses,
            "smoothed_loss": watch.smoothed,
        }
    )
    found = suggest(table["learning_rate"], table["smoothed_loss"], rates=len(planned))
    return RangeTest(table, found, watch.stopped)
