"""The exact commands that make a figure again, or with a knob changed."""

import shlex

from textbook.experiment import seed_blocks


def setting(name: str, value) -> str:
    """A knob and its value as `--set` takes them, quoted for a shell.

    >>> setting("rates", [0.1, 1.0]), setting("every", 5), setting("seed", None), setting("name", "a; rm -rf ~")
    ('rates=0.1,1.0', 'every=5', 'seed=none', "'name=a; rm -rf ~'")
    """
    return shlex.quote(f"{name}={_value(value)}")


def _value(value) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_value, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)


def section(package: str, name: str, *options: str) -> str:
    """The command that runs one section; options are quoted already."""
    return " ".join([f"python -m {package}", shlex.quote(name), *options])


def again(package: str, record: dict) -> str:
    """The command of the run that a record comes from: its seeds, engine, data and knobs.

    A record of a reader's own file keeps the file's name, not the target's: COLUMN then stands for it.
    """
    options = ["--quick"] * record["quick"]
    seeds = tuple(record["provenance"]["seeds"])
    if seeds != seed_blocks.default(quick=record["quick"]):
        options.append(f"--seeds {_as_option(seeds)}")
    if record["provenance"]["engine"] != "replicas":
        options.append(f"--engine {shlex.quote(record['provenance']['engine'])}")
    data = record["replaced_by"]
    if data is not None:
        options.append(f"--data {shlex.quote(data)}" + " --target COLUMN" * data.lower().endswith(".csv"))
    options.extend(f"--set {setting(name, value)}" for name, value in record["set"].items())
    return section(package, record["name"], *options)


def _as_option(seeds: tuple[int, ...]) -> str:
    if seeds == tuple(range(seeds[0], seeds[-1] + 1)):
        return str(len(seeds)) if seeds[0] == seed_blocks.JUDGING else f"{seeds[0]}-{seeds[-1]}"
    return ",".join(map(str, seeds))
