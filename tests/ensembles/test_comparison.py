"""A table of what candidates are worth and what they cost; no time is judged here."""

import numpy as np
import pytest

from tests.ensembles.small import data, net
from textbook.ensembles import Ensemble, compare, latencies


def test_a_row_for_each_candidate_in_order():
    x, y = data()
    both = Ensemble([net(0), net(1, units=9)], logits=True)
    found = compare({"one": net(0), "both": both}, x, y, logits=True, repeats=2)
    assert found.name.tolist() == ["one", "both"] and found.members.tolist() == [1, 2]
    small, large = 4 * 5 + 5 + 5 * 3 + 3, 4 * 9 + 9 + 9 * 3 + 3
    assert found.parameters.tolist() == [small, small + large]
    assert found.loss[1] == both.evaluate(x, y)["loss"]
    assert found.accuracy[0] == np.mean(net(0).predict(x, verbose=0).argmax(axis=1) == y)
    assert (found.seconds > 0).all() and found.times[0] == 1
    assert found.times[1] == pytest.approx(found.seconds[1] / found.seconds[0])


def test_candidates_take_turns_within_a_repeat():
    x, _ = data()
    found = latencies({"a": net(0), "b": net(1)}, x, repeats=3, calls=1, batch_size=5)
    assert found.name.tolist() == ["a", "b"] * 3 and found["repeat"].tolist() == [0, 0, 1, 1, 2, 2]


def test_impossible_settings_are_refused():
    x, _ = data(4)
    with pytest.raises(ValueError, match="at least 5 rows, got 4"):
        latencies({"a": net(0)}, x, batch_size=5)
    with pytest.raises(ValueError, match="repeats as a whole number"):
        latencies({"a": net(0)}, x, repeats=0)
