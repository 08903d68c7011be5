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


def build_model(build, *, input_shape, outputs: int, seed: int = 0) -> keras.Model:
    """Call the user's `build()` or `build(input_shape, outputs)` under a global seed that is put back after."""
    wanted = {"input_shape": tuple(input_shape), "outputs": outputs}
    parameters = inspect.signature(build).parameters
    with global_seed(seed):
        model = build(**{name: value for name, value in wanted.items() if name in parameters})
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"expected build() to return a keras.Model, got {type(model).__name__}; return the model itself"
        )
    if not model.built:
        model.build((None, *input_shape))
    return model


class Initializer:
    """Draws a model's variables for any seed, distributed as calling `build()` under that seed would.

    Args:
        rebuild: `rebuild(seed) -> keras.Model`, used where a layer keeps no initializer for one of its weights.
    """

    def __init__(self, model: keras.Model, rebuild):
        self.model = model
        self._rebuild = rebuild
        # in the order in which weights are kept; listed now, before anyone compiles the model and adds metrics to it
        self.variables = [*model.trainable_variables, *model.non_trainable_variables]
        self._trainable = len(model.trainable_variables)
        self._sources = {}
        for layer in model._flatten_layers(include_self=True, recursive=True):
            for variable in layer._trainable_variables + layer._non_trainable_variables:
                source = getattr(layer, f"{variable.name}_initializer", None)
                if isinstance(source, keras.initializers.Initializer):
                    self._sources[id(variable)] = source
        self._constants = {id(v): v.numpy() for v in model.variables}
        # a weight without an initializer of its own that is not one constant must have been drawn somewhere inside
        # the layer: only building the model again draws it anew
        self._redraws = all(
            id(v) in self._sources or np.ptp(self._constants[id(v)]) == 0 for v in model.trainable_variables
        )

    def draw(self, *, weights: int, masks: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(trainable, non-trainable) values of one replica: weights from its weight seed, masks from its mask seed."""
        seed = seeding.word(weights, "weights")
        if self._redraws:
            with global_seed(seed):
                values = [self._value(v) for v in self.variables]
        else:
            model = self._rebuild(seed)
            values = [v.numpy() for v in (*model.trainable_variables, *model.non_trainable_variables)]
        stream = seeding.stream(masks, "masks")
        for i, variable in enumerate(self.variables):
            if variable.name == "seed_generator_state":
                values[i] = stream.integers(2**31, size=2).astype(values[i].dtype)
        return values[: self._trainable], values[self._trainable :]

    def set(self, seeds: seeding.ReplicaSeed) -> None:
        """Put one replica's values into the model itself."""
        for variable, value in zip(
            self.variables, itertools.chain(*self.draw(weights=seeds.weights, masks=seeds.masks)), strict=True
        ):
            variable.assign(value)

    def _value(self, variable) -> np.ndarray:
        source = self._sources.get(id(variable))
        if source is None:
            return self._constants[id(variable)]
        # a clone draws a fresh seed from the global state where the original has none of its own
        return np.asarray(source.clone()(variable.shape, dtype=variable.dtype))
