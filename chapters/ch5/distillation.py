"""5.12 Distillation (지식 증류)

Ten networks take longer to answer than one. What they know together can be taught to a single, smaller one: it learns
the ensemble's probabilities, softened by a temperature, instead of labels (Hinton, Vinyals and Dean). The teacher's
answers cost no labels, so they can be had for any input. How much the student gains depends on what it is shown: the
few labelled inputs again, or others besides.
"""

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chapters.shared.members import MOST_MEMBERS, outputs, stacked
from textbook import plots
from textbook.ensembles import probabilities
from textbook.experiment import HOLDS, INCONCLUSIVE, Claim, Run, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.splits import Split

ENTRIES = ("5.12-f",)
DATA = "digits"
MEASURED = ("seconds",)

HARD, LABELLED, UNLABELLED = "labels alone", "teacher, labelled inputs", "teacher, more inputs"
TEACHER, MEMBER, STUDENT = "teacher: the ensemble", "one of its networks", "student"
TEMPERATURES = (1, 2, 4)
POOL = (1000, 473, 300)  # rows of the training, validation and test part
CLASSES = 10


def measure(
    run: Run, *, labelled: int = 200, teachers: int = 10, student: int = 16, alpha: float = 0.9, epochs: int = 20
) -> dict[str, pd.DataFrame]:
    """Train ten networks on the labelled rows, and small ones on labels, on the ten's answers, and on more of these.

    All students make as many updates: labelled rows are repeated until they are as many as the inputs in the pool.

    Args:
        labelled: rows of 1000 whose labels may be seen.
        teachers: networks of 64 hidden units in the ensemble, at least 2.
        student: hidden units of a student.
        alpha: weight of the teacher on labelled inputs, above 0 and up to 1; on others it is 1.
        epochs: of a student; a network of the ensemble makes as many updates.
    """
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    if not (CLASSES <= labelled < POOL[0] and 2 <= teachers < MOST_MEMBERS):
        raise ValueError(
            f"expected {CLASSES} to {POOL[0] - 1} labelled rows and 2 networks or more, got {labelled}, {teachers}"
        )
    splitter = run.splits("digits", sizes=POOL)
    pools = {seed: splitter(seed) for seed in run.seeds}
    few = {seed: splitter.with_rows((pool.rows[0][:labelled], *pool.rows[1:]), seed) for seed, pool in pools.items()}
    numbers = [seed * MOST_MEMBERS + member for seed in run.seeds for member in range(teachers)]
    updates = run.epochs(epochs) * -(-POOL[0] // 32)
    result = ReplicaTrainer(
        mlp,
        lambda number: few[number // MOST_MEMBERS],
        conditions={"": Condition(learning_rate=0.1, momentum=0.9)},
        seeds=numbers,
        updates=updates,
        keep_state=True,
    ).run()
    lessons, rows = [], []
    for seed, pool in pools.items():
        logits = functools.partial(outputs, stacked(result, "", [n for n in numbers if n // MOST_MEMBERS == seed]))
        soft = {t: probabilities(logits(pool.train.x), logits=True, temperature=t).mean(axis=0) for t in TEMPERATURES}
        lessons += _lessons(pool, soft, labelled=labelled, alpha=alpha)
        each = probabilities(logits(pool.test.x), logits=True)
        right = each.argmax(axis=-1) == pool.test.y
        rows.append({"condition": MEMBER, "seed": seed, "test_accuracy": right.mean()})
        together = (each.mean(axis=0).argmax(axis=-1) == pool.test.y).mean()
        rows.append({"condition": TEACHER, "seed": seed, "test_accuracy": together})
    every = _students(lessons, run, student=student, epochs=epochs)
    rows += every.groupby(["condition", "seed"], as_index=False, sort=False).test_accuracy.mean().to_dict("records")
    return {
        "arms": pd.DataFrame(rows),
        "temperatures": every,
        "latency": _latency(pool.x.shape[1:], student=student, teachers=teachers, x=pool.test.x, quick=run.quick),
    }


@dataclass(frozen=True)
class Lesson:
    """What a student of one arm, temperature and seed sees: inputs, and `distillation_targets` in the place of labels.

    `parts` are the lengths of its training, validation and test part, which follow each other.
    """

    arm: str
    temperature: int
    seed: int
    x: np.ndarray
    targets: np.ndarray
    parts: tuple[int, int, int]


def _lessons(pool: Split, soft: dict, *, labelled: int, alpha: float) -> list[Lesson]:
    """The lessons of one seed; on the held-out parts the targets are the labels."""
    from textbook.ensembles import distillation_targets

    known, rows = pool.train.y[:labelled], len(pool.train)
    again = np.resize(np.arange(labelled), rows)
    labels = np.concatenate([known, np.full(rows - labelled, -1)])
    held_out = np.concatenate([pool.validation.y, pool.test.y])
    even = np.full((len(held_out), CLASSES), 1 / CLASSES)
    after = distillation_targets(even, held_out, temperature=1, alpha=0)
    x = np.concatenate([pool.train.x, pool.validation.x, pool.test.x])
    parts = (rows, len(pool.validation), len(pool.test))

    def lesson(arm, seen, y, temperature, weight):
        targets = distillation_targets(soft[temperature][seen], y, temperature=temperature, alpha=weight)
        inputs = np.concatenate([x[seen], x[rows:]])
        return Lesson(arm, temperature, pool.seed, inputs, np.concatenate([targets, after]), parts)

    found = [lesson(HARD, again, known[again], 1, 0.0)]
    for temperature in TEMPERATURES:
        found.append(lesson(LABELLED, again, known[again], temperature, alpha))
        found.append(lesson(UNLABELLED, np.arange(rows), labels, temperature, alpha))
    return found


def _students(lessons: list[Lesson], run: Run, *, student: int, epochs: int) -> pd.DataFrame:
    """Test accuracy of a student for each lesson."""
    from textbook.ensembles import distillation_loss, label_accuracy

    # one array for all: students whose data lie apart would be trained one after another
    x, y = (np.concatenate([getattr(lesson, name) for lesson in lessons]) for name in ("x", "targets"))
    splits, begin = {}, 0
    for lesson in lessons:
        end = begin + sum(lesson.parts)
        rows = np.split(np.arange(begin, end), np.cumsum(lesson.parts)[:-1])
        key = (f"{lesson.arm}|{lesson.temperature}", lesson.seed)
        splits[key] = Split(x, y, tuple(rows), classes=None, seed=lesson.seed)
        begin = end
    conditions = {
        name: Condition(
            learning_rate=0.1,
            momentum=0.9,
            loss=distillation_loss,
            splits=lambda seed, name=name: splits[name, seed],
        )
        for name in dict.fromkeys(name for name, _ in splits)
    }
    curves = train_replicas(
        lambda input_shape: mlp(input_shape, CLASSES, hidden=(student,)),
        next(iter(splits.values())),
        conditions=conditions,
        seeds=run.seeds,
        epochs=run.epochs(epochs),
        metrics=[label_accuracy],
    )
    last = curves[curves.epoch == curves.epoch.max()]
    named = last.condition.str.split("|", expand=True)
    accuracy = last.test_label_accuracy.mask(last.diverged, 1 / CLASSES)
    return pd.DataFrame(
        {"condition": named[0], "temperature": named[1].astype(int), "seed": last.seed, "test_accuracy": accuracy}
    ).reset_index(drop=True)


def _latency(shape, *, student: int, teachers: int, x, quick: bool) -> pd.DataFrame:
    """Seconds per call on one sample, in turn; the repeat stands in for the seed. Weights do not matter to a clock."""
    from textbook.ensembles import Ensemble, latencies

    networks = [mlp(shape, CLASSES) for _ in range(teachers)]
    candidates = {
        STUDENT: mlp(shape, CLASSES, hidden=(student,)),
        MEMBER: networks[0],
        TEACHER: Ensemble(networks, logits=True),
    }
    found = latencies(candidates, x, repeats=5 if quick else 9, calls=20)
    return found.rename(columns={"name": "condition", "repeat": "seed"})


def draw(tables: dict[str, pd.DataFrame]):
    """Left, accuracy of teachers and students; right, what an answer costs."""
    arms, latency = tables["arms"], tables["latency"]
    order = [TEACHER, MEMBER, HARD, LABELLED, UNLABELLED]
    shown = pd.concat([arms[arms.condition == name] for name in order]).assign(percent=lambda t: 100 * t.test_accuracy)
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.6, 1], size=(7.0, 5.2))
    looks = {name: plots.look(number) for number, name in enumerate(order)}
    plots.dots(left, shown, value="percent", looks=looks)
    left.set_yticks(range(len(order)), [_label(name) for name in order], fontsize=9.5)
    left.set(xlabel="test accuracy (%)", title="what they know")
    cost = latency.assign(milliseconds=1000 * latency.seconds)
    with plots.style():
        for name, look in {**looks, STUDENT: plots.look(2)}.items():
            if name in (HARD, LABELLED, UNLABELLED):
                continue
            row = (TEACHER, MEMBER, STUDENT).index(name)
            readings = cost.loc[cost.condition == name, "milliseconds"]
            style = {"color": look["color"], "marker": look["marker"], "linestyle": ""}
            right.plot(readings, np.full(len(readings), row + 0.2), alpha=0.45, markersize=4.5, **style)
            right.plot(readings.median(), row - 0.1, markersize=9, **style)
    right.set_ylim(2.5, -0.5)
    right.set_yticks(range(3), ["teacher", "one of\nthem", "student"], fontsize=9.5)
    right.set(xlabel="one sample (ms)", title="what it costs", xlim=(0, None))
    plots.caption(
        fig,
        "Digits; unless set, 200 labels, ten MLPs 64-64-10 as teacher, students MLP 64-16-10 (mean over temperatures "
        f"1, 2, 4), 800 more inputs. Bars: 95 %; {plots.seeds_text(arms)}; times: repeats in turn on this computer, "
        "median.",
    )
    return fig


def _label(name: str) -> str:
    return name.replace(", ", ",\n").replace(": ", ":\n")


_REFERENCE = (
    "Hinton, Vinyals & Dean (2015), Distilling the knowledge in a neural network, arXiv:1503.02531; Bucilă, Caruana & "
    "Niculescu-Mizil (2006), Model compression, KDD"
)

CLAIMS = (
    Claim(
        "5.12-f/slow",
        "An ensemble of ten networks takes longer to answer than one network.",
        paired("seconds", lower=MEMBER, than=TEACHER, table="latency"),
        expected=HOLDS,
        ask="Ten times the arithmetic: does an answer take ten times as long?",
        why="Ten networks do ten times the work, though a call has a price of its own that is paid once.",
        beware="For small networks and single samples the price of the call hides most of the work. Large batches on "
        "large networks come close to the factor of ten, in time and in memory.",
    ),
    Claim(
        "5.12-f/more-inputs",
        "Taught by the ensemble on more, unlabelled inputs a small network is more accurate than on labels.",
        paired("test_accuracy", higher=UNLABELLED, than=HARD, table="arms"),
        expected=HOLDS,
        ask="200 labels, and 800 inputs without one. What is a teacher worth that can answer for all of them?",
        why="The teacher's answers carry what it has learned to places where the labels say nothing.",
        beware="Part of the gain may be the inputs rather than the softness: a teacher may also give plain labels.",
    ),
    Claim(
        "5.12-f/labelled-inputs",
        "Taught on the labelled inputs alone it is also more accurate than one trained on their labels.",
        paired("test_accuracy", higher=LABELLED, than=HARD, table="arms"),
        expected=INCONCLUSIVE,
        ask="The same 200 inputs, with soft answers in the place of hard labels. Does that help?",
        why="Soft answers tell which classes resemble each other, but on its training inputs the teacher is nearly "
        "sure of the label and has little else to tell.",
        beware="A higher temperature makes small probabilities visible; the gain is the mean over three of them.",
        correction="How much a student gains depends on what the teacher is asked: answers on the inputs that it was "
        "trained on hold little that the labels did not.",
        reference=_REFERENCE,
    ),
    Claim(
        "5.12-f/depends",
        "More, unlabelled inputs gain the student more than the labelled inputs alone.",
        paired("test_accuracy", higher=UNLABELLED, than=LABELLED, table="arms"),
        expected=HOLDS,
        ask="Both students have the same teacher and make as many updates. Which one has learned more?",
        why="New inputs show the teacher's function where it was not pinned down by labels.",
        beware="The unlabelled inputs come from the same source as the test part here; inputs of another kind may "
        "teach nothing.",
        correction="The gain of distillation depends on the transfer set: inputs cost no labels, so use many.",
        reference=_REFERENCE,
    ),
)
