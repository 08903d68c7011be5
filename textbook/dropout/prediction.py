"""Monte-Carlo dropout: what a trained Keras model predicts under many masks."""

from dataclasses import dataclass

import keras
import numpy as np

from textbook.dropout.layers import at_work, dropout_layers, shares_masks
from textbook.ensembles import probabilities
from textbook.gradients import no_gradients, untouched_randomness
from textbook.schedules.arguments import whole
from textbook.seeding import sequence, word


@dataclass(frozen=True, eq=False)
class MonteCarlo:
    """What `monte_carlo` finds.

    Attributes:
        predictions: (passes, samples, …), float64: probabilities, or a regression's values.
    """

    predictions: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(samples, …), the mean over the masks: the prediction."""
        return self.predictions.mean(axis=0)

    @property
    def spread(self) -> np.ndarray:
        """(samples, …), the standard deviation over the masks (n − 1 in the denominator)."""
        return self.predictions.std(axis=0, ddof=1)

    @property
    def error(self) -> np.ndarray:
        """(samples, …), the standard error of `mean`, spread/√passes: how far more passes may move it."""
        return self.spread / np.sqrt(len(self.predictions))

    @property
    def entropy(self) -> np.ndarray:
        """(samples,), −Σ p̄ ln p̄ of the mean probabilities in nats: how unsure the prediction is, for any reason."""
        return _entropy(self.mean)

    @property
    def mutual_information(self) -> np.ndarray:
        """(samples,), `entropy` less the mean entropy under one mask, nats: how far the masks contradict each other.

        Source: Houlsby, Huszár, Ghahramani, Lengyel (2011), arXiv:1112.5745.
        """
        return self.entropy - _entropy(self.predictions).mean(axis=0)


def monte_carlo(model, x, *, logits: bool, passes: int = 100, seed: int = 0, batch_size: int = 1024) -> MonteCarlo:
    """Predict `passes` times, each time with masks of its own; only dropout is at work.

    All else is as at inference: batch norm normalises by its moving statistics. (`model(x, training=True)` lets it take
    the batch's, and each sample's prediction then depends on its neighbours.) The model is not changed, its random
    states included. The same seed, passes and batch size give the same masks.

    Args:
        model: a built Keras model with one output and a dropout layer or more.
        x: inputs as `predict` takes them, an array or a structure of arrays.
        logits: whether outputs are logits, to be made probabilities. False is for probabilities and a regression.
        passes: number of masks, 2 or more.
        seed: of the masks.
        batch_size: samples × passes that go through the model at once.

    Raises: ValueError for a model without dropout, with several outputs, or with dropout inside a recurrent layer, and
        for inputs that are no arrays.

    Source: Gal and Ghahramani (2016), Dropout as a Bayesian Approximation, arXiv:1506.02142.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(
    ...     1, kernel_initializer="ones")])
    >>> found = monte_carlo(model, np.ones((1, 2)), logits=False, passes=400)
    >>> sorted(set(found.predictions.ravel().tolist())), bool(abs(found.mean.item() - 2) < 0.3)
    ([0.0, 2.0, 4.0], True)
    """
    passes = whole("passes", passes, least=2, mend="mend by 30 to 100")
    batch_size = whole("batch_size", batch_size, least=1, mend="mend by 1024")
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"expected a built Keras model, got {model!r}; mend by model.build(shape) or a call")
    layers = dropout_layers(model)
    if not layers:
        raise ValueError(f"expected a model with dropout, got {model.name!r} without; mend by model.predict")
    parts = keras.tree.flatten(x)
    if not parts or not all(hasattr(part, "shape") for part in parts):
        raise ValueError(
            f"expected inputs as arrays, got {type(x).__name__}; mend a list by np.asarray, a tf.data.Dataset by the "
            "arrays it was made from"
        )
    rows = len(parts[0])
    if not rows:
        raise ValueError("expected a sample or more, got none; mend by the rows to predict")
    at_once = 1 if shares_masks(layers) else max(1, batch_size // rows)
    found = []
    scope = keras.StatelessScope(state_mapping=_states(layers, seed))
    with scope, no_gradients(), untouched_randomness(), at_work(layers):
        _seed_torch(seed)
        for start in range(0, passes, at_once):
            count = min(at_once, passes - start)
            outputs = [_outputs(model, part, count) for part in _parts(x, rows, batch_size)]
            found.append(np.concatenate(outputs, axis=1))
    return MonteCarlo(probabilities(np.concatenate(found), logits=logits))


def _states(layers, seed: int) -> list:
    """A random state for each of the layers' generators, of the seed and the layer's place in the model."""
    generators = {id(layer.seed_generator): layer.seed_generator for layer in layers}.values()
    words = sequence(seed, "Monte-Carlo dropout").generate_state(2 * len(generators)).reshape(-1, 2)
    return [
        (generator.state, keras.ops.convert_to_tensor(pair.astype(generator.state.dtype), dtype=generator.state.dtype))
        for generator, pair in zip(generators, words, strict=True)
    ]


def _seed_torch(seed: int) -> None:
    """On torch, Keras's dropout draws from torch's own stream, whatever the layer's random state is."""
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(word(seed, "Monte-Carlo dropout"))


def _parts(x, rows: int, batch_size: int):
    for start in range(0, rows, batch_size):
        yield keras.tree.map_structure(lambda part, at=slice(start, start + batch_size): part[at], x)


def _outputs(model, x, passes: int) -> np.ndarray:
    """(passes, samples, …): the samples are repeated along the batch, since each row of a batch has its own mask."""

    def repeated(part):
        part = keras.ops.convert_to_tensor(part)
        return keras.ops.tile(part, (passes, *[1] * (len(part.shape) - 1)))

    outputs = model(keras.tree.map_structure(repeated, x), training=False)
    flat = keras.tree.flatten(outputs)
    if len(flat) != 1:
        raise ValueError(
            f"expected a model with one output, got {len(flat)}; mend by keras.Model(model.inputs, model.outputs[0])"
        )
    values = keras.ops.convert_to_numpy(flat[0])
    return values.reshape(passes, -1, *values.shape[1:])


def _entropy(p: np.ndarray) -> np.ndarray:
    p = np.concatenate([1 - p, p], axis=-1) if p.shape[-1] == 1 else p
    if p.min() < -1e-6 or not np.allclose(p.sum(axis=-1), 1, atol=1e-4):
        raise ValueError("expected probabilities, got values that are none; mend by spread, for a regression")
    p = np.clip(p, 1e-38, 1.0)
    return -(p * np.log(p)).sum(axis=-1)
