"""Ensembles from files, from snapshots and from a search."""

import dataclasses

import keras
import numpy as np
import pytest

from tests.ensembles.small import data, net, softmax
from tests.search import small
from textbook.callbacks.snapshot_ensemble import SnapshotEnsemble
from textbook.ensembles import from_files, from_snapshots, top_k
from textbook.search import random_search


def test_whole_models_and_weights_from_files(tmp_path):
    x, _ = data()
    models = [net(0), net(1)]
    wanted = np.mean([softmax(model.predict(x, verbose=0)) for model in models], axis=0)
    models[0].save(tmp_path / "0.keras")
    models[1].save_weights(tmp_path / "1.weights.h5")
    paths = [tmp_path / "0.keras", tmp_path / "1.weights.h5"]
    lent = net(5)
    np.testing.assert_allclose(from_files(paths, logits=True, model=lent).predict(x), wanted, atol=1e-6)
    np.testing.assert_array_equal(lent.get_weights()[0], net(5).get_weights()[0])
    with pytest.raises(ValueError, match="which holds weights alone; mend by model="):
        from_files(paths, logits=True)


def test_snapshots_predict_what_their_callback_predicts():
    x, y = data()
    model = net(0)
    model.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    snapshots = SnapshotEnsemble(every=1, logits=True)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[snapshots])
    found = from_snapshots(snapshots)
    assert len(found) == 3 and found.logits
    np.testing.assert_allclose(found.predict(x), snapshots.predict(x), atol=1e-6)


@pytest.fixture(scope="module")
def searched():
    return random_search(small.build, small.part(), trials=4, seed=0, epochs=2, keep=2)


def test_the_best_trials_are_the_models_that_the_search_kept(searched):
    x = small.part().test.x
    kept = [searched.models(int(trial)) for trial in searched.best(2).trial]
    wanted = np.mean([softmax(model.predict(x, verbose=0)) for model in kept], axis=0)
    found = top_k(searched, 2, logits=True)
    np.testing.assert_allclose(found.predict(x), wanted, atol=1e-6)
    np.testing.assert_array_equal(found.models[0].get_weights()[0], kept[0].get_weights()[0])


def test_trials_without_a_model_are_trained_on_the_data_or_refused(searched):
    train = small.part().train
    with pytest.raises(ValueError, match="larger keep=, or by data="):
        top_k(searched, 3, logits=True)
    found = top_k(searched, 3, logits=True, data=(train.x, train.y))
    rate = float(found.models[2].optimizer.learning_rate)
    assert rate == pytest.approx(searched.best(3).rate[2], rel=1e-6)
    assert int(found.models[2].optimizer.iterations) == 3 * searched.best(3).best_epoch[2]


def test_too_many_trials_and_a_search_that_was_written_over(searched):
    with pytest.raises(ValueError, match="expected 9 completed trials, got 4"):
        top_k(searched, 9, logits=True)

    def written_over(number):
        raise ValueError("expected the search that this result is of, got another one")

    broken = dataclasses.replace(searched, models=written_over)
    with pytest.raises(ValueError, match="got another one"):
        top_k(broken, 2, logits=True, data=(np.ones((3, 4)), np.zeros(3)))
