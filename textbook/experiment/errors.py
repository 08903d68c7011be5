"""Mistakes in what the user asked for, as opposed to mistakes in the code."""

import difflib
import errno
from collections.abc import Iterable


class UsageError(ValueError):
    """Bad input: the command line prints its message in one line, without a traceback, and exits with status 2."""


class StorageError(UsageError):
    """The output folder refuses: unwritable, full, or not a folder."""

    @classmethod
    def of(cls, error: OSError, path) -> "StorageError":
        """The same failure in one line, with what to do about it."""
        if error.errno in DISK_FULL:
            return cls(f"no space left on the disk for {path}; free some and run again, finished work is kept")
        reason = (error.strerror or str(error)).lower()
        return cls(f"cannot write {path}: {reason}; choose another folder with --out")


# what the operating system calls a full disk, and a full quota
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def nearest(word: str, known: Iterable[str]) -> str:
    """'; did you mean …?' with the closest of the known words, or nothing where none is close.

    >>> nearest("step_decy", ["adam", "step_decay"])
    '; did you mean step_decay?'
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""
