"""Versions and the Keras backend, found out without importing what they belong to."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

# what a table may depend on wherever it comes from
ALWAYS = ("keras", "tensorflow", "numpy")
# packages whose import name differs from the name they are installed by
_INSTALLED_AS = {"sklearn": "scikit-learn", "PIL": "pillow", "keras_tuner": "keras-tuner"}


def installed(package: str) -> str | None:
    """The installed version of a package, by its import name, or None."""
    try:
        return metadata.version(_INSTALLED_AS.get(package, package))
    except metadata.PackageNotFoundError:
        return None


def of(packages) -> dict[str, str]:
    """{package: version} of those that are installed, by name."""
    found = {name: installed(name) for name in sorted(set(packages))}
    return {name: version for name, version in found.items() if version is not None}


def backend() -> str:
    """The backend that Keras would use: the environment variable, else its configuration file, else TensorFlow."""
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen:
        return chosen
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((home / "keras.json").read_text(encoding="utf-8")).get("backend", "tensorflow")
    except (OSError, ValueError):
        return "tensorflow"


def machine() -> dict[str, str]:
    """The kind of machine, without its name: results are promised bit for bit on one machine only."""
    return {"system": platform.system(), "processor": platform.machine(), "python": platform.python_version()}
