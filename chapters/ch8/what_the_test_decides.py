"""8.3 What the test set decides (테스트 데이터셋의 역할)

The text's table lets the training set decide the parameters, the validation set the hyperparameters and the test set
the algorithm. Whatever decides is no judge any more: of twenty equally good classifiers the one that looks best on the
test rows is the one that was lucky there, and its score overstates it. Algorithms are chosen on validation rows like
everything else, or by nested cross-validation, and the test set is used once. Nor do held-out sets prevent
overfitting, as the text says elsewhere. They show it; a choice made by them may reduce it.
"""

import numpy as np
import pandas as pd

from chapters.shared.members import outputs, stacked
from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, estimate, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition
from textbook.seeding import stream
from textbook.statistics import choice_optimism, mean_interval, winners_luck

ENTRIES = ("8.3-d",)
DATA = "any"

BY_TEST, BY_VALIDATION = "algorithm by the test set", "all by validation"
_MODELS = (1, 2, 5, 10, 20)
_JUDGED_MODELS = 20
_REPEATS = 300
_RATES = (0.03, 0.1, 0.3)
_LABELS = {BY_TEST: "test set chose\nthe algorithm", BY_VALIDATION: "validation chose\neverything"}


def measure(
    run: Run, *, rows: int = 400, deciding: int = 100, accuracy: float = 0.95, epochs: int = 15
) -> dict[str, pd.DataFrame]:
    """Choose among equally good simulated classifiers, and among twenty real ones of eight algorithms.

    The real ones are trained once for each seed. The rows held out are then dealt out anew many times, into
    validation rows, test rows and a vault that nobody looks at; a seed's values are means over these.

    Args:
        rows: of the training part.
        deciding: validation rows, and as many test rows.
        accuracy: of all the simulated classifiers.
        epochs: of the networks.
    """
    splits = run.splits("digits", (rows, deciding, 1797 - rows - deciding))
    networks = _networks(run, splits, epochs)
    deals = _REPEATS // 4 if run.quick else _REPEATS
    choices, growing = [], []
    for seed in run.seeds:
        split = splits(seed)
        train, held = (split.train.x, split.train.y), [split.validation, split.test]
        x = np.concatenate([part.x for part in held]).reshape(sum(map(len, held)), -1)
        y = np.concatenate([part.y for part in held])
        answers = {family: [model.fit(train[0].reshape(len(train[0]), -1), train[1]).predict(x) for model in models]
                   for family, models in _classifiers(quick=run.quick).items()}  # fmt: skip
        answers["network"] = list(outputs(networks[seed], x).argmax(axis=2))
        right = [[answer == y for answer in family] for family in answers.values()]
        rng = stream(seed, "deals of the held-out rows")
        size = len(split.validation)
        chosen = choose(right, size, rng, repeats=deals)
        choices += [(seed, rule, *scores, size, len(y) - 2 * size) for rule, scores in chosen.items()]
        luck = luck_by_models(np.concatenate(right), size, rng, repeats=deals)
        growing += [(seed, count, gained) for count, gained in luck.items()]
    columns = ["seed", "rule", "reported_accuracy", "vault_accuracy", "deciding", "vault_rows"]
    found = pd.DataFrame(choices, columns=columns).assign(data=run.data("digits").card.name)
    return {
        "choices": found.assign(optimism_accuracy=found.reported_accuracy - found.vault_accuracy),
        "real": pd.DataFrame(growing, columns=["seed", "models", "optimism_accuracy"]),
        "simulated": _simulated(run.seeds, found.deciding.iloc[0], accuracy),
        "weights": _with_and_without(splits(run.seeds[0])),
    }


def _classifiers(*, quick: bool) -> dict[str, list]:
    """Seventeen classifiers of scikit-learn, by algorithm; with `quick` the forests are small."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # here: a second to import
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    return {
        "neighbours": [KNeighborsClassifier(k) for k in (1, 3, 5)],
        "neighbours by angle": [KNeighborsClassifier(k, metric="cosine") for k in (1, 3, 5)],
        "linear discriminant": [LinearDiscriminantAnalysis(solver="lsqr", shrinkage=s) for s in (0.1, 0.3)],
        "radial kernel": [SVC(C=c) for c in (1, 3, 10)],
        "polynomial kernel": [SVC(C=3, kernel="poly", degree=degree) for degree in (2, 3)],
        "ridge": [RidgeClassifier(strength) for strength in (1, 10)],
        "trees": [ExtraTreesClassifier(trees, random_state=0) for trees in ((5, 15) if quick else (15, 40))],
    }


def _networks(run: Run, splits, epochs: int) -> dict[int, list]:
    """Three networks for each seed, which differ in their rate, as `outputs` takes them."""
    from textbook.replicas import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    conditions = {f"{rate:g}": Condition(learning_rate=rate, momentum=0.9) for rate in _RATES}
    result = ReplicaTrainer(
        mlp, splits, conditions=conditions, seeds=run.seeds, epochs=run.epochs(epochs), keep_state=True
    ).run()
    three = {seed: [stacked(result, name, [seed]) for name in conditions] for seed in run.seeds}
    return {seed: [np.concatenate(parts) for parts in zip(*found, strict=True)] for seed, found in three.items()}


def choose(right, size: int, rng, *, repeats: int = _REPEATS) -> dict[str, tuple[float, float]]:
    """For each rule the test accuracy that is reported of the winner, and its accuracy on the vault.

    Args:
        right: for each algorithm its models, each (rows,) of true and false.
        size: validation rows, and test rows; the others are the vault.
    """
    family = np.repeat(np.arange(len(right)), [len(models) for models in right])
    table = np.concatenate(right).astype(float)
    sums = {BY_TEST: np.zeros(2), BY_VALIDATION: np.zeros(2)}
    for _ in range(repeats):
        order = rng.permutation(table.shape[1])
        validation, test, vault = (table[:, rows].mean(axis=1) for rows in np.split(order, [size, 2 * size]))
        # the best hyperparameters of each algorithm by validation, then the best algorithm by test
        finalists = np.array(
            [np.flatnonzero(family == f)[np.argmax(validation[family == f])] for f in range(len(right))]
        )
        for rule, winner in ((BY_TEST, finalists[np.argmax(test[finalists])]), (BY_VALIDATION, np.argmax(validation))):
            sums[rule] += test[winner], vault[winner]
    return {rule: tuple(total / repeats) for rule, total in sums.items()}


def luck_by_models(table, size: int, rng, *, repeats: int = _REPEATS) -> dict[int, float]:
    """Test accuracy less accuracy on all other rows of the best on the test rows, of so many models drawn at random."""
    found = {}
    for count in (m for m in _MODELS if m <= len(table)):
        drawn = [rng.permutation(len(table))[:count] for _ in range(max(1, repeats // 10))]
        luck = [
            choice_optimism(table[some], size, repeats=min(10, repeats), seed=int(rng.integers(2**31)))
            for some in drawn
        ]
        found[count] = float(np.mean([one.optimism for one in luck]))
    return found


def _simulated(seeds, deciding: int, accuracy: float) -> pd.DataFrame:
    """Test accuracy of the best of several equally good classifiers less the accuracy of all of them, and its mean."""
    rows = []
    for seed in seeds:
        rng = stream(seed, "equally good classifiers")
        for size in (deciding, 10 * deciding):
            counts = rng.binomial(size, accuracy, (_REPEATS, max(_MODELS)))
            for models in _MODELS:
                best = counts[:, :models].max(axis=1).mean() / size
                rows.append((seed, models, size, best - accuracy, winners_luck(models, int(size), accuracy=accuracy)))
    columns = ["seed", "models", "test_rows", "optimism_accuracy", "expected_optimism"]
    found = pd.DataFrame(rows, columns=columns)
    return found.assign(accuracy=accuracy, size=np.where(found.test_rows == deciding, "few", "many"))


def _with_and_without(split) -> pd.DataFrame:
    """Sums of squares of each weight tensor after `fit` with validation rows and without, from the same start."""
    import keras

    ends = []
    for validation in (None, (split.validation.x, split.validation.y)):
        keras.utils.set_random_seed(0)
        model = mlp(split.train.x.shape[1:], split.classes)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        # step by step: few updates, which cost less than a graph
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, run_eagerly=True)
        model.fit(split.train.x, split.train.y, epochs=2, batch_size=100, validation_data=validation, verbose=0)
        ends.append([float((weights.astype(float) ** 2).sum()) for weights in model.get_weights()])
    return pd.DataFrame({"tensor": range(len(ends[0])), "without": ends[0], "with_validation": ends[1]})


def draw(tables: dict[str, pd.DataFrame]):
    """Left, how far the test accuracy of the winner lies above its true one by the number of models; right, the
    accuracy reported of the winner beside what it is worth in the vault."""
    simulated, real, choices = tables["simulated"], tables["real"], tables["choices"]
    fig, (left, right) = plots.figure(1, 2, size=(7, 4.7), width_ratios=[1, 1.1])
    places = {}
    for number, (size, mine) in enumerate(simulated.groupby("test_rows")):
        look = plots.look(number)
        shown = mine.assign(points=100 * mine.optimism_accuracy, name="")
        plots.band(left, shown, x="models", y="points", hue="name", looks={"": look | {"linestyle": "-"}}, names="none")
        places[f"equal, {size} rows"] = (
            100 * mine[mine.models == mine.models.max()].optimism_accuracy.mean(),
            look,
        )
    look = plots.look(2)
    shown = real.assign(points=100 * real.optimism_accuracy, name="")
    plots.band(left, shown, x="models", y="points", hue="name", looks={"": look}, names="none")
    size = choices.deciding.iloc[0]
    places[f"real, {size} rows"] = (100 * real[real.models == real.models.max()].optimism_accuracy.mean(), look)
    for place, (name, (height, look)) in enumerate(places.items()):
        # the lines of few equal models and of the real ones have room above, that of many rows below
        above = place != 1
        left.annotate(name, (max(_MODELS), height), (0, 6 if above else -36), textcoords="offset points", ha="right",
                      va="bottom" if above else "top", fontsize=9.5, color=look["color"])  # fmt: skip
    left.axhline(0, color="#222222", linewidth=1)
    plots.log_axis(left, "x", at=_MODELS)
    left.set(xlabel="models, best on the test set kept", title="luck of the winner")
    left.set_ylabel("test accuracy − true accuracy\n(points)")
    left.margins(y=0.12)
    _draw_choices(right, choices)
    plots.caption(
        fig,
        f"Left: best of simulated classifiers that are all right on {simulated.accuracy.iloc[0]:.0%} of rows, and of "
        f"real ones. Right: {real.models.max()} real ones, of eight algorithms, on {choices.data.iloc[0]}; {size} "
        f"validation and {size} test rows, and {choices.vault_rows.iloc[0]} in a vault, by which nobody chooses. Bands "
        f"and bars: 95 %, {plots.seeds_text(choices)}.",
    )
    return fig


def _draw_choices(ax, choices: pd.DataFrame) -> None:
    for row, rule in enumerate(_LABELS):
        mine = choices[choices.rule == rule]
        # the vault first, so that a label at its side has room
        for number, (column, word, shift) in enumerate(
            (("vault_accuracy", "in the vault", 0.12), ("reported_accuracy", "reported", -0.12))
        ):
            values, look = 100 * mine[column].to_numpy(), plots.look(4 - number)
            low, high = mean_interval(values) if len(values) > 1 else (values[0], values[0])
            ax.plot([low, high], [row + shift] * 2, color=look["color"], linewidth=2, linestyle="-", marker="")
            ax.plot(values.mean(), row + shift, look["marker"], color=look["color"], markersize=8, linestyle="",
                    label=word if not row else "_")  # fmt: skip
        words = f"overstated by {100 * mine.optimism_accuracy.mean():.1f} points".replace("-0.0", "0.0")
        ax.text(100 * choices.reported_accuracy.mean(), row + 0.3, words, ha="center", va="center", fontsize=10)
    ax.set_yticks(range(len(_LABELS)), list(_LABELS.values()))
    ax.set_ylim(len(_LABELS) - 0.4, -0.75)
    ax.grid(visible=False, axis="y")
    ax.legend(loc="upper center", fontsize=9.5, ncols=2, columnspacing=1.0, handletextpad=0.2)
    ax.set(xlabel="accuracy of the winner (%)", title="what is reported")
    ax.margins(x=0.15)


_ONCE = (
    "Whatever decides anything is a validation set. Choose the algorithm on validation rows, or by nested "
    "cross-validation, and use the test set once."
)
_CAWLEY = "Cawley and Talbot (2010), JMLR 11, 2079–2107; Hastie, Tibshirani and Friedman (2009), section 7.2"

CLAIMS = (
    Claim(
        "8.3-d/equal-models",
        "The best of 20 equally good classifiers on a small test set scores more there than it is worth.",
        estimate("optimism_accuracy", above=0, table="simulated", where={"models": _JUDGED_MODELS, "size": "few"}),
        expected=HOLDS,
        ask="Twenty classifiers, each right on 95 of 100 rows in the long run. What does the best score on a hundred?",
        why="The best of many noisy numbers is above their mean, though nothing is better than anything else.",
        beware="The luck grows slowly with the models, as √(2 ln M), and falls with the root of the rows.",
    ),
    Claim(
        "8.3-d/real-models",
        "Let the test set decide the algorithm, as in the text's table, and the winner's test accuracy overstates it.",
        estimate("optimism_accuracy", above=0, table="choices", where={"rule": BY_TEST}),
        expected=HOLDS,
        ask="Eight algorithms, tuned on validation rows, and a small test set to choose by. Is its score honest?",
        why="Algorithms err partly on the same rows, so there is less luck than among independent ones, not none.",
        beware="The overstatement is larger, the more is tried and the fewer rows decide.",
        correction=_ONCE,
        reference=_CAWLEY,
    ),
    Claim(
        "8.3-d/better-choice",
        "The test set has to decide: the algorithm it chose is better on new rows than the one chosen by validation.",
        paired("vault_accuracy", higher=BY_TEST, than=BY_VALIDATION, by="rule", table="choices"),
        expected=NO_DIFFERENCE,
        ask="The test set decides on fresh rows. Does that find a better algorithm?",
        why="Validation rows are as good at telling algorithms apart as test rows are.",
        beware="If you have rows to spare for a choice, put them into validation.",
        correction=_ONCE,
        reference=_CAWLEY,
    ),
    Claim(
        "8.3-d/once",
        "If validation decides everything, the winner's test accuracy overstates nothing.",
        estimate("optimism_accuracy", above=0, table="choices", where={"rule": BY_VALIDATION}),
        expected=NO_DIFFERENCE,
        ask="The same rows, but the test set is opened once, at the end. Is its score honest now?",
        why="Rows that had no part in the choice are to the winner what any new rows are.",
        beware="On average only: a small test set still errs by some points to either side.",
    ),
    Claim(
        "8.3-d/prevents",
        "Held-out sets prevent no overfitting by themselves: fit ends in the same weights with validation rows as "
        "without.",
        exact(measured="with_validation", expected="without", tolerance=1e-9, relative=True, table="weights"),
        expected=EXACT,
        ask="validation_data is added to a call of fit. Which weights change?",
        why="Validation rows are only evaluated. What prevents overfitting is what somebody, or a callback, then does.",
        beware="With early stopping on them they do act: through the choice of the epoch.",
        correction="Validation and test sets detect overfitting; they do not prevent it.",
        reference="Goodfellow, Bengio and Courville (2016), Deep Learning, section 5.3",
    ),
)
