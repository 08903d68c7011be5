"""A claim: what a text says, how it is judged, what we expect, and what a reader should take from it."""

import re
from dataclasses import dataclass

_WORD = r"/[a-z0-9]+(-[a-z0-9]+)*"
_ID = re.compile(rf"\d+(\.\d+)*(-[a-z]({_WORD})?|{_WORD})")


@dataclass(frozen=True)
class Claim:
    """One sentence of a text, in our words, with the test that judges it.

    Args:
        id: catalogue entry, with a word of its own where an entry has several claims: "4.7.2-a", "4.6-c/epochs". A
            claim of ours, which no text makes, has its section's number and a word: "4.7.1/hyperband".
        claim: the sentence that is judged.
        test: what judges it, from `textbook.experiment.verdicts`, such as `paired("test_loss", lower=…, than=…)`.
        expected: the verdict expected before measuring, a word that the test can give.
        ask: the question that lets a reader predict before looking.
        why: the reason, in a sentence or two.
        beware: the common misreading.
        correction: what the text should have said, where it is wrong or imprecise.
        reference: the source of the correction.

    Raises: ValueError for an id of another form, an empty text, or an expectation that the test never gives.
    """

    id: str
    claim: str
    test: object
    expected: str
    ask: str
    why: str
    beware: str
    correction: str = ""
    reference: str = ""

    def __post_init__(self):
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise ValueError(
                f"expected an id such as '4.7.2-a' or '4.6-c/epochs', got {self.id!r}: begin with the catalogue's id"
            )
        for field in ("claim", "ask", "why", "beware"):
            text = getattr(self, field)
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"expected a text for {field!r} of claim {self.id}, got {text!r}: write a sentence")
        for field in ("correction", "reference"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(f"expected a text for {field!r} of claim {self.id}, got {getattr(self, field)!r}")
        if not callable(getattr(self.test, "judge", None)):
            raise ValueError(
                f"expected a test with a judge method for claim {self.id}, got {self.test!r}: "
                "use paired, trend, exact, share, equivalent, slope, contrast or estimate"
            )
        if self.expected not in self.test.verdicts:
            raise ValueError(
                f"expected one of {', '.join(map(repr, self.test.verdicts))} for claim {self.id}, which is judged by "
                f"{type(self.test).__name__}, got {self.expected!r}: expect a verdict that this test can give"
            )

    @property
    def entry(self) -> str:
        """The catalogue entry that the claim answers: "4.6-c" for "4.6-c/epochs"; "" for a claim of ours."""
        entry = self.id.partition("/")[0]
        return entry if "-" in entry else ""
