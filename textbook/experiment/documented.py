"""A run beside the documented one: whether each claim's effect lies where `data/reference/` has it."""

import functools
import json
import math
from importlib import resources

AS_DOCUMENTED = "as documented"
DIFFERS = "differs"
# beside a ratio, effects and intervals are factors, and distances those of their logarithms
_RATIO = "×"
# of δ: what another machine's rounding may bring where all seeds say nearly the same
_ROUNDING = 1e-3


def mark(chapter: str, claims: list[dict], *, applies: bool) -> None:
    """Write `documented` into each claim: `AS_DOCUMENTED`, `DIFFERS`, or None where there is nothing to compare with.

    `applies` says whether the run asks what the documented one asked: its data, its knobs, and not just quickly.
    """
    reference = _claims(chapter) if applies else {}
    for claim in claims:
        known = reference.get(claim["id"])
        claim["documented"] = agreement(claim, known) if known else None


def agreement(claim: dict, documented: dict) -> str | None:
    """Whether two judgements of a claim agree: the deciding ones, and of an estimate its effect, not its word.

    Two effects agree if they differ by at most √(h₁² + h₂²), h the half widths of their 95 % intervals: independent
    measurements of the same thing do so 95 times in 100. Where the intervals are narrower still, a thousandth of δ is
    rounding. A word can change at a border where hardly a number did. Identities agree if their word is the same.

    Returns: None where they cannot be compared: a rule that has changed since, or a single seed, which has no interval.
    """
    if claim["test"] != documented["test"]:
        return None
    now, then = claim["second"] or claim, documented["second"] or documented
    if not now["interval"] and not then["interval"]:
        return AS_DOCUMENTED if now["verdict"] == then["verdict"] else DIFFERS
    if not now["interval"] or not then["interval"]:
        return None
    (at, half, delta), (was, half_then, _) = _placed(now), _placed(then)
    return AS_DOCUMENTED if abs(at - was) <= max(math.hypot(half, half_then), _ROUNDING * delta) else DIFFERS


def _placed(judged: dict) -> tuple[float, float, float]:
    """The effect, half the width of its interval, and δ: as logarithms where the unit is a ratio."""
    numbers = (judged["effect"], *judged["interval"], judged["delta"])
    effect, low, high, delta = map(math.log, numbers) if judged["unit"] == _RATIO else numbers
    return effect, (high - low) / 2, delta


@functools.cache
def _claims(chapter: str) -> dict[str, dict]:
    """The documented claims of a chapter by id; none for a chapter without a documented run."""
    file = resources.files("data") / "reference" / chapter / "results.json"
    if not file.is_file():
        return {}
    results = json.loads(file.read_text("utf-8"))
    return {claim["id"]: claim for section in results["sections"] for claim in section["claims"]}
