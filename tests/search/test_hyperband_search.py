"""Hyperband end to end: what it costs, and that a promoted trial is what it would have been without the halt."""

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from tests.search.small import build, one_trial, part, space_of_build
from textbook import search


@pytest.fixture(scope="module")
def bands():
    return search.hyperband(build, part(), max_epochs=9, seed=0)


class TestHyperband:
    def test_it_trains_what_it_said_it_would(self, bands):
        assert search.oracles.cost(9) == (len(bands.table), 69)
        new = bands.table["epochs"] - bands.table["parent"].map(bands.table.set_index("trial")["epochs"]).fillna(0)
        assert new.sum() == 69 and "; 69 epochs" in bands.summary()

    def test_what_it_costs_is_said_before(self, capsys):
        trials, epochs = search.oracles.cost(2)
        search.hyperband(build, part(), max_epochs=2, seed=0)
        assert f"{trials} trials, {epochs} epochs" in capsys.readouterr().err
        search.hyperband(build, part(), max_epochs=2, seed=0, verbose=False)
        assert "epochs" not in capsys.readouterr().err

    def test_a_promoted_trial_is_what_it_would_have_been_without_the_halt(self, bands, tmp_path):
        longest = bands.table[bands.table["round"] == 2].iloc[0]
        space = space_of_build()
        space.values = {name: longest[name] for name in ("rate", "1 - momentum")}
        whole = one_trial(space, seed=int(longest["seed"]), epochs=9)
        went = bands.curves[bands.curves["trial"] == longest["trial"]]
        assert_frame_equal(went.drop(columns="trial").reset_index(drop=True), whole)

    def test_its_score_is_the_best_of_all_its_epochs(self, bands):
        best = bands.curves.groupby("trial")["val_loss"].min()
        assert bands.table.set_index("trial")["score"].equals(best.rename("score"))

    def test_no_state_is_left_on_disk(self, bands):
        assert not list(bands.directory.rglob("*.npz"))

    def test_one_by_one_by_fit_it_goes_on_as_well(self):
        stacked = search.hyperband(build, part(), max_epochs=2, seed=0)
        by_fit = search.hyperband(build, part(), max_epochs=2, seed=0, engine="fit")
        np.testing.assert_allclose(by_fit.table["score"], stacked.table["score"], rtol=1e-4)
