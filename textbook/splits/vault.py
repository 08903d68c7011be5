"""A test part that is handed out once, after everything has been decided."""

from textbook.splits.part import Part, Split


class TestVault:
    """A split whose test part stays shut until `open(decision)` says what was decided without it.

    Whoever looks at test scores while choosing has turned the test part into a second validation part. The vault
    cannot stop that (the arrays are in the same process), but it stops forgetting: a second look raises, or is kept in
    `openings` where it is meant.

    Args:
        split: the split to guard.

    Attributes:
        train, validation: the split's, free to use.
        openings: what was decided before each look at the test part, oldest first; one entry where all went well.

    Raises: ValueError for the test part without a decision, and for a second look without `again=True`.

    >>> import numpy as np
    >>> from textbook import splits
    >>> vault = TestVault(splits.split((np.arange(20.0).reshape(10, 2), np.arange(10) % 2), seed=0, sizes=(6, 2, 2)))
    >>> len(vault.train), len(vault.validation)
    (6, 2)
    >>> len(vault.open("rate 0.1, epoch 12"))
    2
    >>> vault.open("rate 0.2")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: expected one look at the test part, got a second after 'rate 0.1, epoch 12'; mend by...
    """

    __test__ = False  # pytest collects classes whose names begin so

    def __init__(self, split: Split):
        if not isinstance(split, Split):
            raise ValueError(f"expected a Split, got {type(split).__name__}; mend by splits.split(data, seed=0)")
        if not len(split.test):
            raise ValueError("expected rows in the test part, got none; mend by a third size above 0")
        self._split = split
        self._openings: list[str] = []

    @property
    def train(self) -> Part:
        return self._split.train

    @property
    def validation(self) -> Part:
        return self._split.validation

    @property
    def test(self) -> Part:
        raise ValueError(
            "expected no look at the test part before the choice is made, got one; "
            "mend by open('what was decided'), once, at the end"
        )

    @property
    def openings(self) -> tuple[str, ...]:
        return tuple(self._openings)

    def open(self, decision: str, *, again: bool = False) -> Part:
        """The test part.

        Args:
            decision: what was chosen, in words, before this look.
            again: allow a look after the first. Scores are then those of a validation part.
        """
        if not isinstance(decision, str) or not decision.strip():
            raise ValueError(f"expected the decision in words, got {decision!r}; mend by what was chosen, and by what")
        if self._openings and not again:
            raise ValueError(
                f"expected one look at the test part, got a second after {self._openings[0]!r}; "
                "mend by reporting the first score, or by again=True, which is kept in .openings"
            )
        self._openings.append(decision)
        return self._split.test
