"""What a program is compiled from: everything that is the same in all its replicas."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Recipe:
    """One model with what trains it.

    Attributes:
        model: built and uncompiled; only its structure is used, its weights are left alone.
        optimizer: a pattern; a program makes a copy of its own.
        loss: (y, outputs, sample_weight) → scalar; sample_weight is (batch,) or None.
        metrics: name → (y, outputs) → (batch,).
        pack_x: flat list of inputs → what the model is called with.
        pack_y: flat list of labels → what loss and metrics are called with.
        losses: what has the numbers of the loss: Keras losses, one per output.
        model_numbers, loss_numbers, optimizer_numbers: names of the numbers that are given per replica.
        scaled: for each flat input, whether its rows are shifted and scaled per replica.
        weighted: whether sample weights are fed.
        trace: whether three values per update are recorded.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: Callable
    metrics: dict[str, Callable]
    pack_x: Callable
    pack_y: Callable
    losses: Any = ()
    model_numbers: tuple[str, ...] = ()
    loss_numbers: tuple[str, ...] = ()
    optimizer_numbers: tuple[str, ...] = ()
    scaled: tuple[bool, ...] = (False,)
    weighted: bool = False
    trace: bool = False

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of all numbers that are given per replica."""
        return self.model_numbers + self.loss_numbers + self.optimizer_numbers
