"""Chances to draw a wrong coordinate, beside counting."""

import itertools

import pytest

from chapters.ch5 import every_tensor
from textbook.experiment import EXACT, VIOLATED, Run


def test_without_repeats_the_chance_is_that_of_counting_all_draws():
    draws = list(itertools.combinations(range(7), 3))
    seen = sum(any(place < 2 for place in draw) for draw in draws)
    assert float(every_tensor._without_repeats(7, 2, 3)) == pytest.approx(seen / len(draws))


def test_one_coordinate_for_each_tensor_finds_every_tensor():
    sizes = {"a": 100, "b": 2, "c": 50}
    assert [every_tensor._stratified(sizes, ("c",), k) for k in (1, 2, 3, 4)] == [0, 0, 1, 1]
    assert every_tensor._stratified(sizes, ("a", "c"), 1) == 1


def test_the_claims_see_a_wrong_formula_and_another_network():
    claims = {claim.id: claim.test for claim in every_tensor.CLAIMS}
    tables = every_tensor.measure(Run(seeds=(0, 1)))
    assert claims["5.4-f/formula"].judge(tables).verdict == EXACT
    detection = tables["detection"]
    halved = {**tables, "detection": detection.assign(flat_formula=detection.flat_formula / 2)}
    assert claims["5.4-f/formula"].judge(halved).verdict == VIOLATED
    wider = every_tensor.measure(Run(seeds=(0, 1)), hidden=16)
    assert claims["5.4-f/book"].judge(wider).verdict == VIOLATED
