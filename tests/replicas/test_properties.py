"""Whatever is drawn of layers × optimizers × schedules: a stack does what `fit` does with the same batches in order."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from textbook import datasets, splits
from textbook.replicas import Condition, ReplicaTrainer
from textbook.schedules import CosineDecay, ExponentialDecay, StepDecay

layers = keras.layers
DIGITS = splits.Splitter(datasets.load("digits"), sizes=(112, 40, 40))  # batches of 32, 32, 32 and 16

ACTIVATIONS = st.sampled_from(["relu", "tanh", "elu", "gelu", "linear"])
UNITS = st.integers(3, 19)


@st.composite
def dense_blocks(draw):
    """(what it is called, makers of its layers). No bias before a norm: its gradient would be rounding alone."""
    units, activation = draw(UNITS), draw(ACTIVATIONS)
    norm = draw(st.sampled_from([None, layers.BatchNormalization, layers.LayerNormalization]))
    penalty = draw(st.sampled_from([None, keras.regularizers.L2(1e-3), keras.regularizers.L1L2(1e-4, 1e-3)]))
    noise = draw(st.sampled_from([None, layers.Dropout, layers.GaussianNoise]))
    made = [lambda: layers.Dense(units, use_bias=norm is None, kernel_regularizer=penalty)]
    made += [norm] if norm else []
    made += [lambda: layers.Activation(activation)]
    made += [lambda: noise(0.2)] if noise else []
    names = [
        f"{units} {activation}",
        *(kind.__name__ for kind in (norm, noise) if kind),
        *(["penalty"] if penalty else []),
    ]
    return " ".join(names), made


@st.composite
def starts(draw):
    """(what it is called, makers of the first layers, from 64 grey levels to a row of features)."""
    kind = draw(st.sampled_from(["flat", "image", "sequence", "words", "recurrent"]))
    filters, size = draw(st.integers(2, 6)), draw(st.integers(2, 3))
    padding = draw(st.sampled_from(["same", "valid"]))
    pooling = draw(st.sampled_from([layers.MaxPooling2D, layers.AveragePooling2D]))
    light = [lambda: layers.Rescaling(1 / 16)]
    made = {
        "flat": light,
        "image": [
            *light,
            lambda: layers.Reshape((8, 8, 1)),
            lambda: layers.Conv2D(filters, size, padding=padding, activation="relu"),
            lambda: pooling(2),
            lambda: layers.Conv2D(filters + 1, 2, strides=2),
            layers.Flatten,
        ],
        "sequence": [
            *light,
            lambda: layers.Reshape((8, 8)),
            lambda: layers.Conv1D(filters, size, padding=padding, activation="tanh"),
            layers.GlobalAveragePooling1D,
        ],
        "words": [lambda: layers.Embedding(17, filters), layers.Flatten],
        "recurrent": [*light, lambda: layers.Reshape((8, 8)), lambda: layers.GRU(filters)],
    }
    return f"{kind} {filters} {size} {padding} {pooling.__name__}", made[kind]


@dataclass(frozen=True)
class Network:
    """A builder of a small network that ends in ten logits."""

    name: str
    makers: tuple

    def __call__(self):
        return keras.Sequential([keras.Input((64,)), *(make() for make in self.makers), layers.Dense(10)])

    def __repr__(self):
        return self.name


@st.composite
def networks(draw):
    blocks = [draw(starts()), *draw(st.lists(dense_blocks(), max_size=2))]
    return Network(" – ".join(name for name, _ in blocks), tuple(make for _, made in blocks for make in made))


@st.composite
def optimizers(draw, network):
    """A Keras optimizer whose steps follow gradients continuously, with settings, and a rate that is stable."""
    clips = [{}, {"clipnorm": 0.3}, {"clipvalue": 0.01}, {"global_clipnorm": 0.5}]
    kinds = ["SGD", "Nesterov", "RMSprop", "Adam", "AMSGrad", "Nadam", "Adagrad", "Adamax"]
    if network.name.startswith("words"):
        # on TensorFlow, Keras squares and clips an embedding's gradient word by word: see test_embeddings
        clips, kinds = clips[:1], kinds[:2]
    clip = draw(st.sampled_from(clips))
    more = draw(st.sampled_from([{}, {"weight_decay": 0.01}, {"use_ema": True, "ema_momentum": 0.7}]))
    momentum = draw(st.sampled_from([0.0, 0.5, 0.9]))
    kind = draw(st.sampled_from(kinds))
    # epsilon well above rounding: where a gradient is nothing but that, dividing by its size would show it
    own = {"epsilon": 1e-4} if kind not in ("SGD", "Nesterov") else {}
    made = {
        "SGD": lambda: keras.optimizers.SGD(momentum=momentum, **clip, **more),
        "Nesterov": lambda: keras.optimizers.SGD(momentum=0.8, nesterov=True, **clip, **more),
        "RMSprop": lambda: keras.optimizers.RMSprop(momentum=momentum, centered=momentum > 0, **own, **clip, **more),
        "AMSGrad": lambda: keras.optimizers.Adam(amsgrad=True, **own, **clip, **more),
    }.get(kind, lambda: getattr(keras.optimizers, kind)(**own, **clip, **more))()
    return made, 0.02 if kind in ("SGD", "Nesterov", "Adagrad") else 0.002


@st.composite
def rates(draw, initial):
    """A constant, a schedule by epoch or one by update."""
    schedule = draw(
        st.sampled_from(
            [
                StepDecay(initial, factor=0.5, every=2),
                ExponentialDecay(initial, factor=0.7, every=1),
                CosineDecay(initial, total=5),
            ]
        )
    )
    return draw(st.sampled_from([initial, schedule, schedule.per_update()]))


def trained(build, condition, **budget):
    """Two replicas in a stack, and the second of them by `fit`, which takes seconds to compile each."""
    return {
        engine: ReplicaTrainer(build, DIGITS, conditions={"c": condition}, seeds=seeds, engine=engine, **budget).run()
        for engine, seeds in (("replicas", [3, 8]), ("fit", [8]))
    }


# not shrunk: an example takes seconds, and a failing one says what it was drawn as
DRAWN = settings(
    max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)  # fmt: skip


@pytest.mark.slow
@DRAWN
@given(data=st.data())
def test_weights_after_one_update_are_those_of_fit(data):
    build = data.draw(networks())
    optimizer, rate = data.draw(optimizers(build))
    results = trained(build, Condition(optimizer=optimizer, learning_rate=rate), updates=1)
    assert set(results["replicas"].table.engine) == {"replicas"}
    ours, oracle = (results[engine].trained("c", 8).get_weights() for engine in ("replicas", "fit"))
    for a, b in zip(ours, oracle, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.slow
@DRAWN
@given(data=st.data())
def test_curves_after_five_epochs_are_those_of_fit(data, same_tables):
    build = data.draw(networks())
    optimizer, rate = data.draw(optimizers(build))
    condition = Condition(optimizer=optimizer, learning_rate=data.draw(rates(rate)))
    results = trained(build, condition, epochs=5)
    ours = results["replicas"].table
    same_tables(ours[ours.seed == 8].reset_index(drop=True), results["fit"].table)
