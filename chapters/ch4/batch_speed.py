"""4.6 What a batch size costs in time and memory (배치 크기와 자원)

The text calls the batch size decisive for speed and memory. Every update has a fixed price besides its arithmetic, so
an epoch of single rows takes about B times as long as one in batches of B, until the arithmetic itself fills the
processor. `steps_per_execution` pays part of that price once for many updates. Memory grows with the activations of the
rows at work: next to what the framework itself occupies, this shows only in wide networks.
"""

import contextlib
import ctypes
import dataclasses
import functools
import gc
from pathlib import Path

import pandas as pd

from chapters.shared.epoch_seconds import epoch_seconds
from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, slope, trend
from textbook.models import mlp

ENTRIES = ("4.6-f",)
DATA = "any"
MEASURED = ("seconds", "peak_mib")

SIZES = (1, 4, 8, 32, 128, 1024)
AT_ONCE = 32  # updates in one call of the compiled program


def measure(run: Run, *, repeats: int = 5, rows: int = 1024, width: int = 4096) -> dict[str, pd.DataFrame]:
    """Time epochs of plain `fit` over `rows` rows; read the peak of memory for the book's network and a wide one."""
    split = run.splits("digits")(run.seeds[0])
    train, *held_out = split.rows
    few = dataclasses.replace(split, rows=(train[: rows // 4 if run.quick else rows], *held_out))
    times = epoch_seconds(
        mlp,
        few,
        batch_sizes=sorted({min(size, len(few.train)) for size in SIZES}),
        repeats=2 if run.quick else repeats,
        steps_per_execution=(1, AT_ONCE),
    )
    names = {1: "one update per call", AT_ONCE: f"{AT_ONCE} updates per call"}
    networks = {"64 units": mlp, f"{width} units": functools.partial(mlp, hidden=(width,))}
    return {
        "times": times.assign(condition=times.steps_per_execution.map(names)),
        "memory": pd.concat(
            _peaks(name, build, split, every=3 if run.quick else 1) for name, build in networks.items()
        ),
    }


def _peaks(name: str, build, split, *, every: int) -> pd.DataFrame:
    """Memory that one update adds at its peak, in MiB, by rows in the batch."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    x, y = split.train.x, split.train.y
    model = build(x.shape[1:], split.classes)
    model.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    table = []
    for size in (2, *sorted({min(size, len(x)) for size in (1, 4, 16, 64, 256, 1024)[::-every]})):
        batch = x[:size], y[:size]
        peak = _peak_above_present(lambda batch=batch: model.train_on_batch(*batch))
        table.append((name, size, peak))
    return pd.DataFrame(table[1:], columns=["condition", "batch_size", "peak_mib"])  # the first one compiles


def _peak_above_present(work) -> float:
    """How far the process's resident memory rises during `work()`, in MiB; NaN where there is no Linux to ask."""
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        work()
        return float("nan")
    gc.collect()
    with contextlib.suppress(AttributeError):  # a C library other than glibc has no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)  # else memory that earlier work gave back would hide what this work takes
    reset.write_text("5")  # sets the peak back to the present
    before = _status("VmRSS")
    work()
    return max(0.0, _status("VmHWM") - before)


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":")) / 1024


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the seconds of an epoch by batch size; right, the memory that an update adds."""
    fig, (left, right) = plots.figure(1, 2, width_ratios=[3, 2])
    times, memory = tables["times"], tables["memory"]
    plots.band(left, times, x="batch_size", y="seconds", log=True, names="legend")
    looks = {name: plots.look(2 + i) for i, name in enumerate(memory.condition.unique())}
    plots.band(right, memory, x="batch_size", y="peak_mib", looks=looks, names="legend")
    for ax in (left, right):
        plots.log_axis(ax, "x")
        ax.set_xlabel("batch size (rows)")
    plots.log_axis(left, "y")
    left.set(ylabel="seconds per epoch", title="time")
    right.set(ylabel="added at the peak (MiB)", title="memory of one update")
    known = "" if memory.peak_mib.notna().all() else " Peaks can be read on Linux only."
    plots.caption(
        fig,
        f"Plain fit on this computer. Left: MLP 64-64-10, {times.batch_size.max()} rows of digits, "
        f"{times.seed.nunique()} repeats in turn, mean and 95 % band. Right: one hidden layer, one reading each."
        f"{known}",
    )
    return fig


CLAIMS = (
    Claim(
        "4.6-f/time",
        "The larger the batch, the less time an epoch takes.",
        trend("seconds", over="batch_size", direction="falls", where={"steps_per_execution": 1}, table="times"),
        expected=HOLDS,
        ask="1024 rows one at a time, or all at once: by what factor does the time of an epoch differ?",
        why="Every update has a fixed price, Python and the start of dozens of small operations, and a large batch "
        "pays it rarely. Its arithmetic also keeps parallel hardware busy.",
        beware="Less time per epoch is not less time to a good network: it also means fewer updates.",
    ),
    Claim(
        "4.6-f/overhead",
        "From 1 to 8 rows the time of an epoch falls in proportion to the batch size: a slope of −1 on log axes.",
        slope("seconds", over="batch_size", theory=-1, between=(1, 8), where={"steps_per_execution": 1}, table="times"),
        expected=HOLDS,
        ask="If an update costs the same with 1 row as with 8, what line do the first points lie on?",
        why="The arithmetic of a few rows is nothing beside the price of the update itself, so their number decides.",
        beware="On a larger network or a slower processor the arithmetic takes over at smaller batches.",
    ),
)
