"""What a compiled model is, apart from its weights, in a form to compare with another build of the same builder."""

import types

import keras
import numpy as np

from textbook.replicas.number_places import plain_name
from textbook.replicas.numbers import loss_numbers, model_numbers, optimizer_numbers
from textbook.replicas.structure import Own, structure

# Code of the builder's own makes the structure of a model comparable with itself only; what it holds is compared apart.
_ANY_BUILDER = object()
_NAMES = ("name", "_name", "_path", "_parent_path")  # Keras counts them
_PLAIN = (str, int, float, bool, type(None))


def described(model: keras.Model) -> dict:
    """Parts of a compiled model → their descriptions, equal for equal models."""
    optimizer = model.optimizer
    settings, numbers = {}, {}
    if optimizer:
        settings = {name: _of(value) for name, value in optimizer.get_config().items() if name != "name"}
        numbers = {name.removeprefix("optimizer."): value for name, value in optimizer_numbers(optimizer).items()}
    compiled = {name: _of(value) for name, value in model._compile_config.config.items() if name != "optimizer"}
    return {
        "layers and weights": structure(model, own=_ANY_BUILDER),
        "attributes of layers": [_of_layer(layer) for layer in model._flatten_layers(include_self=True)],
        "numbers": model_numbers(model),
        "arguments of compile": compiled,
        "optimizer": structure(optimizer) if optimizer else None,
        "settings of the optimizer": settings | numbers,
    }


def difference(one: dict, other: dict, numbers: dict[str, float]) -> str | None:
    """Where two descriptions differ, or None.

    Args:
        numbers: of the optimizer, that the other has in place of those of the first.
    """
    expected = dict(one["settings of the optimizer"])
    for name, number in numbers.items():
        # the rate is a variable of the optimizer, and as precise as that
        expected[name] = float(np.float32(number)) if name == "learning_rate" else number
    for part, was in {**one, "settings of the optimizer": expected}.items():
        if other[part] != was:
            return f"{part}: expected {_where(was, other[part])}"
    return None


def _where(was, found) -> str:
    if isinstance(was, dict) and isinstance(found, dict):
        for name in (*was, *found):
            if name not in was or name not in found or was[name] != found[name]:
                return f"{name} = {was.get(name)!r:.200}, got {found.get(name)!r:.200}"
    return f"{was!r:.300}, got {found!r:.300}"


def _of_layer(layer):
    held = {name: value for name, value in vars(layer).items() if isinstance(value, _PLAIN) and name not in _NAMES}
    function = getattr(layer, "function", None)  # of a Lambda
    return type(layer), plain_name(layer.name, type(layer).__name__), held, _of(function)


def _of(value, inside: tuple = ()):
    """A description to compare: of Keras's objects their settings, of functions their code and what they hold."""
    if isinstance(value, _PLAIN):
        return value
    if id(value) in inside:
        return "itself"
    inside = (*inside, id(value))
    if isinstance(value, dict):
        return {key: _of(one, inside) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_of(one, inside) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return ("array", value.shape, str(value.dtype), value.tobytes())
    if isinstance(value, types.FunctionType):
        cells = [_of(cell.cell_contents, inside) for cell in value.__closure__ or ()]
        return ("function", value.__code__, _of(value.__defaults__, inside), _of(value.__kwdefaults__, inside), cells)
    if isinstance(value, types.MethodType):
        return ("method", _of(value.__func__, inside), _of(value.__self__, inside))
    if isinstance(value, keras.losses.Loss):
        return ("loss", type(value), _of(vars(value), inside), loss_numbers(value))
    if hasattr(value, "get_config") and not isinstance(value, type):
        settings = {name: one for name, one in value.get_config().items() if name != "name"}
        return (type(value), _of(settings, inside))
    return Own(value)
