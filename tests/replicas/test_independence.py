"""A seed's result is its own: whoever trains beside it, wherever it lies in the stack, whatever becomes of others."""

import functools

import keras
import numpy as np
import pandas as pd
import pytest

from textbook.models import mlp
from textbook.replicas import Condition, ReplicaTrainer, Seeds, train_replicas

layers = keras.layers


def convolutional():
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Reshape((8, 8, 1)),
            layers.Conv2D(5, 3, activation="gelu"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(),
            layers.Conv2D(7, 2, activation="sigmoid"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )


def recurrent():
    return keras.Sequential([keras.Input((64,)), layers.Reshape((8, 8)), layers.LSTM(3), layers.Dense(10)])


# odd sizes throughout, so that no replica's numbers fill whole packets
NETWORKS = {
    "plain": functools.partial(mlp, hidden=(13,)),
    "norm and dropout": functools.partial(mlp, hidden=(5, 3), batch_norm=True, dropout=0.3),
    "layer norm": lambda: keras.Sequential(
        [keras.Input((64,)), layers.Dense(3), layers.LayerNormalization(), layers.Dense(10, activation="softplus")]
    ),
    "convolutional": convolutional,
    "recurrent": recurrent,
}
OPTIMIZERS = {"sgd": Condition(learning_rate=0.5, momentum=0.9), "adam": Condition(optimizer="adam")}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_place_of_every_stack_gives_the_same_bits(few_digits, network, optimizer):
    """Seven at once, at a rough rate and with odd batches of 33 and 1; then each alone, and three in another order."""

    def run(seeds):
        condition = {"c": OPTIMIZERS[optimizer]}
        table = train_replicas(
            NETWORKS[network], few_digits, conditions=condition, seeds=seeds, epochs=2, batch_size=33
        )
        return table.drop(columns="seconds").set_index("seed").sort_index(kind="stable")

    together = run(range(7))
    assert together.loss.nunique() == len(together)
    for others in ([0], [3], [6], [6, 2, 0]):
        pd.testing.assert_frame_equal(run(others), together.loc[sorted(others)], check_exact=True)


def test_conditions_beside_it_change_nothing(few_digits):
    """Copies of one condition lie in different places of one stack."""
    conditions = {f"copy {i}": OPTIMIZERS["sgd"] for i in range(5)} | {"wild": Condition(learning_rate=1e6)}
    result = ReplicaTrainer(NETWORKS["plain"], few_digits, conditions=conditions, seeds=[4], epochs=3).run()
    table = result.table
    assert table[table.condition == "wild"].diverged.any()
    copies = table[table.condition != "wild"].drop(columns=["condition", "seconds"])
    first = copies.iloc[:3].reset_index(drop=True)
    for start in range(0, len(copies), 3):
        pd.testing.assert_frame_equal(copies.iloc[start : start + 3].reset_index(drop=True), first, check_exact=True)
    for i in range(1, 5):
        for a, b in zip(
            result.trained("copy 0", 4).get_weights(), result.trained(f"copy {i}", 4).get_weights(), strict=True
        ):
            assert (a == b).all()


@pytest.mark.parametrize("varied", ["split", "weights", "order", "masks"])
def test_each_stream_can_be_held_alone(few_digits, varied):
    """Two replicas that differ in one stream only differ, and the other streams are the same for both."""
    build = functools.partial(mlp, hidden=(8,), dropout=0.5)
    seeds = Seeds(**{purpose: [0, 1] if purpose == varied else 0 for purpose in ("split", "weights", "order", "masks")})
    trainer = ReplicaTrainer(build, few_digits, seeds=seeds, epochs=1, snapshots=(1,))
    first, second = trainer._groups()[0].replicas
    initial = [trainer._groups()[0].blueprint.initializer.draw(weights=r.seeds.weights, masks=r.seeds.masks)
               for r in (first, second)]  # fmt: skip
    same = {
        "split": all((a == b).all() for a, b in zip(first.split.rows, second.split.rows, strict=True)),
        "weights": all((a == b).all() for a, b in zip(initial[0][0], initial[1][0], strict=True)),
        "order": (next(first.orders()) == next(second.orders())).all(),
        "masks": all((a == b).all() for a, b in zip(initial[0][1], initial[1][1], strict=True)),
    }
    assert {purpose for purpose, equal in same.items() if not equal} == {varied}
    table = trainer.run().table
    assert table.loss.nunique() == 2 and np.isfinite(table.loss).all()
