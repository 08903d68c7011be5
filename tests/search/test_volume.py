import numpy as np
import pytest

from textbook.search.designs import DESIGNS
from textbook.search.volume import draw_targets, hit_probability, random_hit_probability, random_trials_needed

SIZES = [1, 9, 64, 256]


@pytest.fixture(scope="module")
def table():
    return hit_probability(3, sizes=SIZES, repeats=2000)


def probability(table, design):
    return table[table.design == design].set_index("trials")


@pytest.mark.parametrize("target", ["rectangle", "cube"])
def test_targets_have_their_volume_and_lie_in_the_cube(target):
    low, high = draw_targets(4, volume=0.02, target=target, repeats=500)
    assert (high - low).prod(axis=1) == pytest.approx(np.full(500, 0.02))
    assert low.min() >= 0
    assert high.max() <= 1
    spread = (high - low).max(axis=1) / (high - low).min(axis=1)
    assert (spread.max() < 1.0001) if target == "cube" else (np.median(spread) > 3)


@pytest.mark.parametrize("dimensions", [1, 3, 5])
@pytest.mark.parametrize("target", ["rectangle", "cube"])
def test_random_trials_hit_as_the_formula_says(dimensions, target):
    table = hit_probability(dimensions, sizes=SIZES, designs=["random"], target=target, repeats=4000, seed=5)
    expected = random_hit_probability(np.array(SIZES))
    error = np.sqrt(expected * (1 - expected) / 4000)
    assert (np.abs(table.probability - expected) < 4 * error).all()


def test_the_formula():
    assert random_hit_probability(60) == pytest.approx(1 - 0.99**60)
    assert random_hit_probability([1, 2], volume=0.5) == pytest.approx([0.5, 0.75])
    for wanted in (0.5, 0.95, 0.99):
        n = random_trials_needed(wanted)
        assert random_hit_probability(n - 1) < wanted <= random_hit_probability(n)


def test_one_point_hits_as_often_as_the_target_is_large_whatever_the_design(table):
    single = table[table.trials == 1]
    assert set(single.design) == set(DESIGNS)
    assert (single.low < 0.01).all()
    assert (single.high > 0.01).all()


def test_grids_miss_long_targets_and_sobol_hits_more_than_random(table):
    assert probability(table, "grid").high[64] < probability(table, "random").low[64]
    for n in (64, 256):
        assert probability(table, "sobol").low[n] > probability(table, "random").high[n]


def test_a_grid_finer_than_the_target_never_misses():
    # sides 0.01^(1/3) = 0.215 > 1/5
    certain = hit_probability(3, sizes=[125], designs=["grid"], target="cube", repeats=300)
    assert certain.hits[0] == 300
    assert certain.low[0] < 1 == certain.high[0]


def test_a_larger_volume_is_hit_more_often():
    shares = [hit_probability(2, sizes=[16], volume=v, designs=["sobol"]).probability[0] for v in (0.01, 0.05, 0.2)]
    assert shares[0] < shares[1] < shares[2]


def test_the_table_says_what_was_counted(table):
    assert list(table) == ["design", "shape", "trials", "probability", "low", "high", "hits", "repeats"]
    assert (table.probability == table.hits / 2000).all()
    assert (table.low <= table.probability).all()
    assert (table.probability <= table.high).all()
    again = hit_probability(3, sizes=SIZES, repeats=2000)
    assert again.equals(table)
    assert not hit_probability(3, sizes=SIZES, repeats=2000, seed=1).equals(table)


@pytest.mark.parametrize("name", DESIGNS)
def test_designs_do_not_depend_on_the_company_they_keep(table, name):
    alone = hit_probability(3, sizes=[9], designs=[name], repeats=2000)
    assert alone.hits[0] == probability(table, name).hits[9]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hit_probability(3, volume=0), "volume between 0 and 1, got 0"),
        (lambda: hit_probability(3, target="ball"), "'rectangle' or 'cube', got 'ball'"),
        (lambda: hit_probability(0), "dimensions as a whole number"),
        (lambda: hit_probability(2, designs=["halton"]), "got 'halton'"),
        (lambda: random_trials_needed(1.0), "probability between 0 and 1"),
        (lambda: random_hit_probability(3, volume=1), "volume between 0 and 1"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("design", DESIGNS)
def test_targets_and_designs_are_independent(design):
    # drawn from one stream, the only point of a design would lie in its target every time
    single = hit_probability(2, sizes=[1], designs=[design], target="cube", volume=0.05, repeats=2000)
    assert single.low[0] < 0.06
