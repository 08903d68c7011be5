"""What a graph depends on besides the numbers that may differ by replica, as a key to compare and to look up.

Keras describes its own layers, losses and optimizers in full, but code of the user's own by its name at most: two
functions called `activation` look alike. So a key holds such code itself, which also keeps it alive.
"""

import hashlib
import json
import types
from collections.abc import Hashable, Iterator

import keras

from textbook.replicas.number_places import made_up_name, offered, placed

# where a description has names of layers
_NAMED = ("name", "keras_history", "input_layers", "output_layers")
_PLAIN = (str, int, float, bool, type(None))


class Own:
    """Code of the user's own: equal to itself alone."""

    def __init__(self, code):
        self.code = code

    def __eq__(self, other):
        if not isinstance(other, Own):
            return NotImplemented
        # each access makes a new method of the same object and function
        return self.code is other.code or (isinstance(self.code, types.MethodType) and self.code == other.code)

    def __hash__(self):
        return hash(self.code) if isinstance(self.code, types.MethodType) else id(self.code)

    def __repr__(self):
        return f"Own({self.code!r})"


def structure(thing, *, own=None) -> Hashable:
    """Equal for models, losses or optimizers whose graphs differ only in the numbers that `numbers` lists.

    Args:
        thing: a built Keras model, a loss (object or function) or an optimizer, whose learning rate does not count.
        own: what tells one model from another where Keras cannot, such as its builder; default the model itself.
    """
    if isinstance(thing, keras.Model):
        return _of_model(thing, own)
    if isinstance(thing, keras.optimizers.Optimizer):
        return _of_optimizer(thing)
    return _of_loss(thing)


def _of_model(model, own) -> Hashable:
    numbers = offered(model)
    with placed(model, dict.fromkeys(numbers, 0.5)):
        described = None if _has_own_code(model) else _described(model)
        weights = tuple(_of_weight(variable) for variable in model.variables)
    if described is None:
        described = Own(model if own is None else own)
    return ("model", described, weights, tuple(numbers))


def _of_weight(variable) -> Hashable:
    rules = (getattr(variable, "regularizer", None), getattr(variable, "constraint", None))
    kept = None
    if not variable.trainable and variable.name != "seed_generator_state":
        # such as what a Normalization was adapted to, which no seed draws again
        kept = hashlib.sha256(keras.ops.convert_to_numpy(variable).tobytes()).digest()
    return (tuple(variable.shape), variable.dtype, variable.trainable, kept, *(_of_rule(rule) for rule in rules))


def _of_rule(rule) -> Hashable:
    if rule is None or not _of_keras(type(rule)):
        return None if rule is None else Own(rule)
    return (type(rule), _frozen(rule.get_config()))


def _of_optimizer(optimizer) -> Hashable:
    numbers = offered(optimizer)
    with placed(optimizer, dict.fromkeys(numbers, 0.5)):
        config = optimizer.get_config()
    config = {key: value for key, value in config.items() if key not in ("name", "learning_rate")}
    # a copy is made from the class and this description; what it names only may differ all the same
    code = None if _of_keras(type(optimizer)) or _is_plain(config) else Own(optimizer)
    return ("optimizer", type(optimizer), code, _frozen(_without_counters(config)), tuple(numbers))


def _of_loss(loss) -> Hashable:
    if not (isinstance(loss, keras.losses.Loss) and _of_keras(type(loss)) and hasattr(loss, "_fn_kwargs")):
        return ("loss", Own(loss))
    numbers = offered(loss)
    with placed(loss, dict.fromkeys(numbers, 0.5)):
        arguments = _frozen(dict(loss._fn_kwargs))
    return ("loss", type(loss), Own(loss.fn), arguments, loss.reduction, str(loss.dtype), tuple(numbers))


def _described(model) -> str | None:
    try:
        description = json.loads(model.to_json())
    except NotImplementedError:  # some layer cannot describe itself, such as Keras's ELU under a policy of its own
        return None
    description.pop("compile_config", None)
    return json.dumps(_without_counters(description), sort_keys=True)


def _without_counters(description):
    """A description where names that Keras made up are replaced by ranks, so that its counters do not matter."""
    ranks = {}
    for one in _described_objects(description):
        for holder in (one["config"], one):
            plain = made_up_name(str(holder.get("name")), one["class_name"])
            if plain:
                ranks.setdefault(holder["name"], f"{plain} {len(ranks)}")
    return _renamed(description, ranks, named=False)


def _described_objects(description) -> Iterator[dict]:
    if isinstance(description, dict):
        if isinstance(description.get("class_name"), str) and isinstance(description.get("config"), dict):
            yield description
        description = list(description.values())
    for one in description if isinstance(description, list | tuple) else ():
        yield from _described_objects(one)


def _renamed(description, names: dict, *, named: bool):
    if isinstance(description, dict):
        return {key: _renamed(value, names, named=key in _NAMED) for key, value in description.items()}
    if isinstance(description, list | tuple):
        return [_renamed(value, names, named=named) for value in description]
    return names.get(description, description) if named and isinstance(description, str) else description


def _has_own_code(model) -> bool:
    """Whether some of the model is code that Keras does not describe in full."""
    for part in _parts(model):
        if not _of_keras(type(part)) or isinstance(part, keras.layers.Lambda):
            return True
        arguments = [(node.arguments.args, node.arguments.kwargs) for node in part._inbound_nodes]
        if not all(_of_keras(code) for code in _functions([vars(part), arguments])):
            return True
    return False


def _parts(model) -> Iterator:
    """The model, its layers, theirs, and the operations between them."""
    for layer in model._flatten_layers(include_self=True):
        yield layer
        for operation in getattr(layer, "_operations", ()):
            if not isinstance(operation, keras.layers.Layer):
                yield operation


def _functions(value) -> Iterator:
    """Functions in a nest of values, and the classes of other things that can be called but are no layers."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | set):
        for one in value:
            yield from _functions(one)
    elif isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
        yield value
    elif callable(value) and not isinstance(value, keras.Operation):
        yield type(value)


def _of_keras(code) -> bool:
    return (code.__module__ or "").partition(".")[0] == "keras"


def _is_plain(config) -> bool:
    return all(isinstance(value, _PLAIN) for value in config.values())


def _frozen(value) -> Hashable:
    """Settings as a key; anything but text, numbers and nests of them stands for itself alone."""
    if isinstance(value, dict):
        return tuple((key, _frozen(one)) for key, one in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(one) for one in value)
    return value if isinstance(value, _PLAIN) else Own(value)
