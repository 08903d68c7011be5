"""The chief of a search: serves its oracle, hands on the trials of the dead, and ends when the search has."""

import logging
import time
from collections.abc import Callable
from concurrent import futures
from pathlib import Path

import grpc
from keras_tuner.src import protos

from textbook.search.leases import Leases
from textbook.search.oracles.files import read_state
from textbook.search.project import Project
from textbook.search.service import Servicer

_LOG = logging.getLogger("textbook.search")


class NoResult(RuntimeError):
    """A search in several processes has no result: nobody is there to go on with it, or all its trials failed."""


def serve(oracle, folder: Path, place, search: str, *, over: Callable[[], None]) -> None:
    """Serve a search until its last trial has ended and the workers know, or are silent.

    Args:
        oracle: one of `textbook.search.oracles`, reloaded where the folder holds a search.
        folder: of the project.
        place: with `address`, `lease` and `patience`.
        search: the word that workers of this search know.
        over: is called once, when the last trial has ended and all is written.

    Raises: NoResult where no worker was heard from for longer than the patience, all trials failed, or the address
        cannot be served; what the oracle raises.
    """
    oracle.all_failed_raises = False  # a worker could not be told
    path = Path(oracle._get_oracle_fname())
    held = {}
    if path.exists():
        held = read_state(str(path), needs=("ongoing_trials",), mend="another project folder")["ongoing_trials"]
    leases = Leases(place.lease)
    servicer = Servicer(oracle, Project(folder), search=search, leases=leases)
    servicer.hold_again(held)
    oracle.save()  # workers compare their search with it
    server = _server(servicer, place.address)
    try:
        _LOG.info("chief: serves %s at %s", folder, place.address)
        _watch(servicer, place, over)
    finally:
        server.stop(grace=1).wait()
    raise_if_all_failed(oracle)


def raise_if_all_failed(oracle) -> None:
    """Raises: NoResult, where no trial of the search completed."""
    try:
        oracle.raise_if_all_failed()
    except RuntimeError as error:
        raise NoResult(str(error)) from None


def _server(servicer: Servicer, address: str) -> grpc.Server:
    # without the option two chiefs would share a port, and workers would get now one, now the other
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:
        bound = 0
    if not bound:
        raise NoResult(
            f"expected an address of this machine with a free port, got {address}, which cannot be served; mend by "
            "another port, or by ending the chief that has it"
        )
    server.start()
    return server


def _watch(servicer: Servicer, place, over: Callable[[], None]) -> None:
    ended = None
    while True:
        if servicer.error:
            raise servicer.error
        for worker in servicer.leases.silent():
            servicer.leave(worker, f"was silent for {place.lease:g} s")
        if not servicer.finished:
            servicer.probe()
        if servicer.finished:
            if ended is None:
                ended = time.monotonic()
                over()
            # whoever still trains does so in vain: a trial of its was handed on, and has ended
            if not servicer.leases.workers() or time.monotonic() - ended > place.lease:
                return
        elif not servicer.leases.workers() and servicer.leases.quiet_for() > place.patience:
            raise NoResult(
                f"expected workers, heard of none for {place.patience:g} s; {len(servicer.oracle.end_order)} trials "
                "have ended and are kept; mend by starting the chief again, and workers"
            )
        time.sleep(min(0.2, place.lease / 4))
