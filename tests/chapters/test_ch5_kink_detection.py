"""Which suspicious weights a kink explains."""

import pandas as pd

from chapters.ch5 import kink_detection


def test_a_suspicious_weight_that_crossed_no_kink_is_not_explained():
    weights = pd.DataFrame(
        {
            "seed": [1, 1, 2, 2, 3],
            "crossed": [True, False, True, False, True],
            "suspicious": [True, False, True, True, False],
        }
    )
    table = kink_detection._by_seed(weights).set_index("seed")
    assert table.all_explained.to_dict() == {1: True, 2: False, 3: True}
    assert table.suspicious.to_dict() == {1: 1, 2: 2, 3: 0}
    assert table["any"].to_dict() == {1: True, 2: True, 3: False}  # nothing suspicious is no evidence
