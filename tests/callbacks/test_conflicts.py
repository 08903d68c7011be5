"""Conflicting callbacks are said before training, and those that get on are left alone."""

import keras
import numpy as np
import pytest

from textbook.callbacks import BatchLoss, CleanTrainLoss, Conflicts, Diagnose, HyperparameterScheduler
from textbook.callbacks.conflicts import conflicts
from textbook.schedules import CosineDecay, StepDecay

X = np.zeros((4, 1), "float32")
SCHEDULE = CosineDecay(0.1, total=3)
EarlyStopping, ReduceLROnPlateau = keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau
LearningRateScheduler = keras.callbacks.LearningRateScheduler


def model(rate=0.1, **compiled):
    built = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    built.compile(keras.optimizers.SGD(rate, momentum=0.9), "mse", **compiled)
    return built


def clean():
    return CleanTrainLoss(X, X)


class Cycle(keras.callbacks.Callback):
    """A callback from elsewhere that takes part."""

    sets = ("learning_rate",)


class Average(keras.callbacks.Callback):
    sets = ("weights",)


def best(monitor="loss"):
    return EarlyStopping(monitor, mode="min", restore_best_weights=True)


@pytest.mark.parametrize(
    ("rate", "callbacks", "said"),
    [
        (SCHEDULE.in_steps(3), [LearningRateScheduler(SCHEDULE)], "LearningRateScheduler (Keras will raise at the f"),
        (SCHEDULE.in_steps(3), [ReduceLROnPlateau()], "ReduceLROnPlateau (Keras will raise at its first reduction"),
        (SCHEDULE.in_steps(3), [Cycle()], "a schedule in compile and Cycle"),
        (
            SCHEDULE.in_steps(3),
            [HyperparameterScheduler("learning_rate", SCHEDULE)],
            "expected a learning rate as a number, got a schedule in the compiled SGD",
        ),
        (0.1, [LearningRateScheduler(SCHEDULE), ReduceLROnPlateau()], "LearningRateScheduler and ReduceLROnPlateau"),
        (0.1, [ReduceLROnPlateau(), Cycle()], "ReduceLROnPlateau and Cycle, which overwrite each other"),
        (
            0.1,
            [HyperparameterScheduler("learning_rate", SCHEDULE), LearningRateScheduler(SCHEDULE)],
            "HyperparameterScheduler and LearningRateScheduler",
        ),
        (0.1, [best(), Average()], "EarlyStopping and Average, of which the later overwrites the earlier"),
        (0.1, [keras.callbacks.SwapEMAWeights(), best()], "SwapEMAWeights and EarlyStopping, of which the later"),
        (0.1, [EarlyStopping("clean_loss", mode="min"), clean()], "EarlyStopping, which monitors 'clean_loss'"),
        (0.1, [ReduceLROnPlateau("clean_objective", mode="min")], "ReduceLROnPlateau, which monitors 'clean_objec"),
        (0.1, [LearningRateScheduler(SCHEDULE.in_steps(3))], "a schedule of updates (InSteps)"),
        (0.1, [BatchLoss(), BatchLoss()], "expected one BatchLoss, got 2"),
        (0.1, [HyperparameterScheduler("momentun", SCHEDULE)], "got 'momentun'"),
    ],
)
def test_a_conflict_is_refused_before_the_first_update(rate, callbacks, said):
    built = model(rate)
    (sentence,) = conflicts(built, callbacks)
    assert said in sentence and sentence.startswith("expected ") and "; mend by " in sentence
    with pytest.raises(ValueError) as refusal:
        built.fit(X, X, verbose=0, callbacks=Conflicts.among(callbacks))
    assert str(refusal.value) == sentence
    assert int(built.optimizer.iterations) == 0


@pytest.mark.parametrize(
    ("rate", "callbacks"),
    [
        (0.1, []),
        (0.1, [ReduceLROnPlateau(), EarlyStopping(), BatchLoss(), Diagnose()]),
        (0.1, [LearningRateScheduler(SCHEDULE), best()]),
        (0.1, [clean(), best("clean_loss"), keras.callbacks.TerminateOnNaN()]),
        (SCHEDULE.in_steps(3), [clean(), EarlyStopping(), Average()]),
        (0.1, [HyperparameterScheduler("learning_rate", StepDecay(0.1, factor=0.5, every=2)), Average()]),
    ],
)
def test_callbacks_that_get_on_are_left_alone(rate, callbacks):
    assert conflicts(model(rate), callbacks) == []


def test_mixed_precision_hides_no_schedule():
    built = model()
    built.optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(SCHEDULE.in_steps(3)))
    assert len(conflicts(built, [ReduceLROnPlateau()])) == 1


def test_every_conflict_is_named_and_nested_lists_are_read():
    callbacks = [LearningRateScheduler(SCHEDULE), [ReduceLROnPlateau(), BatchLoss()], BatchLoss()]
    with pytest.raises(ValueError, match=r"sets learning_rate, .*; and expected one BatchLoss"):
        model().fit(X, X, verbose=0, callbacks=Conflicts.among(callbacks))


def test_among_puts_itself_in_front_and_training_runs():
    callbacks = Conflicts.among([clean(), EarlyStopping("clean_loss", mode="min")])
    assert [type(callback).__name__ for callback in callbacks] == ["Conflicts", "CleanTrainLoss", "EarlyStopping"]
    assert "clean_loss" in model().fit(X, X, verbose=0, callbacks=callbacks).history


def test_keras_itself_says_nothing_until_epochs_later():
    """The reason for all this: a plateau under a schedule trains for epochs, then raises."""
    built = model(SCHEDULE.in_steps(1000))
    with pytest.raises(TypeError, match="not settable"):
        built.fit(X, X, epochs=9, verbose=0, callbacks=[ReduceLROnPlateau("loss", patience=2)])
    assert int(built.optimizer.iterations) >= 2


def test_what_is_no_callback_is_refused():
    with pytest.raises(ValueError, match=r"expected Keras callbacks, got 'loss'; mend by"):
        Conflicts(["loss"])
