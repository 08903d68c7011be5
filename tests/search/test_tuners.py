"""keras-tuner's own calls on our oracles: stacked and one by one."""

import keras
import keras_tuner
import numpy as np
import pytest

from tests.search.small import build, part
from textbook import search
from textbook.search import tuners

DATA = part()
ARRAYS = {"x": DATA.train.x, "y": DATA.train.y, "validation_data": (DATA.validation.x, DATA.validation.y)}


def test_with_arrays_trials_are_stacked_and_have_the_scores_of_the_function(tmp_path):
    tuner = tuners.RandomSearch(build, "val_loss", max_trials=4, seed=3, directory=tmp_path, keep=2)
    tuner.search(**ARRAYS, epochs=2, verbose=0)
    table = tuner.result().table
    assert set(table["engine"]) == {"replicas"}
    expected = search.random_search(build, part(), trials=4, seed=3, epochs=2).table
    # the rows of the parts come in another order than in the split
    assert table[["rate", "1 - momentum", "seed"]].equals(expected[["rate", "1 - momentum", "seed"]])
    best = tuner.get_best_models(1)[0].evaluate(DATA.validation.x, DATA.validation.y, verbose=0)
    assert best[0] == pytest.approx(tuner.oracle.get_best_trials(1)[0].score, rel=1e-5)
    assert tuner.get_best_hyperparameters(1)[0].values == tuner.result().best_hyperparameters(1)[0]


def test_with_callbacks_keras_tuner_trains_and_seeds_hold(tmp_path):
    scores = []
    for folder in ("one", "two"):
        tuner = tuners.RandomSearch(build, max_trials=2, seed=0, directory=tmp_path / folder)
        np.random.seed(len(scores))
        tuner.search(**ARRAYS, epochs=1, callbacks=[keras.callbacks.TerminateOnNaN()], verbose=0)
        scores.append([trial.score for trial in tuner.oracle.trials.values()])
        with pytest.raises(ValueError, match="got callbacks="):
            tuner.result()
    assert scores[0] == scores[1] and len(set(scores[0])) == 2


def test_hyperband_one_by_one_goes_on_with_the_optimizers_state(tmp_path):
    seen = {}

    class Noted(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen[len(seen)] = (int(self.model.optimizer.iterations), self.params["epochs"])

    tuner = tuners.Hyperband(build, max_epochs=2, factor=2, seed=0, directory=tmp_path)
    tuner.search(**ARRAYS, callbacks=[Noted()], verbose=0)
    promoted = [k for k, trial in enumerate(tuner.oracle.trials.values()) if "tuner/trial_id" in _values(trial)]
    assert promoted
    for k, trial in enumerate(tuner.oracle.trials.values()):
        before = _values(trial)["tuner/initial_epoch"]
        assert seen[k] == (3 * before, _values(trial)["tuner/epochs"])  # 96 rows in batches of 32


def test_a_folder_goes_on_and_another_range_is_refused(tmp_path):
    tuners.RandomSearch(build, max_trials=2, directory=tmp_path).search(**ARRAYS, epochs=1, verbose=0)
    more = tuners.RandomSearch(build, max_trials=3, directory=tmp_path)
    more.search(**ARRAYS, epochs=1, verbose=0)
    assert len(more.result().table) == 3

    def wider(hp):
        hp.Float("rate", 1e-5, 1.0, sampling="log")
        return build(hp)

    with pytest.raises(ValueError, match=r"min_value 0\.001 → 1e-05"):
        tuners.RandomSearch(wider, max_trials=3, directory=tmp_path)


def test_widths_declared_in_a_loop_are_searched_and_the_folder_goes_on(tmp_path):
    def deep(hp):
        model = keras.Sequential([keras.Input((4,))])
        for i in range(hp.Int("layers", 1, 2)):
            model.add(keras.layers.Dense(hp.Choice(f"units {i}", [4, 5, 6]), "relu"))
        model.add(keras.layers.Dense(3))
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    for trials in (4, 5):
        tuner = tuners.RandomSearch(deep, max_trials=trials, directory=tmp_path)
        tuner.search(**ARRAYS, epochs=1, verbose=0)
    table = tuner.result().table
    assert len(table) == 5 and table["units 1"].dropna().nunique() > 1


@pytest.mark.parametrize("kind", [tuners.SobolSearch, tuners.GridSearch, tuners.BayesianOptimization])
def test_every_kind_runs(tmp_path, kind):
    tuner = kind(build, max_trials=3, directory=tmp_path)
    tuner.search(**ARRAYS, epochs=1, verbose=0)
    assert len(tuner.result().table) == 3 and isinstance(tuner, keras_tuner.Tuner)


def _values(trial) -> dict:
    return trial.hyperparameters.values
