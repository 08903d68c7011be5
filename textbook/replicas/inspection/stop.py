"""Early stopping that could not do what it says."""

from textbook.replicas.outcome import Asked, Outcome


def check_stops(group, asked: Asked) -> None:
    """Refuse a stop that looks at what is not measured, or that Keras would get wrong."""
    measured = set(Outcome.empty("", 0, 0, list(group.blueprint.objective.metrics)).columns) - {"seconds"}
    if not asked.test_every_epoch:
        measured -= {name for name in measured if name.startswith("test_")}
    for replica in group.replicas:
        if replica.stop and replica.stop.monitor not in measured:
            raise ValueError(
                f"expected stop to monitor a column that is measured after every epoch, one of "
                f"{', '.join(sorted(measured))}, got {replica.stop.monitor!r}"
            )
        if replica.stop and replica.stop.restore_best_weights and group.optimizer.use_ema:
            raise ValueError(
                "expected restore_best_weights without averaged weights, got an optimizer with use_ema=True; "
                "the best epoch was measured with other weights than those that the average would put in their place"
            )
