"""How much memory a stack of replicas takes, told before it is taken, and how many replicas make a wave."""

import math
import os
from dataclasses import dataclass

import keras
from keras.src.backend import compute_output_spec

from textbook.replicas.blueprint import Blueprint, symbolic
from textbook.replicas.convolution import LARGEST_PRODUCT
from textbook.replicas.plan import Group

# Past this size the time per replica no longer falls on a CPU, while the memory goes on rising.
_MOST_ON_CPU = 128

# Rows × replicas that one pass of an evaluation holds at most: large enough to keep the cores busy.
_EVALUATION_ROWS = 131_072
_EVALUATION_BYTES = 256 * 2**20

_FLOAT = 4  # bytes of a number in single precision
# Weights, gradients, and what an update makes of them; then the slots of the optimizer, in weights.
_COPIES_OF_WEIGHTS = 4
_SLOTS = {"SGD": 1, "sgd": 1}
# Of every layer's output, training holds the value, what its derivative needs, its gradient, and copies on the way.
_COPIES_IN_TRAINING = 3
_COPIES_IN_EVALUATION = 2


@dataclass(frozen=True)
class Footing:
    """What one wave of a group takes.

    Attributes:
        wave: replicas trained at once.
        rows: samples of each replica that one pass of an evaluation takes at a time.
        per_replica: bytes of one replica in training: weights, gradients, slots, activations, its rows and labels.
        shared: bytes of the resident data and of an evaluation.
    """

    wave: int
    rows: int
    per_replica: int
    shared: int

    @property
    def total(self) -> int:
        """Bytes of a wave."""
        return self.shared + self.wave * self.per_replica


def footing(group: Group, limit: int | None = None) -> Footing:
    """The memory of a group's waves, as large as the limit allows; an estimate, made before anything is placed.

    Args:
        limit: bytes; None is half of what is free.

    Raises: ValueError where not even one replica (trained as a pair) fits.
    """
    limit = available() // 2 if limit is None else limit
    blueprint, split, replicas = group.blueprint, group.replicas[0].split, len(group.replicas)
    inputs = blueprint.inputs(split.x)
    weights = sum(_size(v.shape) for v in blueprint.model.variables) * _FLOAT
    activations = activation_numbers(blueprint, split.x) * _FLOAT  # of one sample
    rows = sum(len(part.indices) for part in (split.train, split.validation, split.test))
    per_replica = (
        weights * (_COPIES_OF_WEIGHTS + _SLOTS.get(group.optimizer.name, 2))
        + activations * group.batch_size * _COPIES_IN_TRAINING
        + rows * 8 * (1 + len(inputs) + len(blueprint.output_order))  # row numbers, labels, and their order
    )
    at_once = max(2, min(_EVALUATION_ROWS, _EVALUATION_BYTES // (activations * _COPIES_IN_EVALUATION)))
    evaluated = min(
        at_once, max(2, replicas) * max(len(p.indices) for p in (split.train, split.validation, split.test))
    )
    shared = sum(x.nbytes for x in inputs) + evaluated * activations * _COPIES_IN_EVALUATION
    fit = (limit - shared) // per_replica
    if fit < 2:
        raise ValueError(
            f"expected a memory_limit of at least {mebibytes(shared + 2 * per_replica)} MiB for this model and data, "
            f"got {mebibytes(limit)} MiB; make the batch or the model smaller, or raise the limit"
        )
    waves = -(-replicas // (min(fit, _MOST_ON_CPU) if _on_cpu() else fit))
    wave = -(-replicas // waves)  # waves of about equal size, so that fixed shapes are compiled once or twice
    return Footing(wave=wave, rows=max(1, at_once // wave), per_replica=per_replica, shared=shared)


def activation_numbers(blueprint: Blueprint, x) -> int:
    """Numbers that the layers of a model hold for one sample, with the patches that convolutions are computed from.

    Found by following a symbolic sample through the model, whatever it is built of.
    """
    found = [_size(leaf.shape[1:]) for leaf in blueprint.inputs(x)]
    original = keras.layers.Layer.__call__

    def watched(layer, *args, **kwargs):
        outputs = original(layer, *args, **kwargs)
        if not layer._layers:
            tensors = [t for t in keras.tree.flatten(outputs) if hasattr(t, "shape")]
            found.extend(_size(t.shape[1:]) for t in tensors)
            kernel = getattr(layer, "kernel", None)
            if kernel is not None and len(kernel.shape) > 2 and hasattr(layer, "filters"):
                patches = [_size(t.shape[1:]) // layer.filters * _size(kernel.shape[:-1]) for t in tensors]
                # on TensorFlow large convolutions are not computed from patches, but one replica after another
                found.extend(n for n in patches if keras.backend.backend() == "jax" or n <= LARGEST_PRODUCT)
        return outputs

    keras.layers.Layer.__call__ = watched
    try:
        compute_output_spec(blueprint.model, symbolic(x, blueprint.input_types))
    finally:
        keras.layers.Layer.__call__ = original
    return sum(found)


def available() -> int:
    """Bytes of memory that are free: of the accelerator if JAX has one, else of the machine."""
    if not _on_cpu():
        import jax  # here, because the other backends do without it

        device = jax.devices()[0].memory_stats()
        return device["bytes_limit"] - device["bytes_in_use"]
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")


def mebibytes(count: int) -> int:
    """Bytes as whole MiB, rounded up."""
    return -(-count // 2**20)


def _on_cpu() -> bool:
    if keras.backend.backend() != "jax":
        return True
    import jax  # here, because the other backends do without it

    return jax.default_backend() == "cpu"


def _size(shape) -> int:
    return math.prod(1 if n is None else n for n in shape)
