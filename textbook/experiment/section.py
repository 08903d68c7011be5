"""Loading a section's module and holding it to the contract."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

from textbook.experiment.errors import UsageError
from textbook.experiment.knobs import parse
from textbook.experiment.outline import DATA_WORDS, Outline


@dataclass(frozen=True)
class Section:
    """A section ready to run: what its source says, its functions, its claims and its knobs' defaults."""

    outline: Outline
    measure: Callable
    draw: Callable
    animate: Callable | None
    claims: tuple
    knobs: dict

    def knobs_for(self, chosen, asked: dict) -> dict:
        """The knobs' values: those that the user set, else those for the data set they chose, else the defaults."""
        for_data = {} if chosen is None else self.outline.for_data.get(chosen.card.name, {})
        return {**self.knobs, **for_data, **asked}


def load(outline: Outline) -> Section:
    """Import a section.

    Raises: ValueError where it lacks a part of the contract; whatever the module itself raises.
    """
    module = importlib.import_module(outline.module)
    missing = [name for name in ("measure", "draw", "CLAIMS", "ENTRIES") if not hasattr(module, name)]
    if missing:
        raise ValueError(f"expected {outline.module} to have measure, draw, CLAIMS and ENTRIES, it lacks {missing}")
    if outline.data not in DATA_WORDS:
        raise ValueError(f"expected DATA of {outline.module} among {DATA_WORDS}, got {outline.data!r}")
    ids = [claim.id for claim in module.CLAIMS]
    # a section that answers no entry has claims of ours, and only those
    stray = [claim.id for claim in module.CLAIMS if claim.entry not in (module.ENTRIES or ("",))]
    if stray or len(set(ids)) < len(ids):
        raise ValueError(f"expected claims with ids of their own below {module.ENTRIES}, got {ids}")
    knobs = {
        name: parameter.default
        for name, parameter in inspect.signature(module.measure).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    if inspect.Parameter.empty in knobs.values():
        raise ValueError(f"expected a default for every knob of {outline.module}.measure, got {knobs}")
    for knob in outline.knobs:
        try:
            fits = parse(knob, str(knobs[knob.name])) == knobs[knob.name]
        except UsageError:
            fits = False
        if not fits:
            raise ValueError(f"expected an annotation that fits knob {knob} of {outline.module}, got {knob.annotation}")
    strange = {name for settings in outline.for_data.values() for name in settings} - knobs.keys()
    if strange:
        raise ValueError(f"expected knobs of {outline.module}.measure in FOR_DATA, got {sorted(strange)}")
    return Section(outline, module.measure, module.draw, getattr(module, "animate", None), tuple(module.CLAIMS), knobs)
