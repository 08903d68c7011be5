"""Two classifiers on sentences and their copies: one reads counts of words, the other words in their order.

As with `augmented_images`, the copies are made beforehand and an arm is a choice of rows, so that all arms of a
classifier train in one stack.
"""

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from chapters.shared.augmented_images import AS_THEY_ARE, AugmentedImages
from chapters.shared.toy_sentiment import Opinion
from textbook.augmentation import RandomWords
from textbook.experiment import Run
from textbook.models import mlp
from textbook.seeding import stream

ANY, SPARING, SWAP, MOVE = "delete any word", "delete, not negations", "swap", "move"
SETTINGS = {
    ANY: lambda strength: RandomWords(delete=strength, touch_protected=True),
    SPARING: lambda strength: RandomWords(delete=strength),
    SWAP: lambda strength: RandomWords(swap=strength),
    MOVE: lambda strength: RandomWords(move=strength),
}
NONE, WEAK, STRONG = "none", "weak", "strong"
BAG_OF_WORDS, ORDER_AWARE = "bag of words", "order-aware"
BATCH_SIZE = 32
_COPIES, _PASSES = 8, 16  # copies of each sentence to draw from; passes over the sentences in an epoch


def trained_on_copies(
    run: Run,
    corpus: Sequence[Opinion],
    *,
    rows: int,
    strengths: Mapping[str, float],
    updates: int,
    learning_rate: float,
) -> dict[str, pd.DataFrame]:
    """Train both classifiers on sentences as they are and on copies by each of `SETTINGS` at each strength.

    Args:
        rows: sentences to train on; all others are for testing, as they are.
        strengths: level → strength.
        updates: of every network, with Adam; fewer in a quick run.

    Returns: {"runs", "bags"}. `runs`: a row per `classifier`, `change`, `level` and seed, with `strength`, `accuracy`
        on the test sentences, `diverged`, `rows` and `updates`. `bags`: a row per change and level, with how far the
        counts of all copies are from those of their sentences, `words_differ`, how many words were deleted,
        `words_deleted`, and the share of `copies_unchanged`.
    """
    texts, labels = [one.text for one in corpus], np.array([one.label for one in corpus])
    policies = {f"{name}/{level}": (name, level, strengths[level]) for name in SETTINGS for level in strengths}
    copies = {
        key: SETTINGS[name](strength).copies(texts, copies=_COPIES, seed=0)
        for key, (name, _, strength) in policies.items()
    }
    as_numbers, as_counts = vocabulary(texts)
    everything = texts + [one.text for changed in copies.values() for one in changed]
    seen = {ORDER_AWARE: as_numbers(everything), BAG_OF_WORDS: as_counts(everything)}
    pools = {
        kind: AugmentedImages(
            x, np.tile(labels, len(x) // len(texts)), 2, images=len(texts), copies=_COPIES, policies=tuple(copies)
        )
        for kind, x in seen.items()
    }
    return {
        "runs": _train(run, pools, policies, rows, run.epochs(updates), learning_rate),
        "bags": _bags(seen[BAG_OF_WORDS], copies, policies, len(texts)),
    }


def split_rows(count: int, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the sentences to train on and of all others."""
    drawn = stream(seed, "split").permutation(count)
    return drawn[:rows], drawn[rows:]


def vocabulary(sentences: Sequence[str]):
    """Two functions of a list of sentences, made of Keras's `TextVectorization` on what stands between spaces.

    The first gives numbers of words (sentences, longest) int32, with 0 where there is none, the second counts of words
    (sentences, known words) float32.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    longest = max(len(sentence.split()) for sentence in sentences)
    shape = {"standardize": None, "split": "whitespace"}
    numbers = keras.layers.TextVectorization(**shape, output_sequence_length=longest)
    numbers.adapt(list(sentences))
    counts = keras.layers.TextVectorization(**shape, output_mode="count", vocabulary=numbers.get_vocabulary()[2:])

    def as_numbers(texts):
        return np.asarray(numbers(list(texts)), dtype=np.int32)

    def as_counts(texts):
        return np.asarray(counts(list(texts)), dtype=np.float32)

    return as_numbers, as_counts


def _bags(counts, copies, policies, sentences) -> pd.DataFrame:
    """For each policy: words that the counts of its copies lack or have too many, and words that were deleted."""
    rows = []
    for number, (key, changed) in enumerate(copies.items()):
        start = sentences * (1 + _COPIES * number)
        mine = counts[start : start + sentences * _COPIES].reshape(_COPIES, sentences, -1)
        deleted = sum(len(one.original) - len(one.words) for one in changed)
        name, _, strength = policies[key]
        rows.append(
            {
                "change": name,
                "strength": strength,
                "words_differ": float(np.abs(mine - counts[:sentences]).sum()),
                "words_deleted": float(deleted),
                "copies_unchanged": float((mine == counts[:sentences]).all(axis=2).mean()),
            }
        )
    return pd.DataFrame(rows)


def _train(run: Run, pools, policies, rows: int, updates: int, learning_rate: float) -> pd.DataFrame:
    """Accuracy on sentences as they are, for both classifiers, without copies and with those of each policy."""
    from textbook.replicas import Condition, train_replicas

    words = int(pools[ORDER_AWARE].x.max()) + 1
    longest, known = pools[ORDER_AWARE].x.shape[1], pools[BAG_OF_WORDS].x.shape[1]
    builders = {
        ORDER_AWARE: functools.partial(_convolution, longest, words),
        BAG_OF_WORDS: lambda: mlp((known,), 2, hidden=(32,)),
    }
    arms = {AS_THEY_ARE: (AS_THEY_ARE, NONE, 0.0)} | policies

    def parts(kind, key):
        def of(seed):
            train, test = split_rows(pools[kind].images, rows, seed)
            passes = pools[kind].passes(key, train, count=_PASSES, seed=seed)
            # nothing is chosen: the part called validation holds test sentences too
            return pools[kind].split(passes, test[::2], test[1::2], seed=seed)

        return of

    curves = train_replicas(
        builders[ORDER_AWARE],
        parts(ORDER_AWARE, AS_THEY_ARE),
        conditions={
            f"{kind}|{key}": Condition(
                optimizer="adam", learning_rate=learning_rate, model=builders[kind], splits=parts(kind, key)
            )
            for kind in pools
            for key in arms
        },
        seeds=run.seeds,
        updates=updates,
        batch_size=BATCH_SIZE,
    )
    last = curves[curves.epoch == curves.groupby(["condition", "seed"]).epoch.transform("max")]
    named = [name.split("|") for name in last.condition]
    return pd.DataFrame(
        {
            "classifier": [kind for kind, _ in named],
            "change": [arms[key][0] for _, key in named],
            "level": [arms[key][1] for _, key in named],
            "strength": [arms[key][2] for _, key in named],
            "seed": last.seed.to_numpy(),
            "accuracy": (last.val_accuracy.to_numpy() + last.test_accuracy.to_numpy()) / 2,
            "diverged": last.diverged.to_numpy(),
        }
    ).assign(rows=rows, updates=updates)


def _convolution(longest: int, words: int):
    """Word vectors, a convolution over three words, the largest answer over all places, logits."""
    import keras

    return keras.Sequential(
        [
            keras.Input((longest,), dtype="int32"),
            keras.layers.Embedding(words, 8),
            keras.layers.Conv1D(16, 3, padding="same", activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(2),
        ]
    )
