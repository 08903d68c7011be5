"""The largest batch that can be trained, and the batch beyond which larger ones bring little."""

from dataclasses import dataclass

import pandas as pd

from textbook.range_test.batches import Batches
from textbook.range_test.out_of_memory import is_out_of_memory, peak_memory
from textbook.range_test.steps import check, steps, untouched
from textbook.schedules.arguments import whole

# memory does not depend on the rate; a small one keeps the loss finite meanwhile
_RATE = 1e-6
# rows of a small batch for the noise scale, and rows that are looked at in all
_SMALL, _LOOKED_AT = 8, 4096


@dataclass(frozen=True)
class BatchSizes:
    """What batch sizes were tried and what came of it.

    Attributes:
        largest: the largest that was trained, or None where not even the smallest was.
        reason: what ended the search.
        table: a row per trial: `batch_size`, `updates` made, `outcome` ("fits", "out of memory" or "over the memory
            limit"), `peak_bytes` in use until then. The last rows are the verification.
        critical: the gradient noise scale tr Σ / |G|² in samples, a `textbook.noise_scale.NoiseScale`; None where it
            was not asked for.
    """

    largest: int | None
    reason: str
    table: pd.DataFrame
    critical: object = None


def batch_size_finder(
    model,
    x,
    y=None,
    *,
    sample_weight=None,
    smallest: int = 1,
    largest: int | None = None,
    memory_limit: int | None = None,
    verify: int = 5,
    critical: bool = True,
    seed: int = 0,
) -> BatchSizes:
    """Doubles the batch until it fits no more, trains some updates at the largest that did, and undoes it all.

    Sizes are smallest·2^k. A size fits if an update can be made; the largest is verified by `verify` updates in a row,
    and where those run out of memory the next smaller one is. That a batch fits does not make it a good one: with
    `critical`, the gradient noise scale B = tr Σ / |G|² at the model's present weights is measured as well. Far below B
    twice the batch is worth twice the updates; far above it, next to nothing. B grows during training.

    Args:
        model: a compiled `keras.Model`, put back to the last bit as by `learning_rate_range_test`.
        x, y, sample_weight: arrays, or dicts or lists of them; batches of other sizes cannot be had of anything else.
        smallest, largest: samples; by default up to all of them.
        memory_limit: bytes that may be in use, of the accelerator or else of the whole process, whose memory has no
            clear limit of its own: an operating system may end it instead of raising an error.
        verify: updates of the verification.
        critical: measure the gradient noise scale too; without sample weights.
        seed: of the order of the samples.

    Raises: ValueError where an argument does not fit. Errors other than those of memory are passed on.

    Source: McCandlish, Kaplan, Amodei (2018), "An empirical model of large-batch training".

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> found = batch_size_finder(model, x, 3 * x, smallest=4, largest=20, critical=False)
    >>> found.largest, found.table["batch_size"].tolist()
    (16, [4, 8, 16, 16])
    """
    check(model)
    whole("smallest", smallest, least=1, mend="mend by 1")
    whole("verify", verify, least=1, mend="mend by 5")
    batches = Batches(x, y, sample_weight=sample_weight, batch_size=smallest, seed=seed)
    if not batches.of_arrays:
        raise ValueError(
            f"expected arrays, got {type(x).__name__}, whose batches have a size already; mend by passing arrays"
        )
    top = batches.rows if largest is None else whole("largest", largest, least=1, mend="mend by 1024, for instance")
    if not smallest <= top <= batches.rows:
        raise ValueError(
            f"expected smallest ≤ largest ≤ {batches.rows} samples, got {smallest} and {top}; mend by sizes in between"
        )
    if memory_limit is not None:
        whole("memory_limit", memory_limit, least=1, mend="mend by 4 * 2**30 for 4 GiB")
    if critical and sample_weight is not None:
        raise ValueError("expected no sample_weight with critical=True, got some; mend by critical=False")
    rows, reason, fits = [], f"larger ones have more than {top} samples", []

    def fit(size: int, updates: int) -> bool:
        outcome = _outcome(
            model, state, Batches(x, y, sample_weight=sample_weight, batch_size=size, seed=seed), updates
        )
        peak = peak_memory()
        if outcome == "fits" and memory_limit is not None and peak > memory_limit:
            outcome = "over the memory limit"
        rows.append({"batch_size": size, "updates": updates, "outcome": outcome, "peak_bytes": peak})
        return outcome == "fits"

    with untouched(model, batches) as state:
        size = smallest
        while size <= top:
            if not fit(size, 1):
                reason = f"{size} samples: {rows[-1]['outcome']}"
                break
            fits.append(size)
            size *= 2
        while fits and not fit(fits[-1], verify):
            reason = f"{fits.pop()} samples, {verify} updates in a row: {rows[-1]['outcome']}"
    noise = _noise_scale(model, x, y, seed) if critical else None
    return BatchSizes(fits[-1] if fits else None, reason, pd.DataFrame(rows), noise)


def _outcome(model, state, batches: Batches, updates: int) -> str:
    try:
        update, source = steps(model), iter(batches)
        for _ in range(updates):
            float(update.update(next(source), _RATE))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        state.restore(model)  # an update that failed half-way leaves some backends without some variables
        return "out of memory"
    state.restore(model)
    return "fits"


def _noise_scale(model, x, y, seed: int):
    from textbook.gradients import LossGradient
    from textbook.noise_scale import noise_scale_of

    rows = Batches(x, y).rows
    small = _SMALL if rows >= 2 * _SMALL else 1
    big = small * (min(rows, _LOOKED_AT) // small)
    return noise_scale_of(LossGradient(model), x, y, small=small, big=big, seed=seed)
