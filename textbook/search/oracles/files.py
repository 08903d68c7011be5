"""A search's state on disk: written whole, read with care, and compared with what is asked for now."""

import json
import os
from collections.abc import Mapping


def write_whole(path: str, state: Mapping) -> None:
    """Write JSON so that a reader, after a kill at any moment, finds the old state or the new one.

    NaN and the infinities are written as Python's `json` does, and come back as they were.
    """
    text = json.dumps(state)
    partial = f"{path}.{os.getpid()}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)


def read_state(path: str, *, needs: tuple[str, ...], mend: str) -> dict:
    """What `write_whole` wrote.

    Raises: ValueError for a file that is not whole, or not of this kind; it names the file and says how to mend it.
    FileNotFoundError where there is none.
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        state = json.loads(content.decode("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"expected a whole state file, got {len(content)} bytes that break off or are damaged in {path} "
            f"({error}); nothing was changed; mend by {mend}"
        ) from error
    missing = [name for name in needs if not isinstance(state, dict) or name not in state]
    if missing:
        raise ValueError(
            f"expected {', '.join(needs)} in {path}, but {', '.join(missing)} is missing; nothing was changed; mend by "
            f"{mend}"
        )
    return state


def differences(old: Mapping, new: Mapping) -> list[str]:
    """One line for each argument that differs: "seed: 0 → 1"."""
    names = [*old, *(name for name in new if name not in old)]
    return [f"{name}: {_shown(old, name)} → {_shown(new, name)}" for name in names if old.get(name) != new.get(name)]


def space_differences(old: list, new: list, *, grown: bool = False) -> list[str]:
    """One line for each difference of two spaces, in keras-tuner's `get_config()["space"]` form.

    Args:
        old, new: lists of {"class_name", "config"}.
        grown: whether the old one may hold hyperparameters that the search discovered on its way.

    >>> old = [{"class_name": "Float", "config": {"name": "rate", "conditions": [], "min_value": 1e-4}}]
    >>> new = [{"class_name": "Float", "config": {"name": "rate", "conditions": [], "min_value": 1e-5}}]
    >>> space_differences(old, new)
    ['rate: min_value 0.0001 → 1e-05']
    """
    before, after = _by_name(old), _by_name(new)
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        name = key[0]
        if key not in after:
            found += [] if grown else [f"{name}: in the space → not in it"]
        elif key not in before:
            found.append(f"{name}: not in the space → in it")
        elif before[key]["class_name"] != after[key]["class_name"]:
            found.append(f"{name}: {before[key]['class_name']} → {after[key]['class_name']}")
        else:
            fields = differences(before[key]["config"], after[key]["config"])
            found += [f"{name}: {field.replace(':', '', 1)}" for field in fields]
    # the order is part of a space: coordinate i of a draw belongs to hyperparameter i
    if not found and [key for key in before if key in after] != list(after):
        found.append(f"order of the space: {', '.join(k[0] for k in before)} → {', '.join(k[0] for k in after)}")
    return found


def _by_name(space: list) -> dict:
    plain = json.loads(json.dumps(space))
    return {(p["config"]["name"], json.dumps(p["config"].get("conditions", []))): p for p in plain}


def _shown(arguments: Mapping, name: str) -> str:
    return json.dumps(arguments[name], ensure_ascii=False) if name in arguments else "none"
