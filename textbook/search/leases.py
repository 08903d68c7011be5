"""Leases: a worker holds its trials for as long as it is heard from."""

import threading
import time


class Leases:
    """Who was heard from when. Of use to several threads at once.

    Args:
        seconds: a worker that was silent for longer counts as dead.
        clock: seconds from any beginning.

    >>> now = [0.0]
    >>> leases = Leases(60, clock=lambda: now[0])
    >>> leases.heard("w1")
    >>> now[0] = 59; leases.heard("w2"); leases.silent()
    []
    >>> now[0] = 61; leases.silent(), leases.workers()
    (['w1'], ['w2'])
    """

    def __init__(self, seconds: float, *, clock=time.monotonic):
        self.seconds = seconds
        self._clock, self._last, self._begun = clock, {}, clock()
        self._lock = threading.Lock()

    def heard(self, worker: str) -> None:
        """A worker gave a sign of life."""
        with self._lock:
            self._last[worker] = self._begun = self._clock()

    def forget(self, worker: str) -> None:
        """A worker said that it leaves, or was told to."""
        with self._lock:
            self._last.pop(worker, None)

    def silent(self) -> list[str]:
        """The workers whose leases have run out; each is named once, and then forgotten."""
        with self._lock:
            now = self._clock()
            gone = [worker for worker, last in self._last.items() if now - last > self.seconds]
            for worker in gone:
                del self._last[worker]
            return gone

    def workers(self) -> list[str]:
        """Those that are not known to be gone."""
        with self._lock:
            return list(self._last)

    def quiet_for(self) -> float:
        """Seconds since anybody was heard from, or since the beginning."""
        with self._lock:
            return self._clock() - self._begun
