"""Tables of 8.5 inference_statistics by hand."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch8.inference_statistics import BATCH, CLAIMS, FROZEN, STREAM, _apart, _arms


def table(frozen, batch, stream):
    """Two companies of one sample."""
    ways = {FROZEN: frozen, BATCH: batch, STREAM: stream}
    return pd.DataFrame(
        [(mode, company, 0, value) for mode, values in ways.items() for company, value in enumerate(values)],
        columns=["mode", "company", "sample", "probability"],
    )


def verdict(name, apart):
    claim = next(claim for claim in CLAIMS if claim.id == f"8.5-d/{name}")
    return claim.test.judge({"apart": apart}).verdict


def test_the_range_over_companies_tells_what_depends_on_them():
    apart = _apart(table([0.7, 0.7], [0.7, 0.2], [0.7, 0.6]))
    ranges = apart.dropna(subset="range").set_index("mode").range
    assert ranges.to_dict() == pytest.approx({FROZEN: 0.0, BATCH: 0.5, STREAM: 0.1})
    assert [verdict(name, apart) for name in ("frozen", "batch", "stream", "text")] == [
        "exact", "violated", "violated", "violated",
    ]  # fmt: skip


def test_if_keras_did_as_the_text_says_the_claims_would_turn_over():
    apart = _apart(table([0.7, 0.6], [0.5, 0.5], [0.7, 0.6]))
    assert [verdict(name, apart) for name in ("text", "frozen", "batch")] == ["exact", "violated", "exact"]


def test_arms_are_the_whole_test_part_the_frozen_averages_and_batches_of_four():
    rows = [
        (order, size, mode, seed, number)
        for number, (order, size, mode, seed) in enumerate(
            (order, size, mode, seed)
            for order in ("mixed", "sorted by class") for size in (4, 300)
            for mode in (FROZEN, BATCH) for seed in (0, 1)
        )
    ]  # fmt: skip
    arms = _arms(pd.DataFrame(rows, columns=["order", "size", "mode", "seed", "test_accuracy"]))
    by_arm = arms.groupby("arm").test_accuracy.apply(list).to_dict()
    assert by_arm == {"whole": [6, 7], "frozen": [4, 5], "four": [2, 3]}
    assert np.unique(arms["order"]).tolist() == ["mixed"]
