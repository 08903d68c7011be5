import numpy as np
import pandas as pd
import pytest

from textbook.importance import importance
from textbook.importance_by_block import importance_by_block, importance_over_pools
from textbook.statistics import mean_interval

NAMES = ("a", "b", "c")


def pool(loss, *, blocks=8, noise=0.0, seed=0):
    random = np.random.default_rng(seed)
    table = pd.DataFrame({name: random.random(25 * blocks) for name in NAMES})
    table = table.assign(seed=np.repeat(np.arange(blocks), 25))
    return table.assign(y=loss(table) + noise * random.normal(size=len(table)))


def values(table, **settings):
    found = importance_by_block(
        table, target="y", block="seed", hyperparameters=NAMES, **{"trees": 32, "trees_without": 16, **settings}
    )
    return found.pivot(index=["part", "seed"], columns="hyperparameter", values="share")


def test_the_mean_of_the_values_is_the_share_of_all_trials():
    table = pool(lambda t: t.a + 0.5 * t.b)
    whole = importance(table, target="y", hyperparameters=NAMES, trees=32, resamples=0).set_index("hyperparameter")
    assert values(table).mean().to_dict() == pytest.approx(whole.share.to_dict())


def test_the_interval_is_about_as_wide_as_fresh_pools_differ():
    # spread of the shares of fresh pools, against the standard error from one pool's blocks
    shares, errors = [], []
    for seed in range(6):
        found = values(pool(lambda t: t.a + 0.7 * t.b, noise=0.3, seed=seed, blocks=6), trees_without=24)["a"]
        shares.append(found.mean())
        errors.append(found.std(ddof=1) / np.sqrt(len(found)))
    assert 0.4 < np.std(shares, ddof=1) / np.mean(errors) < 1.6


def test_parts_are_read_off_the_same_forests():
    table = pool(lambda t: 4 * np.maximum(t.a - 0.5, 0) + t.b, blocks=12)
    found = values(table, parts={"low": {"a": (0.0, 0.5)}, "high": {"a": (0.5, 1.0)}})
    assert found.loc["low"]["a"].mean() < 0.15 and found.loc["high"]["a"].mean() > 0.6
    low, high = mean_interval(found.loc["high", "a"].to_numpy())
    assert low < 0.8 < high + 0.1


def test_one_block_has_the_share_itself():
    found = values(pool(lambda t: t.a, blocks=1))
    assert len(found) == 1 and found["a"].iloc[0] > 0.9


def test_a_missing_column_of_blocks_is_refused():
    with pytest.raises(ValueError, match="expected a column 'fold' of blocks"):
        importance_by_block(pool(lambda t: t.a), target="y", block="fold", hyperparameters=NAMES)


def test_ranks_say_how_many_rivals_they_cannot_tell_apart():
    rows = [
        {"data": data, "part": "all", "seed": seed, "hyperparameter": name, "share": share + 0.01 * (-1) ** seed * sign}
        for data, shares in (("one", (0.7, 0.1, 0.1)), ("two", (0.1, 0.2, 0.6)))
        for seed in range(4)
        for name, share, sign in zip(NAMES, shares, (0, 1, -1), strict=True)
    ]
    found = importance_over_pools(pd.DataFrame(rows), pool="data").set_index(["data", "hyperparameter"])
    assert found["rank"]["one"]["a"] == 1 and found["rank"]["two"].to_dict() == {"a": 3, "b": 2, "c": 1}
    assert found.rivals["one"].to_dict() == {"a": 0, "b": 1, "c": 1}
    assert found.rivals["two"].sum() == 0
