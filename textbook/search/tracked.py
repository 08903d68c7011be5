"""Numbers that know which hyperparameters they came from, and notice when somebody looks at their value."""

import gc
import operator
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

_OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "neg": operator.neg,
    "pos": operator.pos,
    "abs": operator.abs,
}
# A builder that computes in a loop could nest formulas deeper than Python's stack; beyond this the value is looked at
_LARGEST = 200


class Ledger:
    """What has become of the hyperparameters while a builder ran.

    Attributes:
        structural: name → why its value may have reached more than numbers of the optimizer.
        everything: why no hyperparameter can be told from the others, or "".
        tracked: names that were given out as tracked numbers.
        made: every tracked number that was made.
    """

    def __init__(self, structural: Mapping[str, str]):
        self.structural = dict(structural)
        self.everything = ""
        self.tracked: set[str] = set()
        self.made: list[weakref.ref] = []

    def mark(self, names: Iterable[str], why: str) -> None:
        """These are structural."""
        for name in names:
            self.structural.setdefault(name, why)

    def mark_everything(self, why: str) -> None:
        """All are structural, also those that nobody has heard of yet."""
        self.everything = self.everything or why

    def give_out(self, name: str, number: float) -> "float | Tracked":
        """A tracked number in the place of a hyperparameter's float, or the float of a structural one."""
        if name in self.structural:
            return number
        self.tracked.add(name)
        return Tracked(Expression("", (name,)), number, self)

    def mark_alive(self, why: str) -> None:
        """Those whose tracked numbers somebody still holds are structural."""
        if self._alive() - self.structural.keys():
            gc.collect()  # slow, and needed only for numbers that hang in a cycle
        self.mark(self._alive(), why)

    def _alive(self) -> set[str]:
        numbers = (reference() for reference in self.made)
        return set().union(*(number._expression.names for number in numbers if number is not None))


@dataclass(frozen=True)
class Expression:
    """A formula of hyperparameters, computed by the same Python operations in the same order as the builder did.

    Args:
        symbol: the operation, or "" for a hyperparameter.
        parts: its operands, formulas or plain numbers; of a hyperparameter its name.

    >>> one_minus = Expression("-", (1, Expression("", ("1 - momentum",))))
    >>> one_minus.value({"1 - momentum": 0.25}), one_minus.names == {"1 - momentum"}, str(one_minus)
    (0.75, True, "(1 - hp['1 - momentum'])")
    """

    symbol: str
    parts: tuple

    @property
    def names(self) -> frozenset[str]:
        """The hyperparameters in it."""
        if not self.symbol:
            return frozenset(self.parts)
        return frozenset().union(*(part.names for part in self.parts if isinstance(part, Expression)))

    @property
    def size(self) -> int:
        """The number of operations and operands."""
        return 1 + sum(part.size if isinstance(part, Expression) else 1 for part in self.parts)

    def value(self, values: Mapping[str, float]) -> float:
        """The number for these values of the hyperparameters.

        Raises: ValueError for a hyperparameter without a value, for a value that is no float, and for arithmetic that
            has no real result, such as a division by 0: a builder would raise there, or go another way.
        """
        try:
            number = self._computed(values)
        except ArithmeticError as error:
            raise ValueError(f"expected values for which {self} can be computed, got {error}") from error
        if not isinstance(number, float):
            raise ValueError(f"expected values for which {self} is a real number, got {number!r}")
        return number

    def _computed(self, values):
        if self.symbol:
            operands = (part._computed(values) if isinstance(part, Expression) else part for part in self.parts)
            return _OPERATIONS[self.symbol](*operands)
        (name,) = self.parts
        if not isinstance(values.get(name), float):
            raise ValueError(f"expected a float for the hyperparameter {name!r}, got {values.get(name)!r}")
        return values[name]

    def __str__(self):
        if not self.symbol:
            return f"hp[{self.parts[0]!r}]"
        if len(self.parts) == 1:
            return f"{self.symbol}({self.parts[0]})"
        return f"({self.parts[0]} {self.symbol} {self.parts[1]})"


class Tracked:
    """Stands for a float that came from hyperparameters while a builder runs.

    Arithmetic with Python's numbers gives another one. Whatever else is done with it is done with the plain float,
    after the ledger was told that its value has been seen. To `isinstance` it is a float, so that a builder which asks
    goes the way that it goes with plain numbers; it is no subclass, because C code reads those unseen.
    """

    __slots__ = ("__weakref__", "_expression", "_ledger", "_number")

    def __init__(self, expression: Expression, number: float, ledger: Ledger):
        self._expression, self._number, self._ledger = expression, number, ledger
        ledger.made.append(weakref.ref(self))

    @property
    def __class__(self):
        return float

    def _computed(self, symbol, *operands):
        try:
            number = _OPERATIONS[symbol](*(_unseen(operand) for operand in operands))
        except Exception as error:  # the builder may catch it, and then goes a way that depends on the value
            _seen_all(operands, f"{type(error).__name__} from {symbol}")
            raise
        parts = tuple(operand._expression if type(operand) is Tracked else operand for operand in operands)
        expression = Expression(symbol, parts)
        if not (all(map(_is_plain_number, operands)) and isinstance(number, float) and expression.size <= _LARGEST):
            _seen_all(operands, f"{symbol} with something other than a few plain numbers")
            return number
        return Tracked(expression, number, self._ledger)

    def __neg__(self):
        return self._computed("neg", self)

    def __pos__(self):
        return self._computed("pos", self)

    def __abs__(self):
        return self._computed("abs", self)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __getattr__(self, name):
        found = getattr(self._number, name)  # what a float has not, this has not either, and nothing was seen
        seen(self, name)
        return found

    def __reduce_ex__(self, protocol):
        return type(self._number), (seen(self, "pickled"),)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(seen(self, "made an array"), dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [seen(one, f"numpy.{ufunc.__name__}") for one in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)


def seen(value, why: str):
    """The plain number of a tracked one, whose hyperparameters have then escaped; anything else as it is."""
    if type(value) is not Tracked:
        return value
    value._ledger.mark(value._expression.names, why)
    return value._number


def expression_of(value: Tracked) -> tuple[Expression, float]:
    """The formula and the plain number of a tracked one, for those who let nobody else look at the number."""
    return value._expression, value._number


def _unseen(operand):
    return operand._number if type(operand) is Tracked else operand


def _seen_all(operands, why: str) -> None:
    for operand in operands:
        seen(operand, why)


def _is_plain_number(operand) -> bool:
    return type(operand) is Tracked or isinstance(operand, int | float)


def _computing(symbol: str):
    def left(self, other):
        return self._computed(symbol, self, other)

    def right(self, other):
        return self._computed(symbol, other, self)

    return left, right


def _looking(method: str):
    def look(self, *others):
        return getattr(seen(self, method), method)(*(seen(other, method) for other in others))

    return look


for _symbol, _word in {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow"}.items():
    for _method, _name in zip(_computing(_symbol), (f"__{_word}__", f"__r{_word}__"), strict=True):
        setattr(Tracked, _name, _method)
for _word in (
    *("lt", "le", "gt", "ge", "eq", "ne", "hash", "bool", "float", "int", "round", "trunc", "floor", "ceil"),
    *("str", "repr", "format", "floordiv", "rfloordiv", "mod", "rmod", "divmod", "rdivmod"),
):
    setattr(Tracked, f"__{_word}__", _looking(f"__{_word}__"))
