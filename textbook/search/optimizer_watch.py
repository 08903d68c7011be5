"""Which numbers of an optimizer were given to its constructor as tracked numbers, and who looked at them after.

Keras's constructors of optimizers check the numbers that they get and store them, no more. So they may have the plain
float of a tracked number without its having escaped, as long as nobody reads it back from the optimizer.
"""

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import keras
import numpy as np

from textbook.replicas.numbers import optimizer_numbers
from textbook.search.tracked import Expression, Tracked, expression_of

_ABSENT = object()
# Constructors that refuse some of the values that a replica may have: only calling them tells.
STRICTER = {keras.optimizers.Lion: {"beta_1"}, keras.optimizers.Ftrl: {"learning_rate_power"}}
# Classes are changed while one builder runs; a second thread waits for its turn.
_ONE_AT_A_TIME = threading.RLock()

Mark = Callable[[Iterable[str], str], None]


@dataclass
class Given:
    """The tracked numbers that one optimizer was constructed with: argument → (formula, number)."""

    optimizer: keras.optimizers.Optimizer
    arguments: dict[str, tuple[Expression, float]]
    closely: frozenset[str] = field(init=False)  # attributes that show them

    def __post_init__(self):
        behind = {"_learning_rate", "_variables"} if "learning_rate" in self.arguments else set()
        self.closely = frozenset(self.arguments) | behind

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(expression.names for expression, _ in self.arguments.values()))


@contextlib.contextmanager
def watched_optimizers(mark: Mark) -> Iterator[dict[int, Given]]:
    """Watch all Keras optimizers that are constructed meanwhile; yields id → what each was given.

    Args:
        mark: `mark(names, why)` is told of hyperparameters whose value was seen.
    """
    given: dict[int, Given] = {}
    with _ONE_AT_A_TIME, contextlib.ExitStack() as restoring:
        for cls in _constructors():
            _replace(restoring, cls, "__init__", _constructor(vars(cls)["__init__"], given, mark))
        _replace(restoring, keras.optimizers.Optimizer, "__getattribute__", _reader(given, mark))
        _replace(restoring, keras.optimizers.Optimizer, "__setattr__", _writer(given, mark))
        yield given


def free_numbers(given: Iterable[Given], optimizer, mark: Mark) -> dict[str, Expression]:
    """Name → formula of the numbers of this optimizer that a replica may have of its own; the others are marked."""
    free = {}
    for one in given:
        if one.optimizer is not optimizer:
            mark(one.names, "given to an optimizer that the model is not compiled with")
            continue
        held = {name.removeprefix("optimizer."): value for name, value in optimizer_numbers(optimizer).items()}
        if isinstance(rate := optimizer._learning_rate, keras.Variable):
            held["learning_rate"] = keras.ops.convert_to_numpy(rate)
        for name in STRICTER.get(type(optimizer), ()):
            held.pop(name, None)
        for name, (expression, number) in one.arguments.items():
            if name in held and held[name] == np.asarray(number, getattr(held[name], "dtype", None)):
                free[name] = expression
            else:
                mark(expression.names, f"given as {name}, which has to be the same for all replicas")
    return free


def _constructors() -> list[type]:
    """Keras's own classes with a constructor that names its arguments. Others only hand theirs on to one of these, and
    somebody's own constructor may look at them."""
    classes, found = [keras.optimizers.Optimizer], {}
    while classes:
        cls = classes.pop()
        classes += cls.__subclasses__()
        found |= dict.fromkeys(cls.__mro__)
    own = [cls for cls in found if cls.__module__.partition(".")[0] == "keras" and "__init__" in vars(cls)]
    return [cls for cls in own if _parameters(vars(cls)["__init__"])]


@functools.cache
def _parameters(constructor) -> inspect.Signature | None:
    signature = inspect.signature(constructor)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    return None if inspect.Parameter.VAR_POSITIONAL in kinds else signature


def _replace(restoring: contextlib.ExitStack, cls: type, name: str, new) -> None:
    old = vars(cls).get(name, _ABSENT)
    if old is _ABSENT:
        restoring.callback(delattr, cls, name)
    else:
        restoring.callback(setattr, cls, name, old)
    setattr(cls, name, new)


def _constructor(original, given: dict[int, Given], mark: Mark):
    @functools.wraps(original)
    def construct(optimizer, *args, **kwargs):
        if not any(type(value) is Tracked for value in (*args, *kwargs.values())):
            return original(optimizer, *args, **kwargs)
        arguments = {}
        for name, value in _named(_parameters(original), optimizer, args, kwargs).items():
            if type(value) is Tracked:
                arguments[name] = expression_of(value)
        one = Given(optimizer, arguments)
        try:
            original(optimizer, *map(_plain, args), **{name: _plain(value) for name, value in kwargs.items()})
        except Exception as error:  # the builder may catch it, and then goes a way that depends on the value
            mark(one.names, f"{type(error).__name__} from the constructor of {type(optimizer).__name__}")
            raise
        if id(optimizer) in given:
            mark(one.names | given[id(optimizer)].names, f"given to one {type(optimizer).__name__} twice")
        given[id(optimizer)] = one

    return construct


def _named(signature: inspect.Signature, optimizer, args, kwargs) -> dict:
    named = dict(signature.bind(optimizer, *args, **kwargs).arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= named.pop(name, {})
    return named


def _plain(value):
    return expression_of(value)[1] if type(value) is Tracked else value


def _reader(given: dict[int, Given], mark: Mark):
    # it stands in the class Optimizer, so what it replaces is found behind that class
    def read(optimizer, name):
        _note(given, mark, optimizer, name, "read")
        return super(keras.optimizers.Optimizer, optimizer).__getattribute__(name)

    return read


def _writer(given: dict[int, Given], mark: Mark):
    def write(optimizer, name, value):
        _note(given, mark, optimizer, name, "assigned")
        super(keras.optimizers.Optimizer, optimizer).__setattr__(name, value)

    return write


def _note(given, mark: Mark, optimizer, name: str, what: str) -> None:
    one = given.get(id(optimizer))
    if one is not None and name in one.closely:
        mark(one.names, f"{name} of {type(optimizer).__name__} was {what}")
