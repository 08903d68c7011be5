"""A training ends with the first of its budgets, in the stack as in `fit`."""

import functools

import pytest

from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import StepDecay

SMALL = functools.partial(mlp, hidden=(8,))


def test_batch_sizes_are_compared_at_equal_updates(few_digits, same_tables):
    conditions = {
        "small": Condition(batch_size=10),  # 10 updates an epoch
        "large": Condition(batch_size=40),  # 3, the last of 20 samples
        "all": Condition(batch_size="all"),  # 1
    }
    tables = [
        train_replicas(SMALL, few_digits, conditions=conditions, seeds=range(2), updates=7, engine=engine)
        for engine in ("replicas", "fit")
    ]
    same_tables(*tables)
    last = tables[0].groupby(["condition", "seed"]).last()
    assert (last.updates == 7).all()
    assert last.epoch.unstack("seed")[0].to_dict() == {"all": 7, "large": 3, "small": 1}
    assert last.test_loss.notna().all()


def test_the_first_budget_that_is_used_up_ends_a_condition(few_digits):
    conditions = {
        "epochs": Condition(epochs=2, updates=100),
        "updates": Condition(epochs=100, updates=6),
        "default": Condition(),
    }
    table = train_replicas(SMALL, few_digits, conditions=conditions, seeds=[0], epochs=3)
    assert table.groupby("condition", sort=False).updates.max().to_dict() == {"epochs": 8, "updates": 6, "default": 12}


def test_a_schedule_goes_on_through_a_part_of_an_epoch(few_digits):
    halved = Condition(learning_rate=StepDecay(0.2, factor=0.5, every=1), updates=6)
    table = train_replicas(SMALL, few_digits, conditions={"c": halved}, seeds=[0])
    assert table.learning_rate.tolist() == [0.2, 0.1]


@pytest.mark.parametrize("engine", ["replicas", "fit"])
def test_seconds_end_a_training_between_two_updates(few_digits, engine):
    # batches of one size, since plain fit compiles another size when it comes, and that is not excepted
    train = functools.partial(train_replicas, SMALL, few_digits, seeds=range(2), epochs=10_000, batch_size=50)
    table = train(seconds=0.02, engine=engine)
    last = table.groupby("seed").last()
    assert (last.updates < 20_000).all()
    assert last.test_loss.notna().all()
    more = train(seconds=0.2, engine=engine)
    assert (more.groupby("seed").updates.max() > last.updates).all(), "ten times the time makes more updates"


def test_seconds_alone_are_refused(few_digits):
    with pytest.raises(ValueError, match="expected epochs or updates as well as seconds, got seconds alone"):
        train_replicas(SMALL, few_digits, seeds=[0], seconds=1.0)
    with pytest.raises(ValueError, match="expected epochs or updates"):
        train_replicas(SMALL, few_digits, seeds=[0])
    with pytest.raises(ValueError, match="expected seconds as a time above 0, got 0"):
        Condition(seconds=0)
    with pytest.raises(ValueError, match="expected updates as a whole number from 1 up, got 0"):
        Condition(updates=0)
