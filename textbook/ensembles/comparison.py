"""Accuracy and latency side by side."""

import time
from collections.abc import Mapping

import numpy as np
import pandas as pd

from textbook.ensembles.ensemble import Averaging, Ensemble
from textbook.schedules.arguments import whole


def compare(candidates: Mapping, x, y, *, logits: bool, repeats: int = 7, batch_size: int = 1) -> pd.DataFrame:
    """A table with a row for each candidate: how good it is, how large, and how long it takes to answer.

    Args:
        candidates: name → built Keras model or `Ensemble`.
        x, y: to judge on; y (samples,) are classes from 0.
        logits: whether the models, other than the ensembles, end in logits.
        repeats, batch_size: as for `latencies`.

    Returns: columns `name`, `members`, `parameters` (weights of all members), `accuracy`, `loss` (−ln p(y) in nats),
        and measured on this computer: `seconds` (median over the repeats of a call on one batch), `times` (that,
        relative to the first candidate's).
    """
    ensembles = {name: _ensemble(one, logits) for name, one in candidates.items()}
    seconds = latencies(candidates, x, repeats=repeats, batch_size=batch_size, logits=logits)
    median = seconds.groupby("name").seconds.median()
    first = median[next(iter(candidates))]
    return pd.DataFrame(
        {
            "name": name,
            "members": len(ensemble),
            "parameters": sum(model.count_params() for model in ensemble.models),
            **ensemble.evaluate(x, y),
            "seconds": median[name],
            "times": median[name] / first,
        }
        for name, ensemble in ensembles.items()
    )


def latencies(
    candidates: Mapping, x, *, repeats: int = 7, batch_size: int = 1, calls: int = 10, logits: bool = True
) -> pd.DataFrame:
    """Seconds that a call on one batch takes, each candidate in turn in each repeat.

    Taking turns, a computer that slows down for a while slows all of them; compare candidates within a repeat. Every
    candidate is compiled before any clock runs (`predict_on_batch`), an ensemble as one graph of all its members.

    Args:
        candidates: name → built Keras model or `Ensemble`.
        x: an array, at least `batch_size` rows.
        repeats: at least 1.
        batch_size: rows of a call.
        calls: of each candidate in each repeat; their median is the reading, so that a single interruption is none.
        logits: of models that are no ensembles; it does not matter for time but for a softmax at the end.

    Returns: columns `name`, `repeat` (from 0), `seconds` (per call).
    """
    for name, value in (("repeats", repeats), ("batch_size", batch_size), ("calls", calls)):
        whole(name, value, least=1, mend="mend by 7")
    if len(x) < batch_size:
        raise ValueError(f"expected at least {batch_size} rows, got {len(x)}; mend by a smaller batch_size")
    batch = np.asarray(x[:batch_size])
    models = {name: Averaging(_ensemble(one, logits)) for name, one in candidates.items()}
    for model in models.values():
        model.predict_on_batch(batch)
    rows = []
    for repeat in range(repeats):
        for name, model in models.items():
            clocked = []
            for _ in range(calls):
                start = time.perf_counter()
                model.predict_on_batch(batch)
                clocked.append(time.perf_counter() - start)
            rows.append((name, repeat, float(np.median(clocked))))
    return pd.DataFrame(rows, columns=["name", "repeat", "seconds"])


def _ensemble(candidate, logits: bool) -> Ensemble:
    return candidate if isinstance(candidate, Ensemble) else Ensemble([candidate], logits=logits)
