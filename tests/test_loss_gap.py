import keras
import numpy as np
import pandas as pd
import pytest

from textbook import loss_gap as module
from textbook.loss_gap import GENERALISATION, LAG, LUCK, MODE, PENALTY, loss_gap, waterfall
from textbook.models import mlp
from textbook.plots import figure

BATCH = 16


def data(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)).astype("float32")
    return x, (x[:, 0] + 0.5 * rng.normal(size=n) > 0).astype("int64")


def trained(*, epochs=2, **settings):
    keras.utils.set_random_seed(0)
    model = mlp((6,), 2, hidden=(16,), **settings)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    train, validation = data(120, 0), data(80, 1)
    history = model.fit(*train, batch_size=BATCH, epochs=epochs, validation_data=validation, verbose=0).history
    reported = {"reported_loss": history["loss"][-1], "reported_val_loss": history["val_loss"][-1]}
    return model, train, {"validation": validation, "batch_size": BATCH, **reported}


def terms(table):
    return table.set_index("cause").nats


@pytest.mark.parametrize(
    "settings", [{}, {"dropout": 0.5}, {"batch_norm": True}, {"l2": 0.01}, {"l1": 0.01, "dropout": 0.3}]
)
def test_terms_add_up_to_the_gap_that_keras_reports(settings):
    model, train, call = trained(**settings)
    table = loss_gap(model, train, **call)
    assert table.nats.sum() == pytest.approx(call["reported_loss"] - call["reported_val_loss"], abs=1e-5)
    assert table.nats.sum() == pytest.approx(table.before.iloc[0] - table.after.iloc[-1], abs=1e-12)
    np.testing.assert_allclose(table.before[1:], table.after[:-1], atol=1e-12)


def test_each_cause_is_where_it_belongs():
    model, train, call = trained(l2=0.01)
    plain = terms(loss_gap(model, train, **call))
    assert plain[MODE] == pytest.approx(0, abs=1e-6)
    assert plain[PENALTY] == pytest.approx(0, abs=1e-6)
    by_hand = terms(loss_gap(model, train, **{**call, "reported_val_loss": None}, penalty_in_validation=False))
    penalty = 0.01 * sum(float(np.sum(np.square(layer.kernel))) for layer in model.layers if hasattr(layer, "kernel"))
    assert by_hand[PENALTY] == pytest.approx(penalty, rel=1e-5)
    after = model.evaluate(*train, verbose=0)
    assert plain[LAG] == pytest.approx(call["reported_loss"] - after, abs=1e-5)
    assert plain[GENERALISATION] == pytest.approx(after - model.evaluate(*call["validation"], verbose=0), abs=1e-5)


def test_training_mode_is_the_mean_over_masks():
    model, train, call = trained(dropout=0.5)
    table = loss_gap(model, train, **call, repeats=40).set_index("cause")
    masked = [float(model.compute_loss(y=train[1], y_pred=model(train[0], training=True))) for _ in range(200)]
    expected = np.mean(masked) - model.evaluate(*train, verbose=0)
    assert expected > 0.02
    assert abs(table.nats[MODE] - expected) < 4 * np.hypot(table.error[MODE], np.std(masked) / 200**0.5)


def test_batch_statistics_count_as_training_mode():
    model, train, call = trained(batch_norm=True, epochs=1)
    whole = terms(loss_gap(model, train, **{**call, "batch_size": 120}))
    # one batch of all rows has no chance in it
    before = model.get_weights()
    expected = float(model.compute_loss(y=train[1], y_pred=model(train[0], training=True)))
    model.set_weights(before)
    assert whole[MODE] == pytest.approx(expected - model.evaluate(*train, verbose=0), abs=1e-5)


def test_the_model_is_left_as_it_was():
    model, train, call = trained(dropout=0.5, batch_norm=True)
    before = [variable.numpy().copy() for variable in (*model.variables, *model.optimizer.variables)]
    loss_gap(model, train, **call)
    after = [variable.numpy().copy() for variable in (*model.variables, *model.optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_seed_gives_the_same_terms_and_another_other_ones():
    model, train, call = trained(dropout=0.5)
    pd.testing.assert_frame_equal(loss_gap(model, train, **call), loss_gap(model, train, **call))
    assert not loss_gap(model, train, **call).equals(loss_gap(model, train, **call, seed=1))


def test_split_luck_is_taken_from_the_generalisation_gap():
    model, train, call = trained()
    alone, split = (
        terms(loss_gap(model, train, **call)),
        terms(loss_gap(model, train, **call, other_validation_losses=[0.9, 1.1])),
    )
    clean = call["reported_val_loss"]
    assert split[LUCK] == pytest.approx(1.0 - clean, abs=1e-5)
    assert split[GENERALISATION] + split[LUCK] == pytest.approx(alone[GENERALISATION])


def test_planted_errors_are_noticed():
    model, train, call = trained(l2=0.01)
    with pytest.raises(ValueError, match="not with best weights restored"):
        loss_gap(trained(epochs=1, l2=0.01)[0], train, **call)
    with pytest.raises(ValueError, match="of this model"):
        loss_gap(model, train, **call, penalty_in_validation=False)


def test_a_term_that_is_left_out_breaks_the_sum(monkeypatch):
    model, train, call = trained(l2=0.01)
    monkeypatch.setattr(module._Evaluation, "inference", lambda self, x, y: (0.5, 0.0))
    broken = loss_gap(model, train, **{**call, "reported_val_loss": None})
    assert broken.nats.sum() != pytest.approx(call["reported_loss"] - call["reported_val_loss"], abs=1e-3)


def test_an_uncompiled_model_gets_the_loss_that_fits_its_targets():
    model = mlp((6,), 1, hidden=(4,))
    x, y = data(30, 0)[0], np.linspace(0, 1, 30, dtype="float32")[:, None]
    table = loss_gap(model, (x, y), validation=(x, y), reported_loss=2.0)
    mse = float(np.mean((np.asarray(model(x)) - y) ** 2))
    assert terms(table)[LAG] == pytest.approx(2.0 - mse, rel=1e-5)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"repeats": 1}, "at least 2 repeats"),
        ({"reported_loss": float("nan")}, "expected a finite reported loss"),
        ({"validation": (np.zeros((0, 6)), np.zeros(0))}, "at least one, got 0 and 0"),
        ({"loss": ["mse", "mse"]}, "expected one loss"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    model = mlp((6,), 2, hidden=(4,))
    call = {"validation": data(10, 1), "reported_loss": 1.0, **change}
    with pytest.raises(ValueError, match=message):
        loss_gap(model, data(20, 0), **call)


def test_waterfall_leads_from_one_loss_to_the_other():
    table = pd.DataFrame(
        {"cause": ["a", "b"], "nats": [0.3, -0.1], "error": 0.0, "before": [1.0, 0.7], "after": [0.7, 0.8]}
    )
    _, ax = figure()
    waterfall(ax, table)
    assert [text.get_text() for text in ax.texts] == ["−0.300", "+0.100", "1.000", "0.800"]
    heights = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches]
    assert heights[:2] == [(0, 1.0), (0, 0.8)]
    assert heights[2] == pytest.approx((1.0, 0.7))
