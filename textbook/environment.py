"""`python -m textbook.environment`: the versions, backend and device at hand, what is wrong, and how to mend it."""

import importlib
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable
from importlib import metadata

from textbook import quiet, versions

_DISTRIBUTION = "training-textbook"
_PYTHON = (3, 11)
_INSTALL = "run `pip install -e .` in the project's folder"
# the name to import, where it differs from the name to install
_IMPORTED_AS = {"scikit-learn": "sklearn", "keras-tuner": "keras_tuner"}


def requirements() -> dict[str, str]:
    """{package: least version} that the project declares, its extras left out.

    Raises: ValueError where the project is not installed.
    """
    try:
        declared = metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        raise ValueError(f"expected {_DISTRIBUTION} to be installed, it is not; {_INSTALL}") from None
    found = {}
    for line in declared:
        match = re.match(r"([\w.-]+)\s*>=\s*([\d.]+)$", line.partition(";")[0].strip())
        if match and "extra ==" not in line:
            found[match[1]] = match[2]
    return found


def problems(
    required: dict[str, str],
    *,
    version: Callable[[str], str | None],
    importable: Callable[[str], bool],
    python: tuple[int, ...] = sys.version_info[:3],
    backend: str = "tensorflow",
) -> list[str]:
    """What is wrong, one sentence each with its mending; empty where all is well.

    Args:
        required: {package: least version}.
        version: the installed version of a package, or None.
        importable: whether Python finds a module of this name.
        python: the interpreter's version. backend: the one that Keras would use.
    """
    found = []
    if python[:2] < _PYTHON:
        found.append(
            f"Python {_dotted(python)} is too old: expected {_dotted(_PYTHON)} or newer; install it and make a new venv"
        )
    for package, least in required.items():
        installed = version(package)
        if installed is None or not importable(_IMPORTED_AS.get(package, package)):
            why = " (keras-tuner needs it and does not install it)" if package == "tensorboard" else ""
            found.append(f"{package} is missing{why}: run `pip install '{package}>={least}'`")
        elif _numbers(installed) < _numbers(least):
            found.append(f"{package} {installed} is too old: run `pip install --upgrade '{package}>={least}'`")
    if backend not in ("tensorflow", "jax", "torch"):
        found.append(f"Keras's backend {backend!r} is none of tensorflow, jax, torch: set KERAS_BACKEND=tensorflow")
    elif not importable(backend):
        found.append(
            f"Keras's backend {backend} is missing: run `pip install {backend}` or set KERAS_BACKEND=tensorflow"
        )
    return found


def devices(backend: str) -> list[str]:
    """What the backend would compute on, such as ["CPU"]; imports the backend, which takes seconds."""
    # a machine without a GPU is no error, whatever TensorFlow's log says
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    quiet.import_keras({"keras"})
    if backend == "tensorflow":
        tensorflow = importlib.import_module("tensorflow")
        return [device.device_type for device in tensorflow.config.list_physical_devices()]
    if backend == "jax":
        return [device.device_kind for device in importlib.import_module("jax").devices()]
    torch = importlib.import_module("torch")
    return [torch.cuda.get_device_name()] if torch.cuda.is_available() else ["CPU"]


def main() -> int:
    """Print what is installed and what is wrong; returns 1 where something is."""
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    backend = versions.backend()
    try:
        required = requirements()
    except ValueError as error:
        required, wrong = {}, [str(error)]
    else:
        wrong = []
    for package in required:
        print(f"  {package} {_version(package) or 'missing'}")
    wrong += problems(required, version=_version, importable=_importable, backend=backend)
    print(f"Keras's backend: {backend}" + ("" if wrong else f", computing on {', '.join(devices(backend))}"))
    _print_all(wrong)
    return int(bool(wrong))


def _print_all(wrong: Iterable[str]) -> None:
    for sentence in wrong:
        print(f"wrong: {sentence}", file=sys.stderr)
    if not wrong:
        print("All is well.")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.match(r"\d+(\.\d+)*", version)[0].split("."))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    raise SystemExit(main())
