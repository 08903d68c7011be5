"""What a search spent and found, and how its winner is trained anew."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from chapters.ch4 import search_rate_and_batch as section
from textbook.experiment import Run

METHODS = (section._HYPERBAND, section._FULL, section._SHORT)


def trials(parents):
    """Trials of 1 epoch, or of 3 where they went on from another; the last one is the best."""
    columns = {
        "trial": range(len(parents)),
        "score": np.linspace(1, 0.5, len(parents)),
        "epochs": [1 if np.isnan(parent) else 3 for parent in parents],
        "parent": parents,
        "learning_rate": [0.1 + 0.1 * number for number in range(len(parents))],
        "batch_size": 32,
    }
    table = pd.DataFrame(columns)
    return SimpleNamespace(table=table, best=lambda: table.tail(1).reset_index(drop=True))


def test_no_epoch_of_a_promoted_trial_is_counted_twice():
    found = section._winner(trials([np.nan, np.nan, np.nan, 1.0]))
    assert (found["settings"], found["epochs"]) == (3, 3 + 2)
    assert found["learning_rate"] == pytest.approx(0.4)
    assert found["reported"] == 0.5


def test_without_promotions_all_trials_count_in_full():
    found = section._winner(trials([np.nan] * 4))
    assert (found["settings"], found["epochs"]) == (4, 4)


def test_a_winner_is_trained_on_its_own_split_with_its_own_settings(monkeypatch):
    calls = []

    def train(build, splits, *, conditions, seeds, epochs):
        ((method, condition),) = conditions.items()
        calls.append((method, condition.batch_size, {splits(seed) for seed in seeds}))
        rows = {
            "condition": method,
            "seed": list(seeds),
            "epoch": epochs,
            "diverged": [True] + [False] * (len(seeds) - 1),
        }
        rates = [condition.learning_rate[seed] for seed in seeds]
        return pd.DataFrame(
            rows
            | {"test_loss": rates, "val_loss": 0.0, "test_accuracy": 0.9, "chance_loss": 2.3, "chance_accuracy": 0.1}
        )

    monkeypatch.setattr(section, "train_replicas", train)
    found = pd.DataFrame({
        "seed": [7, 8, 7], "method": ["a", "a", "b"], "batch_size": [32, 32, 128], "learning_rate": [0.1, 0.2, 0.3],
    })  # fmt: skip
    anew = section._trained_anew(found, lambda seed: f"split {seed}", 9, 0.9, 2).set_index(["method", "seed"])
    assert calls == [("a", 32, {"split 7", "split 8"}), ("b", 128, {"split 7"})]
    # the first training of each call diverged, and counts as a guess
    assert anew.test_loss.to_dict() == pytest.approx({("a", 7): 1.2, ("a", 8): 0.2, ("b", 7): 1.3})
    assert anew.anew_diverged.to_dict() == {("a", 7): 1, ("a", 8): 0, ("b", 7): 1}


def test_the_picture_says_how_often_two_searches_found_the_same():
    rows = [
        {"seed": seed, "method": method, "learning_rate": rate, "batch_size": 32, "test_loss": rate}
        for seed in (1, 2)
        for method, rate in zip(METHODS, (0.1, 0.1 if seed == 1 else 0.2, 0.3), strict=True)
    ]
    found = pd.DataFrame(rows).assign(settings=5, epochs=69, low=0.01, high=1.0, train_epochs=9)
    _, right = section.draw(found).axes
    assert [text.get_text() for text in right.texts] == ["same in 1 of 2", "same in 0 of 2", "same in 0 of 2"]


@pytest.mark.parametrize("knobs", [{"low": 2.0}, {"low": 0.0}, {"max_epochs": 2}, {"repeats": 0}])
def test_knobs_that_leave_nothing_to_search_are_refused(knobs):
    with pytest.raises(ValueError, match="expected 0 < low < high, max_epochs ≥ 3 and repeats ≥ 1, got low="):
        section.measure(Run(seeds=(0,)), **knobs)
