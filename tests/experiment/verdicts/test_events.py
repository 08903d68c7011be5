import pandas as pd
import pytest

from textbook.experiment.verdicts import share
from textbook.statistics import FAILS, HOLDS, INCONCLUSIVE


def table(events, **columns):
    return pd.DataFrame({"seed": range(len(events)), "above": events}).assign(**columns)


def test_one_event_per_seed():
    judgement = share("above").judge(table([True] * 14 + [False] * 2))
    assert (judgement.verdict, judgement.effect, judgement.n) == (HOLDS, 14 / 16, 16)
    assert share("above", above=False).judge(table([True] * 14 + [False] * 2)).verdict == FAILS
    assert share("above", threshold=0.9).judge(table([True] * 16)).verdict == INCONCLUSIVE


def test_a_condition_is_chosen_with_where_and_diverged_runs_are_counted():
    both = pd.concat(
        [table([True] * 8, condition="a", diverged=False), table([False] * 8, condition="b", diverged=True)]
    )
    assert share("above", where={"condition": "a"}).judge(both).verdict == HOLDS
    assert share("above", where={"condition": "b"}).judge(both).diverged == 8
    with pytest.raises(ValueError, match="one row per seed"):
        share("above").judge(both)


def test_what_is_no_event_is_refused():
    with pytest.raises(ValueError, match=r"true or false, got 0\.5"):
        share("above").judge(table([0.5, 1.0]))
    with pytest.raises(ValueError, match="true or false, got nan"):
        share("above").judge(table([float("nan"), 1.0]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        share("above", threshold=90)
    with pytest.raises(ValueError, match="column of events"):
        share("")


def test_repr_and_sentence():
    test = share("above", threshold=0.9, where={"condition": "a"})
    assert eval(repr(test)) == test
    assert test.sentence == "above in more than 90% of the seeds, Wilson's 95 % interval"
