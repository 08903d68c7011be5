"""Importing Keras without the backend's greetings, which would break the progress lines."""

import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterable


def import_keras(packages: Iterable[str]) -> None:
    """Import Keras if it is among the packages that a measurement imports; what it said is shown only if that fails.

    The greetings come from compiled code, which knows nothing of `sys.stderr`: the file descriptor itself is turned.
    """
    if not {"keras", "tensorflow"} & set(packages) or "keras" in sys.modules:
        return
    # it also warns, again and again, of models compiled in a loop, which is what an experiment is
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with tempfile.TemporaryFile() as said:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            importlib.import_module("keras")
        except BaseException:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
