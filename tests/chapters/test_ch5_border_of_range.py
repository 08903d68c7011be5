"""What the check says of searches whose best is at an end, and inside."""

import numpy as np
import pandas as pd

from chapters.ch5 import border_of_range as section


def searches(best):
    rates = np.logspace(-6, -3, 16)
    tables = [
        pd.DataFrame({
            "range": name, "seed": 5, "learning_rate": rates, "val_loss": np.abs(np.log(rates / rates[place])),
        })
        for name, place in best.items()
    ]  # fmt: skip
    ranges = dict.fromkeys(best, (1e-6, 1e-3))
    return section._checks(pd.concat(tables), ranges).set_index("range")


def test_the_best_at_an_end_is_flagged_and_one_inside_is_not():
    checks = searches({"low": 0, "next to the end": 1, "inside": 7, "high": 15})
    assert checks.flagged.to_dict() == {"low": True, "next to the end": True, "inside": False, "high": True}
    assert checks.side.to_dict() == {"low": "low", "next to the end": "low", "inside": "", "high": "high"}
