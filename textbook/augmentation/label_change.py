"""How often an augmentation makes a sentence whose label is no longer right."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textbook.augmentation.random_words import RandomWords


@dataclass(frozen=True)
class LabelNoise:
    """Shares of augmented copies, 0…1, that sum to 1.

    Attributes:
        kept: the copy has the label of its sentence.
        flipped: it has another one.
        unknown: nothing in it says which.
        touched: of all copies, those with a protected word deleted, swapped or moved (no part of the sum).
        copies: how many there were.
    """

    kept: float
    flipped: float
    unknown: float
    touched: float
    copies: int


def label_noise(
    augment: RandomWords,
    sentences: Iterable[str],
    *,
    label: Callable[[Sequence[str]], object],
    copies: int,
    seed: int,
) -> LabelNoise:
    """Label augmented copies anew, by a rule that reads them, and compare with the sentences that they come from.

    The rule may be a person, a better classifier, or what a template was made by.

    Args:
        augment: what makes the copies.
        sentences: strings, or lists of words.
        label: a function (words) → label, None where the words do not say.
        copies: of each sentence.

    Raises: ValueError where the rule finds no label in a sentence as it is.

    >>> def rule(words):
    ...     return None if "good" not in words else "not" not in words
    >>> augment = RandomWords(delete=0.5, touch_protected=True)
    >>> label_noise(augment, ["not good"], label=rule, copies=1000, seed=0).flipped
    0.39
    """
    changed = augment.copies(sentences, copies=copies, seed=seed)
    if not changed:
        raise ValueError("expected at least one sentence, got none; label noise is a share of copies")
    before = {one.original: label(one.original) for one in changed}
    for words, found in before.items():
        if found is None:
            raise ValueError(f"expected a label for {' '.join(words)!r}, got None; mend the rule, or leave it out")
    after = [(label(one.words), before[one.original]) for one in changed]
    unknown = sum(new is None for new, _ in after)
    flipped = sum(new is not None and new != old for new, old in after)
    count, touched = len(after), sum(bool(one.touched) for one in changed)
    return LabelNoise((count - unknown - flipped) / count, flipped / count, unknown / count, touched / count, count)
