"""The share that is not additive, and steps along the ridge, on surfaces made by hand."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch7 import interactions as section


def surface(log_loss) -> pd.DataFrame:
    rows = [
        {"surface": "made", "seed": 1, "learning_rate": r, "other": o, "test_loss": float(np.exp(log_loss(r, o)))}
        for r in range(5)
        for o in range(4)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("log_loss", "share"),
    [(lambda r, o: r**2 - o, 0), (lambda r, o: (r - 2) * (o - 1.5), 1)],
)
def test_a_sum_has_no_interaction_and_a_centred_product_nothing_else(log_loss, share):
    assert section._shares(surface(log_loss)).share.tolist() == pytest.approx([share], abs=1e-12)


def test_on_a_surface_of_the_sum_of_both_places_steps_along_the_ridge_change_nothing():
    found = section._steps(surface(lambda r, o: (r + o - 4) ** 2)).set_index("direction").change
    assert found[section._ALONG] == pytest.approx(0) and found[section._ACROSS] > 1


def test_on_a_surface_of_the_rate_alone_both_steps_change_the_same():
    found = section._steps(surface(lambda r, o: (r - 2) ** 2)).set_index("direction").change
    assert found[section._ALONG] == pytest.approx(found[section._ACROSS])
