"""Measured tables kept between runs: a folder per key with the tables as CSV and what they are as JSON."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from textbook.experiment import saving, tables
from textbook.experiment.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None

_META = "meta.json"
_ONLY = ""  # the name of the table when `measure` returns one DataFrame and not a dict


@dataclass(frozen=True)
class Entry:
    """A stored measurement.

    Attributes:
        tables: what `measure` returned, re-read from the disk: a DataFrame, or a dict of them.
        texts: {table name: CSV bytes}; the only table of a plain DataFrame is called "".
        sha256: of all tables together, measured columns included.
        data: {data set name: digest} of the data that the measurement used.
        seconds: what the measurement took when it was made.
    """

    tables: pd.DataFrame | dict[str, pd.DataFrame]
    texts: dict[str, bytes]
    sha256: str
    data: dict[str, str]
    seconds: float


class Cache:
    """The cache in a folder. `warn` is called with a line of text when an entry turns out to be damaged."""

    def __init__(self, folder: Path, *, warn: Callable[[str], None]):
        self.folder = folder
        self._warn = warn
        for unfinished in folder.glob("new-*-*"):
            if not saving.alive(unfinished.name.split("-")[1]):
                shutil.rmtree(unfinished, ignore_errors=True)
        for left in folder.glob("measuring-*") if fcntl else ():
            # a killed process leaves the file, but not its lock
            with contextlib.suppress(OSError), left.open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink(missing_ok=True)

    def has(self, key: str) -> bool:
        """Whether something is stored under a key; `load` finds out whether it is whole."""
        return (self.folder / key).is_dir()

    def load(self, key: str) -> Entry | None:
        """The entry of a key, or None where there is none; a damaged one is reported, removed, and counts as none."""
        folder = self.folder / key
        if not folder.is_dir():
            return None
        try:
            meta = json.loads((folder / _META).read_bytes())
            if meta.pop("sha256") != _sha256(saving.as_json(meta)):
                raise ValueError(f"{_META} was changed")
            if meta["key"] != key:
                raise ValueError("it holds another key")
            texts = {name: (folder / about["file"]).read_bytes() for name, about in meta["tables"].items()}
            for name, about in meta["tables"].items():
                if _sha256(texts[name]) != about["sha256"]:
                    raise ValueError(f"{about['file']} was changed")
            read = {name: tables.from_csv(texts[name], about["kinds"]) for name, about in meta["tables"].items()}
            return Entry(
                read[_ONLY] if list(read) == [_ONLY] else read,
                texts,
                _sha256(*(part for name, text in texts.items() for part in (name.encode(), text))),
                meta["data"],
                meta["seconds"],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as damage:
            self._warn(f"the cache entry {key[:12]} is damaged ({damage}); measuring again")
            shutil.rmtree(folder, ignore_errors=True)
            return None

    def store(self, key: str, measured, *, data: dict[str, str], seconds: float, parts: dict) -> Entry:
        """Keep what `measure` returned and give it back re-read. `parts` says what the key was made of, for readers."""
        named = measured if isinstance(measured, dict) else {_ONLY: measured}
        if not named or not all(isinstance(table, pd.DataFrame) for table in named.values()):
            raise ValueError(f"expected measure to return a DataFrame or a dict of them, got {type(measured).__name__}")
        new = self.folder / f"new-{os.getpid()}-{key}"
        meta = {"key": key, "made of": parts, "data": data, "seconds": round(seconds, 3), "tables": {}}
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            for number, (name, table) in enumerate(named.items()):
                text, kinds = tables.to_csv(table)
                file = f"{number}.csv"
                saving.write(new / file, text)
                meta["tables"][name] = {"file": file, "sha256": _sha256(text), "kinds": kinds}
            meta["sha256"] = _sha256(saving.as_json(meta))
            saving.write(new / _META, saving.as_json(meta))
            self.forget(key)
            with _unless_there():
                os.replace(new, self.folder / key)
        except OSError as error:
            raise StorageError.of(error, self.folder) from error
        finally:
            shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(self.unfinished(key), ignore_errors=True)
        with contextlib.suppress(OSError):
            self.unfinished(key).parent.rmdir()  # once nothing unfinished is left in it
        entry = self.load(key)
        if entry is None:
            raise StorageError(f"expected to read back what was just written to {self.folder}; is another run at work?")
        return entry

    def forget(self, key: str) -> None:
        """Remove an entry, if there is one."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder / key)

    @contextlib.contextmanager
    def alone(self, key: str):
        """Hold the measurement of a key: another process that wants it waits, and finds it stored afterwards.

        The system frees it when its holder ends, however that ends. Where files cannot be locked nobody waits, and two
        processes may measure the same.
        """
        if fcntl is None:
            yield
            return
        place = self.folder / f"measuring-{key}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            held = place.open("w")
        except OSError as error:
            raise StorageError.of(error, self.folder) from error
        with held:
            fcntl.flock(held, fcntl.LOCK_EX)
            try:
                yield
            finally:
                place.unlink(missing_ok=True)  # whoever waits for it looks for the entry first

    def unfinished(self, key: str) -> Path:
        """The folder for the finished groups of a measurement that is still going on; it goes when that is stored."""
        return self.folder / "unfinished" / key


@contextlib.contextmanager
def _unless_there():
    """Another run may have stored the same table in the meantime: the key says that it is the same."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
