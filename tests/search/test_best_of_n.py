import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from textbook.search.best_of_n import efficiency
from textbook.statistics import best_of

NAN = float("nan")
PLAIN = pd.DataFrame({"loss": [0.5, 0.1, 0.9, 0.3, 0.7, 0.2], "test": [0.4, 0.3, 0.8, 0.2, 0.9, 0.5]})
TIED = pd.DataFrame({"loss": [0.5, 0.2, 0.5, 0.2, 0.2, 0.9], "test": [0.4, 0.3, 0.8, 0.2, 0.9, 0.5]})
FAILED = pd.DataFrame({"loss": [0.5, NAN, 0.9, np.inf, NAN, 0.2], "test": [0.4, NAN, 0.8, 0.0, NAN, 0.5]})
POOLS = {"plain": PLAIN, "tied": TIED, "failed": FAILED}


def by_hand(pool, n, *, lower_is_better=True):
    """Best score, test score of the selected, and share of failures, over all subsets written out."""
    finished = pool[np.isfinite(pool.loss)]
    worst = finished.loss.max() if lower_is_better else finished.loss.min()
    instead = (worst, finished.test[finished.loss == worst].mean())
    best, tests, failed = [], [], 0
    for rows in itertools.combinations(pool.index, n):
        part = pool.loc[list(rows)]
        part = part[np.isfinite(part.loss)]
        failed += part.empty
        score = instead[0] if part.empty else (part.loss.min() if lower_is_better else part.loss.max())
        best.append(score)
        tests.append(instead[1] if part.empty else part.test[part.loss == score].mean())
    return np.array(best), np.mean(tests), failed / len(best)


@pytest.mark.parametrize("lower_is_better", [True, False])
@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_every_subset_counts_alike(pool, lower_is_better):
    table = efficiency(pool, target="loss", test="test", sizes=range(1, 7), lower_is_better=lower_is_better)
    for row in table.itertuples():
        best, test, failed = by_hand(pool, row.trials, lower_is_better=lower_is_better)
        assert row.best == pytest.approx(best.mean())
        assert row.test == pytest.approx(test)
        assert row.failed == pytest.approx(failed, abs=1e-12)
        expected = np.quantile(best, [0.1, 0.5, 0.9], method="inverted_cdf")
        assert (row.q10, row.q50, row.q90) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("pool", [PLAIN, TIED], ids=["plain", "tied"])
def test_the_interval_is_that_of_the_jackknife(pool):
    for n in (1, 2, 3):
        row = efficiency(pool, target="loss", test="test", sizes=[n]).iloc[0]
        for at, low, high in (("best", "low", "high"), ("test", "test_low", "test_high")):
            pools = [pool.drop(index=i) for i in pool.index]
            without = [by_hand(part, n)[0].mean() if at == "best" else by_hand(part, n)[1] for part in pools]
            half = stats.t.ppf(0.975, 6 // n - 1) * np.sqrt(5 / 6 * np.square(without - np.mean(without)).sum())
            assert (row[low], row[high]) == pytest.approx((row[at] - half, row[at] + half))


def test_a_pool_that_is_one_group_has_no_interval():
    table = efficiency(PLAIN, target="loss", test="test", sizes=[3, 4, 6])
    assert table.groups.tolist() == [2, 1, 1]
    assert table[["low", "high", "test_low", "test_high"]].isna().all(axis=1).tolist() == [False, True, True]


COVERED = {
    # name: (draw, expected best of n, least coverage)
    "uniform": (lambda rng, size: rng.random(size), lambda n: 1 / (n + 1), 0.925),
    "exponential": (lambda rng, size: rng.exponential(size=size), lambda n: 1 / n, 0.925),
    "dense at the best": (lambda rng, size: rng.random(size) ** 2, lambda n: 2 / (n + 1) / (n + 2), 0.92),
}


@pytest.mark.parametrize("name", COVERED)
def test_the_interval_covers_what_it_says(name):
    draw, truth, least = COVERED[name]
    rng = np.random.default_rng(0)
    sizes = np.array([1, 8, 24])
    inside, centre = [], []
    for _ in range(600):
        table = efficiency(pd.DataFrame({"loss": draw(rng, 96)}), target="loss", sizes=sizes)
        inside.append((table.low < truth(sizes)) & (truth(sizes) < table.high))
        centre.append(table.best)
    share = np.mean(inside, axis=0)
    assert (share > least).all(), share
    assert (share < 0.99).all(), share
    # unbiased: within four standard errors
    error = np.std(centre, axis=0) / np.sqrt(600)
    assert (np.abs(np.mean(centre, axis=0) - truth(sizes)) < 4 * error).all()


def test_the_interval_of_the_test_score_covers_as_well():
    # test = loss + noise, so the selected trial's expected test score is the expected best
    rng = np.random.default_rng(1)
    sizes = np.array([1, 4, 24])
    inside = []
    for _ in range(400):
        loss = rng.exponential(size=96)
        pool = pd.DataFrame({"loss": loss, "test": loss + rng.normal(0, 0.3, 96)})
        table = efficiency(pool, target="loss", test="test", sizes=sizes)
        inside.append((table.test_low < 1 / sizes) & (1 / sizes < table.test_high))
    assert (np.mean(inside, axis=0) > 0.925).all(), np.mean(inside, axis=0)


def test_a_pool_twice_as_large_narrows_the_interval():
    rng = np.random.default_rng(2)
    wide, narrow = (efficiency(pd.DataFrame({"loss": rng.random(n)}), target="loss", sizes=[4]) for n in (200, 800))
    assert (wide.high - wide.low)[0] / (narrow.high - narrow.low)[0] == pytest.approx(2, rel=0.15)


def test_it_agrees_with_the_gain_of_selection():
    gain = best_of(-TIED.loss, -TIED.test, 3)
    row = efficiency(TIED, target="loss", test="test", sizes=[3]).iloc[0]
    assert TIED.loss.mean() - row.best == pytest.approx(gain.apparent)
    assert TIED.test.mean() - row.test == pytest.approx(gain.real)


def test_large_pools_do_not_overflow():
    pool = pd.DataFrame({"loss": np.arange(5000.0)})
    table = efficiency(pool, target="loss", sizes=[1, 2500, 5000])
    assert table.best.tolist() == pytest.approx([2499.5, 5001 / 2501 - 1, 0.0], rel=1e-6, abs=1e-6)


def test_default_sizes_are_the_powers_of_two_up_to_the_pool():
    assert efficiency(pd.DataFrame({"loss": np.arange(9.0)}), target="loss").trials.tolist() == [1, 2, 4, 8]


def test_a_failed_trial_never_wins_while_another_has_a_score():
    table = efficiency(FAILED, target="loss", sizes=[3, 4], lower_is_better=False)
    assert table.failed.tolist() == pytest.approx([1 / 20, 0.0])
    assert table.best[1] <= 0.9


def test_with_noise_near_ties_share_the_win():
    pool = PLAIN.assign(none=0.0, little=0.05, huge=1e6)
    sharp = efficiency(pool, target="loss", test="test", sizes=[6]).test[0]
    scores = {name: efficiency(pool, target="loss", test="test", noise=name, sizes=[6]) for name in pool.columns[2:]}
    assert sharp == 0.3
    assert scores["none"].test[0] == pytest.approx(sharp)
    # only 0.1 (test 0.3) and 0.2 (test 0.5) are near: the second is ahead with probability Φ(−0.1 / (0.05·√2))
    assert scores["little"].test[0] == pytest.approx(0.3 + 0.2 * stats.norm.cdf(-(2**0.5)), abs=0.02)
    assert scores["huge"].test[0] == pytest.approx(pool.test.mean(), abs=0.06)
    assert (scores["huge"].best == 0.1).all()
    again = efficiency(pool, target="loss", test="test", noise="huge", sizes=[6])
    other = efficiency(pool, target="loss", test="test", noise="huge", sizes=[6], seed=1)
    assert again.test[0] == scores["huge"].test[0] != other.test[0]


@pytest.mark.parametrize(
    ("pool", "settings", "message"),
    [
        (PLAIN, {"target": "score"}, "expected columns score, got loss, test"),
        (PLAIN, {"target": "loss", "sizes": [7]}, "1 to the pool's 6 trials, got 7"),
        (PLAIN, {"target": "loss", "sizes": [0]}, "got 0"),
        (PLAIN, {"target": "loss", "sizes": [2.0]}, "whole numbers"),
        (PLAIN, {"target": "loss", "quantiles": [50]}, "between 0 and 1"),
        (PLAIN, {"target": "loss", "confidence": 95}, "between 0 and 1"),
        (PLAIN.assign(loss=NAN), {"target": "loss"}, "finite 'loss' in some trial"),
        (PLAIN.iloc[:0], {"target": "loss"}, "finite 'loss' in some trial"),
        (PLAIN.assign(test=NAN), {"target": "loss", "test": "test"}, "finite 'test' in every trial .* got 6 without"),
        (PLAIN, {"target": "loss", "noise": "test"}, "expected a test column"),
    ],
)
def test_what_cannot_be_judged_is_refused(pool, settings, message):
    with pytest.raises(ValueError, match=message):
        efficiency(pool, **settings)
