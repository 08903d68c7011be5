"""Several models from one training run: the weights at the end of each cycle of the rate, averaged in prediction."""

import keras
import numpy as np

from textbook.ensembles.probability import probabilities
from textbook.schedules.arguments import whole
from textbook.schedules.base import Schedule


class SnapshotEnsemble(keras.callbacks.Callback):
    """p(x) = (1/M) Σ p_m(x) over members taken where each cycle of the learning rate ends.

    The rate falls, the model settles and is kept, the rate jumps up and the model leaves for another minimum. The
    schedule itself goes to `compile` or to `LearningRateScheduler`; this callback only takes the weights.

    A run from epoch 0 begins with no members; one with `initial_epoch` goes on with those there are.

    Args:
        every: take a member after each `every` epochs, or a schedule (t in epochs): after each epoch at whose end the
            schedule turns from falling to rising. One of the two.
        keep: how many of the last members to keep; by default all. Each has all weights of the model, on the host:
            in memory are `keep` copies (`.nbytes`).
        logits: the model's outputs are logits: each member's go through a softmax (a sigmoid where there is one column)
            before the mean, as the paper averages probabilities. Otherwise the mean is that of the outputs as they
            are, which is right for a model that ends in a softmax and for regression.

    Attributes:
        members: a list of lists of arrays, as `model.get_weights()` gives them; oldest first.
        epochs: after which epoch (counted from 1) each was taken.

    Raises: ValueError for a schedule none of whose cycles ends with an epoch of the run, and where the compiled loss
        says `from_logits` and `logits` does not, or the other way round.

    Source: Huang, Li, Pleiss, Liu, Hopcroft, Weinberger (2017), Snapshot Ensembles: Train 1, Get M for Free.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compile("sgd", "mse")
    >>> snapshots = SnapshotEnsemble(every=2, keep=2)
    >>> _ = model.fit(np.ones((4, 1)), np.ones(4), epochs=6, verbose=0, callbacks=[snapshots])
    >>> snapshots.epochs, snapshots.predict(np.ones((3, 1))).shape, len(snapshots.models())
    ([4, 6], (3, 1), 2)
    """

    def __init__(self, every: int | Schedule, *, keep: int | None = None, logits: bool = False):
        super().__init__()
        if not isinstance(every, Schedule):
            every = whole("every", every, least=1, mend="mend by the epochs of one cycle, or by the schedule itself")
        self._every = every
        self._keep = None if keep is None else whole("keep", keep, least=1, mend="mend by a number, or None for all")
        self._logits = bool(logits)
        self.members: list[list[np.ndarray]] = []
        self.epochs: list[int] = []

    def on_train_begin(self, logs=None):
        self._first_epoch = True
        said = _from_logits(self.model)
        if said is not None and said != self._logits:
            raise ValueError(
                f"expected logits={said} for a loss with from_logits={said}, got logits={self._logits}; "
                f"mend by logits={said}"
            )
        epochs = self.params["epochs"]
        if not any(self._ends(epoch) for epoch in range(1, epochs + 1)):
            raise ValueError(
                f"expected a cycle that ends with one of {epochs} epochs, got {self._every!r}; mend by more epochs, "
                "by cycles of whole epochs, or by every=n"
            )

    def on_epoch_begin(self, epoch, logs=None):
        if self._first_epoch and epoch == 0:
            self.members, self.epochs = [], []
        self._first_epoch = False

    def on_epoch_end(self, epoch, logs=None):
        if not self._ends(epoch + 1):
            return
        self.members.append([np.array(weight) for weight in self.model.get_weights()])
        self.epochs.append(epoch + 1)
        if self._keep is not None:
            self.members, self.epochs = self.members[-self._keep :], self.epochs[-self._keep :]

    @property
    def logits(self) -> bool:
        """Whether the model's outputs are logits."""
        return self._logits

    @property
    def nbytes(self) -> int:
        """Host memory of the members, in bytes."""
        return sum(weight.nbytes for member in self.members for weight in member)

    def predict(self, x, *, batch_size: int = 32) -> np.ndarray:
        """The mean of the members' probabilities (of their outputs, without `logits`), (samples, …) float64.

        The model is lent to each member in turn and has its own weights back afterwards.

        Raises: ValueError where there is no member yet, or where the model has several outputs.
        """
        self._require_members()
        model = self.model
        own = [np.array(variable) for variable in map(keras.ops.convert_to_numpy, model.variables)]
        total = 0.0
        try:
            for member in self.members:
                model.set_weights(member)
                outputs = model.predict(x, batch_size=batch_size, verbose=0)
                if not isinstance(outputs, np.ndarray):
                    raise ValueError(
                        f"expected a model with one output, got {len(outputs)}; "
                        "mend by .models() and a mean of your own"
                    )
                total = total + probabilities(outputs, logits=self._logits)
        finally:
            for variable, value in zip(model.variables, own, strict=True):
                variable.assign(value)
        return total / len(self.members)

    def models(self) -> list:
        """A model of its own for each member, uncompiled, oldest first."""
        self._require_members()
        models = []
        for member in self.members:
            model = keras.models.clone_model(self.model)
            model.set_weights(member)
            models.append(model)
        return models

    def _require_members(self):
        if not self.members:
            raise ValueError("expected at least one member, got none; mend by training past the end of a cycle")

    def _ends(self, epoch: int) -> bool:
        """Whether a cycle ends where `epoch` epochs are complete."""
        if not isinstance(self._every, Schedule):
            return epoch % self._every == 0
        # a thousandth of an epoch before and after, for the jump of a restart and the corner of a triangle alike
        earlier, before, at, after = (self._every(epoch + shift) for shift in (-2e-3, -1e-3, 0.0, 1e-3))
        return earlier > before and max(at, after) > min(before, at)


def _from_logits(model) -> bool | None:
    """What the compiled loss says of its inputs; None where it says nothing, as a regression's."""
    loss = model.loss
    return loss.get_config().get("from_logits") if isinstance(loss, keras.losses.Loss) else None
