"""Where a result comes from: everything needed to make it again, and nothing about whose machine it was."""

from textbook import versions
from textbook.experiment.measuring import Measured
from textbook.experiment.run import Run

_REPORTED = ("tensorflow", "keras", "numpy", "pandas", "scipy", "matplotlib", "scikit-learn")


def of(run: Run, measured: Measured, *, knobs: dict) -> dict:
    """Seeds, knobs, data sets with their digests, engine, backend, versions, digest of the code, kind of machine."""
    return {
        "seeds": list(run.seeds),
        "quick": run.quick,
        "knobs": knobs,
        "data": {name: digest for name, digest in sorted(measured.entry.data.items())},
        "engine": run.engine or "replicas",
        "backend": versions.backend(),
        "versions": versions.of(_REPORTED),
        "code": measured.code,
        "machine": versions.machine(),
    }
