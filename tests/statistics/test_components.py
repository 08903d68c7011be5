from itertools import product

import numpy as np
import pandas as pd
import pytest

from textbook.statistics import variance_components

FACTORS = ("split", "weights", "order")


def crossed(rng, spreads, levels=(8, 8, 4), noise=1.0):
    """A table of effects drawn with the given standard deviations, one per factor, and noise."""
    effects = [rng.normal(0, spread, size) for spread, size in zip(spreads, levels, strict=True)]
    rows = [
        (*combination, sum(effect[i] for effect, i in zip(effects, combination, strict=True)) + rng.normal(0, noise))
        for combination in product(*map(range, levels))
    ]
    return pd.DataFrame(rows, columns=[*FACTORS, "accuracy"])


def test_two_factors_by_hand():
    # Rows 0 2 / 4 10: grand mean 4, row means 1 and 7, column means 2 and 6, interaction ±1.
    # MS(row) = 2·(9+9) = 36, MS(column) = 2·(4+4) = 16, MS(residual) = 4.
    table = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "y": [0.0, 2.0, 4.0, 10.0]})
    found = {c.source: c.variance for c in variance_components(table, "y", ("a", "b"))}
    assert found == pytest.approx({"a": (36 - 4) / 2, "b": (16 - 4) / 2, "residual": 4})


def test_components_are_unbiased_and_intervals_cover():
    rng = np.random.default_rng(0)
    truth = {"split": 4.0, "weights": 1.0, "order": 0.25, "residual": 1.0}
    found, covered = [], []
    for _ in range(150):
        components = {c.source: c for c in variance_components(crossed(rng, (2, 1, 0.5)), "accuracy", FACTORS)}
        found.append({name: components[name].variance for name in truth})
        low, high = components["split"].share_interval
        covered.append(low < 4 / 6.25 < high)
    means = pd.DataFrame(found).mean()
    assert means["split"] == pytest.approx(4, rel=0.15)
    assert means["weights"] == pytest.approx(1, rel=0.15)
    assert means["residual"] == pytest.approx(1, rel=0.05)
    assert np.mean(covered) > 0.85


def test_shares_add_up_and_order_of_rows_does_not_matter():
    table = crossed(np.random.default_rng(1), (2, 1, 0.5))
    components = variance_components(table, "accuracy", FACTORS)
    assert sum(c.share for c in components) == pytest.approx(1)
    assert [c.source for c in components][3] == "split × weights"
    assert components == variance_components(table.sample(frac=1, random_state=0), "accuracy", FACTORS)


def test_a_factor_without_effect_has_a_share_near_zero():
    components = {
        c.source: c for c in variance_components(crossed(np.random.default_rng(2), (3, 0, 0)), "accuracy", FACTORS)
    }
    assert components["split"].share > 0.7
    assert components["weights"].share < 0.05
    assert components["weights"].interval[0] == 0


def test_no_spread_at_all():
    table = crossed(np.random.default_rng(3), (0, 0, 0), noise=0)
    assert all(c.share == 0 for c in variance_components(table, "accuracy", FACTORS))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.iloc[1:], "255 rows"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "257 rows"),
        (lambda t: t.assign(accuracy=np.nan), "finite"),
        (lambda t: t.drop(columns="order"), r"columns \['order'\]"),
    ],
)
def test_an_incomplete_design_is_refused(spoil, message):
    with pytest.raises(ValueError, match=message):
        variance_components(spoil(crossed(np.random.default_rng(4), (1, 1, 1))), "accuracy", FACTORS)
