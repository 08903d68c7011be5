import numpy as np
import pytest

from textbook.search.designs import DESIGNS, bowl, compare_designs, draw_designs, grid_shapes

ONE_MATTERS, BOTH_MATTER = bowl([1, 0]), bowl([1, 1])


def row(table, design, trials):
    return table[(table.design == design) & (table.trials == trials)].iloc[0]


@pytest.mark.parametrize("name", DESIGNS)
def test_every_point_of_the_cube_is_as_likely(name):
    points = draw_designs(name, 12, 3, repeats=2000)
    assert points.shape == (2000, 12, 3)
    assert points.min() >= 0
    assert points.max() < 1
    # wide, because the twelve points of a grid move together
    for axis in range(3):
        share = np.histogram(points[..., axis], bins=10, range=(0, 1))[0] / points[..., axis].size
        assert share == pytest.approx(np.full(10, 0.1), abs=0.02)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_seed_gives_its_designs_and_repeats_differ(name):
    first, again, other = (draw_designs(name, 8, 2, repeats=2, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])
    assert draw_designs(name, 1, 1).shape == (1, 1, 1)


def test_a_grid_has_a_point_in_every_cell_and_its_axes_take_turns():
    points = draw_designs("grid", 12, 3, shape=(3, 2, 2), repeats=300)
    values = np.array([[len(np.unique(design[:, axis].round(9))) for axis in range(3)] for design in points])
    assert (np.sort(values, axis=1) == [2, 2, 3]).all()
    assert (values == 3).mean(axis=0) == pytest.approx(np.full(3, 1 / 3), abs=0.1)
    for design, sides in zip(points, values, strict=True):
        assert len(np.unique((design * sides).astype(int), axis=0)) == 12


def test_a_grid_without_shift_stands_at_the_centres():
    points = draw_designs("grid", 9, 2, shift=False)[0]
    assert sorted(set(points.ravel().round(6).tolist())) == pytest.approx([1 / 6, 1 / 2, 5 / 6], abs=1e-6)


def test_a_latin_hypercube_has_one_point_in_every_slice():
    points = draw_designs("latin", 7, 4, repeats=50)
    assert (np.sort((points * 7).astype(int), axis=1) == np.arange(7)[:, None]).all()


def test_a_sobol_sequence_has_one_point_in_every_slice_and_box():
    points = draw_designs("sobol", 16, 2, repeats=20)
    assert (np.sort((points * 16).astype(int), axis=1) == np.arange(16)[:, None]).all()
    for design in points:
        assert len(np.unique((design * 4).astype(int), axis=0)) == 16


def test_shapes_are_all_factorizations_the_most_even_first():
    assert grid_shapes(64, 3)[0] == (4, 4, 4)
    assert grid_shapes(7, 2) == [(7, 1)]
    assert grid_shapes(12, 3)[0] == (3, 2, 2)
    assert sorted(grid_shapes(12, 3)) == [(3, 2, 2), (4, 3, 1), (6, 2, 1), (12, 1, 1)]
    assert grid_shapes(1, 2) == [(1, 1)]


def test_the_best_on_a_bowl_is_what_geometry_says():
    """Grid 3×3: d uniform up to 1/6 an axis, E d² = 1/108. Random: the least of n |x − c| has E d² = ½/((n+1)(n+2))."""
    # in two directions, by integrating (1 − area of the disc within the square)^n over d²
    squares = np.square((np.arange(1500) + 0.5) / 1500 - 0.5)
    squares = np.sort(np.add.outer(squares, squares).ravel())
    disc = np.arange(1, len(squares) + 1) / len(squares)
    two = float(np.sum((1 - disc[:-1]) ** 9 * np.diff(squares)))
    expected = {
        ("one", "grid"): 1 / 108,
        ("one", "random"): 0.5 / 110,
        ("both", "grid"): 2 / 108,
        ("both", "random"): two,
    }
    for name, surface in (("one", ONE_MATTERS), ("both", BOTH_MATTER)):
        table = compare_designs(surface, 2, sizes=[9], designs=["grid", "random"], repeats=4000, seed=3)
        for design in ("grid", "random"):
            found = row(table, design, 9)
            assert found.low - 0.0002 < expected[name, design] < found.high + 0.0002


def test_random_wins_where_one_direction_matters_and_the_grid_where_both_do():
    sizes = [9, 36, 144]
    one, both = (compare_designs(surface, 2, sizes=sizes, repeats=500) for surface in (ONE_MATTERS, BOTH_MATTER))
    for n in sizes:
        assert row(one, "random", n).high < row(one, "grid", n).low
        assert row(both, "grid", n).high < row(both, "random", n).low
        for table in (one, both):
            assert row(table, "sobol", n).best < row(table, "random", n).best


def test_every_repeat_may_have_an_optimum_of_its_own():
    centre = np.random.default_rng(0).random((500, 1, 2))
    table = compare_designs(bowl([1, 1], centre=centre), 2, sizes=[16], repeats=500)
    # the mean squared distance of a point from the middle of a square of side 1/4, were it in the square's cell
    assert row(table, "grid", 16).best > 2 / 12 / 16
    assert row(table, "grid", 16).best < row(table, "random", 16).best
    elsewhere = compare_designs(bowl([1, 1], centre=centre[::-1]), 2, sizes=[16], repeats=500)
    assert not np.allclose(table.best, elsewhere.best, rtol=1e-6)


def test_higher_may_be_better():
    lower = compare_designs(ONE_MATTERS, 2, sizes=[4], repeats=20)
    higher = compare_designs(lambda points: -ONE_MATTERS(points), 2, sizes=[4], repeats=20, lower_is_better=False)
    assert higher.best.tolist() == pytest.approx((-lower.best).tolist())


def test_all_shapes_may_be_asked_for():
    table = compare_designs(BOTH_MATTER, 2, sizes=[12], designs=["grid"], repeats=200, grids="all")
    assert table["shape"].tolist() == ["4×3", "6×2", "12×1"]
    assert table.best.is_monotonic_increasing


@pytest.mark.parametrize("name", ["random", "sobol"])
def test_a_smaller_sequence_is_the_beginning_of_a_larger_one(name):
    seen = []
    compare_designs(lambda points: seen.append(points) or points[..., 0], 2, sizes=[3, 8], designs=[name], repeats=2)
    small, large = seen
    assert np.array_equal(small, large[:, :3])
    assert np.array_equal(small, draw_designs(name, 3, 2, repeats=2))
    assert np.array_equal(small[:1], draw_designs(name, 3, 2, repeats=1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw_designs("halton", 4, 2), "grid, random, sobol, latin, got 'halton'"),
        (lambda: draw_designs("random", 0, 2), "trials as a whole number from 1 up, got 0"),
        (lambda: draw_designs("random", 4, 2.0), "dimensions as a whole number"),
        (lambda: draw_designs("grid", 4, 2, shape=(3, 1)), "2 factors of 4"),
        (lambda: compare_designs(ONE_MATTERS, 2, sizes=[]), "at least one size"),
        (lambda: compare_designs(ONE_MATTERS, 2, grids="odd"), "'even' or 'all'"),
        (lambda: compare_designs(lambda points: points, 2, sizes=[4]), "one a point"),
        (lambda: compare_designs(lambda points: points[..., 0] * np.nan, 2, sizes=[4]), "score of a guess"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
