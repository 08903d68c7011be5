"""A number that only the graph knows, put where Keras keeps a Python float: one that differs by replica or by update.

Keras reads a rate, a strength or a momentum as an attribute and asks Python questions about it, such as
`if self.rate > 0`. A traced tensor cannot answer those; a `Knob` can, and computes with a tensor.
"""

import math
import numbers
import operator

import keras

_MEND = (
    "mend by a number in place of the schedule, or, in the replica trainer, by training these conditions without "
    "stacking them"
)


def _computes(symbol):
    """The two methods of an operator: with the knob on the left, and on the right."""

    def left(self, other):
        return symbol(self.value, _plain(other))

    def right(self, other):
        return symbol(_plain(other), self.value)

    return left, right


def _plain(operand):
    return operand.value if isinstance(operand, Knob | keras.Variable) else operand


class Knob:
    """A float that only the backend knows: truthy, between its bounds, and equal to no number.

    Where Keras takes a complement in Python, as in `1 - beta`, it does so in float64 and rounds after. `1 - knob` and
    `1 / (1 - knob)` are therefore readings of their own, rounded on the host, and give the same bits.

    Args:
        value: a scalar float32 tensor of TensorFlow or JAX.
        complement, inverse: scalar tensors of 1 − value and of 1 / (1 − value).
        low, high: what the value lies between. A comparison with a bound, or with anything beyond it, is answered;
            one with a number in between raises a TypeError, since its answer would be a tensor.

    >>> import keras
    >>> rate = Knob(keras.ops.convert_to_tensor(0.5), high=1.0)
    >>> bool(rate), rate > 0, rate >= 1, float(rate * 3.0)
    (True, True, False, 1.5)
    """

    def __init__(self, value, complement=None, inverse=None, *, low: float = 0.0, high: float = math.inf):
        self.value, self._complement, self._inverse = value, complement, inverse
        self._low, self._high = low, high
        self._reciprocal = None

    def __repr__(self):
        return f"Knob({self.value!r})"

    # --- questions that Keras asks in Python ---

    def __bool__(self):
        return True

    def __eq__(self, other):
        # asked to take a short cut, such as `rate == 1.0` or `alpha == 1`; the long way is right for every value
        return self is other

    __hash__ = object.__hash__

    def _compared(self, symbol, other, *, above: bool):
        """`above` where the other is at or below the lower bound, its contrary where it is at or above the upper."""
        if not isinstance(other, numbers.Real) or isinstance(other, Knob):
            return symbol(self.value, _plain(other))
        if other <= self._low:
            return above
        if other >= self._high:
            return not above
        raise TypeError(
            f"expected a number that only the graph knows to be compared with {self._low:g} or {self._high:g} only, "
            f"got {other!r}; {_MEND}"
        )

    def __gt__(self, other):
        return self._compared(operator.gt, other, above=True)

    def __ge__(self, other):
        return self._compared(operator.ge, other, above=True)

    def __lt__(self, other):
        return self._compared(operator.lt, other, above=False)

    def __le__(self, other):
        return self._compared(operator.le, other, above=False)

    def __float__(self):
        raise TypeError(
            "expected code that computes with tensors, got one that asks for the Python float of a number that only "
            f"the graph knows; {_MEND}"
        )

    __int__ = __index__ = __float__

    # --- arithmetic ---

    __array_ufunc__ = None  # NumPy leaves operators with its own numbers to the methods here

    __add__, __radd__ = _computes(operator.add)
    __mul__, __rmul__ = _computes(operator.mul)
    __pow__, __rpow__ = _computes(operator.pow)
    __truediv__, _divides = _computes(operator.truediv)
    _minus, _subtracts_from = _computes(operator.sub)

    def __neg__(self):
        return -self.value

    def __pos__(self):
        return self.value

    def __sub__(self, other):
        if _is_one(other) and self._complement is not None:
            return -self._complement
        return self._minus(other)

    def __rsub__(self, other):
        if _is_one(other) and self._complement is not None:
            complement = Knob(self._complement, self.value, low=1 - self._high, high=1 - self._low)
            complement._reciprocal = self._inverse
            return complement
        return self._subtracts_from(other)

    def __rtruediv__(self, other):
        if _is_one(other) and self._reciprocal is not None:
            return self._reciprocal
        return self._divides(other)

    # --- what makes it a tensor to the backends ---

    @property
    def dtype(self):
        return self.value.dtype

    @property
    def shape(self):
        return self.value.shape

    def __tf_tensor__(self, dtype=None, name=None):
        return keras.ops.convert_to_tensor(self.value, None if dtype is None else dtype.name)

    def __jax_array__(self):
        return self.value


def _is_one(number) -> bool:
    return isinstance(number, int | float) and number == 1


# TensorFlow's dropout keeps to Keras's arithmetic, scaling by 1 / (1 − rate), for real numbers only
numbers.Real.register(Knob)


def _register_with_jax():
    """JAX's compiled functions, such as its elu, take only arguments that it can take apart."""
    import jax  # here, because other backends do without it

    def take_apart(knob):
        return (knob.value, knob._complement, knob._inverse, knob._reciprocal), (knob._low, knob._high)

    def put_together(bounds, parts):
        *readings, reciprocal = parts
        knob = Knob(*readings, low=bounds[0], high=bounds[1])
        knob._reciprocal = reciprocal
        return knob

    jax.tree_util.register_pytree_node(Knob, take_apart, put_together)


if keras.backend.backend() == "jax":
    _register_with_jax()
