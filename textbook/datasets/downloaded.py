"""Data sets that Keras downloads, read from its cache where a copy is there, every file checked by its sha256."""

import contextlib
import hashlib
import importlib
import os
import sys
import tempfile
import urllib.request
from pathlib import Path

import numpy as np

from textbook.datasets.registry import entry

_PATIENCE = 10  # seconds until a network that does not answer counts as absent; Keras itself would wait for minutes


def read(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Samples 0…1 and labels of a `keras.datasets` set, the official training rows first, then the test rows.

    Raises: ValueError if a file differs from the registry's, or is missing and cannot be downloaded.
    """
    # here, because importing it loads TensorFlow; and first, because it creates the folder of its cache
    loader = importlib.import_module(f"keras.datasets.{name}")
    files, url, folder = entry(name)["files"], entry(name)["url"], _cache_folder()
    missing = [file for file in files if not (folder / file).exists()]
    _check(name, folder, set(files) - set(missing))
    if missing:
        _check_network(name, url, folder, missing)
    with contextlib.redirect_stdout(sys.stderr):  # where Keras shows the download's progress
        (x_train, y_train), (x_test, y_test) = loader.load_data()
    _check(name, folder, missing)
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    return np.divide(x, 255, dtype=np.float32), y.ravel()


def _cache_folder() -> Path:
    """Where `keras.utils.get_file` keeps data sets."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    if not os.access(home, os.W_OK):
        home = Path("/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir()) / ".keras"
    return home / "datasets"


def _check(name, folder, files):
    """Keras checks only some of its files, and only as it downloads them."""
    for file in files:
        with open(folder / file, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        expected = entry(name)["files"][file]
        if found != expected:
            raise ValueError(
                f"expected {folder / file} with sha256 {expected}, got {found}; delete the file and load {name!r} again"
            )


def _check_network(name, url, folder, missing):
    try:
        with urllib.request.urlopen(url.format(file=Path(missing[0]).name), timeout=_PATIENCE):
            pass
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise ValueError(
            f"expected {name!r} in {folder} or a network to download it from, got neither "
            f"(missing: {', '.join(missing)}; network: {reason}); "
            f"load it once on a machine with a network, or copy these files to that folder"
        ) from error
