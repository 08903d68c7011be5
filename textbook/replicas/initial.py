"""Initial weights for many seeds of one model, built once.

Building a small Keras model takes some ten milliseconds, drawing its weights one. So the model is built once per graph,
and each seed draws every variable again with a fresh copy of the layer's own initializer.
"""

import contextlib
import inspect
import itertools
import random

import keras
import numpy as np
from keras.src.backend import compute_output_spec

from textbook import seeding


@contextlib.contextmanager
def global_seed(seed: int):
    """Seed Python, NumPy and Keras, which is the only way to seed a model's `build()`, and put their states back."""
    python, numpy_state = random.getstate(), np.random.get_state()
    generator = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    kept = None if generator is None else generator.state.numpy()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if generator is not None:
        generator.state.assign(np.array([seed, 0], kept.dtype))
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)
        if generator is not None:
            generator.state.assign(kept)


def build_model(build, *, input_shape, outputs, seed: int = 0) -> keras.Model:
    """Call the user's `build()` or `build(input_shape, outputs)` under a global seed that is put back after.

    Args:
        input_shape: of one sample; with several inputs, a dict or tuple of shapes.
        outputs: classes, or 1 for a value; with several outputs, a dict or tuple of them.
    """
    wanted = {"input_shape": input_shape, "outputs": outputs}
    parameters = inspect.signature(build).parameters
    with global_seed(seed):
        model = build(**{name: value for name, value in wanted.items() if name in parameters})
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"expected build() to return a keras.Model, got {type(model).__name__}; return the model itself"
        )
    if not model.built:
        with global_seed(seed):
            compute_output_spec(model, _symbolic(input_shape))
    return model


def _symbolic(input_shape):
    """A sample without values, of a shape or of a dict or tuple of shapes."""
    if isinstance(input_shape, dict):
        return {name: _symbolic(shape) for name, shape in input_shape.items()}
    if any(isinstance(one, dict | tuple) for one in input_shape):
        return tuple(_symbolic(shape) for shape in input_shape)
    return keras.KerasTensor((None, *input_shape))


class Initializer:
    """Draws a model's variables for any seed, distributed as calling `build()` under that seed would.

    Weights that two builds agree on, such as pretrained ones that the builder loads, are kept as they are.

    Args:
        again: another model of the same builder, built under another seed.
        rebuild: `rebuild(seed) -> keras.Model`, used where a layer keeps no initializer for one of its weights.
    """

    def __init__(self, model: keras.Model, again: keras.Model, rebuild):
        self.model = model
        self._rebuild = rebuild
        # in the order in which weights are kept; listed now, before anyone compiles the model and adds metrics to it
        self.variables = [*model.trainable_variables, *model.non_trainable_variables]
        self._trainable = len(model.trainable_variables)
        others = [*again.trainable_variables, *again.non_trainable_variables]
        drawn = {
            id(v) for v, other in zip(self.variables, others, strict=True)
            if not np.array_equal(_values(v), _values(other), equal_nan=_values(v).dtype.kind == "f")
        }  # fmt: skip
        self._sources = {}
        for layer in model._flatten_layers(include_self=True, recursive=True):
            for variable in layer._trainable_variables + layer._non_trainable_variables:
                source = getattr(layer, f"{variable.name}_initializer", None)
                if id(variable) in drawn and isinstance(source, keras.initializers.Initializer):
                    self._sources[id(variable)] = source
        self._constants = {id(v): _values(v) for v in model.variables}
        # a weight that was drawn, but without an initializer of its own, must have been drawn somewhere inside the
        # layer: only building the model again draws it anew
        self._redraws = all(id(v) in self._sources for v in model.trainable_variables if id(v) in drawn)

    def draw(self, *, weights: int, masks: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(trainable, non-trainable) values of one replica: weights from its weight seed, masks from its mask seed."""
        seed = seeding.word(weights, "weights")
        if self._redraws:
            with global_seed(seed):
                values = [self._value(v) for v in self.variables]
        else:
            model = self._rebuild(seed)
            values = [_values(v) for v in (*model.trainable_variables, *model.non_trainable_variables)]
        stream = seeding.stream(masks, "masks")
        for i, variable in enumerate(self.variables):
            if variable.name == "seed_generator_state":
                values[i] = stream.integers(2**31, size=2).astype(values[i].dtype)
        return values[: self._trainable], values[self._trainable :]

    def replaced(self, trainable, frozen, weights) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Drawn values with the model's weights, in the order of `model.get_weights()`, put in their place.

        Raises: ValueError where their number or shapes are not those of the model.
        """
        values = [*trainable, *frozen]
        places = {id(v): i for i, v in enumerate(self.variables)}
        shapes, given = [tuple(v.shape) for v in self.model.weights], [np.shape(w) for w in weights]
        if shapes != given:
            raise ValueError(
                f"expected initial_weights as model.get_weights() gives them, of shapes {shapes}, got {given}"
            )
        for variable, weight in zip(self.model.weights, weights, strict=True):
            values[places[id(variable)]] = np.asarray(weight, values[places[id(variable)]].dtype)
        return values[: self._trainable], values[self._trainable :]

    def set(self, seeds: seeding.ReplicaSeed, weights=None) -> None:
        """Put one replica's values into the model itself, drawn ones or those given."""
        values = self.draw(weights=seeds.weights, masks=seeds.masks)
        if weights is not None:
            values = self.replaced(*values, weights)
        for variable, value in zip(self.variables, itertools.chain(*values), strict=True):
            variable.assign(value)

    def _value(self, variable) -> np.ndarray:
        source = self._sources.get(id(variable))
        if source is None:
            return self._constants[id(variable)]
        # a clone draws a fresh seed from the global state where the original has none of its own
        return np.asarray(source.clone()(variable.shape, dtype=variable.dtype))


def _values(variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable.value))
