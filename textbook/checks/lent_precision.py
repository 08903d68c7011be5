"""A Keras model that computes in another precision for a while, without a weight being touched."""

import contextlib

import keras
from keras.src.backend.common import dtypes as promotion


@contextlib.contextmanager
def computing_in(model, dtype: str, *, losses=()):
    """Within the context the model's layers, and these losses, compute in `dtype`; then all is as it was.

    A layer's policy says what its inputs are cast to, a variable's dtype what it is taken for, a functional model's
    inputs what they are converted to, and `floatx` what a layer makes that names no dtype. All four are lent. The
    weights themselves are not: they are handed to the model in `dtype`, by a `keras.StatelessScope`.

    On JAX, float64 is switched on for as long. On JAX and torch, Keras's rule that float64 among several types comes to
    float32 is suspended.
    """
    policy = keras.dtype_policies.DTypePolicy(dtype)
    layers = list({id(layer): layer for layer in _layers(model)}.values())
    lent = [(layer, "_dtype_policy", policy) for layer in layers]
    for layer in layers:
        lent += [(tensor, "_dtype", dtype) for tensor in getattr(layer, "_inputs", None) or [] if _floating(tensor)]
    lent += [(variable, "_dtype", dtype) for variable in model.variables if _floating(variable)]
    for loss in losses:
        lent += [(loss, "_dtype_policy", policy), (loss, "_dtype", dtype)]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in lent]
    floatx = keras.config.floatx()
    try:
        for owner, name, value in lent:
            object.__setattr__(owner, name, value)
        keras.config.set_floatx(dtype)
        with _double_allowed(dtype), _double_kept(dtype):
            yield
    finally:
        keras.config.set_floatx(floatx)
        for owner, name, value in reversed(before):
            object.__setattr__(owner, name, value)


def _layers(model):
    for layer in model._flatten_layers():
        yield layer
        functional = getattr(layer, "_functional", None)  # what a Sequential computes with
        if functional is not None:
            yield functional


def _floating(tensor) -> bool:
    return keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))


def _double_allowed(dtype: str):
    if keras.backend.backend() != "jax" or dtype != "float64":
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)


@contextlib.contextmanager
def _double_kept(dtype: str):
    rule = promotion.BIT64_TO_BIT32_DTYPE
    before = rule["float64"]
    rule["float64"] = "float64" if dtype == "float64" else before
    try:
        yield
    finally:
        rule["float64"] = before
