"""A search in several processes: `python -m textbook.search chief SCRIPT`, and in others `… worker SCRIPT --name w1`.

The script calls a search with a `directory=`, as it would alone. It runs in every process from its beginning to its
end, and has the same result in each.
"""

import argparse
import logging
import os
import runpy
import socket
import sys
from pathlib import Path

from textbook.search.chief import NoResult
from textbook.search.distributed import LEASE, LOOPBACK, PATIENCE, PORT, WAVE


def main(given: list[str] | None = None) -> int:
    """Run a script as chief or worker.

    Returns: 0 where the search was brought to its end; 1 where it could not be (no workers, no chief, a port that is
        taken, all trials failed); 2 for a mistake in the command; 130 when interrupted. An error of the script itself
        keeps its traceback.
    """
    given = sys.argv[1:] if given is None else given
    at = given.index("--") if "--" in given else len(given)
    mine, arguments = given[:at], given[at + 1 :]
    asked = _parser().parse_args(mine)
    script = Path(asked.script)
    if not script.is_file():
        _parser().error(f"expected a script, got {asked.script}; there is no such file")
    os.environ.update(_variables(asked))
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("textbook.search").setLevel(logging.INFO)
    # as `python SCRIPT …` would have them
    sys.argv = [asked.script, *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        runpy.run_path(asked.script, run_name="__main__")
    except KeyboardInterrupt:
        print(f"{asked.part}: interrupted", file=sys.stderr)
        return 130
    except NoResult as error:
        print(f"{asked.part}: {error}", file=sys.stderr)
        return 1
    return 0


def _variables(asked: argparse.Namespace) -> dict[str, str]:
    variables = {
        "KERASTUNER_TUNER_ID": "chief" if asked.part == "chief" else asked.name,
        "KERASTUNER_ORACLE_IP": asked.host,
        "KERASTUNER_ORACLE_PORT": str(asked.port),
        "TEXTBOOK_SEARCH_PATIENCE": str(asked.patience),
    }
    if asked.part == "chief":
        variables["TEXTBOOK_SEARCH_LEASE"] = str(asked.lease)
    elif asked.wave:
        variables["TEXTBOOK_SEARCH_WAVE"] = str(asked.wave)
    return variables


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m textbook.search", description=__doc__.partition("\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    chief = parts.add_parser("chief", help="hold the search; trains nothing")
    worker = parts.add_parser("worker", help="train trials")
    for part in (chief, worker):
        part.add_argument("script", metavar="SCRIPT", help="a Python file; its own arguments follow behind --")
        part.add_argument("--port", type=_port, default=PORT, help="of the chief; default %(default)s")
        part.add_argument(
            "--host", default=LOOPBACK, help="of the chief; default %(default)s, which no other machine can reach"
        )
        part.add_argument(
            "--patience", type=_seconds, default=PATIENCE,
            help="seconds that a chief waits for workers and a worker for its chief; default %(default)g",
        )  # fmt: skip
    chief.add_argument(
        "--lease", type=_seconds, default=LEASE,
        help="seconds after which a silent worker's trials go to others; default %(default)g",
    )  # fmt: skip
    worker.add_argument("--name", type=_name, default=f"{socket.gethostname()}-{os.getpid()}", help="for the table")
    worker.add_argument(
        "--wave", type=_whole, help=f"trials taken at once, at most; default: the search's wave=, or {WAVE}"
    )
    return parser


def _port(text: str) -> int:
    number = _whole(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text}")
    return number


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return number


def _name(text: str) -> str:
    if not text or "/" in text or "chief" in text:
        raise argparse.ArgumentTypeError(f'expected a name without "/" that is not the chief\'s, got {text!r}')
    return text


if __name__ == "__main__":
    sys.exit(main())
