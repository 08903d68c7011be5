"""Penalties: the identities hold in Keras, and a wrong formula is noticed."""

import pytest

from chapters.ch4 import penalties
from textbook.experiment import EXACT, VIOLATED

IDENTITIES = {claim.id: claim.test for claim in penalties.CLAIMS if claim.entry == "4.8.1-a"}


@pytest.fixture(scope="module")
def formula():
    return penalties._formula()


@pytest.mark.parametrize("entry", IDENTITIES)
def test_the_formula_is_keras_s(formula, entry):
    assert IDENTITIES[entry].judge({"formula": formula}).verdict == EXACT


def test_half_a_penalty_is_noticed(formula):
    wrong = formula.copy()
    wrong.loc[(wrong.identity == "penalty") & (wrong.case == "L2"), "by_hand"] /= 2
    assert IDENTITIES["4.8.1-a/penalty"].judge({"formula": wrong}).verdict == VIOLATED


def test_an_evaluation_without_the_penalty_is_noticed(formula):
    wrong = formula.copy()
    penalty = formula[formula.identity == "penalty"].set_index("case").by_hand
    evaluation = wrong.identity == "evaluation"
    wrong.loc[evaluation, "keras"] -= wrong.case[evaluation].map(penalty)
    assert IDENTITIES["4.8.1-a/validation"].judge({"formula": wrong}).verdict == VIOLATED


def test_equal_numbers_for_penalty_and_decay_are_not_the_same_step():
    import numpy as np

    x, y = np.random.default_rng(0).normal(size=(8, 8)).astype("float32"), np.arange(8) % 3
    penalty = penalties._kernels_after_a_step(x, y, l2=0.02, weight_decay=None)
    decay = penalties._kernels_after_a_step(x, y, l2=0.0, weight_decay=0.02)
    assert max(abs(a - b) for a, b in zip(penalty, decay, strict=True)) > 1e-3
