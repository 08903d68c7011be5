"""8.4.2 Deletion, swap and move of words (텍스트 증강: 단어 생략, 교환, 이동)

The text makes new sentences by leaving a word out, by letting two change places, and by moving one. Its second example,
나는 좋아한다 가는 것을 학교에, is no Korean sentence any more: the predicate stands last there. The particles still
tell who does what, but word order tells what is negated and which clause decides. What such copies do depends on who
reads them. A bag of words does not see swaps and moves at all. And a deletion that hits "not" turns the meaning round
and keeps the label: the network is taught a mistake.
"""

import itertools

import pandas as pd

from chapters.shared.augmented_images import AS_THEY_ARE
from chapters.shared.augmented_sentences import (
    ANY,
    BAG_OF_WORDS,
    BATCH_SIZE,
    MOVE,
    NONE,
    ORDER_AWARE,
    SETTINGS,
    SPARING,
    STRONG,
    SWAP,
    WEAK,
    split_rows,
    trained_on_copies,
)
from chapters.shared.toy_sentiment import label_of, opinions
from textbook import plots
from textbook.augmentation import delete_words, label_noise, move_words, swap_words
from textbook.experiment import EXACT, HOLDS, REVERSED, VIOLATED, Claim, Run, contrast, exact, paired, trend

ENTRIES = ("8.4.2-b",)
DATA = "none"

SENTENCE, PREDICATE = "나는 학교에 가는 것을 좋아한다 .", "좋아한다"
GLOSSES = {"나는": "I", "학교에": "to school", "가는": "going", "것을": "(object)", "좋아한다": "like", ".": "."}
_NOISE_STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4)


def measure(
    run: Run,
    *,
    sentences: int = 640,
    rows: int = 200,
    weak: float = 0.1,
    strong: float = 0.3,
    updates: int = 200,
    learning_rate: float = 0.01,
) -> dict[str, pd.DataFrame]:
    """Make the text's three copies, count spoilt labels, and train two classifiers on augmented sentences.

    Args:
        sentences: of the corpus, a multiple of 8; half Korean, half English.
        rows: sentences to train on; all others are for testing.
        weak, strong: strengths of the copies that are trained on.
        updates: of every network, with Adam.
    """
    corpus = opinions(sentences)
    strengths = {WEAK: weak, STRONG: strong}
    trained = trained_on_copies(
        run, corpus, rows=rows, strengths=strengths, updates=updates, learning_rate=learning_rate
    )
    counted = {"formula": _formula(corpus), "noise": _noise(run, corpus, rows)}
    return {"examples": _examples(), "order": _order(), **counted, **trained}


def _examples() -> pd.DataFrame:
    """The three copies that the text shows."""
    made = [
        ("as it is", SENTENCE, ""),
        ("deletion", delete_words(SENTENCE, [1], blank="_____"), "place 1"),
        ("swap", swap_words(SENTENCE, 1, 4), "places 1 and 4"),
        ("move", move_words(SENTENCE, 1, to=4), "place 4"),
    ]
    return pd.DataFrame([{"change": kind, "sentence": str(new), "changed": places} for kind, new, places in made])


def _order() -> pd.DataFrame:
    """Every swap and move of the text's sentence, and whether the predicate still stands last."""
    places = range(len(SENTENCE.split()) - 1)  # the full stop stays
    made = [("swap", swap_words(SENTENCE, *pair)) for pair in itertools.combinations(places, 2)]
    made += [("move", move_words(SENTENCE, here, to=there)) for here, there in itertools.permutations(places, 2)]
    rows = [{"change": kind, "sentence": one.text, "predicate_last": one.words[-2] == PREDICATE} for kind, one in made]
    return pd.DataFrame(rows)


def _formula(corpus) -> pd.DataFrame:
    """For negated sentences of one clause in English: chance of a spoilt label, over all deletions and by formula.

    Of n words one negates and one says good or bad. The label is spoilt where the first is deleted and the second is
    not, p(1 − p); where all n are drawn, which pⁿ is the chance of, one is kept, each as likely.
    """
    rows = []
    for one in corpus:
        if one.language != "en" or one.clauses != 1 or not one.negated:
            continue
        n = len(one.text.split()) - 1
        spoilt = {}
        for drawn in itertools.product((False, True), repeat=n):
            gone = [place for place, hit in enumerate(drawn) if hit]
            left = [[place for place in gone if place != kept] for kept in gone] if len(gone) == n else [gone]
            read = [label_of(delete_words(one.text, places, touch_protected=True).words) for places in left]
            spoilt[drawn] = sum(label == 1 - one.label for label in read) / len(read)
        for p in _NOISE_STRENGTHS:
            chance = sum(share * p ** sum(drawn) * (1 - p) ** (n - sum(drawn)) for drawn, share in spoilt.items())
            rows.append({"strength": p, "words": n, "enumerated": chance, "closed_form": p * (1 - p) + p**n / n})
    return pd.DataFrame(rows).groupby(["strength", "words"], as_index=False).mean()


def _noise(run: Run, corpus, rows: int) -> pd.DataFrame:
    """Share of copies with a spoilt label, for each change, strength and seed; a seed draws sentences and copies."""
    found = []
    for seed, (name, setting) in itertools.product(run.seeds, SETTINGS.items()):
        mine = [corpus[place].text for place in split_rows(len(corpus), rows, seed)[0]]
        for strength in _NOISE_STRENGTHS:
            noise = label_noise(setting(strength), mine, label=label_of, copies=1, seed=seed)
            found.append({"change": name, "strength": strength, "seed": seed, "flipped": noise.flipped})
    return pd.DataFrame(found)


def draw(tables: dict[str, pd.DataFrame]):
    """The text's three copies word by word, spoilt labels against the strength, and what two classifiers make of it."""
    runs, noise, bags = tables["runs"], tables["noise"], tables["bags"]
    fig = plots.figure(1, 1, size=(7, 8.6))[0]
    fig.clear()
    grid = fig.add_gridspec(3, 2, height_ratios=[1.05, 1.2, 1.6])
    _draw_examples(fig.add_subplot(grid[0, :]), tables["examples"])
    looks = plots.looks(SETTINGS)
    ax = fig.add_subplot(grid[1, :])
    percent = noise.assign(flipped=100 * noise.flipped)
    plots.band(ax, percent, x="strength", y="flipped", hue="change", looks=looks, names="legend")
    ax.set(xlabel="strength (share of words)", ylabel="of copies (%)", title="copies that contradict their label")
    ax.set_ylim(None, 1.4 * ax.get_ylim()[1])  # room for the names
    ax.legend(fontsize=10, loc="upper left", ncols=2)
    left = fig.add_subplot(grid[2, 0])
    right = fig.add_subplot(grid[2, 1], sharey=left)
    runs = runs.assign(percent=100 * runs.accuracy)
    for ax, kind, title in ((left, ORDER_AWARE, "order-aware: convolution"), (right, BAG_OF_WORDS, BAG_OF_WORDS)):
        mine = runs[runs.classifier == kind]
        start = mine[mine.level == NONE]
        lines = [pd.concat([start.assign(change=name), mine[mine.change == name]]) for name in SETTINGS]
        plots.band(ax, pd.concat(lines), x="strength", y="percent", hue="change", looks=looks, names="none")
        ax.set(xlabel="strength (share of words)", ylabel="right (% of test sentences)", title=title)
    right.set_ylabel("")
    right.tick_params(labelleft=False)
    still = bags[bags.change.isin([SWAP, MOVE])].copies_unchanged.min()
    plots.note(right, f"swaps and moves: {still:.0%} of\ncopies have the counts as before", at="upper right")
    first = runs.iloc[0]
    plots.caption(
        fig,
        "Toy corpus in Korean and English; middle: labels read by the rule that made it. Below: trained on copies of "
        f"{first['rows']} sentences, tested on others as they are; word vectors, convolution, largest value, or word "
        f"counts and MLP-32; Adam, {first.updates} updates of {BATCH_SIZE}. Mean, 95 % band; {plots.seeds_text(runs)}.",
    )
    return fig


def _draw_examples(ax, examples: pd.DataFrame) -> None:
    """A row of boxes per sentence, one for each word, with what the word means; changed words are shaded."""
    for line, example in enumerate(examples.fillna("").itertuples()):
        words = example.sentence.split()
        for place, word in enumerate(words):
            shade = "#d0d0d0" if str(place) in example.changed else "white"
            box = {"facecolor": shade, "edgecolor": plots.GREY, "boxstyle": "round,pad=0.25"}
            ax.text(place, -line, GLOSSES.get(word, "____"), ha="center", va="center", fontsize=10.5, bbox=box)
        ax.text(-0.5, -line, example.change, ha="right", va="center", fontsize=10.5)
    ax.set(xlim=(-1.3, len(words) - 0.6), ylim=(0.5 - len(examples), 0.5))
    ax.set_title("the text's sentence, word by word: the predicate is \u201clike\u201d")
    ax.set_axis_off()


_ORDER_OF_WORDS = (
    "A Korean sentence ends in its predicate. Particles keep the roles of nouns where the words are exchanged; they do "
    "not make every order a sentence, and they do not tell what a negation belongs to. Of the three, deletion and swap "
    "are known as RD and RS."
)
_REFERENCE = "Wei and Zou (2019), arXiv:1901.11196"


def _higher(first: tuple, second: tuple):
    return paired("accuracy", higher=first, than=second, by=("classifier", "change", "level"), table="runs")


_PLAIN = (ORDER_AWARE, AS_THEY_ARE, NONE)

CLAIMS = (
    Claim(
        "8.4.2-b/order",
        "Exchanging or moving words gives another sentence: whichever two words of the text's Korean sentence change "
        "places, and whichever is moved, the predicate stands last, as it must.",
        exact(measured="predicate_last", expected=True, table="order"),
        expected=VIOLATED,
        ask="Five words and a full stop. Of the ten swaps and twenty moves, how many leave the predicate at the end?",
        why="A swap takes the last word away if it is one of the two, and a move does if it is moved or another is put "
        "behind it. With five words that is two cases of five.",
        beware="A predicate at the end makes no good sentence yet: 것을 must follow what it makes a noun of. And a "
        "classifier may learn from what is no sentence; the label is what has to stay.",
        correction=_ORDER_OF_WORDS,
        reference=_REFERENCE,
    ),
    Claim(
        "8.4.2-b/bag",
        "To a bag of words, swaps and moves make no new data: the counts of words are the same in every copy.",
        exact(measured="words_differ", expected=0.0, table="bags", where={"change": (SWAP, MOVE)}),
        expected=EXACT,
        ask="A classifier counts words. What does it see of a sentence whose words have changed places?",
        why="A count does not depend on the order of what is counted. Whatever the strength, each copy is its original "
        "once more, and training with copies is training without.",
        beware="That goes for every model that adds over words: means of word vectors, TF-IDF, naive Bayes. Counts of "
        "pairs of words do change.",
    ),
    Claim(
        "8.4.2-b/deletion",
        "Deletion does change the counts, by exactly the words deleted.",
        exact(measured="words_differ", expected="words_deleted", table="bags", where={"change": (ANY, SPARING)}),
        expected=EXACT,
        ask="And a sentence that lacks a word: does the counting classifier see that?",
        why="Each deleted word is one less in the counts. It acts as dropout of inputs does.",
        beware="A word that the vocabulary does not know is counted as unknown. It is deleted all the same.",
    ),
    Claim(
        "8.4.2-b/formula",
        "A negated sentence with one word of praise or blame comes to say the opposite with probability p(1 − p), if "
        "each word is deleted with probability p: the negation goes and the judgement stays. (If all n words are "
        "drawn, one is kept, which adds pⁿ/n.)",
        exact(measured="enumerated", expected="closed_form", tolerance=1e-12, table="formula"),
        expected=EXACT,
        ask="A tenth of all words is deleted. How many negated sentences then say the opposite of their label?",
        why="The two words are deleted independently. With both gone the sentence says nothing, which spoils it less.",
        beware="This counts the English sentences. In Korean the negation may lean on its verb, as in 좋지 않다; what "
        "a deletion leaves, 좋지, is half a word.",
    ),
    Claim(
        "8.4.2-b/noise",
        "The more words are deleted, the more labels are wrong: the share of copies that say the opposite of their "
        "label rises with the strength of deletion.",
        trend(
            "flipped",
            over="strength",
            direction="rises",
            log=False,
            unit="points",
            delta=0.5,
            table="noise",
            where={"change": ANY},
        ),
        expected=HOLDS,
        ask="Half of the sentences are negated. With 0 to 40 percent of the words deleted, how many labels are wrong?",
        why="The chance that the negation is among the deleted words grows with their share.",
        beware="With negations protected some labels go wrong all the same: without 'but', nothing says where the last "
        "clause begins. And the words that must stay are others in every task.",
    ),
    Claim(
        "8.4.2-b/protect",
        "Sparing the negations pays: at the stronger deletion the order-aware classifier is right more often on new "
        "sentences than when any word may be deleted.",
        _higher((ORDER_AWARE, SPARING, STRONG), (ORDER_AWARE, ANY, STRONG)),
        expected=HOLDS,
        ask="Two networks train on sentences with words deleted, but one never loses a negation. Does it show?",
        why="Without its negation a sentence teaches that 'good' is blame. The network then has to trust the other "
        "copies more than this one.",
        beware="Half of these clauses are negated, more than in most texts. Where negations are rare, so is the harm. "
        "And sparing them also means that fewer words are deleted.",
    ),
    Claim(
        "8.4.2-b/swap",
        "Swaps help: after equally many updates the order-aware classifier is right more often on new sentences with "
        "the stronger swaps than with the sentences as they are.",
        _higher((ORDER_AWARE, SWAP, STRONG), _PLAIN),
        expected=REVERSED,
        ask="The label depends on what is negated and on which clause comes last. Do copies in another order help?",
        why="Swaps tell the network that the order of words does not matter. Here it does. Few copies come to say the "
        "opposite, but in many a negation and its word, or a judgement and the full stop, no longer stand together.",
        beware="Where single words decide, as with most topics, there is no order to be misled about. An augmentation "
        "says what leaves the label as it is, and that has to be true of the task.",
    ),
    Claim(
        "8.4.2-b/depends",
        "What swaps do depends on the classifier: the stronger ones cost the order-aware one more accuracy than the "
        "bag of words.",
        contrast(
            "accuracy",
            first=(_PLAIN, (ORDER_AWARE, SWAP, STRONG)),
            second=((BAG_OF_WORDS, AS_THEY_ARE, NONE), (BAG_OF_WORDS, SWAP, STRONG)),
            by=("classifier", "change", "level"),
            table="runs",
        ),
        expected=HOLDS,
        ask="The same copies for two classifiers. Which of them notices?",
        why="The bag of words gets the same numbers as before, so that it loses nothing and gains nothing. Only who "
        "reads the order can be misled by it.",
        beware="The bag of words has lost beforehand: without the order it cannot tell which clause decides.",
    ),
)
