"""A section's stored tables judged again, beside what its record says of them."""

import json
import math
from dataclasses import replace

from textbook.experiment import documented, judging, seed_blocks
from textbook.experiment.cache import Cache
from textbook.experiment.measuring import key_of, key_parts
from textbook.experiment.request import Request
from textbook.experiment.run import Run
from textbook.experiment.section import Section

# another version of SciPy may round a p-value elsewhere
_ROUNDING = 1e-9


def reasons(record: dict, loaded: Section, request: Request, run: Run, knobs: dict, cache: Cache) -> list[str]:
    """In words, what the record says of its claims that judging them now does not.

    Where the cache lost the tables of a judging, its numbers are taken as they stand.

    Args:
        request, run, knobs: as what the section was run.
    """
    now = _judged(record, loaded, run, knobs, cache)
    claims = list(zip(record["claims"], now, strict=True))
    found = []
    if unlike := [was["id"] for was, new in claims if not _same(was, new, except_for="documented")]:
        found.append(f"judged again, its verdicts differ: {', '.join(unlike)}")
    if unlike := [was["id"] for was, new in claims if was["documented"] != new["documented"]]:
        found.append(f"beside the documented run, another word for {', '.join(unlike)}")
    # as a run leaves it that was stopped between its two judgings
    open_still = [was["id"] for was, _ in claims if was["as_expected"] is False and was["second"] is None]
    if open_still and request.judges_twice:
        found.append(f"unlike expected, and not judged again yet: {', '.join(open_still)}")
    return found


def _judged(record: dict, loaded: Section, run: Run, knobs: dict, cache: Cache) -> list[dict]:
    """The record's claims as they come out now, as plain JSON."""
    applies = run.chosen is None and knobs == loaded.knobs
    first = cache.load(key_of(key_parts(run, loaded.measure, knobs)))
    if first is None:
        now = [was | {"test": claim.test.sentence} for was, claim in zip(record["claims"], loaded.claims, strict=True)]
    else:
        now = judging.judge(loaded.claims, first.tables, quick=run.quick, applies=applies)
    if any(was["second"] for was in record["claims"]):
        again = replace(run, seeds=seed_blocks.SECOND)
        second = cache.load(key_of(key_parts(again, loaded.measure, knobs)))
        for at, (was, claim) in enumerate(zip(record["claims"], loaded.claims, strict=True)):
            if was["second"] and second is not None:
                now[at] = judging.judge_again(now[at], claim, second.tables, seeds=again.seeds)
            elif was["second"]:
                decided = was["second"]["verdict"]
                now[at] |= {"second": was["second"], "decided": decided, "as_expected": decided == claim.expected}
    now = json.loads(json.dumps(now))
    documented.mark(loaded.outline.chapter, now, applies=applies and not run.quick)
    return now


def _same(was, now, *, except_for: str = "") -> bool:
    if isinstance(was, dict) and isinstance(now, dict):
        names = (was.keys() | now.keys()) - {except_for}
        return all(name in was and name in now and _same(was[name], now[name]) for name in names)
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(map(_same, was, now))
    if isinstance(was, float) and isinstance(now, float):
        return math.isclose(was, now, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    return was == now
