"""Lines of text to standard output and standard error, which may have been closed by whoever reads them."""

import os
import sys
from typing import TextIO


def out(text: str = "") -> None:
    """A line of the report, on standard output."""
    _put(sys.stdout, text)


def note(text: str) -> None:
    """A line about the run itself, on standard error."""
    _put(sys.stderr, text)


def _put(stream: TextIO, text: str) -> None:
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        # `| head` has seen enough, but the files are still wanted; what Python has buffered must go somewhere too
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
