"""One replica's work made the work of a stack on JAX, with the same bits whoever trains beside a replica.

On a CPU three things would let the last bits depend on the number of replicas, and an unstable training would end
elsewhere for it:

- XLA hands sums to YNNPACK, which orders the terms by the size of the whole stack. It is told not to.
- XLA's own loops take several numbers at a time, and what is left over by other instructions: there a product and a sum
  are rounded once, elsewhere twice. It is told to do without such instructions.
- Where the last axes are short, what is left over is also added in another order. A stack is filled up to whole packets
  of 8 with copies of its last replica.

On other devices none of this is done, and the last bits may depend on the number of replicas.
"""

import functools
import platform
import warnings

import jax
import jax.numpy as jnp

_PACKET = 8


class Stacked:
    """A function of one replica, compiled for stacks; each eighth number of replicas is compiled at its first call.

    Called with stacks (replicas, …) of everything but the data, which all replicas share.

    Args:
        function: (state, data, *inputs) → results.
        static: name of an argument on which the shapes depend, given by name.
        donate: whether the results may take the memory of the state, which then cannot be used again.
    """

    def __init__(self, function, *, static: str, donate: bool = False):
        def whole(state, data, *inputs, **settings):
            mapped = jax.vmap(functools.partial(function, **settings), in_axes=(0, None, *[0] * len(inputs)))
            return mapped(state, data, *inputs)

        donated = 0 if donate else ()
        self._compiled = jax.jit(
            whole, static_argnames=static, donate_argnums=donated, compiler_options=_compiler_options()
        )

    def __call__(self, state, data, *inputs, **settings):
        count = len(jax.tree.leaves(state)[0])
        missing = -count % _PACKET if on_cpu() else 0
        if not missing:
            return self._compiled(state, data, *inputs, **settings)
        # filled and cut outside of what is compiled, or XLA would join both with the work
        state, inputs = _filled((state, inputs), missing)
        return _cut(self._compiled(state, data, *inputs, **settings), count)

    def trace(self, *inputs, **settings) -> None:
        """Trace the function without compiling or running it; raises what JAX raises."""
        self._compiled.trace(*inputs, **settings)


def on_cpu() -> bool:
    """Whether JAX computes on the machine's own processor."""
    return jax.default_backend() == "cpu"


@functools.partial(jax.jit, static_argnums=1)
def _filled(stacks, missing: int):
    """Stacks with copies of their last replica behind it."""
    return jax.tree.map(lambda stack: jnp.concatenate([stack, jnp.repeat(stack[-1:], missing, axis=0)]), stacks)


@functools.partial(jax.jit, static_argnums=1)
def _cut(stacks, count: int):
    return jax.tree.map(lambda stack: stack[:count], stacks)


@functools.cache
def _compiler_options() -> dict[str, str]:
    if not on_cpu():
        return {}
    options = {"xla_cpu_experimental_ynn_fusion_type": ""}
    if platform.machine().lower() in ("x86_64", "amd64"):
        options["xla_cpu_max_isa"] = "AVX"
    try:
        jax.jit(lambda: 0, compiler_options=options)()
    except jax.errors.JaxRuntimeError as error:
        warnings.warn(
            f"expected an XLA with the settings {', '.join(options)}, got that of JAX {jax.__version__} ({error}); the "
            "last bits of results may depend on the number of replicas until another version of JAX is installed",
            stacklevel=2,
        )
        return {}
    return options
