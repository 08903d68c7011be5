"""Bits read off numbers, and which networks pass a check."""

import pandas as pd
import pytest

from chapters.ch5 import precision


@pytest.mark.parametrize(
    ("name", "bits"),
    [("float16", (1, 5, 10)), ("bfloat16", (1, 8, 7)), ("float32", (1, 8, 23)), ("float64", (1, 11, 52))],
)
def test_bits_are_read_off_numbers(name, bits):
    found = precision._bits(name)
    assert (found["sign"], found["exponent"], found["mantissa"]) == bits
    assert found["sum"] == found["bits"]


def test_every_weight_has_to_pass_at_the_step_that_is_best_for_the_worst():
    loss = pd.DataFrame(
        {
            "dtype": ["float32"] * 2 + ["float64"] * 2,
            "seed": 5,
            "h": [1e-3, 1e-2] * 2,
            "largest": [2e-3, 1e-3, 1e-8, 1e-7],
        }
    )
    checks = precision._checks(loss, 1e-4).set_index("dtype")
    assert not checks.passes["float32"] and checks.passes["float64"]
    assert checks.h.tolist() == [1e-2, 1e-3]
