import json

import pytest

from textbook.statistics import HOLDS, Judgement, paired_verdict


def test_it_becomes_plain_json():
    judgement = paired_verdict([0.02, 0.03, 0.025], 0.01, unit="nats")
    plain = json.loads(json.dumps(judgement.as_dict(), allow_nan=False))
    assert plain["verdict"] == "holds"
    assert plain["interval"] == list(judgement.interval)
    assert plain["differences"] == [0.02, 0.03, 0.025]
    assert plain["effect"] == pytest.approx(0.025)
    assert (plain["n"], plain["unit"], plain["delta"], plain["diverged"]) == (3, "nats", 0.01, 0)


def test_an_unknown_word_and_a_number_that_is_none_are_refused():
    with pytest.raises(ValueError, match="expected a verdict among"):
        Judgement("maybe", 1.0, None, 1, "nats", 0.01)
    with pytest.raises(ValueError, match="finite"):
        Judgement(HOLDS, float("nan"), None, 1, "nats", 0.01)
