"""Going on from where a training ended: what a start has to agree with, and the optimizer's variables it fills."""

import keras

from textbook.replicas import numbers
from textbook.replicas.replica_state import ReplicaState


def build_slots(optimizer: keras.optimizers.Optimizer, variables, varying: tuple[str, ...]) -> None:
    """Build an optimizer with the variables that it has in a stack.

    Keras leaves a momentum's slots out where the momentum is 0. In a stack the momentum is any replica's, so they are
    there; unused ones change nothing.
    """
    own = {name: (0.5, 0.5) for name in varying if name.startswith("optimizer.")}
    with numbers.turned(optimizer, own):
        optimizer.build(variables)


def check_starts(group) -> None:
    """Refuse a start that the group's replicas cannot go on from.

    Raises: ValueError where optimizer, shapes or place in the training are others than the state's.
    """
    if group.replicas[0].start is None:
        return
    optimizer = type(group.optimizer).from_config(group.optimizer.get_config())
    build_slots(optimizer, group.blueprint.model.trainable_variables, group.varying)
    weights = [tuple(v.shape) for v in group.blueprint.initializer.variables]
    slots = [tuple(v.shape) for v in optimizer.variables]
    for replica in group.replicas:
        whose = f"start of condition {replica.condition!r}, seed {replica.seed},"
        state: ReplicaState = replica.start
        if state.updates != state.epochs * group.updates_per_epoch:
            raise ValueError(
                f"expected {whose} at the end of an epoch of {group.updates_per_epoch} updates, got one after "
                f"{state.updates} updates and {state.epochs} epochs, of which the last is a part of one or the batches "
                "were others; give its training a budget in whole epochs, and this one the same batch_size and data"
            )
        if state.updates >= len(replica.rates):
            raise ValueError(
                f"expected {whose} before the end of {len(replica.rates)} updates, got one after {state.updates} "
                f"({state.epochs} epochs); epochs and updates count from the very beginning, so ask for more of them"
            )
        if state.optimizer != type(optimizer).__name__:
            raise ValueError(
                f"expected {whose} of the optimizer {type(optimizer).__name__}, got one of {state.optimizer}; go on "
                "with the same optimizer, or take the weights alone with initial_weights="
            )
        _check_shapes(whose, "a model with variables", weights, state.weights)
        _check_shapes(whose, f"{state.optimizer} with variables", slots, state.slots)


def _check_shapes(whose: str, what: str, own, given) -> None:
    given = [tuple(values.shape) for values in given]
    if own != given:
        raise ValueError(
            f"expected {whose} of {what} of shapes {own}, got {given}; go on with the model and the optimizer's "
            "settings that it was trained with"
        )
