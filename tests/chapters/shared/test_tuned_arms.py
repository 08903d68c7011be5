"""Tuning every arm alike: which trials are made, which rate is kept, and on which seeds the rest is trained."""

import numpy as np
import pandas as pd
import pytest

from chapters.shared import tuned_arms as shared
from textbook.replicas import Condition


@pytest.fixture
def trained(monkeypatch):
    """A training whose loss is the distance of the rate from 0.1 on a log scale; a list of what was asked for."""
    asked = []

    def train(build, splits, *, conditions, seeds, epochs, batch_size):
        asked.append(([(name, c.learning_rate) for name, c in conditions.items()], seeds))
        rows = []
        for name, condition in conditions.items():
            rate, last = condition.learning_rate, condition.epochs or epochs
            loss = abs(np.log10(rate / 0.1))
            rows += [
                {"condition": name, "seed": seed, "epoch": epoch, "val_loss": loss + last - epoch, "diverged": rate > 5,
                 "chance_loss": 2.3}
                for seed in seeds
                for epoch in range(1, last + 1)
            ]  # fmt: skip
        return pd.DataFrame(rows)

    monkeypatch.setattr(shared, "train_replicas", train)
    return asked


def tuned(arms=("steps", ("cycle", 3)), **changes):
    settings = {"rates": (0.01, 0.1, 1.0), "tuning": (0, 1), "seeds": (1000, 1001), "epochs": 2}
    return shared.tuned_arms(
        None, None, arms={arm: lambda rate: Condition(learning_rate=rate) for arm in arms}, **(settings | changes)
    )


def test_every_arm_gets_the_same_trials_on_the_tuning_seeds_alone(trained):
    tuned()
    (trials, seeds), (judged, judging) = trained
    assert seeds == (0, 1) and judging == (1000, 1001)
    assert [rate for _, rate in trials] == [0.01, 0.1, 1.0] * 2
    assert [rate for _, rate in judged] == [0.1, 0.1]


def test_curves_are_of_the_judged_seeds_and_name_arm_and_rate(trained):
    curves, chosen = tuned()
    assert set(curves.seed) == {1000, 1001} and set(curves.rate) == {0.1}
    assert list(dict.fromkeys(curves.arm)) == ["steps", ("cycle", 3)] == list(chosen.arm)


def test_arms_of_other_lengths_are_judged_at_their_own_last_epoch(trained):
    arms = {
        "short": lambda rate: Condition(learning_rate=rate, epochs=1),
        "long": lambda rate: Condition(learning_rate=rate),
    }
    _, chosen = shared.tuned_arms(None, None, arms=arms, rates=(0.01, 0.1, 1.0), tuning=(0,), seeds=(1,), epochs=5)
    assert chosen.val_loss.tolist() == pytest.approx([0, 0])


def test_a_best_rate_at_the_border_is_marked(trained):
    _, chosen = tuned(rates=(0.1, 0.3, 1.0))
    assert chosen.border.all() and shared.rates_text(chosen, names={("cycle", 3): "cycle"}) == "steps 0.1*, cycle 0.1*"
    assert not tuned()[1].border.any()


def test_a_diverged_trial_counts_as_a_guess():
    trials = pd.DataFrame({
        "arm": "a", "seed": [0, 1, 0, 1], "epoch": 3, "rate": [1.0, 1.0, 2.0, 2.0], "val_loss": [0.5, 0.5, 0.1, 0.1],
        "diverged": [False, False, False, True], "chance_loss": 2.3,
    })  # fmt: skip
    assert shared.best_rates(trials).rate.tolist() == [1.0]
    assert shared.best_rates(trials.assign(diverged=False)).rate.tolist() == [2.0]


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"rates": (0.1, 1.0)}, "three rates"), ({"rates": (1.0, 0.1, 0.01)}, "growing"), ({"seeds": (1, 7)}, r"\[1\]")],
)
def test_what_would_not_be_fair_is_refused(trained, changes, word):
    with pytest.raises(ValueError, match=word):
        tuned(**changes)
    assert not trained
