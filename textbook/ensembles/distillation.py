"""Teaching one model to answer like many."""

import keras
import numpy as np

from textbook.ensembles.ensemble import Ensemble
from textbook.ensembles.soft_targets import distillation_loss, distillation_targets, label_accuracy
from textbook.schedules.arguments import between, positive


def distill(
    teacher,
    student,
    x,
    *,
    y=None,
    temperature: float = 2.0,
    alpha: float = 0.5,
    optimizer=None,
    validation_data: tuple | None = None,
    **fit,
):
    """Train `student` on the teacher's softened probabilities, and on labels where there are any; returns the History.

    loss = α·T²·KL(p_T ‖ softmax(z/T)) + (1 − α)·cross-entropy(y, softmax(z)), see `distillation_loss`; on samples
    without a label the teacher alone. Labels cost money and inputs often do not: a teacher labels any number of them.

    Args:
        teacher: an `Ensemble`, or a Keras model that ends in logits. At T the ensemble's answer is the mean of the
            members' softmax(z/T).
        student: a built Keras model that ends in logits, of any architecture with the same inputs and classes. It is
            trained in place, and is left compiled with cross-entropy and accuracy, and its optimizer.
        x: inputs to learn on, labelled or not.
        y: (samples,) classes, −1 where not known; None where none is.
        temperature: T > 0; 1 to 5 is usual.
        alpha: 0…1, the teacher's weight on labelled samples. 0 is ordinary training on them.
        optimizer: of the student; None is the one that it was compiled with, or Adam.
        validation_data: (x, y) with labels: `val_label_accuracy`, and `val_loss` of the same form as the loss.
        fit: other arguments of `model.fit`: epochs, batch_size, callbacks, verbose (0 unless given), …

    Raises: ValueError for alpha below 1 without any label, and for numbers out of range.

    Source: Hinton, Vinyals, Dean (2015), arXiv:1503.02531; Bucilă, Caruana, Niculescu-Mizil (2006), Model compression.

    >>> keras.utils.set_random_seed(0)
    >>> def net(units):
    ...     hidden = keras.layers.Dense(units, "relu")
    ...     return keras.Sequential([keras.Input((2,)), hidden, keras.layers.Dense(2)])
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> teacher = Ensemble([net(8), net(8)], logits=True)
    >>> student = net(4)
    >>> history = distill(teacher, student, x, alpha=1.0, optimizer=keras.optimizers.Adam(0.03), epochs=20)
    >>> history.history["loss"][-1] < 0.2 * history.history["loss"][0]
    True
    """
    temperature, alpha = positive("temperature", temperature), between("alpha", alpha, low=0, high=1)
    if y is None and alpha < 1:
        raise ValueError(
            f"expected labels for alpha={alpha:g}, got none; mend by y=…, or by alpha=1 to heed the teacher alone"
        )
    if not isinstance(teacher, Ensemble):
        teacher = Ensemble([teacher], logits=True)

    def targets(inputs, labels):
        soft = teacher.predict(inputs, temperature=temperature)
        return distillation_targets(soft, labels, temperature=temperature, alpha=alpha)

    if optimizer is None:
        optimizer = student.optimizer if getattr(student, "optimizer", None) is not None else "adam"
    student.compile(optimizer=optimizer, loss=distillation_loss, metrics=[label_accuracy])
    if validation_data is not None:
        validation_data = (validation_data[0], targets(*validation_data))
    labels = None if y is None else np.asarray(y)
    history = student.fit(x, targets(x, labels), validation_data=validation_data, **{"verbose": 0, **fit})
    # the same optimizer, so that training can go on where it was
    student.compile(
        optimizer=student.optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return history
