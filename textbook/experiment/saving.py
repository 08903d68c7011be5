"""Files that appear whole or not at all: written beside their place under another name, then renamed."""

import contextlib
import json
import math
import os
from pathlib import Path

from textbook.experiment.errors import StorageError

_UNFINISHED = ".part"


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one stroke; a file that holds it already is left alone.

    Raises: StorageError where the folder is unwritable or the disk is full; the old file then stays as it was.
    """
    try:
        if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
        try:
            with open(part, "wb") as file:
                file.write(content)
                file.flush()
                # a rename may reach the disk before the content does
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.of(error, path) from error


def as_json(value) -> bytes:
    """JSON as this project writes it: indented, Unicode, with null for numbers that are not finite."""
    return (json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def sweep(folder: Path) -> None:
    """Remove what a killed process left unfinished in a folder; another process's work in progress stays."""
    for part in folder.glob(f".*{_UNFINISHED}"):
        if not alive(part.name.removesuffix(_UNFINISHED).rpartition(".")[2]):
            with contextlib.suppress(OSError):
                part.unlink()


def alive(pid: str) -> bool:
    """Whether a process of this number is at work (itself included)."""
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
