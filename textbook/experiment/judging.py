"""Judging a section's claims on its tables, once or, where the first verdict surprises, twice."""

from collections.abc import Iterable


def judge(claims: Iterable, tables, *, quick: bool, applies: bool) -> list[dict]:
    """A record per claim, as plain JSON.

    Args:
        claims: the section's CLAIMS.
        tables: what `measure` returned, re-read.
        quick: marks the verdict as one of few seeds and epochs.
        applies: whether the expectations apply, which speak of the default data and knobs.
    """
    return [_record(claim, claim.test.judge(tables), quick=quick, applies=applies) for claim in claims]


def judge_again(record: dict, claim, tables, *, seeds: Iterable[int]) -> dict:
    """The same record with the second block's judgement, which alone decides."""
    second = claim.test.judge(tables).as_dict()
    decided = second["verdict"]
    second["seeds"] = list(seeds)
    return {**record, "second": second, "decided": decided, "as_expected": decided == claim.expected}


def _record(claim, judgement, *, quick: bool, applies: bool) -> dict:
    numbers = judgement.as_dict()
    return {
        "id": claim.id,
        "claim": claim.claim,
        "test": claim.test.sentence,
        **numbers,
        "expected": claim.expected,
        "quick": quick,
        "as_expected": numbers["verdict"] == claim.expected if applies else None,
        "second": None,
        "decided": numbers["verdict"],
        **{name: getattr(claim, name) for name in ("ask", "why", "beware", "correction", "reference")},
    }
