import pandas as pd
import pytest

from chapters.ch7 import decay_grid as section


def ends():
    """Validation prefers 3e-3, then 1e-3, then 0, then small values; the test part likes 1e-3 best."""
    val = {3e-3: 0.1, 1e-3: 0.2, 0.0: 0.3}
    test = {3e-3: 0.5, 1e-3: 0.4, 0.0: 0.7}
    rows = [
        (kind, 0.1, value, seed, val.get(value, 0.9 - value), test.get(value, 0.9) + seed)
        for kind in (section.L2, section.DECOUPLED)
        for seed in (0, 1)
        for value in section.FINE
    ]
    return pd.DataFrame(rows, columns=["kind", "rate", "decay", "seed", "val_loss", "test_loss"])


def test_every_list_picks_its_best_on_validation_and_regret_is_measured_on_test():
    picked = section.picked(ends()).query("kind == 'L2' and seed == 1").set_index("choice")
    assert picked.decay.to_dict() == {
        "fine grid": 3e-3,
        "text's list": 1e-3,
        "paper's list": 1e-3,
        "paper, complex data": 0.0,
        "no decay": 0.0,
    }
    assert picked.loc["text's list", "regret"] == pytest.approx(-0.1)  # luck on the test part stays visible
    assert picked.loc["no decay", "regret"] == pytest.approx(0.2)
    assert picked.loc["fine grid", "regret"] == 0


def test_regret_is_against_the_same_kind_rate_and_seed():
    table = ends()
    table.loc[table.kind == section.DECOUPLED, "test_loss"] += 50
    assert section.picked(table).regret.abs().max() < 1


def test_the_lists_are_parts_of_the_fine_grid():
    assert all(set(values) <= set(section.FINE) for values in section.LISTS.values())
