"""From outputs to probabilities, and what probabilities are worth; in NumPy, without Keras."""

import numpy as np

# a probability of 0 would cost infinitely much; float32's softmax underflows to it near e⁻¹⁰³
_SMALLEST = 1e-38


def probabilities(outputs, *, logits: bool, temperature: float = 1.0) -> np.ndarray:
    """p = softmax(z/T) over the last axis, or 1/(1 + e^(−z/T)) where that has one column; float64.

    Args:
        outputs: (…, classes), or (…, 1) for two classes.
        logits: whether outputs are z. Otherwise they are p already (or a regression's values) and come back as they
            are; with a temperature other than 1, p^(1/T) scaled to sum 1, which is the same as softmax(ln p / T).
        temperature: T > 0; above 1 it makes probabilities more equal.

    Raises: ValueError for a temperature that is not above 0.

    >>> probabilities([[0.0, np.log(3.0)]], logits=True).round(6).tolist()
    [[0.25, 0.75]]
    >>> probabilities([[0.1, 0.9]], logits=False, temperature=2.0).round(6).tolist()
    [[0.25, 0.75]]
    """
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0, got {temperature!r}; mend by 1, or 2 to 5 to distil")
    outputs = np.asarray(outputs, np.float64)
    if not logits:
        if temperature == 1:
            return outputs
        if outputs.shape[-1] == 1:
            outputs = np.log(np.maximum(outputs, _SMALLEST)) - np.log(np.maximum(1 - outputs, _SMALLEST))
        else:
            outputs = np.log(np.maximum(outputs, _SMALLEST))
    outputs = outputs / temperature
    if outputs.shape[-1] == 1:
        return 0.5 * (1 + np.tanh(outputs / 2))
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def negative_log_likelihood(predicted, y) -> np.ndarray:
    """−ln p(y) in nats of every sample; its mean is the cross-entropy that training minimises.

    Args:
        predicted: (…, samples, classes) probabilities, or (…, samples, 1) of class 1.
        y: (samples,) classes from 0.

    Returns: (…, samples).
    Raises: ValueError for classes that the predictions do not have.

    >>> negative_log_likelihood([[0.5, 0.5], [0.0, 1.0]], [0, 1]).round(4).tolist()
    [0.6931, 0.0]
    """
    predicted, y = np.asarray(predicted, np.float64), np.asarray(y).reshape(-1)
    if predicted.shape[-1] == 1:
        predicted = np.concatenate([1 - predicted, predicted], axis=-1)
    classes = predicted.shape[-1]
    if y.dtype.kind not in "iub" or (len(y) and not (y.min() >= 0 and y.max() < classes)):
        raise ValueError(
            f"expected y as classes from 0 to {classes - 1}, whole numbers, got {y.dtype} such as {y[:3].tolist()}; "
            "mend by leaving rows without a label out, and by argmax(axis=-1) of one-hot labels"
        )
    y = y.astype(np.int64)
    chosen = np.take_along_axis(predicted, np.broadcast_to(y[:, None], (*predicted.shape[:-1], 1)), axis=-1)[..., 0]
    return np.log(1 / np.clip(chosen, _SMALLEST, 1.0))


def labels(predicted) -> np.ndarray:
    """The class with the largest probability, (…, samples, classes) → (…, samples)."""
    predicted = np.asarray(predicted)
    return (predicted[..., 0] > 0.5).astype(int) if predicted.shape[-1] == 1 else predicted.argmax(axis=-1)
