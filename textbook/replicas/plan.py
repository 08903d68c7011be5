"""What is to be trained: conditions × seeds resolved into replicas, and replicas into groups that share a graph."""

import dataclasses
import itertools
from collections.abc import Hashable
from dataclasses import dataclass, field

import keras
import numpy as np

from textbook import seeding
from textbook.replicas import inspection, numbers
from textbook.replicas.blueprint import Blueprint, blueprint_for, flat_inputs, is_nested
from textbook.replicas.condition import Condition, for_seed
from textbook.replicas.early_stopping import EarlyStopping
from textbook.replicas.going_on import check_starts
from textbook.replicas.objective import plain
from textbook.replicas.outcome import Asked
from textbook.replicas.replica_state import ReplicaState
from textbook.schedules import PerUpdate, Schedule


@dataclass(frozen=True)
class Replica:
    """One model to train: its place in the table, its data, its seeds, its rates and its numbers."""

    condition: str
    seed: int
    seeds: seeding.ReplicaSeed
    split: object
    rates: np.ndarray  # (updates,), the learning rate of each, from the very beginning
    numbers: dict[str, float]  # of model, loss and optimizer
    stop: EarlyStopping | None
    class_weight: dict[int, float] | None
    initial_weights: list[np.ndarray] | None
    start: ReplicaState | None

    @property
    def begun(self) -> int:
        """Updates that lie behind it."""
        return self.start.updates if self.start else 0

    def orders(self):
        """An endless supply of epochs still to come, each a permutation of the positions in the training part."""
        stream = seeding.stream(self.seeds.order, "order")
        for epoch in itertools.count():
            order = stream.permutation(len(self.split.train.indices))
            if self.start is None or epoch >= self.start.epochs:
                yield order.astype(np.int32)


@dataclass(frozen=True)
class Group:
    """Replicas that are trained at once: one blueprint, one optimizer, arrays of equal shapes."""

    blueprint: Blueprint
    optimizer: keras.optimizers.Optimizer
    graph: Hashable  # what the compiled program depends on
    batch_size: int
    updates_per_epoch: int
    seconds: float | None
    weighted: bool
    varying: tuple[str, ...]  # names of the numbers that are given per replica
    replicas: list[Replica] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Of the longest budget; the last one may be a part of an epoch."""
        return steps(max(len(replica.rates) for replica in self.replicas), self.updates_per_epoch)

    @property
    def begun(self) -> int:
        """Epochs that lie behind the replicas, the same for all."""
        start = self.replicas[0].start
        return start.epochs if start else 0

    @property
    def updates(self) -> int:
        """Still to be made by all replicas together, at most."""
        return sum(len(replica.rates) - replica.begun for replica in self.replicas)


def resolve_seeds(seeds) -> list[tuple[int, seeding.ReplicaSeed]]:
    """(number in the table, the four seeds) of every replica of a condition."""
    if isinstance(seeds, seeding.Seeds):
        return list(enumerate(seeds))
    given = [int(s) for s in seeds]
    if not given or len(set(given)) != len(given):
        raise ValueError(f"expected at least one seed and none twice, got {given}")
    return [(number, seeding.ReplicaSeed.same(number)) for number in given]


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


class Planner:
    """Resolves conditions into groups, building each distinct model once."""

    def __init__(self, build, splits, *, batch_size, epochs, updates, seconds, metrics):
        self._build, self._splits, self._metrics = build, splits, metrics
        self._batch_size, self._budget = batch_size, (epochs, updates, seconds)
        self._blueprints: dict[Hashable, Blueprint] = {}
        self._built: dict[tuple, tuple[Blueprint, dict[str, float]]] = {}
        self._known_splits: dict[tuple, object] = {}
        self._checked = inspection.DataCheck()

    def groups(self, conditions: dict[str, Condition], seeds, asked: Asked) -> list[Group]:
        """Every replica of every condition, in groups whose graph and shapes agree."""
        numbered = resolve_seeds(seeds)
        places: dict[Hashable, Group] = {}
        for name, condition in conditions.items():
            optimizer = _optimizer(condition)
            splits, built = {}, {}
            for position, (number, four) in enumerate(numbered):
                split = self._split(condition.splits or self._splits, four, position, len(numbered))
                splits[number] = split
                shape = (_identity(split.x), repr(split.classes))
                if shape not in built:
                    built[shape] = self._blueprint(condition, split, shape)
                    _check_labels(self._checked, split, built[shape][0], condition)
                self._checked.split(split, name)
                self._add(places, name, condition, optimizer, number, four, split, *built[shape])
            inspection.check_equal_sizes(name, {number: _sizes(split) for number, split in splits.items()})
        for group in places.values():
            inspection.check_stops(group, asked)
        groups = [_group(group) for group in places.values()]
        for group in groups:
            check_starts(group)
        return groups

    def _blueprint(self, condition: Condition, split, shape: tuple):
        """What `blueprint_for` gives; conditions that share builder, loss and shapes share one built model."""
        build, loss = condition.model or self._build, condition.loss
        given = (id(build), loss if isinstance(loss, str) else id(loss), repr(condition.loss_weights))
        if (given, shape) not in self._built:
            self._built[given, shape] = blueprint_for(build, condition, split, self._metrics, self._blueprints)
        return self._built[given, shape]

    def _split(self, splits, four: seeding.ReplicaSeed, position: int, count: int):
        """The split of one replica, made once for all conditions that share it."""
        place = (id(splits), four.split if callable(splits) else position)
        if place not in self._known_splits:
            self._known_splits[place] = split_for(splits, four, position, count)
        return self._known_splits[place]

    def _add(self, places, name, condition, optimizer, number, four, split, blueprint, own_numbers):
        sizes = _sizes(split)
        batch_size = condition.batch_size or self._batch_size
        batch_size = sizes[0] if batch_size == "all" else min(batch_size, sizes[0])
        per_epoch = steps(sizes[0], batch_size)
        updates, seconds = self._limits(condition, per_epoch)
        values = own_numbers | numbers.optimizer_numbers(optimizer)
        values |= _chosen(condition, number, values)
        rate = condition.learning_rate
        if rate is None:
            rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        weights, start = condition.initial_weights, for_seed(condition.start, number, "start")
        if start is not None and seconds is not None:
            raise ValueError(
                "expected a start with a budget of epochs or updates, got one of seconds; how many of them lie behind "
                "it is not kept"
            )
        replica = Replica(
            condition=name,
            seed=number,
            seeds=four,
            split=split,
            rates=rates_of(for_seed(rate, number, "learning_rate"), updates=updates, per_epoch=per_epoch),
            numbers=values,
            stop=condition.stop,
            class_weight=condition.class_weight,
            initial_weights=for_seed(weights, number, "list of initial_weights"),
            start=start,
        )
        weighted = split.sample_weight is not None or condition.class_weight is not None
        rest = updates % per_epoch  # replicas whose last epoch is a part of one must agree on which part
        optimizer_key = numbers.structure(optimizer)
        shapes = (batch_size, *sizes, _identity(split.x), scaled_inputs(split), seconds, rest and updates)
        begun = None if start is None else start.epochs
        place = (blueprint.key, optimizer_key, tuple(sorted(values)), weighted, shapes, begun)
        if place not in places:
            graph = (blueprint.key, optimizer_key, weighted, scaled_inputs(split))
            places[place] = Group(blueprint, optimizer, graph, batch_size, per_epoch, seconds, weighted, ())
        places[place].replicas.append(replica)

    def _limits(self, condition: Condition, per_epoch: int) -> tuple[int, float | None]:
        """(updates at most, seconds at most): the first budget that is used up ends a replica."""
        own = (condition.epochs, condition.updates, condition.seconds)
        epochs, updates, seconds = own if any(limit is not None for limit in own) else self._budget
        limits = [limit for limit in (epochs and epochs * per_epoch, updates) if limit]
        if not limits:
            raise ValueError(
                "expected epochs or updates as well as seconds, got seconds alone; "
                "say how long a training may be at most, such as epochs=1000"
            )
        return min(limits), seconds


def scaled_inputs(split) -> tuple[bool, ...]:
    """For each flat input, whether its rows are shifted and scaled."""
    if not is_nested(split.x):
        return (split.offset is not None,)
    if split.offset is None:
        return (False,) * len(flat_inputs(split.x))
    return tuple(leaf is not None for leaf in keras.tree.flatten(split.offset))


def rates_of(rate, *, updates: int, per_epoch: int) -> np.ndarray:
    """The learning rate of every update, shape (updates,)."""
    update = np.arange(updates)
    if isinstance(rate, PerUpdate):
        return np.asarray(rate.schedule.with_updates(per_epoch)(update / per_epoch), float)
    if isinstance(rate, Schedule):
        by_epoch = np.asarray(rate(np.arange(float(steps(updates, per_epoch)))), float)
        return by_epoch[update // per_epoch]
    if not isinstance(rate, int | float | np.number):
        raise ValueError(
            f"expected learning_rate as a number, a Schedule, schedule.per_update() or a mapping seed → one of these, "
            f"got {type(rate).__name__}"
        )
    return np.full(updates, float(rate))


def _identity(x) -> tuple[int, ...]:
    """Equal for the same resident arrays, also where every split holds them in a dict of its own."""
    return tuple(id(leaf) for leaf in keras.tree.flatten(x)) if is_nested(x) else (id(x),)


def _sizes(split) -> tuple[int, int, int]:
    return tuple(len(part.indices) for part in (split.train, split.validation, split.test))


def _optimizer(condition: Condition):
    optimizer = keras.optimizers.get(condition.optimizer)
    inspection.check_optimizer(optimizer)
    settings = optimizer.get_config()  # copied, so that the caller's own is left alone
    if condition.weight_decay is not None:
        settings["weight_decay"] = 0.0  # each replica has its own; here it only has to be there
    return type(optimizer).from_config(settings)


def _chosen(condition: Condition, seed: int, have: dict[str, float]) -> dict[str, float]:
    """The numbers that a condition sets for a seed, by their full names."""
    chosen = {}
    for setting in ("momentum", "weight_decay"):
        value = for_seed(getattr(condition, setting), seed, setting)
        if value is None:
            continue
        if f"optimizer.{setting}" not in have:
            kind = condition.optimizer if isinstance(condition.optimizer, str) else type(condition.optimizer).__name__
            raise ValueError(
                f"expected {setting}= with an optimizer that has one, such as 'sgd', got {kind}; "
                "give a Keras optimizer with its own settings, or strengths={'beta_1': …}"
            )
        chosen[f"optimizer.{setting}"] = float(value)
    for spec, value in (condition.strengths or {}).items():
        value = for_seed(value, seed, f"strength {spec}")
        chosen |= dict.fromkeys(numbers.matching(have, spec), float(value))
    return chosen


def _group(group: Group) -> Group:
    """The group with what varies in it: numbers that differ between its replicas, or from the model's own."""
    own = group.blueprint.numbers | numbers.optimizer_numbers(group.optimizer)
    varying = {name for name, value in own.items() if any(r.numbers[name] != value for r in group.replicas)}
    # always given per replica, so that one program serves every momentum and every decay
    varying |= {name for name in own if name == "optimizer.weight_decay"}
    if type(group.optimizer) is keras.optimizers.SGD:
        varying.add("optimizer.momentum")
    # and what was given per replica before a start: so the optimizer's variables are the same, such as a momentum's
    varying |= {name for r in group.replicas if r.start for name in r.start.varying if name in own}
    varying = tuple(sorted(varying))
    fixed = tuple(sorted((name, value) for name, value in own.items() if name not in varying))
    return dataclasses.replace(group, graph=(*group.graph, varying, fixed), varying=varying)


def _check_labels(checked: inspection.DataCheck, split, blueprint: Blueprint, condition: Condition) -> None:
    losses = [plain(loss) for loss in blueprint.objective.losses]
    checked.labels(split, blueprint.output_shapes, losses, order=blueprint.output_order)
    if condition.class_weight is not None and not isinstance(split.classes, int):
        raise ValueError(
            "expected class_weight with one output of classes, got other labels; use sample weights instead"
        )
