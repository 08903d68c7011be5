import numpy as np
import pandas as pd

from chapters.ch7 import cyclical_momentum as section

RATES = (0.1, 0.2, 0.4, 0.8)


def grid(**stable):
    """Four rates each, in an order that is not theirs."""
    rows = [(policy, 1000, rate, ok) for policy, oks in stable.items() for rate, ok in zip(RATES, oks, strict=True)]
    return pd.DataFrame(rows[::-1], columns=["policy", "seed", "rate", "stable"])


def test_the_limit_is_the_last_rate_before_the_first_that_fails():
    table = section._limits(grid(gap=(1, 1, 0, 1), all=(1, 1, 1, 1), none=(0, 1, 1, 1)), RATES)
    found = table.set_index("policy")
    assert found.limit.round(9).to_dict() == {"gap": 0.2, "all": 0.8, "none": 0.05}
    assert found.censored.to_dict() == {"gap": False, "all": True, "none": False}


def test_the_best_constant_is_the_one_that_the_tuning_seeds_prefer_at_its_own_rate():
    policies = (*section.CONSTANT, section.CYCLICAL, section.IN_PHASE)
    rows = [(policy, rate, 1000, 100 * i + rate) for i, policy in enumerate(policies) for rate in RATES]
    table = pd.DataFrame(rows, columns=["policy", "rate", "seed", "test_loss"])
    tuned = pd.DataFrame({"rate": 0.2, "val_loss": [0.3, 0.1, 0.2, 0.05, 0.4], "border": False}, index=policies)
    tuned.loc[section.MIDDLE, "rate"] = 0.4
    ends = section._at_tuned(table, tuned).set_index("arm")
    assert ends.loc[section.BEST, "policy"] == section.MIDDLE and ends.loc[section.BEST, "rate"] == 0.4
    assert ends.loc[section.CYCLICAL, "test_loss"] == 300.2 and len(ends) == 6


def test_in_phase_is_the_cycle_turned_over_until_the_last_stretch():
    policies = section._policies((0.85, 0.9, 0.95), 8, 32)
    cycle, same = (
        policies[name]["optimizer"].hyperparameter_schedules["momentum"].schedule
        for name in (section.CYCLICAL, section.IN_PHASE)
    )
    t = np.linspace(0, 8, 257)
    np.testing.assert_allclose(cycle.with_updates(32)(t) + same.with_updates(32)(t), 1.8, atol=1e-12)
    assert cycle(0) == 0.95 and same(0) == 0.85 and round(same(t).max(), 3) == 0.95
    assert [policies[name]["momentum"] for name in section.CONSTANT] == [0.85, 0.9, 0.95]


def test_tied_seeds_stand_for_all_purposes_and_may_repeat():
    assert [(s.split, s.weights, s.order, s.masks) for s in section._Tied([7, 9, 7], 0, 0, 0)] == [
        (7,) * 4,
        (9,) * 4,
        (7,) * 4,
    ]
