"""The thresholds 1/λ and 2/λ, by hand, and a wrong update rule that the claims catch."""

import dataclasses

import pytest

from chapters.ch4 import learning_rate_regimes as section
from textbook.experiment import EXACT, VIOLATED, Run


@pytest.fixture(scope="module")
def tables():
    return section.measure(Run(seeds=(1000,)))


def judged(tables):
    return {claim.id: claim.test.judge(tables).verdict for claim in section.CLAIMS}


def test_distances_after_fifty_updates(tables):
    distances = tables["regimes"].set_index("rate").distance
    expected = {0.1: 0.9**50, 0.5: 0.5**50, 1.0: 0.0, 1.5: 0.5**50, 1.9: 0.9**50, 2.0: 1.0, 2.1: 1.1**50}
    assert distances.to_dict() == pytest.approx(expected, rel=1e-9)
    assert distances[2.1] == pytest.approx(117.39, abs=0.01)


def test_every_claim_is_exact(tables):
    assert set(judged(tables).values()) == {EXACT}


def test_thresholds_move_with_the_curvature():
    tables = section.measure(Run(seeds=(1000,)), curvature=4.0, rates=(0.1, 0.25, 0.4, 0.5, 0.6))
    assert tables["regimes"].seen.tolist() == list(section._REGIMES)
    assert set(judged(tables).values()) == {EXACT}


def test_a_wrong_rule_is_caught(monkeypatch):
    # half the step: the bowl behaves as if its curvature were half as large
    class Halved(section.GradientDescent):
        def update(self, gradient, k):
            change, state = super().update(gradient, k)
            return change / 2, state

    monkeypatch.setattr(section, "GradientDescent", dataclasses.dataclass(frozen=True)(Halved))
    verdicts = judged(section.measure(Run(seeds=(1000,))))
    assert {verdicts[f"4.7-{name}"] for name in ("b", "c/formula", "c/regimes", "c/best")} == {VIOLATED}
