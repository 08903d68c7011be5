"""Searches end to end: one seed, one result; scores that are the model's; folders that go on and refuse."""

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tests.search.small import SETTINGS, build, one_trial, part, same, space_of_build
from textbook import search, splits


@pytest.fixture(scope="module")
def found():
    return search.random_search(build, part(), keep=2, **SETTINGS)


class TestOneSeedOneResult:
    def test_in_waves_of_any_size(self, found):
        for wave in (1, 4):
            again = search.random_search(build, part(), wave=wave, **SETTINGS)
            assert_frame_equal(same(again.table), same(found.table))
            assert_frame_equal(again.curves, found.curves)

    def test_more_trials_begin_with_the_same_ones(self, found):
        more = search.random_search(build, part(), **{**SETTINGS, "trials": 9})
        assert_frame_equal(same(more.table)[:6], same(found.table))

    def test_another_seed_gives_other_values_and_other_weights(self, found):
        other = search.random_search(build, part(), **{**SETTINGS, "seed": 0})
        assert not set(other.table["rate"]) & set(found.table["rate"])
        assert not set(other.table["seed"]) & set(found.table["seed"])

    def test_neighbouring_seeds_share_no_trial(self):
        """keras-tuner's seeds 1 to 10 gave 25 distinct points of 160."""
        oracles = [search.oracles.RandomOracle(space_of_build(), trials=16, seed=seed) for seed in range(10)]
        rates = [oracle.create_trial(str(k)).hyperparameters.values["rate"] for oracle in oracles for k in range(16)]
        assert len(set(rates)) == 160

    def test_the_random_numbers_of_the_caller_are_left_alone(self):
        np.random.seed(1)
        expected = np.random.random()
        np.random.seed(1)
        search.random_search(build, part(), trials=2, epochs=1)
        assert np.random.random() == expected

    def test_in_any_wave_with_a_beta_of_adam_and_widths_declared_in_a_loop(self):
        first = search.random_search(many_kinds, part(), trials=6, epochs=2, seed=1)
        for wave in (1, 4):
            again = search.random_search(many_kinds, part(), trials=6, epochs=2, seed=1, wave=wave)
            assert_frame_equal(same(again.table), same(first.table))
            assert_frame_equal(again.curves, first.curves)
        deep = first.table[first.table["layers"] == 2]
        assert deep["units 1"].nunique() > 1 and first.table["beta"].nunique() == 6


def many_kinds(hp):
    model = keras.Sequential([keras.Input((4,))])
    for i in range(hp.Int("layers", 1, 2)):
        model.add(keras.layers.Dense(hp.Choice(f"units {i}", [4, 5, 6]), "relu"))
    model.add(keras.layers.Dense(3))
    optimizer = keras.optimizers.Adam(0.01, beta_1=hp.Float("beta", 0.1, 0.9))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


class TestScores:
    def test_a_score_is_the_best_of_its_curve(self, found):
        best = found.curves.groupby("trial")["val_loss"].min()
        assert found.table.set_index("trial")["score"].equals(best.rename("score"))

    def test_a_curve_is_what_fit_makes_of_the_same_seed(self, found):
        by_fit = search.random_search(build, part(), engine="fit", **{**SETTINGS, "trials": 2})
        assert set(by_fit.table["engine"]) == {"fit"} and set(found.table["engine"]) == {"replicas"}
        columns = ["loss", "val_loss", "accuracy", "val_accuracy"]
        ours = found.curves[found.curves["trial"] < 2][columns]
        np.testing.assert_allclose(by_fit.curves[columns], ours, rtol=1e-4)

    def test_the_best_model_has_the_best_score(self, found):
        validation = part().validation
        for row in found.best(2).itertuples():
            loss, accuracy = found.models(row.trial).evaluate(validation.x, validation.y, verbose=0)
            curve = found.curves[(found.curves["trial"] == row.trial) & (found.curves["epoch"] == row.best_epoch)]
            assert loss == pytest.approx(row.score, rel=1e-5)
            assert accuracy == pytest.approx(curve["val_accuracy"].item(), rel=1e-5)

    def test_models_are_kept_of_the_best_alone(self, found):
        kept = {int(path.parent.name.removeprefix("trial_")) for path in found.directory.glob("trial_*/*.weights.h5")}
        assert kept == set(found.best(2)["trial"])
        with pytest.raises(ValueError, match="larger keep"):
            found.models(int(found.best(6)["trial"].iloc[-1]))

    def test_what_lies_on_disk_is_said(self, found):
        files = [path for path in found.directory.rglob("*") if path.is_file()]
        assert found.disk_use() == sum(path.stat().st_size for path in files) > 1000
        assert "MiB on disk" in found.summary()

    def test_an_accuracy_is_better_when_higher(self):
        found = search.random_search(build, part(), objective="val_accuracy", **SETTINGS)
        assert found.best().loc[0, "score"] == found.table["score"].max() == found.curves["val_accuracy"].max()

    def test_the_test_part_is_never_seen(self, found):
        assert not [name for name in (*found.curves, *found.table) if "test" in name]

    def test_an_objective_that_nothing_measures_is_named(self):
        with pytest.raises(ValueError, match=r"val_precision.*adding the metric"):
            search.random_search(
                build, part(), trials=1, epochs=1, objective=keras_tuner.Objective("val_precision", "max")
            )


class TestTrialsThatGoWrong:
    def test_a_trial_that_diverges_is_infeasible_and_the_others_are_as_before(self, found):
        def wild(hp):
            model = build(hp)
            if hp.Boolean("wild"):
                model.optimizer.learning_rate = 1e30
            return model

        some = search.random_search(wild, part(), **SETTINGS)
        went = some.table.set_index("trial")
        assert set(went["status"]) == {"completed", "infeasible"}
        assert (went["status"] == "infeasible").equals(went["wild"].rename("status"))
        assert went.loc[went["wild"], "score"].isna().all() and (went["epochs"] == 2).all()

    def test_a_builder_that_raises_fails_its_trial_alone(self, found):
        def picky(hp):
            if hp.Float("rate", 1e-3, 1.0, sampling="log") > 0.1:
                raise ArithmeticError("too fast")
            return build(hp)

        some = search.random_search(picky, part(), **SETTINGS).table
        fast = some["rate"] > 0.1
        assert fast.any() and (some["status"] == "failed").equals(fast.rename("status"))
        assert some.loc[fast, "error"].str.contains("ArithmeticError: too fast").all()
        slow = some.loc[~fast, "score"]
        assert slow.equals(found.table.loc[~fast, "score"])

    def test_a_number_that_keras_refuses_fails_its_trial_alone(self):
        def beyond(hp):
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.SGD(0.1, momentum=hp.Float("momentum", 0.0, 2.0)), loss)
            return model

        some = search.random_search(beyond, part(), **SETTINGS).table
        assert (some["status"] == "failed").equals((some["momentum"] > 1).rename("status"))
        assert some.loc[some["momentum"] > 1, "error"].str.contains("momentum").all()

    def test_where_all_fail_the_search_raises_and_says_why(self):
        def broken(hp):
            model = build(hp)
            if len(hp.values) == 2 and hp.values["rate"] != 1e-3:  # not while the space is discovered
                raise ArithmeticError("always")
            return model

        with pytest.raises(RuntimeError, match=r"4 that all failed.*ArithmeticError: always"):
            search.random_search(broken, part(), trials=4, epochs=1)

    def test_two_trials_that_fail_raise_too(self):
        """keras-tuner's search returns silently when there are fewer than three."""

        def diverging(hp):
            model = build(hp)
            model.optimizer.learning_rate = 1e30
            return model

        with pytest.raises(RuntimeError, match="2 that all failed"):
            search.random_search(diverging, part(), trials=2, epochs=2)


@pytest.mark.parametrize("make", [search.sobol_search, search.grid_search, search.bayesian_search])
def test_the_other_searches_fill_the_same_table(make, found):
    some = make(build, part(), trials=8, epochs=1, seed=0)
    assert list(some.table) == list(found.table) and len(some.table) == 8
    assert np.isfinite(some.best().loc[0, "score"])


def test_a_batch_size_may_be_searched():
    def sized(hp):
        hp.Choice("batch", [16, 48])
        return build(hp)

    some = search.random_search(sized, part(), batch_size="batch", **SETTINGS)
    assert set(some.table["batch"]) == {16, 48}
    one = some.table.iloc[0]
    space = space_of_build()
    space.values = {name: one[name] for name in ("rate", "1 - momentum")}
    alone = one_trial(space, seed=int(one["seed"]), epochs=2, batch_size=int(one["batch"]))
    assert_frame_equal(some.curves[some.curves["trial"] == 0].drop(columns="trial").reset_index(drop=True), alone)


def test_the_winner_is_trained_again_with_fresh_seeds(found):
    again = found.retrained(seeds=4)
    assert again.n == 4 and not set(again.table["seed"]) & set(found.table["seed"])


def test_what_is_trained_again_is_the_winner_and_not_the_first_trial():
    some = search.random_search(many_kinds, part(), trials=4, epochs=2, seed=2)
    number = int(some.table["trial"].iloc[-1])
    values = {name: some.scales[name].native(some.table.loc[number, name]) for name in some.scales}
    values = {name: value for name, value in values.items() if not pd.isna(value)}
    seed = int(some.table.loc[number, "seed"])
    again = some.retrain(values, [seed], 2)
    curve = some.curves[some.curves["trial"] == number]
    assert again["val_loss"].tolist() == curve["val_loss"].tolist()


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"trials": 0}, "trials"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "size"}, "the builder has rate, 1 - momentum"),
        ({"batch_size": "rate"}, "whole numbers"),
        ({"max_trials": 3}, "mend by trials="),
        ({"epoch": 3}, "mend by epochs="),
        ({"callbacks": []}, "a search trains itself"),
        ({"keep": 0}, "keep"),
        ({"wave": 0}, "wave"),
        ({"seed": -1}, "seed"),
        ({"objective": "val_nothing"}, "val_nothing"),
    ],
)
def test_wrong_arguments_are_refused_in_words(wrong, said):
    with pytest.raises(ValueError, match=said):
        search.random_search(build, part(), **{**SETTINGS, **wrong})


def test_what_is_no_builder_or_no_split_is_refused_at_once():
    class Own(keras_tuner.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            return model.fit(*args, batch_size=hp.Int("size", 1, 8), **kwargs)

    def uncompiled(hp):
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

    for wrong, said in (
        (Own(), "a fit of its own"),
        (uncompiled, "mend by model.compile"),
        (lambda hp: None, "NoneType"),
    ):
        with pytest.raises(ValueError, match=said):
            search.random_search(wrong, part(), trials=1)
    for wrong, said in (((1, 2), "tuple"), (splits.Splitter((np.ones((9, 2)), np.ones(9))), r"splitter\(0\)")):
        with pytest.raises(ValueError, match=said):
            search.random_search(build, wrong, trials=1)


def test_progress_is_said_where_it_is_asked_for(capsys):
    search.random_search(build, part(), trials=2, epochs=1, wave=1, progress=True)
    assert "2 trials ended, best val_loss" in capsys.readouterr().err
    search.random_search(build, part(), trials=1, epochs=1)
    assert not capsys.readouterr().err
