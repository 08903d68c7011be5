import dataclasses

import numpy as np
import pytest

from textbook import datasets
from textbook.experiment import Run, UsageError


def test_a_runs_seeds_are_the_judging_block():
    assert Run().seeds == tuple(range(1000, 1016))


def test_quick_shrinks_epochs():
    assert Run().epochs(30) == 30
    assert [Run(quick=True).epochs(n) for n in (1, 2, 8, 30)] == [1, 2, 2, 7]


def test_more_seeds_come_from_the_same_block():
    assert Run().seeds_for(35) == tuple(range(1000, 1035))
    assert Run().seeds_for(10) == Run().seeds
    assert Run(seeds=tuple(range(2000, 2032))).seeds_for(35) == tuple(range(2000, 2035))
    assert Run(seeds=(5, 6)).seeds_for(35) == (5, 6)
    assert Run(seeds=(1000, 1001), quick=True).seeds_for(35) == (1000, 1001)


def test_tuning_seeds_are_never_judging_seeds():
    assert Run().tuning(8) == tuple(range(8))
    assert Run(quick=True).tuning(8) == (0, 1)
    for count in (0, 101):
        with pytest.raises(ValueError, match="expected 1 to 100 tuning seeds"):
            Run().tuning(count)


def test_digits_come_in_the_books_sizes_without_scaling():
    run = Run()
    split = run.splits("digits")(1000)
    assert (len(split.train), len(split.validation), len(split.test)) == (1024, 473, 300)
    assert split.offset is None
    assert run.used == {"digits": datasets.load("digits").digest}
    assert np.bincount(split.test.y).min() >= 28


def test_settings_reach_the_splitter():
    split = Run().splits("digits", (200, 100, 100), scale="standard", label_noise=0.5)(0)
    assert len(split.train) == 200
    assert split.offset is not None
    assert 0.3 < (split.train.y != split.y[split.train.indices]).mean() < 0.6


def test_other_data_come_in_the_same_shares_standardised():
    split = Run().splits("wine")(0)
    assert (len(split.train), len(split.validation), len(split.test)) == (101, 47, 30)
    assert split.offset is not None
    assert Run().splits("wine", scale=None)(0).offset is None


def test_a_sections_own_rows_stand_for_shares_only_on_the_users_data():
    assert len(Run().splits("wine", (100, 40, 30))(0).train) == 100
    assert len(Run(chosen=datasets.load("wine")).splits("digits", (1000, 473, 300))(0).train) == 99


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "moons"])
def test_the_users_data_take_the_place_of_any(name):
    chosen = datasets.load(name)
    run = Run(chosen=chosen)
    assert run.data("digits") is chosen
    split = run.splits("digits")(0)
    assert sum(map(len, (split.train, split.validation, split.test))) <= len(chosen)
    assert run.used == {name: chosen.digest}


def test_of_many_rows_a_seventh_each_is_held_out():
    rows, card = 21_000, datasets.card("moons")
    x = np.random.default_rng(0).normal(size=(rows, *card.shape))
    many = datasets.Dataset(x, np.arange(rows) % 2, dataclasses.replace(card, rows=rows))
    split = Run(chosen=many).splits("digits")(0)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [15_000, 3_000, 3_000]
    # rows that a section names stay shares
    assert len(Run(chosen=many).splits("digits", (300, 473, 300))(0).train) == round(300 / 1797 * rows)


def test_data_that_cannot_be_split_are_bad_input():
    with pytest.raises(UsageError, match="iris: expected"):
        Run(chosen=datasets.load("iris")).splits("digits", (1, 0, 0))


def test_too_few_rows_are_bad_input_before_anything_is_trained(tmp_path):
    file = tmp_path / "few.csv"
    file.write_text("a,label\n" + "".join(f"{i},{i % 2}\n" for i in range(119)))
    with pytest.raises(UsageError, match=r"expected at least 120 rows for a .* part, got 119"):
        Run(chosen=datasets.from_csv(file, target="label")).splits("digits")
