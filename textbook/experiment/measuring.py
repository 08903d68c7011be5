"""Measuring through the cache: the key of a measurement, and how it is made where there is none under that key."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from textbook import quiet, versions
from textbook.experiment import fingerprint
from textbook.experiment.cache import Cache, Entry
from textbook.experiment.run import Run


@dataclass(frozen=True)
class Measured:
    """A measurement and where it comes from: its key, the code's digest, and whether the cache had it."""

    entry: Entry
    key: str
    code: str
    cached: bool

    @property
    def tables(self):
        return self.entry.tables


@dataclass(frozen=True)
class Measurer:
    """Measures through a cache; `progress(done, total)` hears of the training at work."""

    cache: Cache
    progress: Callable[[int, int], None] | None = None

    def __call__(self, run: Run, measure: Callable, knobs: dict) -> Measured:
        """The tables of `measure(run, **knobs)`, from the cache if the key is there; always re-read from the disk."""
        parts = key_parts(run, measure, knobs)
        key = key_of(parts)
        entry = self.cache.load(key)
        if entry is not None and run.chosen is None and not same_data(entry.data):
            self.cache.forget(key)
            entry = None
        cached = entry is not None
        if entry is None:
            with self.cache.alone(key):
                # sections that share a table come to it at the same time: the second waits for the first
                entry = self.cache.load(key)
                if entry is None:
                    entry = self._make(replace(run, measurer=self, used={}), measure, knobs, key, parts)
        run.used.update(entry.data)
        return Measured(entry, key, parts["code"], cached)

    def lacks(self, run: Run, measure: Callable, knobs: dict) -> bool:
        """Whether the cache has no entry for this measurement."""
        return not self.cache.has(key_of(key_parts(run, measure, knobs)))

    def _make(self, run: Run, measure: Callable, knobs: dict, key: str, parts: dict) -> Entry:
        from textbook.replicas import session

        quiet.import_keras(fingerprint.reach(measure.__module__, measure.__name__).packages)
        start = time.perf_counter()
        with session(run.engine, checkpoint=self.cache.unfinished(key), progress=self.progress):
            tables = measure(run, **knobs)
        return self.cache.store(key, tables, data=run.used, seconds=time.perf_counter() - start, parts=parts)


def trains(measure: Callable) -> bool:
    """Whether a measurement's code reaches Keras or TensorFlow."""
    return bool({"keras", "tensorflow"} & set(fingerprint.reach(measure.__module__, measure.__name__).packages))


def key_of(parts: dict) -> str:
    """The key of a measurement that is made of these parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def key_parts(run: Run, measure: Callable, knobs: dict) -> dict:
    """Everything that a table depends on, as plain JSON: code, knobs, seeds, engine, backend, data, versions."""
    reach = fingerprint.reach(measure.__module__, measure.__name__)
    return {
        "function": f"{measure.__module__}.{measure.__name__}",
        "code": reach.digest,
        "knobs": {name: _plain(name, value) for name, value in knobs.items()},
        "seeds": list(run.seeds),
        "quick": run.quick,
        "engine": run.engine or "replicas",
        "backend": versions.backend(),
        "data": None if run.chosen is None else run.chosen.digest,
        "versions": versions.of({*versions.ALWAYS, *reach.packages}),
    }


def _plain(name: str, value):
    if isinstance(value, list | tuple):
        return [_plain(name, inner) for inner in value]
    if isinstance(value, dict):
        return {str(key): _plain(name, inner) for key, inner in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(
        f"expected numbers, text, or tuples of them as knobs, got {name}={value!r}; a table's key must be plain"
    )


def same_data(digests: dict[str, str]) -> bool:
    """Whether named data sets are still what they were when a table was measured: {name: digest}."""
    from textbook import datasets

    # the card is enough where it has the values' digest: loading takes a second
    return all(
        digest == datasets.card(name).sha256 or datasets.load(name).digest == digest for name, digest in digests.items()
    )
