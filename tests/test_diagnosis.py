import functools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from textbook.diagnosis import (
    CONVERGED,
    DIVERGING,
    NOT_LEARNING,
    OSCILLATING,
    OVERFITTING,
    STILL_IMPROVING,
    TOO_SHORT,
    diagnose,
)


def runs(shape, *, epochs, noise=0.0, seeds=40):
    """Histories of one synthetic family: `shape(epoch)` gives loss and val_loss before noise (both, from epoch 1)."""
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        loss, val_loss = shape(np.arange(1.0, epochs + 1))
        yield {"loss": loss + rng.normal(0, noise / 3, epochs), "val_loss": val_loss + rng.normal(0, noise, epochs)}


def share(verdict, histories):
    return np.mean([diagnose(history).verdict == verdict for history in histories])


def exponential(t, *, time, end):
    return 2.2 * np.exp(-t / time), end + 2.2 * np.exp(-t / time)


def power(t, *, end):
    return 2.3 / t**1.5, end + 1.5 / t**1.5


def bowl(t, *, best, end):
    return 2.3 * np.exp(-t / 10), 0.4 + 1.9 * np.exp(-t / (best / 4)) + np.clip(t - best, 0, None) * (end - 0.4) / 100


settled = functools.partial(exponential, time=3, end=0.1)


@pytest.mark.parametrize("noise", [0.0, 0.002, 0.01])
@pytest.mark.parametrize(
    "shape", [settled, functools.partial(exponential, time=3, end=30.0), functools.partial(power, end=0.1)]
)
def test_a_settled_run_raises_no_alarm(shape, noise):
    assert share(CONVERGED, runs(shape, epochs=40, noise=noise)) >= 0.95


@pytest.mark.parametrize("epochs, time", [(5, 5), (8, 6), (20, 12), (30, 200)])
def test_a_run_cut_short_is_still_improving(epochs, time):
    shape = functools.partial(exponential, time=time, end=0.1)
    assert share(STILL_IMPROVING, runs(shape, epochs=epochs, noise=0.005)) >= 0.95


@pytest.mark.parametrize("epochs", [10, 20, 60])
def test_a_wide_swing_is_oscillation_and_not_a_trend(epochs):
    histories = runs(functools.partial(exponential, time=2, end=0.5), epochs=epochs, noise=0.25)
    assert share(OSCILLATING, histories) >= 0.9


def test_overfitting_names_the_epoch_to_stop_at():
    histories = list(runs(functools.partial(bowl, best=30, end=0.8), epochs=120, noise=0.01))
    assert share(OVERFITTING, histories) == 1
    found = [diagnose(history) for history in histories]
    assert np.median([one.evidence["best epoch"] for one in found]) == pytest.approx(30, abs=6)
    assert f"Stop near epoch {found[0].evidence['best epoch']} " in found[0].advice


def test_a_rise_within_the_noise_is_no_overfitting():
    shape = functools.partial(bowl, best=30, end=0.43)
    assert share(OVERFITTING, runs(shape, epochs=60, noise=0.03)) <= 0.02


def test_divergence_in_its_three_forms():
    falling = list(np.linspace(2, 1, 10))
    broken = diagnose({"loss": [*falling, float("nan"), 1.0], "val_loss": [*falling, 1.0, 1.0]})
    assert broken.verdict == DIVERGING
    assert broken.evidence["first epoch that is not finite"] == 11
    back = [*falling, *np.linspace(1, 5, 10)]
    assert diagnose({"loss": back, "val_loss": back}).verdict == DIVERGING
    wild = [3.0, *([2.6, 2.5] * 10)]
    assert diagnose({"loss": wild, "val_loss": wild}, chance=np.log(10)).verdict == DIVERGING


def test_a_guess_is_told_from_a_converged_run_only_with_its_loss():
    rng = np.random.default_rng(0)
    flat = 2.303 + rng.normal(0, 1e-4, 20)
    assert diagnose({"loss": flat, "val_loss": flat}, chance=np.log(10)).verdict == NOT_LEARNING
    bare = diagnose({"loss": flat, "val_loss": flat})
    assert bare.verdict == CONVERGED
    assert "compare 2.3 with a guess's loss" in bare.advice
    table = pd.DataFrame({"epoch": range(1, 21), "loss": flat, "val_loss": flat, "chance_loss": np.log(10)})
    assert diagnose(table).verdict == NOT_LEARNING


def test_a_rate_far_too_small_is_still_improving_not_stuck():
    slow = np.linspace(2.35, 2.33, 20)
    assert diagnose({"loss": slow, "val_loss": slow}, chance=np.log(10)).verdict == STILL_IMPROVING


def test_few_epochs_are_too_short_and_nan_still_counts():
    assert diagnose({"loss": [1.0, 0.9, 0.8, 0.7]}).verdict == TOO_SHORT
    assert diagnose({"loss": [1.0, np.inf]}).verdict == DIVERGING


def test_without_validation_the_answer_says_what_it_cannot_see():
    loss, _ = settled(np.arange(1.0, 41))
    found = diagnose({"loss": loss})
    assert found.verdict == CONVERGED
    assert "overfitting cannot be seen" in str(found)
    falling = diagnose({"loss": np.linspace(2, 1, 10)})
    assert falling.verdict == STILL_IMPROVING
    assert "training loss fell" in falling.reason


def test_the_verdict_does_not_depend_on_the_unit_of_the_loss():
    shapes = [settled, functools.partial(exponential, time=200, end=0.1), functools.partial(bowl, best=30, end=0.8)]
    for shape in shapes:
        for history in runs(shape, epochs=60, noise=0.005, seeds=5):
            scaled = {name: 1e4 * np.asarray(values) for name, values in history.items()}
            assert diagnose(history).verdict == diagnose(scaled).verdict


def test_all_forms_of_a_history_agree():
    history = next(runs(settled, epochs=20, noise=0.01))
    table = pd.DataFrame(history).assign(epoch=range(1, 21), seed=3, condition="a")
    told = {str(diagnose(form)) for form in (history, SimpleNamespace(history=history), table, table[::-1])}
    assert len(told) == 1


def test_evidence_names_units_and_the_paragraph_reads_as_one():
    found = diagnose(next(runs(settled, epochs=20, noise=0.01)), unit="kcal²")
    assert found.evidence["level of the validation loss (kcal²)"] == pytest.approx(0.11, abs=0.02)
    assert str(found).startswith("Converged: over the last 7 of 20 epochs the validation loss stayed near 0.1")


@pytest.mark.parametrize(
    "history, message",
    [
        ({"accuracy": [1, 2]}, "expected a 'loss' in the history, got accuracy"),
        ({"loss": [1.0, 2.0], "val_loss": [1.0]}, "validation_freq=1"),
        ({"loss": []}, "got 0 and none"),
        ([1, 2, 3], "got list; mend by passing what model.fit returned"),
        (pd.DataFrame({"loss": [1, 1], "seed": [0, 1]}), r"mend by picking one, such as table\[table\['seed'\] == 0\]"),
        (pd.DataFrame({"loss": [1, 1], "epoch": [1, 1]}), "got epochs twice"),
    ],
)
def test_unreadable_histories_are_refused(history, message):
    with pytest.raises(ValueError, match=message):
        diagnose(history)


@pytest.mark.slow
def test_real_runs_tuned_and_spoilt():
    """A small edition of benchmarks/diagnosis.py, on seeds that chose no threshold."""
    from textbook import datasets
    from textbook.models import mlp
    from textbook.replicas import Condition, train_replicas
    from textbook.splits import Splitter

    digits = Splitter(datasets.load("digits"), sizes=(1024, 473, 300))
    table = train_replicas(
        mlp,
        digits,
        conditions={
            "tuned": Condition(learning_rate=0.1, momentum=0.9, epochs=25),
            "short": Condition(learning_rate=0.03, epochs=20),
            "few rows": Condition(learning_rate=0.1, momentum=0.9, splits=digits.resized((300, 473, 300)).noisy(0.1)),
        },
        seeds=range(3000, 3024),
        epochs=100,
    )
    verdicts = table.groupby(["condition", "seed"]).apply(lambda run: diagnose(run).verdict)
    assert (verdicts["tuned"] == CONVERGED).mean() >= 0.85
    assert (verdicts["short"] == STILL_IMPROVING).mean() >= 0.9
    assert (verdicts["few rows"] == OVERFITTING).mean() >= 0.9


def test_a_curve_that_never_moves_has_neither_fallen_nor_risen():
    still = diagnose({"loss": [0.0] * 12, "val_loss": [0.0] * 12})
    assert still.evidence["fall, in standard errors"] == still.evidence["rise, in swings"] == 0.0
