"""Range tests of many seeds at once, against single ones and against the formula."""

import keras
import numpy as np
import pytest

from textbook import plots, splits
from textbook.range_test import learning_rate_range_test_over_seeds

ON_TORCH = keras.backend.backend() == "torch"


def build():
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(140, 5)).astype("float32")
    return splits.Splitter((x, (x @ draw.normal(size=(5, 3))).argmax(axis=1)), sizes=(100, 20, 20))


@pytest.fixture(scope="module")
def result(data):
    return learning_rate_range_test_over_seeds(
        build, data, seeds=range(3), batch_size=16, start=1e-3, end=100.0, rates=60, smoothing=0.9
    )


@pytest.mark.skipif(not ON_TORCH, reason="the other backends can")
def test_torch_is_refused_in_words(data):
    with pytest.raises(ValueError, match="expected Keras on TensorFlow or JAX"):
        learning_rate_range_test_over_seeds(build, data, seeds=range(3))


@pytest.mark.skipif(ON_TORCH, reason="replicas are stacked on TensorFlow and JAX")
class TestStacked:
    def test_every_update_has_the_rate_of_the_formula_and_each_seed_its_own_curve(self, result):
        expected = 1e-3 * 1e5 ** (np.arange(60) / 59)
        for seed, rows in result.table.groupby("seed"):
            np.testing.assert_allclose(rows["learning_rate"], expected[: len(rows)], rtol=1e-12)
            assert rows["update"].tolist() == list(range(1, len(rows) + 1))
            assert result.tests[seed].table["loss"].tolist() == rows["loss"].tolist()
        assert result.table.groupby("seed")["loss"].first().nunique() == 3

    def test_the_trainer_applied_the_rates_that_are_listed(self, data, monkeypatch):
        import textbook.replicas

        traces, run = [], textbook.replicas.ReplicaTrainer.run

        def kept(trainer):
            trained = run(trainer)
            traces.append(trained.trace)
            return trained

        monkeypatch.setattr(textbook.replicas.ReplicaTrainer, "run", kept)
        result = learning_rate_range_test_over_seeds(
            build, data, seeds=range(2), batch_size=16, start=1e-3, end=1.0, rates=10, stop_factor=None
        )
        (trace,) = traces  # 7 updates an epoch, so that the ramp goes on through a second one
        np.testing.assert_allclose(trace["learning_rate"], result.table["learning_rate"], rtol=1e-6)
        np.testing.assert_allclose(trace["loss"], result.table["loss"], rtol=1e-12)

    def test_a_seed_that_explodes_is_cut_there(self, result):
        for test in result.tests.values():
            smoothed = test.table["smoothed_loss"].to_numpy()
            assert "4 times its best" in test.stopped or "the loss was" in test.stopped
            assert np.all(smoothed[:-1] <= 4 * np.minimum.accumulate(smoothed[:-1]))

    def test_suggestions_and_their_spread_are_tables(self, result):
        assert len(result.suggestions) == 12
        spread = result.spread.set_index("rule")
        steepest = [test.suggestions["steepest"].rate for test in result.tests.values()]
        assert spread.loc["steepest", "median"] == pytest.approx(np.median(steepest))
        assert spread.loc["steepest", "factor"] == pytest.approx(max(steepest) / min(steepest))

    def test_the_band_is_the_mean_over_the_seeds(self, result):
        fig, ax = plots.figure()
        assert result.plot(ax) is ax
        mean = next(line for line in ax.get_lines() if line.get_label() == "mean of 3 seeds")
        first = result.table[result.table["update"] == 1]["smoothed_loss"].mean()
        assert mean.get_ydata()[0] == pytest.approx(first)
        fig.canvas.draw()
