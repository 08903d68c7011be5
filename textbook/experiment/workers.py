"""Measuring several sections at once, in a process a core.

The operations of small networks are too small to be shared among threads, and two trainings in one TensorFlow process
stand in each other's way; in two processes they take half the time. Each process measures whole sections into the
cache, with one thread an operation; the run that asked reads them from there.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty

from textbook.experiment.outline import Outline
from textbook.experiment.run import Run

# measured alone in the run's own process, where these are not set, so that clock readings see the whole machine
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
# where there is a GPU, they must share its memory
MOST = 4
# what a process holds that has measured half the book, programs included
_BYTES = 2.5 * 2**30
_SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}


class Workers:
    """A pool of processes that measure sections into a cache folder; a context manager that ends them.

    Args:
        cache: the cache folder.
        progress: told (updates done, updates in all) of the section that is waited for.
        warn: told lines of text, such as of a damaged cache entry.
    """

    def __init__(self, cache: Path, *, count: int, progress: Callable[[int, int], None], warn: Callable[[str], None]):
        context = multiprocessing.get_context("spawn")  # a fork would copy the progress bar's thread half-way
        self._told = context.Queue()
        self._progress, self._warn = progress, warn
        self._pool = ProcessPoolExecutor(count, context, _prepare, (cache, self._told))
        self._running: dict[tuple, Future] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind, *_):
        if kind is not None:  # on Ctrl-C and bad input nobody waits for the rest; finished groups are on the disk
            for process in multiprocessing.active_children():
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, outline: Outline, run: Run, knobs: dict) -> None:
        """Have a section measured as soon as a process is free."""
        run = Run(run.seeds, run.quick, run.engine, run.chosen)
        # a broken pool takes nothing more; the run then measures by itself
        with _sigint_held(), suppress(BrokenProcessPool):  # a starting process would answer Ctrl-C with a traceback
            self._running[_job(outline, run)] = self._pool.submit(_measure, outline, run, knobs)

    def wait(self, outline: Outline, run: Run) -> bool:
        """Wait until a section is in the cache; False if it was never submitted, or a process was killed.

        Raises: what measuring it raised.
        """
        job = _job(outline, run)
        future = self._running.pop(job, None)
        if future is None:
            return False
        while not future.done():
            try:
                told = self._told.get(timeout=0.1)
            except Empty:
                continue
            if isinstance(told, str):
                self._warn(told)
            elif told[0] == job:
                self._progress(*told[1:])
        try:
            future.result()
        except BrokenProcessPool:
            self._warn("a process that measured was killed, perhaps for want of memory; going on without its like")
            self._running.clear()  # none of the others is measured any more
            return False
        return True


def room() -> int:
    """How many processes this computer's cores and memory have room for, beside the run itself."""
    most = min(os.cpu_count() or 1, MOST)
    if not hasattr(os, "sysconf"):  # Windows
        return most
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(most, int(memory / _BYTES) - 1))


@contextmanager
def _sigint_held():
    """Hold Ctrl-C back, also for good in processes that start meanwhile: they inherit the mask."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _job(outline: Outline, run: Run) -> tuple:
    return outline.module, run.seeds


_cache, _told = None, None  # one a process, set by `_prepare`


def _prepare(cache: Path, told) -> None:
    """What a new process does first."""
    global _cache, _told
    os.environ.update(ONE_THREAD | _SHARED_GPU)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run that asked hears Ctrl-C and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    told.cancel_join_thread()  # reports that nobody reads any more must not keep the process
    from textbook.experiment.cache import Cache

    _cache, _told = Cache(cache, warn=told.put), told


def _end_with_parent() -> None:
    """A run that is killed cannot end its workers, so each watches over it."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _measure(outline: Outline, run: Run, knobs: dict) -> None:
    from dataclasses import replace

    from textbook.experiment import section
    from textbook.experiment.measuring import Measurer

    measurer = Measurer(_cache, lambda done, total: _told.put((_job(outline, run), done, total)))
    measurer(replace(run, measurer=measurer), section.load(outline).measure, knobs)
