"""A schedule as plain dicts, lists and numbers, and back: what a saved model keeps of it."""

from textbook.schedules.base import FAMILIES, Schedule


def to_config(schedule: Schedule) -> dict:
    """{"family": …, "arguments": {…}}, with schedules inside the arguments written the same way.

    >>> from textbook.schedules import Constant
    >>> to_config(Constant(0.1))
    {'family': 'Constant', 'arguments': {'rate': 0.1}}
    """
    arguments = {name: _plain(value) for name, value in schedule.arguments().items()}
    return {"family": type(schedule).__name__, "arguments": arguments}


def from_config(config: dict) -> Schedule:
    """The schedule of a `to_config`; ValueError for a family that nothing imported defines."""
    family = config["family"]
    if family not in FAMILIES:
        raise ValueError(
            f"expected one of the schedules {', '.join(sorted(FAMILIES))}, got {family!r}; "
            "mend by importing the module that defines it before the model is loaded"
        )
    return FAMILIES[family](**{name: _whole(value) for name, value in config["arguments"].items()})


def _plain(value):
    if isinstance(value, Schedule):
        return to_config(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _whole(value):
    if isinstance(value, dict) and set(value) == {"family", "arguments"}:
        return from_config(value)
    return tuple(_whole(one) for one in value) if isinstance(value, list | tuple) else value
