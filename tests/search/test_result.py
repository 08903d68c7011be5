import keras_tuner
import numpy as np
import pandas as pd
import pytest

from tests.search.fake_search import ERROR, a_search
from textbook.search.result import SearchResult
from textbook.search.retrained import fresh_seeds


@pytest.fixture(scope="module")
def found():
    return a_search(40)


def with_table(result, table, **changes):
    settings = {"space": result.space, "objective": result.objective, **changes}
    return SearchResult(table, result.curves, **settings)


def with_scores(result, scores, **columns):
    """The same trials with other scores, all completed."""
    table = result.table.iloc[: len(scores)].assign(score=scores, status="completed", error="", **columns)
    return with_table(result, table)


def test_best_are_the_completed_trials_best_first(found):
    best = found.best(3)
    completed = found.table[found.table.status == "completed"]
    assert best.score.tolist() == sorted(completed.score)[:3]
    assert found.best().trial.tolist() == best.trial.tolist()[:1]
    assert len(found.best(1000)) == len(completed) < len(found.table)


def test_a_score_that_is_to_be_large_is_ranked_from_above():
    found = a_search(20, names=("rate", "units"), objective="val_accuracy")
    assert found.best().loc[0, "score"] == found.table.score.max()
    assert not found.lower_is_better


def test_equal_scores_go_to_the_earlier_trial_whatever_the_order_of_rows(found):
    tied = with_scores(found, [2.0, 1.0, 1.0, 1.0, 3.0])
    shuffled = with_table(found, tied.table.iloc[[3, 4, 2, 0, 1]])
    assert tied.best(3).trial.tolist() == shuffled.best(3).trial.tolist() == [1, 2, 3]


def test_best_hyperparameters_are_what_the_builder_got(found):
    for values, row in zip(found.best_hyperparameters(9), found.best(9).to_dict("records"), strict=True):
        active = [name for name in found.scales if not pd.isna(row[name])]
        assert list(values) == active
        assert ("beta_2" in values) == (values["optimizer"] == "adam")
        assert type(values["units"]) is int
        assert type(values["rate"]) is float
    # a gap makes floats of a column of whole numbers
    gaps = found.table.assign(units=found.table.units.where(found.table.trial % 2 == 0))
    values = [one.get("units") for one in with_table(found, gaps).best_hyperparameters(30)]
    assert {type(value) for value in values} == {int, type(None)}


def test_best_model_asks_for_the_best_trials_own(found):
    kept = with_table(found, found.table, models=lambda number: f"model {number}")
    assert kept.best_model() == f"model {found.best().loc[0, 'trial']}"
    with pytest.raises(ValueError, match=f"without trial {found.best().loc[0, 'trial']}'s; mend by a directory"):
        found.best_model()


@pytest.mark.parametrize("method", ["best", "best_model", "plot", "plot_parallel", "border_report", "importance"])
def test_a_search_without_any_score_says_why(method):
    with pytest.raises(ValueError, match=r"4 trials \(4 failed\); first error, trial 0: " + ERROR):
        getattr(a_search(4, failed=4), method)()


def test_infeasible_alone_are_counted_too(found):
    table = found.table.assign(status="infeasible", score=np.nan, error="")
    with pytest.raises(ValueError, match=r"got 40 trials \(40 infeasible\); mend by ranges"):
        with_table(found, table).best()
    assert repr(with_table(found, table)) == "SearchResult(40 trials (40 infeasible))"


@pytest.mark.parametrize("n", [0, -1, True])
def test_a_number_of_trials_is_at_least_one(found, n):
    with pytest.raises(ValueError, match="from 1 up"):
        found.best(n)


def test_a_table_that_no_search_wrote_is_refused(found):
    with pytest.raises(ValueError, match="a column 'seconds'"):
        with_table(found, found.table.drop(columns="seconds"))
    with pytest.raises(ValueError, match="a column 'units'"):
        with_table(found, found.table.drop(columns="units"))
    with pytest.raises(ValueError, match="completed, infeasible, failed, got running"):
        with_table(found, found.table.assign(status="running"))
    with pytest.raises(ValueError, match="mend by the status 'infeasible'"):
        with_table(found, found.table.assign(score=np.nan))
    clash = keras_tuner.HyperParameters()
    clash.Int("epochs", 1, 9)
    with pytest.raises(ValueError, match="not the table's own, got epochs"):
        with_table(found, found.table, space=clash)


def test_repr_and_summary_name_the_best_and_the_first_error(found):
    row = found.best().iloc[0]
    assert repr(found).startswith(f"SearchResult(40 trials, best val_loss {row.score:.4g}: rate={row.rate:.4g}, ")
    text = found.summary().splitlines()
    counts = found.table.status.value_counts()
    assert text[0].startswith(
        f"40 trials ({counts.completed} completed, {counts.infeasible} infeasible, 2 failed); 160"
    )
    assert f"(trial {row.trial}, epoch 3 of 4)" in text[1]
    assert text[-1] == f"first error, trial 0: {ERROR}"


def test_the_summary_shows_the_last_line_of_a_traceback(found):
    table = found.table.assign(error=found.table.error.replace(ERROR, "Traceback (most recent\n  File\nOSError: full"))
    assert with_table(found, table).summary().endswith("first error, trial 0: OSError: full")


def report(result, **settings):
    return result.border_report(**settings).set_index("hyperparameter")


def test_borders_are_those_of_the_declared_range_on_its_own_scale(found):
    rows = report(found)
    assert (rows.low["rate"], rows.high["rate"]) == (1e-4, 1.0)
    # 2e-4 lies in the outer 8 % of the logarithm's range, 0.9 in that of the plain one, too
    for rate, side in ((2e-4, "low"), (3e-4, ""), (0.4, ""), (0.9, "high")):
        moved = with_scores(found, [0.0, 1.0], rate=[rate, 0.01])
        assert report(moved).on_border["rate"] == side, rate
    row = report(with_scores(found, [0.0, 1.0], rate=[2e-4, 0.01])).loc["rate"]
    assert (row.next_low, row.next_high) == pytest.approx((2e-6, 2e-2))
    assert rows.advice["activation"] == "a category: it has no border"
    assert rows.best["activation"] == found.best_hyperparameters()[0]["activation"]


def test_whole_numbers_go_on_in_whole_numbers(found):
    row = report(with_scores(found, [0.0, 1.0], units=[125, 50])).loc["units"]
    assert (row.on_border, row.next_low, row.next_high) == ("high", 69, 181)
    row = report(with_scores(found, [0.0, 1.0], units=[16, 50])).loc["units"]
    assert (row.on_border, row.next_low, row.next_high) == ("low", 1, 72)  # not 0: no layer has no unit
    assert report(with_scores(found, [0.0, 1.0], units=[16, 50]), limits={"units": (16, 999)}).on_border["units"] == ""
    row = report(with_scores(found, [0.0, 1.0], units=[125, 50]), limits={"units": (1, 150)}).loc["units"]
    assert row.next_high == 150


def test_of_few_values_only_the_first_and_the_last_are_borders():
    found = a_search(12, names=("layers", "batch_size"), failed=0)
    for batch_size, layers, sides in ((128, 2, ("high", "")), (64, 1, ("", "")), (16, 3, ("low", "high"))):
        rows = report(with_scores(found, [0.0, 1.0], batch_size=[batch_size, 32], layers=[layers, 2]))
        assert (rows.on_border["batch_size"], rows.on_border["layers"]) == sides
    # sizes in a list grow by factors of two, three octaves in all
    row = report(with_scores(found, [0.0, 1.0], batch_size=[128, 32])).loc["batch_size"]
    assert (row.best, row.next_low, row.next_high) == (128, 45, 363)


def test_a_reverse_log_range_is_measured_by_the_distance_from_its_end(found):
    both = {"optimizer": "adam"}
    row = report(with_scores(found, [0.0, 1.0], beta_2=[0.988, 0.5], **both)).loc["beta_2"]
    assert (row.on_border, row.low, row.high, row.best) == ("high", pytest.approx(0.01), pytest.approx(0.99), 0.988)
    half = np.sqrt(99)
    assert (row.next_low, row.next_high) == pytest.approx((1 - 0.012 * half, 1 - 0.012 / half))
    assert "try values above it" in row.advice
    # 0.93 to 0.99 is the outer 8 % of the plain range, and the inner of the reversed logarithm's
    assert report(with_scores(found, [0.0, 1.0], beta_2=[0.95, 0.5], **both)).on_border["beta_2"] == ""
    assert report(with_scores(found, [0.0, 1.0], beta_2=[0.02, 0.5], **both)).on_border["beta_2"] == "low"
    limited = {"limits": {"beta_2": (0.0, 0.99)}}
    assert report(with_scores(found, [0.0, 1.0], beta_2=[0.988, 0.5], **both), **limited).on_border["beta_2"] == ""


def test_a_conditional_hyperparameter_is_judged_where_it_was_active(found):
    conditional = {"optimizer": ["sgd", "adam", "adam"], "beta_2": [None, 0.988, 0.5]}
    row = report(with_scores(found, [0.0, 1.0, 2.0], **conditional)).loc["beta_2"]
    assert (row.best, row.on_border) == (0.988, "high")
    never = report(with_scores(found, [0.0, 1.0], optimizer="sgd", beta_2=np.nan))
    assert never.advice["beta_2"] == "was active in no completed trial"
    table = with_scores(found, [0.0, 1.0], optimizer=["sgd", "adam"], beta_2=[np.nan, 0.5]).table
    broken = table.assign(status=["completed", "infeasible"], score=[0.0, np.nan])
    assert report(with_table(found, broken)).advice["beta_2"] == "was active in no completed trial"


def test_rounds_of_one_configuration_are_not_averaged(found):
    table = with_scores(found, [3.0, 0.1, 1.0], rate=[0.9, 0.9, 0.01], parent=[np.nan, 0, np.nan]).table
    twice = table.assign(**{name: table[name].iloc[0] for name in found.scales if name != "rate"})
    assert report(with_table(found, twice)).on_border["rate"] == "high"


def test_limits_of_nothing_are_refused(found):
    with pytest.raises(ValueError, match="got momentum; mend by their names"):
        found.border_report(limits={"momentum": (0, 1)})


def test_what_is_fixed_is_in_no_report():
    found = a_search(20, names=("rate", "epochs_seen"))
    assert found.border_report().hyperparameter.tolist() == ["rate"]
    assert found.importance(resamples=0).hyperparameter.tolist() == ["rate"]
    assert found.best_hyperparameters()[0]["epochs_seen"] == 5


def test_importance_finds_the_rate_and_fills_gaps_with_the_default():
    found = a_search(60)
    shares = found.importance(resamples=4)
    assert shares.hyperparameter[0] == "rate"
    assert set(shares.hyperparameter) == set(found.scales)
    pd.testing.assert_frame_equal(shares, found.importance(resamples=4))
    filled = found.table.assign(beta_2=found.table.beta_2.fillna(found.scales["beta_2"].default))
    pd.testing.assert_frame_equal(shares, with_table(found, filled).importance(resamples=4))


def test_importance_is_on_the_scale_of_the_sampling():
    # the loss grows by the decade: on the plain scale nine tenths of the range lie in the last one
    names = ("rate", "dropout")
    found = a_search(150, names=names, failed=0, loss=lambda v, _: np.log10(v["rate"]) ** 2 / 8 + 2 * v["dropout"])
    assert found.importance(resamples=0).set_index("hyperparameter").share["rate"] > 0.6


def test_infeasible_trials_count_as_the_worst_and_failed_ones_not_at_all():
    # only from 0.7 on there is nothing but NaN: that alone makes the rate matter
    def loss(values, noise):
        return np.nan if values["rate"] > 0.1 else 0.5 + noise

    found = a_search(80, names=("rate", "dropout"), failed=0, loss=loss)
    assert found.importance(resamples=0).set_index("hyperparameter").share["rate"] > 0.3
    best, worst = found.table.score.min(), found.table.score.max()
    told = found.table.assign(score=found.table.score.fillna(worst), status="completed")
    pd.testing.assert_frame_equal(found.importance(resamples=0), with_table(found, told).importance(resamples=0))
    wrong = found.table.assign(score=found.table.score.fillna(best), status="completed")
    assert not found.importance(resamples=0).equals(with_table(found, wrong).importance(resamples=0))
    failed = found.table.assign(status=found.table.status.replace("infeasible", "failed"))
    rest = found.table[found.table.status == "completed"]
    without = with_table(found, rest).importance(resamples=0)
    pd.testing.assert_frame_equal(with_table(found, failed).importance(resamples=0), without)


def test_of_hyperbands_rounds_only_the_last_counts():
    found = a_search(30, names=("rate", "units"), failed=0)
    first = found.table.assign(score=99.0, status="completed")
    rounds = first.assign(trial=first.trial + 1000, parent=first.trial.astype(float), score=found.table.score.fillna(3))
    both = with_table(found, pd.concat([first, rounds], ignore_index=True))
    pd.testing.assert_frame_equal(
        both.importance(resamples=0), with_table(found, rounds.assign(parent=np.nan)).importance(resamples=0)
    )


def trainer(scores, *, name="val_loss", asked=None):
    """A `retrain` whose seeds score as told in their second epoch of three; NaN diverges after it."""

    def retrain(values, seeds, epochs):
        if asked is not None:
            asked.append((values, list(seeds), epochs))
        rows = []
        for seed, score in zip(seeds, scores, strict=True):
            diverged = np.isnan(score)
            best, last = (0.01, np.nan) if diverged else (score, 2 * score if name == "val_loss" else score / 2)
            for epoch, value in enumerate([last if not diverged else 1.0, best, last], start=1):
                rows.append({"seed": seed, "epoch": epoch, name: value, f"test_{name[4:]}": 10.0 * epoch + seed % 2})
        return pd.DataFrame(rows)[::-1]  # in whatever order

    return retrain


def test_retrained_shows_the_optimism_of_a_loss(found):
    asked = []
    scores = [0.4, 0.5, 0.6, 0.1]
    again = with_table(found, found.table, retrain=trainer(scores, asked=asked)).retrained(4)
    reported = found.best().loc[0, "score"]
    ((values, seeds, epochs),) = asked
    assert values == found.best_hyperparameters()[0]
    assert epochs == 4
    assert not set(seeds) & set(found.table.seed)
    assert again.table.seed.tolist() == seeds
    assert again.table.best_epoch.tolist() == [2] * 4
    assert again.mean == pytest.approx(0.4)
    # t(3) = 3.18245, s = 0.216025
    assert again.interval == pytest.approx((0.4 - 0.343745, 0.4 + 0.343745), abs=1e-5)
    assert again.optimism == pytest.approx(0.4 - reported)
    assert again.optimism_interval == pytest.approx((0.056255 - reported, 0.743745 - reported), abs=1e-5)
    assert (again.n, again.diverged, again.as_good) == (4, 0, 1)
    assert 20 <= again.test[0] <= 21  # at the epoch that validation chose
    assert repr(again).startswith("Retrained(val_loss 0.4 [0.05626, 0.7437] over 4 seeds; reported 0.19")


def test_a_test_part_measured_once_is_taken_where_it_was(found):
    def once(*given):
        rows = trainer([0.4, 0.5])(*given)
        return rows.assign(test_loss=rows.test_loss.where(rows.epoch == 3))

    again = with_table(found, found.table, retrain=once).retrained(2)
    assert again.table.test_loss.between(30, 31).all()


def test_retrained_optimism_of_an_accuracy_has_the_same_sign():
    found = a_search(20, names=("rate", "units"), objective="val_accuracy")
    better = found.best().loc[0, "score"] - np.array([0.1, 0.2, 0.0])
    again = with_table(found, found.table, retrain=trainer(better, name="val_accuracy")).retrained(3, epochs=7)
    assert again.optimism == pytest.approx(0.1)
    low, high = again.optimism_interval
    assert low < 0.1 < high
    assert low + high == pytest.approx(0.2)
    assert again.as_good == 1


def test_a_diverged_seed_is_counted_and_not_averaged(found):
    again = with_table(found, found.table, retrain=trainer([0.4, np.nan, 0.6])).retrained(3)
    assert (again.mean, again.n, again.diverged) == (pytest.approx(0.5), 2, 1)
    assert again.table.score.isna().tolist() == [False, True, False]
    assert again.table.test_loss.isna().tolist() == [False, True, False]
    assert "over 2 seeds, 1 diverged" in repr(again)
    lost = with_table(found, found.table, retrain=trainer([np.nan, np.nan])).retrained(2)
    assert np.isnan([lost.mean, *lost.interval, lost.optimism]).all()


def test_fresh_seeds_are_a_function_of_the_search_and_none_of_its_trials():
    few, many = fresh_seeds(0, 8, used=[]), fresh_seeds(0, 16, used=[])
    assert many[:8] == few
    assert len(set(many)) == 16
    assert fresh_seeds(0, 8, used=few[:3]) == many[3:11]
    assert not set(few) & set(fresh_seeds(1, 8, used=[]))


def test_retrained_refuses_what_would_not_be_fresh(found):
    able = with_table(found, found.table, retrain=trainer([0.4, 0.5]))
    with pytest.raises(ValueError, match="expected seeds that no trial had, got 5003"):
        able.retrained([1, 5003])
    for seeds in (1, [7], [7, 7]):
        with pytest.raises(ValueError, match="at least two different seeds"):
            able.retrained(seeds)
    with pytest.raises(ValueError, match="expected a search that can train again"):
        found.retrained()
    other = with_table(found, found.table, retrain=trainer([0.4, 0.5], name="val_accuracy"))
    with pytest.raises(
        ValueError, match="expected rows with seed, epoch and val_loss, got columns seed, epoch, val_acc"
    ):
        other.retrained(2)
    lazy = with_table(found, found.table, retrain=lambda *given: trainer([0.4])(given[0], given[1][:1], 1))
    with pytest.raises(ValueError, match="expected rows for 2 seeds, got none for 8"):
        lazy.retrained([7, 8])
