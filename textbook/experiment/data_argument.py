"""The data set behind `--data` and `--target`, and which sections can take it."""

from collections.abc import Sequence
from pathlib import Path

from textbook.experiment.errors import UsageError, nearest
from textbook.experiment.outline import Outline

_DEFAULT = "digits"


def load(data: str | None, target: str | None):
    """The data set that the user asked for, or None where that is the sections' own.

    Raises: UsageError for a name that the registry lacks, and for a file that cannot be read as a table.
    """
    is_file = data is not None and (data.lower().endswith(".csv") or Path(data).is_file())
    if target is not None and not is_file:
        raise UsageError("expected --target together with --data file.csv; a data set of the registry has its own")
    if data is None or data == _DEFAULT:
        return None
    from textbook import datasets

    try:
        if is_file:
            if target is None:
                raise UsageError(f"expected --target COLUMN with --data {data}: which column is to be predicted?")
            if not Path(data).is_file():
                raise UsageError(f"expected a file, got --data {data}: there is none")
            return datasets.from_csv(data, target=target)
        if data not in datasets.names():
            known = sorted(datasets.names())
            hint = nearest(data, known) or f"; known are {', '.join(known)}"
            raise UsageError(f"expected a data set's name or a .csv file, got --data {data}{hint}")
        return datasets.load(data)
    except UsageError:
        raise
    except (ValueError, OSError) as error:
        name = Path(data).name
        raise UsageError(str(error) if name in str(error) else f"{name}: {error}") from error


def describe(dataset) -> str:
    """What was found in the data, in one line."""
    card = dataset.card
    task = f"classification into {card.classes} classes" if card.classes else "regression"
    return card.found or f"{card.name}: {card.title}, {card.rows} rows, {task}"


def reason_against(outline: Outline, dataset) -> str | None:
    """Why a section cannot take a data set, or None where it can."""
    if dataset.card.name in outline.for_data:
        return None
    if outline.data == "none":
        return "it uses no data set"
    if outline.data == "digits":
        return "it needs digits"
    if outline.data == "any" and dataset.card.task != "classification":
        return f"it needs classes, and {dataset.card.name} is a regression"
    return None


def fitting(sections: Sequence[Outline], dataset, *, named: bool, line) -> tuple[Outline, ...]:
    """The sections that can take a data set; the others are said to be left out, one line each.

    Where sections have settings for this very set, only they run, unless the user named others: what is made for a
    thousand rows and sixteen seeds would take days on seventy thousand.

    Raises: UsageError where the user named a section that cannot, or where none can.
    """
    reasons = {section.name: reason_against(section, dataset) for section in sections}
    name = dataset.card.name
    if not named and any(name in section.for_data for section in sections):
        for section in sections:
            if name not in section.for_data and reasons[section.name] is None:
                reasons[section.name] = f"it has no settings for {name}; name the section to run it all the same"
    for section in sections:
        if reasons[section.name] and named:
            raise UsageError(f"{section.name} cannot take {dataset.card.name}: {reasons[section.name]}")
    left = tuple(section for section in sections if not reasons[section.name])
    if not left:
        raise UsageError(f"no section can take {dataset.card.name}: {next(iter(reasons.values()))}")
    for section in sections:
        if reasons[section.name]:
            line(f"{section.number} {section.name} is left out: {reasons[section.name]}")
    return left
