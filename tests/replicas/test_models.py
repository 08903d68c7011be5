"""Models with several inputs, several outputs, weights of samples and classes, and models that cannot be stacked."""

import functools

import keras
import numpy as np
import pytest

from textbook import seeding, splits
from textbook.models import mlp
from textbook.replicas import Condition, ReplicaTrainer, train_replicas

layers = keras.layers
ROWS = 120


@pytest.fixture(scope="module")
def mixed():
    """Two inputs, one of words; three outputs: classes, one value, two values; weights of samples."""
    rng = seeding.stream(0, "test data")
    x = {"words": rng.integers(0, 9, (ROWS, 5)), "numbers": rng.normal(3.0, 2.0, (ROWS, 4))}
    total = x["numbers"].sum(axis=1)
    y = {"kind": (x["words"][:, 0] > 4).astype(int), "age": total, "place": np.stack([total, -total], axis=1)}
    return x, y, rng.uniform(0.1, 2.0, ROWS)


def several(outputs=None):
    words, numbers = keras.Input((5,), dtype="int32", name="words"), keras.Input((4,), name="numbers")
    both = layers.Concatenate()([layers.Flatten()(layers.Embedding(9, 3)(words)), numbers])
    hidden = layers.Dense(7, activation="tanh")(both)
    made = {
        "kind": layers.Dense(2, name="kind")(hidden),
        "age": layers.Dense(1, name="age")(hidden),
        "place": layers.Dense(2, name="place")(hidden),
    }
    return keras.Model({"words": words, "numbers": numbers}, {name: made[name] for name in outputs or made})


def test_several_inputs_outputs_and_sample_weights(mixed, same_tables):
    splitter = splits.Splitter(mixed, sizes=(70, 30, 20), scale="standard")
    conditions = {
        "default": Condition(learning_rate=0.01, momentum=0.5),  # not Adam: see test_embeddings
        "weighted": Condition(
            loss={"age": "mean_absolute_error", "place": keras.losses.Huber(), "kind": None},
            loss_weights={"age": 0.5, "kind": 3.0},
        ),
    }
    ours, oracle = (
        train_replicas(
            several, splitter, conditions=conditions, seeds=range(3), epochs=3, engine=engine,
            metrics={"age": ["mean_absolute_error"], "kind": ["accuracy"]},
        )
        for engine in ("replicas", "fit")
    )  # fmt: skip
    same_tables(ours, oracle)
    assert {"kind_accuracy", "val_age_mean_absolute_error", "test_kind_accuracy"} <= set(ours.columns)
    assert set(ours.engine) == {"replicas"} and ours.chance_loss.isna().all()


def test_a_tuple_of_inputs_and_of_outputs(mixed, same_tables):
    x, y, _ = mixed

    def build():
        words, numbers = keras.Input((5,), dtype="int32"), keras.Input((4,))
        hidden = layers.Dense(6)(layers.Concatenate()([layers.Flatten()(layers.Embedding(9, 2)(words)), numbers]))
        return keras.Model(
            (words, numbers), (layers.Dense(1, name="age")(hidden), layers.Dense(2, name="kind")(hidden))
        )

    splitter = splits.Splitter(((x["words"], x["numbers"]), (y["age"], y["kind"])), sizes=(70, 30, 20))
    slow = {"c": Condition(learning_rate=1e-4)}
    same_tables(
        *(
            train_replicas(build, splitter, conditions=slow, seeds=range(2), epochs=2, engine=engine)
            for engine in ("replicas", "fit")
        )
    )


def test_a_builder_is_told_shapes_and_outputs_in_the_same_structure(mixed):
    told = {}

    def build(input_shape, outputs):
        told.update(input_shape=input_shape, outputs=outputs)
        return several()

    ReplicaTrainer(build, splits.Splitter(mixed[:2], sizes=(70, 30, 20)), seeds=[0], epochs=1).plan()
    assert told["input_shape"] == {"words": (5,), "numbers": (4,)}
    assert told["outputs"] == {"kind": 2, "age": 1, "place": 1}


def test_class_weights_are_those_of_fit_in_training_alone(few_digits):
    heavy = Condition(class_weight={3: 10.0, 7: 0.0}, learning_rate=0.1)
    conditions = {"heavy": heavy, "plain": Condition(learning_rate=0.1)}
    small = functools.partial(mlp, hidden=(8,))
    table = train_replicas(small, few_digits, conditions=conditions, seeds=[0], epochs=2, batch_size=25)
    model = small((64,), 10)
    trainer = ReplicaTrainer(small, few_digits, conditions={"heavy": heavy}, seeds=[0], epochs=1, batch_size="all")
    group = trainer._groups()[0]
    group.blueprint.initializer.set(group.replicas[0].seeds)
    model.set_weights(group.blueprint.model.get_weights())
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    train = few_digits(0).train
    model.fit(train.x, train.y, batch_size=100, class_weight={c: 1.0 for c in range(10)} | {3: 10.0, 7: 0.0}, verbose=0)
    for a, b in zip(model.get_weights(), trainer.run().trained("heavy", 0).get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    rows = table.groupby("condition").last()
    assert rows.loc["heavy"].loss != rows.loc["plain"].loss
    by_hand = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    result = ReplicaTrainer(small, few_digits, conditions={"heavy": heavy}, seeds=[0], epochs=2, batch_size=25).run()
    validation = few_digits(0).validation
    value = float(by_hand(validation.y, result.trained("heavy", 0)(validation.x)))
    assert rows.loc["heavy"].val_loss == pytest.approx(value, rel=1e-5), "no class weights in evaluation"


def test_augmentation_in_the_model_is_that_of_fit(few_digits, same_tables):
    def build():
        return keras.Sequential(
            [
                keras.Input((64,)),
                layers.Rescaling(1 / 16),
                layers.Reshape((8, 8, 1)),
                layers.RandomFlip("horizontal"),
                layers.GaussianNoise(0.1),
                layers.Flatten(),
                layers.Dense(10),
            ]
        )

    ours, oracle = (
        train_replicas(build, few_digits, seeds=range(3), epochs=2, engine=engine) for engine in ("replicas", "fit")
    )
    assert set(ours.engine) == {"replicas"}
    same_tables(ours, oracle)


def test_strengths_that_differ_are_trained_in_one_graph(few_digits, same_tables):
    def build(rate=0.2, l2=1e-3):
        penalty = keras.regularizers.L2(l2)
        return keras.Sequential(
            [
                keras.Input((64,)),
                layers.Dense(9, activation="relu", kernel_regularizer=penalty, name="hidden"),
                layers.Dropout(rate),
                layers.Dense(10),
            ]
        )

    smooth = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    conditions = {
        "as built": Condition(loss=smooth),
        "by the builder": Condition(model=functools.partial(build, rate=0.5, l2=1e-2), loss=smooth),
        "by name": Condition(strengths={"rate": 0.5, "hidden.l2": 1e-2, "label_smoothing": 0.3}, loss=smooth),
        "by seed": Condition(strengths={"rate": {0: 0.1, 1: 0.6}}, loss=smooth),
    }
    trainers = {
        engine: ReplicaTrainer(build, few_digits, conditions=conditions, seeds=range(2), epochs=2, engine=engine)
        for engine in ("replicas", "fit")
    }
    assert len(trainers["replicas"].plan()) == 1, "one graph for all"
    results = {engine: trainer.run() for engine, trainer in trainers.items()}
    same_tables(results["replicas"].table, results["fit"].table)
    last = results["replicas"].table.query("seed == 0 and epoch == 2").set_index("condition")
    assert last.loss.nunique() == 4
    assert last.penalty["by name"] == pytest.approx(last.penalty["by the builder"], rel=0.2)
    model = results["replicas"].trained("by seed", 1)
    assert model.layers[1].rate == 0.6, "the model goes on with its own numbers"


def test_numbers_of_an_optimizer_differ_by_condition_in_one_graph(few_digits, same_tables):
    adam = keras.optimizers.Adam
    conditions = {
        "a": Condition(optimizer=adam(beta_1=0.9, clipnorm=0.5)),
        "b": Condition(optimizer=adam(beta_1=0.5, clipnorm=0.1)),
        "c": Condition(optimizer=adam(clipnorm=1.0), strengths={"beta_2": 0.9, "epsilon": 1e-3}),
        "d": Condition(optimizer=adam()),  # no clipping: another graph
    }
    trainers = [
        ReplicaTrainer(
            functools.partial(mlp, hidden=(8,)), few_digits, conditions=conditions, seeds=[0], epochs=2, engine=engine
        )
        for engine in ("replicas", "fit")
    ]
    assert trainers[0].plan().conditions.tolist() == ["a, b, c", "d"]
    same_tables(*(trainer.run().table for trainer in trainers))


class Unstackable(layers.Layer):
    """Counts its calls behind Keras's back, in the backend's own variable."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.value.assign_add(1.0)
        return x


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # TensorFlow's, caught by warns
def test_what_cannot_be_stacked_is_trained_by_fit_and_said_so(few_digits, same_tables):
    def build():
        return keras.Sequential([keras.Input((64,)), layers.Dense(5), Unstackable(name="stubborn"), layers.Dense(10)])

    trainer = ReplicaTrainer(build, few_digits, seeds=range(2), epochs=1)
    plan = trainer.plan().iloc[0]
    assert plan.engine == "fit" and plan.obstacle.startswith("layer 'stubborn' (Unstackable): AttributeError")
    with pytest.warns(
        UserWarning, match=r"trained one by one by model.fit, .*layer 'stubborn' \(Unstackable\)"
    ) as said:
        table = trainer.run().table
    assert sum("one by one" in str(warning.message) for warning in said) == 1
    assert set(table.engine) == {"fit"}
    oracle = train_replicas(build, few_digits, seeds=range(2), epochs=1, engine="fit")
    same_tables(table, oracle)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # TensorFlow's, caught by warns
def test_an_optimizer_whose_slots_follow_the_weights_is_left_to_fit(few_digits):
    conditions = {"c": Condition(optimizer=keras.optimizers.ScheduleFreeAdamW()), "sgd": Condition()}
    small = functools.partial(mlp, hidden=(8,))
    with pytest.warns(UserWarning, match="optimizer ScheduleFreeAdamW: what it keeps starts from the weights"):
        table = train_replicas(small, few_digits, conditions=conditions, seeds=[0], epochs=1)
    assert table.set_index("condition").engine.to_dict() == {"c": "fit", "sgd": "replicas"}


def test_a_model_that_is_wrong_in_itself_says_so_in_its_own_words(few_digits):
    class Wrong(layers.Layer):
        def call(self, x, training=None):
            if training:
                raise RuntimeError("this layer cannot be trained")
            return x

    def build():
        return keras.Sequential([keras.Input((64,)), Wrong(), layers.Dense(10)])

    with pytest.raises(RuntimeError, match="this layer cannot be trained"):
        train_replicas(build, few_digits, seeds=[0], epochs=1)


def test_a_subclassed_model_and_pretrained_weights(few_digits, same_tables):
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.frozen, self.head = layers.Dense(6, trainable=False), layers.Dense(10)

        def call(self, x):
            return self.head(keras.ops.tanh(self.frozen(x)))

    def build():
        model = Subclassed()
        model(np.zeros((1, 64), np.float32))
        model.frozen.kernel.assign(np.linspace(-0.1, 0.1, 64 * 6).reshape(64, 6))
        return model

    results = [ReplicaTrainer(build, few_digits, seeds=range(2), epochs=2, engine=e).run() for e in ("replicas", "fit")]
    same_tables(*(result.table for result in results))
    for seed in range(2):
        kept = results[0].trained("default", seed).frozen.kernel.numpy()
        np.testing.assert_allclose(kept, np.linspace(-0.1, 0.1, 64 * 6).reshape(64, 6), rtol=1e-6)
    heads = [results[0].trained("default", seed).head.kernel.numpy() for seed in range(2)]
    assert (heads[0] != heads[1]).any()


def test_given_initial_weights_are_started_from(few_digits):
    small = functools.partial(mlp, hidden=(8,), batch_norm=True)
    weights = [np.full(w.shape, 0.01 * i) for i, w in enumerate(small((64,), 10).get_weights(), start=1)]
    conditions = {
        "given": Condition(initial_weights=weights, learning_rate=0.0),
        "by seed": Condition(initial_weights={0: weights, 1: [2 * w for w in weights]}, learning_rate=0.0),
    }
    result = ReplicaTrainer(small, few_digits, conditions=conditions, seeds=range(2), epochs=1).run()
    for name, factor in (("given", 1), ("by seed", 2)):
        np.testing.assert_allclose(result.trained(name, 1).get_weights()[0], factor * weights[0], rtol=1e-6)
    with pytest.raises(ValueError, match=r"expected initial_weights as model.get_weights\(\) gives them"):
        train_replicas(small, few_digits, conditions={"c": Condition(initial_weights=weights[:2])}, seeds=[0], epochs=1)


def test_bad_input_is_refused_before_training(few_digits):
    def attempt(build=mlp, data=few_digits, **settings):
        return train_replicas(build, data, **{"seeds": [0, 1], "epochs": 1, **settings})

    def compiled():
        model = mlp((64,), 10)
        model.compile("sgd", "mse")
        return model

    once = mlp((64,), 10)

    class OwnStep(keras.Sequential):
        def train_step(self, data):
            return {}

    with pytest.raises(ValueError, match=r"expected build\(\) to return an uncompiled model"):
        attempt(compiled)
    with pytest.raises(ValueError, match=r"expected build\(\) to return a new model at each call"):
        attempt(lambda: once)
    with pytest.raises(ValueError, match="got a train_step of its own in OwnStep"):
        attempt(lambda: OwnStep([keras.Input((64,)), layers.Dense(10)]))
    with pytest.raises(ValueError, match="expected a metric that is a mean over samples, got 'AUC'"):
        attempt(metrics=[keras.metrics.AUC()])
    with pytest.raises(ValueError, match=r"expected metric 'total' to return shape \(batch,\)"):
        attempt(metrics=[total])
    unequal = [few_digits(0), few_digits.resized((90, 60, 50))(1)]
    with pytest.raises(ValueError, match="expected splits of equal sizes for all seeds of 'default'"):
        attempt(data=unequal)
    x, y = few_digits.data.x.astype(np.float32), few_digits.data.y
    holes = x.copy()
    holes[few_digits(0).train.indices[5], 7] = np.nan
    with pytest.raises(ValueError, match="expected finite numbers in x for 'default', got NaN or infinity in 1 of"):
        attempt(data=splits.Splitter((holes, y), sizes=(100, 60, 50)))
    with pytest.raises(ValueError, match="expected at least 10 outputs for the classes in y, got 4"):
        attempt(lambda: keras.Sequential([keras.Input((64,)), layers.Dense(4)]))
    with pytest.raises(ValueError, match="expected labels for 2 outputs of the model, got 1"):
        attempt(lambda: _two_headed())
    with pytest.raises(ValueError, match=r"expected one of the numbers .* got 'rate'"):
        attempt(conditions={"c": Condition(strengths={"rate": 0.5})})


def total(y, outputs):
    return keras.ops.sum(outputs)


def _two_headed():
    inputs = keras.Input((64,))
    return keras.Model(inputs, [layers.Dense(10)(inputs), layers.Dense(10)(inputs)])
