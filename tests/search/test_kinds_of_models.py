"""Models that are no plain stack: trained by fit, failed alone, or built late; and where models are kept."""

import warnings

import keras
import keras_tuner
import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from tests.search.small import build, part
from textbook import search, splits


def test_a_model_that_no_stack_can_train_is_trained_by_fit_with_the_same_result_twice():
    class Doubled(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = keras.layers.Dense(3)

        def call(self, x):
            return self.head(x)

        def train_step(self, data):
            return super().train_step(data)

    def own_step(hp):
        model = Doubled()
        model(np.zeros((1, 4), "float32"))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-3, 1.0, sampling="log")), loss)
        return model

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        first = search.random_search(own_step, part(), trials=2, epochs=2)
        again = search.random_search(own_step, part(), trials=2, epochs=2)
    assert any("train_step" in str(one.message) for one in said)
    assert set(first.table["engine"]) == {"fit"}
    assert_frame_equal(first.curves, again.curves)
    loss = first.best_model().evaluate(part().validation.x, part().validation.y, verbose=0)
    assert loss == pytest.approx(first.best().loc[0, "score"], rel=1e-5)


class TestModelsOfAllKinds:
    def test_a_stack_that_raises_costs_the_others_nothing(self):
        def sized(hp):
            model = keras.Sequential([keras.Input((2,), dtype="int32")])
            model.add(keras.layers.Embedding(hp.Choice("v", [60, 1]), 2))
            model.add(keras.layers.Flatten())
            model.add(keras.layers.Dense(3))
            model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            return model

        data = splits.Splitter((np.stack([np.arange(60) % 4, np.arange(60)], 1), np.arange(60) % 3))
        words = data.with_rows((np.arange(40), np.arange(40, 55), np.arange(55, 60)), seed=0)
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            some = search.random_search(sized, words, trials=2, epochs=1).table.set_index("v")["status"]
        assert some.to_dict() == {60: "completed", 1: "failed"}

    def test_metrics_that_collect_a_state_go_through_fit(self):
        def measured(hp):
            model = build(hp)
            auc = keras.metrics.MeanIoU(3, sparse_y_pred=False, name="overlap")
            model.compile(model.optimizer, model.loss, metrics=[auc])
            return model

        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            some = search.random_search(
                measured, part(), trials=2, epochs=1, objective=keras_tuner.Objective("val_overlap", "max")
            )
        assert set(some.table["engine"]) == {"fit"} and some.table["score"].notna().all()

    def test_a_model_without_an_input_gives_its_best_model(self):
        def open_ended(hp):
            model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])
            rate = hp.Float("rate", 1e-3, 1.0, sampling="log")
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.SGD(rate), loss)
            return model

        some = search.random_search(open_ended, part(), trials=2, epochs=1)
        loss = some.best_model().evaluate(part().validation.x, part().validation.y, verbose=0)
        assert loss == pytest.approx(some.best().loc[0, "score"], rel=1e-5)

    def test_models_outlive_the_result(self):
        models = search.random_search(build, part(), trials=1, epochs=1).models
        assert models(0).count_params() > 0

    def test_models_of_a_search_that_was_written_over_are_not_given_out(self, tmp_path):
        old = search.random_search(build, part(), directory=tmp_path / "one", trials=1, epochs=1)
        search.random_search(build, part(), directory=tmp_path / "one", trials=1, epochs=1, seed=7, overwrite=True)
        with pytest.raises(ValueError, match="written over"):
            old.best_model()
