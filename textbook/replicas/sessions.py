"""Settings that hold for every training inside a `with` block: engine, checkpoint folder, progress."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path


@dataclass(frozen=True)
class Session:
    """What a training asks its surroundings for."""

    engine: str = "replicas"
    checkpoint: Path | None = None
    progress: Callable[[int, int], None] | None = None
    calls: Iterator[int] = field(default_factory=count)  # numbers the trainings, so that checkpoints find their own


_CURRENT: contextvars.ContextVar[Session | None] = contextvars.ContextVar("session", default=None)


def current() -> Session:
    """The innermost session, or the defaults outside of any."""
    return _CURRENT.get() or Session()


@contextlib.contextmanager
def session(engine: str | None = None, *, checkpoint=None, progress=None):
    """Train everything inside the block with this engine; resume from, and report to, what is given.

    Args:
        engine: "replicas" or "fit"; None keeps "replicas".
        checkpoint: a folder for finished groups of replicas. A training that was killed goes on from them, provided
            that it is asked for the same work again.
        progress: called with (updates done, updates in all) of the training at work, at the end of every epoch.
    """
    given = Session(engine or "replicas", Path(checkpoint) if checkpoint else None, progress)
    token = _CURRENT.set(given)
    try:
        yield given
    finally:
        _CURRENT.reset(token)
