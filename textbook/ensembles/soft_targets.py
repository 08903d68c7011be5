"""What a student learns from: a teacher's softened probabilities and, where there are any, labels."""

import numpy as np
from keras import ops


def distillation_targets(soft, y=None, *, temperature: float, alpha: float) -> np.ndarray:
    """One float32 array for `fit`: soft probabilities, labels as 0 and 1, temperature, weight of the teacher.

    Args:
        soft: (samples, classes), the teacher's probabilities at that temperature.
        y: (samples,) classes from 0, or −1 where the label is not known; None where none is.
        temperature: T > 0 of the teacher's and of the student's softmax.
        alpha: 0…1, the weight of the teacher on labelled samples; on others it is 1.

    Returns: (samples, 2·classes + 2).
    Raises: ValueError for numbers out of range, and a y that does not fit.
    """
    soft = np.asarray(soft, np.float32)
    samples, classes = soft.shape
    if not 0 <= alpha <= 1:
        raise ValueError(f"expected alpha from 0 to 1, got {alpha!r}; mend by 0.5, or 1 to heed the teacher alone")
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0, got {temperature!r}; mend by 2")
    y = np.full(samples, -1) if y is None else np.asarray(y).reshape(-1)
    if len(y) != samples or y.dtype.kind not in "iu" or y.min() < -1 or y.max() >= classes:
        raise ValueError(
            f"expected {samples} labels, whole numbers from −1 (not known) to {classes - 1}, got {len(y)} from "
            f"{y.min()} to {y.max()}"
        )
    known = y >= 0
    hard = np.eye(classes, dtype=np.float32)[np.where(known, y, 0)] * known[:, None]
    weight = np.where(known, alpha, 1.0)
    return np.column_stack([soft, hard, np.full(samples, temperature), weight]).astype(np.float32)


def distillation_loss(targets, logits):
    """α·T²·KL(p_T ‖ softmax(z/T)) − (1 − α)·Σ h·ln softmax(z) for each sample, (batch,).

    The gradient of the first term by z shrinks as 1/T², so T² keeps the two terms in proportion when T is changed.

    Args:
        targets: (batch, 2·classes + 2), of `distillation_targets`.
        logits: (batch, classes), of the student.

    Raises: ValueError for a student with more or fewer classes than the targets.

    Source: Hinton, Vinyals, Dean (2015), Distilling the knowledge in a neural network, arXiv:1503.02531, section 2.

    >>> targets = distillation_targets([[0.5, 0.5]], [1], temperature=2.0, alpha=0.5)
    >>> round(float(distillation_loss(targets, np.array([[0.0, 0.0]], "float32"))[0]), 4)  # ½ ln 2
    0.3466
    """
    classes = logits.shape[-1]
    if targets.shape[-1] != 2 * classes + 2:
        raise ValueError(
            f"expected a student with as many outputs as its teacher has classes, got {classes} outputs and targets of "
            f"{targets.shape[-1]} columns (2 · classes + 2); mend by {(targets.shape[-1] - 2) // 2} outputs"
        )
    targets = ops.cast(targets, logits.dtype)
    soft, hard = targets[:, :classes], targets[:, classes : 2 * classes]
    temperature, alpha = targets[:, -2], targets[:, -1]
    log_student = ops.log_softmax(logits / temperature[:, None], axis=-1)
    # p·ln p is 0 at p = 0
    log_teacher = ops.log(ops.maximum(soft, 1e-30))
    divergence = ops.sum(soft * (log_teacher - log_student), axis=-1)
    cross_entropy = -ops.sum(hard * ops.log_softmax(logits, axis=-1), axis=-1)
    return alpha * temperature**2 * divergence + (1 - alpha) * cross_entropy


def label_accuracy(targets, logits):
    """1 where the student names the label, (batch,); 0 where the label is not known, a share of 1 in a tie."""
    classes = logits.shape[-1]
    hard = ops.cast(targets[:, classes : 2 * classes], logits.dtype)
    # no argmax, which TensorFlow runs as a loop where replicas are stacked
    named = ops.cast(logits >= ops.max(logits, axis=-1, keepdims=True), logits.dtype)
    return ops.sum(hard * named, axis=-1) / ops.maximum(ops.sum(named, axis=-1), 1.0)
