"""What is to be trained: conditions × seeds resolved into replicas, and replicas into groups that share a graph."""

import functools
import re
from dataclasses import dataclass, field

import keras
import numpy as np

from textbook import seeding
from textbook.replicas.condition import Condition, for_seed
from textbook.replicas.initial import Initializer, build_model
from textbook.schedules import PerUpdate, Schedule


@dataclass(frozen=True)
class Replica:
    """One model to train: its place in the table, its data, its seeds and its rates."""

    condition: str
    seed: int
    seeds: seeding.ReplicaSeed
    split: object
    rates: np.ndarray  # (epochs, updates per epoch)
    momentum: float
    weight_decay: float | None

    def orders(self):
        """An endless supply of epochs, each a permutation of the positions in the training part."""
        stream = seeding.stream(self.seeds.order, "order")
        while True:
            yield stream.permutation(len(self.split.train.indices)).astype(np.int32)


@dataclass(frozen=True)
class Blueprint:
    """A model, its loss and its metrics, shared by all replicas that are trained on one graph."""

    model: keras.Model
    initializer: Initializer
    loss: keras.losses.Loss
    default_loss: bool  # whether the loss was left to us
    metrics: dict  # name -> per-sample function (y, outputs) -> (batch,)
    key: tuple  # equal keys, equal graphs


@dataclass(frozen=True)
class Group:
    """Replicas that are trained at once: one blueprint, one optimizer, arrays of equal shapes."""

    blueprint: Blueprint
    optimizer: keras.optimizers.Optimizer
    graph: tuple  # what the compiled program depends on
    batch_size: int
    epochs: int
    replicas: list[Replica] = field(default_factory=list)

    @property
    def updates_per_epoch(self) -> int:
        return self.replicas[0].rates.shape[1]


def resolve_seeds(seeds) -> list[tuple[int, seeding.ReplicaSeed]]:
    """(number in the table, the four seeds) of every replica of a condition."""
    if isinstance(seeds, seeding.Seeds):
        return list(enumerate(seeds))
    numbers = [int(s) for s in seeds]
    if not numbers or len(set(numbers)) != len(numbers):
        raise ValueError(f"expected at least one seed and none twice, got {numbers}")
    return [(number, seeding.ReplicaSeed.same(number)) for number in numbers]


def split_for(splits, seeds: seeding.ReplicaSeed, position: int, count: int):
    """The split of one replica: of a Split for all, a list aligned with the seeds, or a callable seed → Split."""
    if callable(splits):
        return splits(seeds.split)
    if hasattr(splits, "train"):
        return splits
    if len(splits) != count:
        raise ValueError(f"expected one split per seed, {count} in all, got {len(splits)}; or pass a Splitter")
    return splits[position]


def steps(samples: int, batch_size: int) -> int:
    """Updates per epoch, ⌈N/B⌉: Keras keeps a smaller last batch."""
    return -(-samples // batch_size)


def rates_of(learning_rate, *, seed: int, epochs: int, updates: int) -> np.ndarray:
    """The learning rate of every update, shape (epochs, updates per epoch)."""
    rate = for_seed(learning_rate, seed, "learning_rate")
    if isinstance(rate, PerUpdate):
        t = np.arange(epochs * updates).reshape(epochs, updates) / updates
        return np.asarray(rate.schedule(t), float)
    if isinstance(rate, Schedule):
        return np.repeat(np.asarray(rate(np.arange(float(epochs))), float)[:, None], updates, axis=1)
    if not isinstance(rate, int | float | np.number):
        raise ValueError(
            f"expected learning_rate as a number, a Schedule, schedule.per_update() or a mapping seed → number, "
            f"got {type(rate).__name__}"
        )
    return np.full((epochs, updates), float(rate))


class Planner:
    """Resolves conditions into groups, building each distinct model once."""

    def __init__(self, build, splits, *, batch_size: int, epochs: int, metrics):
        self._build, self._splits = build, splits
        self._batch_size, self._epochs, self._metrics = batch_size, epochs, metrics
        self._blueprints: dict[tuple, Blueprint] = {}
        self._known_splits: dict[tuple, object] = {}

    def groups(self, conditions: dict[str, Condition], seeds) -> list[Group]:
        """Every replica of every condition, in groups whose graph and shapes agree."""
        numbered = resolve_seeds(seeds)
        groups: dict[tuple, Group] = {}
        for name, condition in conditions.items():
            optimizer = self._optimizer(condition)
            key = _optimizer_key(optimizer)
            for position, (number, four) in enumerate(numbered):
                split = self._split(condition.splits or self._splits, four, position, len(numbered))
                self._add(groups, name, condition, (optimizer, key), number, four, split)
        return list(groups.values())

    def _split(self, splits, four: seeding.ReplicaSeed, position: int, count: int):
        """The split of one replica, made once for all conditions that share it."""
        place = (id(splits), four.split if callable(splits) else position)
        if place not in self._known_splits:
            self._known_splits[place] = split_for(splits, four, position, count)
        return self._known_splits[place]

    def _add(self, groups, name, condition, optimizer_and_key, number, four, split):
        optimizer, optimizer_key = optimizer_and_key
        batch_size = condition.batch_size or self._batch_size
        parts = [len(p.indices) for p in (split.train, split.validation, split.test)]
        batch_size = parts[0] if batch_size == "all" else min(batch_size, parts[0])
        epochs = condition.epochs or self._epochs
        blueprint = self._blueprint(condition, split)
        rate = condition.learning_rate
        if rate is None:
            rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        momentum = for_seed(condition.momentum, number, "momentum")
        decay = for_seed(condition.weight_decay, number, "weight_decay")
        decay = optimizer.weight_decay if decay is None else decay
        replica = Replica(
            condition=name,
            seed=number,
            seeds=four,
            split=split,
            rates=rates_of(rate, seed=number, epochs=epochs, updates=steps(parts[0], batch_size)),
            momentum=getattr(optimizer, "momentum", 0.0) if momentum is None else momentum,
            weight_decay=decay,
        )
        graph = (blueprint.key, optimizer_key, decay is not None, split.scale is not None)
        place = (graph, batch_size, epochs, *parts, id(split.x))
        if place not in groups:
            groups[place] = Group(blueprint, optimizer, graph, batch_size, epochs)
        groups[place].replicas.append(replica)

    def _optimizer(self, condition: Condition):
        optimizer = keras.optimizers.get(condition.optimizer)
        if optimizer is condition.optimizer:  # a pattern to copy, so that the caller's own is left alone
            optimizer = type(optimizer).from_config(optimizer.get_config())
        if condition.momentum is not None and type(optimizer) is not keras.optimizers.SGD:
            raise ValueError(
                f"expected momentum= with the optimizer 'sgd', got {type(optimizer).__name__}; "
                "give a Keras optimizer with its own momentum or beta_1 instead"
            )
        return optimizer

    def _blueprint(self, condition: Condition, split) -> Blueprint:
        build, shape, classes = condition.model or self._build, tuple(split.x.shape[1:]), split.classes
        key = (build, repr(condition.loss), shape, classes)
        if key not in self._blueprints:
            make = functools.partial(build_model, build, input_shape=shape, outputs=classes or 1)
            model = make()
            self._blueprints[key] = Blueprint(
                model=model,
                initializer=Initializer(model, lambda seed: make(seed=seed)),
                loss=_loss(condition.loss, classes, model),
                default_loss=condition.loss is None,
                metrics=_metrics(self._metrics, classes),
                key=(_model_key(model, build), repr(condition.loss), repr(self._metrics), shape, classes is None),
            )
        return self._blueprints[key]


def _model_key(model, build):
    """Equal for models that compute the same: Keras's own description where it says all, else the builder itself."""
    own_code = any(
        not type(layer).__module__.startswith("keras.") or isinstance(layer, keras.layers.Lambda)
        for layer in model._flatten_layers(include_self=False)
    )
    return build if own_code else _without_names(model.to_json())


def _without_names(description: str) -> str:
    """A model's JSON without the numbers that Keras counts layers with."""
    return re.sub(r'("(?:name|keras_history|registered_name)": "[a-z_]*?)(?:_\d+)?"', r'\1"', description)


def _optimizer_key(optimizer) -> str:
    config = optimizer.get_config()
    if type(optimizer) is keras.optimizers.SGD:
        config.pop("momentum")  # one per replica
    for varies in ("learning_rate", "weight_decay", "name"):
        config.pop(varies)
    return f"{type(optimizer).__module__}.{type(optimizer).__name__} {config!r}"


def _loss(loss, classes, model):
    if loss is not None:
        return keras.losses.get(loss)
    last = getattr(model.layers[-1], "activation", None)
    if last in (keras.activations.softmax, keras.activations.sigmoid):
        raise ValueError(
            f"expected a model that ends in logits, got one that ends in {last.__name__}; "
            "drop the last activation, or pass loss= to say what it is trained with"
        )
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else keras.losses.MeanSquaredError()


def _metrics(metrics, classes) -> dict:
    if metrics is None:
        metrics = ("accuracy",) if classes else ()
    found = {}
    for metric in metrics:
        if callable(metric):
            found[metric.__name__] = metric
        elif metric == "accuracy":
            if not classes:
                raise ValueError(
                    "expected metrics for a regression, got 'accuracy'; use for instance 'mean_absolute_error'"
                )
            found[metric] = keras.metrics.sparse_categorical_accuracy
        elif callable(getattr(keras.metrics, metric, None)) and metric.islower():
            found[metric] = getattr(keras.metrics, metric)
        else:
            raise ValueError(
                f"expected a metric function of keras.metrics by its name, such as 'accuracy', got {metric!r}"
            )
    return found
