"""What the user asked for, checked."""

from dataclasses import dataclass, field
from pathlib import Path

from textbook.experiment import seed_blocks


@dataclass(frozen=True)
class Request:
    """A run of one or more sections.

    Attributes:
        out: the output folder. format: of the figures. seeds: to judge on.
        quick, engine, strict, second_judging: as on the command line.
        chosen: the user's data set, or None for the sections' own. data, target: how the user named it.
        settings: {section name: {knob: value}} that the user set.
    """

    out: Path
    format: str = "png"
    seeds: tuple[int, ...] = seed_blocks.default(quick=False)
    quick: bool = False
    engine: str | None = None
    strict: bool = False
    second_judging: bool = True
    chosen: object | None = None
    data: str | None = None
    target: str | None = None
    settings: dict[str, dict] = field(default_factory=dict)

    @property
    def judges_twice(self) -> bool:
        """Whether verdicts unlike their expectation may be judged again: only what the expectations speak of."""
        default = self.seeds == seed_blocks.default(quick=False) and self.chosen is None
        return self.second_judging and default and not self.quick
