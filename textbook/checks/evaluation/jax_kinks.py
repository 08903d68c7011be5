"""Where a JAX program has kinks, and on which side of each a point lies.

The program's primitives are read, not Keras's layers: what a custom layer does with `jax.numpy` is seen as well. What
happens within loops (`scan`, `while`, `cond`) is not.
"""

import jax
import jax.numpy as jnp
from jax.extend.core import Literal


def with_winners(closed):
    """The program as a function that also tells which side, or which argument, wins at each kink.

    A kink behind a `stop_gradient` is left out, since no slope comes through it: such is the maximum that a log-sum-exp
    takes off and adds again.

    Args:
        closed: a `ClosedJaxpr` with one output.

    Returns: (the program's constants, flat inputs…) → (output, sides (kinks,) of bool). Constants are an argument,
        since `jax.jit` may lose count of arrays that a function closes over.
    """

    def run(consts, *inputs):
        sides = []
        (output,), _ = _run(closed.jaxpr, consts, inputs, [True] * len(inputs), [True], sides)
        return output, jnp.concatenate([side.ravel() for side in sides] or [jnp.zeros(0, bool)])

    return run


def numbers_in(jaxpr) -> int:
    """How many numbers a program's steps make, those of inner programs once."""
    total = 0
    for equation in jaxpr.eqns:
        total += sum(variable.aval.size for variable in equation.outvars)
        inner = _inner(equation)
        total += numbers_in(inner.jaxpr) if inner is not None else 0
    return total


def _run(jaxpr, consts, inputs, moving: list[bool], matters: list[bool], sides: list) -> tuple[list, list[bool]]:
    """Evaluate a program, noting the sides of its kinks; returns its outputs, and which of them move.

    Args:
        moving: which inputs change from point to point; what depends on none of them has no kink to cross.
        matters: of which outputs the kinks are wanted.
    """
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *inputs], strict=True))
    moves = {variable for variable, move in zip(jaxpr.invars, moving, strict=True) if move}
    wanted = _wanted(jaxpr, matters)

    def read(atom):
        return atom.val if isinstance(atom, Literal) else values[atom]

    for equation in jaxpr.eqns:
        given = [read(atom) for atom in equation.invars]
        alive = [variable in wanted for variable in equation.outvars]
        moved = [not isinstance(atom, Literal) and atom in moves for atom in equation.invars]
        inner = _inner(equation)
        if inner is not None:
            found, out_moved = _run(inner.jaxpr, inner.consts, given, moved, alive, sides)
        else:
            found = equation.primitive.bind(*given, **equation.primitive.get_bind_params(equation.params))
            found = list(found) if equation.primitive.multiple_results else [found]
            out_moved = [any(moved)] * len(found)
            if any(moved) and any(alive) and equation.primitive.name in _SIDES and _floating(equation.invars[0]):
                sides += _SIDES[equation.primitive.name](given, found, equation.params)
        values.update(zip(equation.outvars, found, strict=True))
        moves |= {variable for variable, move in zip(equation.outvars, out_moved, strict=True) if move}
    outputs = [read(atom) for atom in jaxpr.outvars]
    return outputs, [not isinstance(atom, Literal) and atom in moves for atom in jaxpr.outvars]


def _wanted(jaxpr, matters: list[bool]) -> set:
    """The variables that a wanted output depends on, other than through a `stop_gradient`."""
    wanted = {
        atom for atom, matter in zip(jaxpr.outvars, matters, strict=True) if matter and not isinstance(atom, Literal)
    }
    for equation in reversed(jaxpr.eqns):
        alive = [variable in wanted for variable in equation.outvars]
        if not any(alive) or equation.primitive.name == "stop_gradient":
            continue
        inner = _inner(equation)
        through = _wanted(inner.jaxpr, alive) if inner is not None else None
        for place, atom in enumerate(equation.invars):
            if not isinstance(atom, Literal) and (through is None or inner.jaxpr.invars[place] in through):
                wanted.add(atom)
    return wanted


def _inner(equation):
    """The program that a call runs, such as that of a jitted function or of one with a gradient of its own."""
    if equation.primitive.name not in _CALLS:
        return None
    inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    return inner if hasattr(inner, "consts") else jax.extend.core.ClosedJaxpr(inner, ())


def _floating(atom) -> bool:
    return jnp.issubdtype(atom.aval.dtype, jnp.floating)


def _pooled(given, found, parameters):
    windows = ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")
    given_parameters = {name: parameters[name] for name in windows}

    def pool(x):
        return jax.lax.reduce_window_max_p.bind(x, **given_parameters)

    # the gradient of a sum of maxima is a count of how often each number was one
    (counts,) = jax.vjp(pool, given[0])[1](jnp.ones_like(found[0]))
    return [counts > 0]


def _winners_along(given, found, parameters):
    axes = parameters["axes"]
    return [given[0] == jnp.expand_dims(found[0], axes)]


def _order(given, found, parameters):
    bits = found[0][..., None] >> jnp.arange(16, dtype=found[0].dtype)
    return [bits & 1 > 0]


def _steps(given, found, parameters):
    return [found[0] % 2 > 0, jnp.floor(found[0] / 2) % 2 > 0]


_CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat", "checkpoint")
_SIDES = {
    "max": lambda given, found, parameters: [given[0] > given[1]],
    "min": lambda given, found, parameters: [given[0] > given[1]],
    "abs": lambda given, found, parameters: [given[0] > 0],
    "sign": lambda given, found, parameters: [given[0] > 0, given[0] < 0],
    "clamp": lambda given, found, parameters: [given[1] > given[0], given[1] < given[2]],
    "reduce_max": _winners_along,
    "reduce_min": _winners_along,
    "reduce_window_max": _pooled,
    "argmax": _order,
    "argmin": _order,
    **dict.fromkeys(("floor", "ceil", "round"), _steps),
    **dict.fromkeys(("gt", "ge", "lt", "le", "eq", "ne"), lambda given, found, parameters: [found[0]]),
}
