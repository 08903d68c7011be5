"""8.2 Hyperparameters found without a person (하이퍼파라미터의 자동 탐색)

Hyperparameters, the text says, are not optimised automatically; they are found by experience. They are not found by the
training itself, that is true. But procedures without a person have been at it for long: random search, Bayesian
optimisation, and descent on the slope of the validation loss in the hyperparameter, the hypergradient. On ridge
regression, where each training is one system of equations, they are set beside a default that nobody touched and the
round numbers that a person would try. What stays with the person is to say what may be searched: the range, the score,
and the settings of the procedure, which are hyperparameters again. Chapter 5 has Bayesian search over networks,
chapter 7 the hypergradient itself.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, paired
from textbook.hypergradient import ridge_hypergradient
from textbook.seeding import stream

ENTRIES = ("8.2-a",)
DATA = "none"

DEFAULT, HAND, RANDOM, DESCENT, SLOW = "the default", "by hand", "random search", "hypergradient", "its rate too small"
WAYS = (DEFAULT, HAND, RANDOM, DESCENT, SLOW)
RANGE = np.log([1e-4, 1e2])  # of ln λ, for searches
ROUND = (0.001, 0.01, 0.1, 1.0, 10.0)
RATES = (1.0, 3.0, 10.0, 30.0, 100.0)
TUNING_SEEDS = 8


def measure(
    run: Run, *, rows: int = 100, features: int = 60, noise: float = 1.0, trainings: int = 10, slower: float = 100.0
) -> dict[str, pd.DataFrame]:
    """Choose the penalty of a ridge regression in five ways, on fresh data for each seed.

    Args:
        rows: in the training part and in the validation part; the test part has ten times as many.
        features: independent and normal, with variance 1; the weights are normal, scaled to length 1.
        noise: standard deviation of what the features do not say.
        trainings: of random search and of the descent. By hand, five round numbers are tried.
        slower: by how much the rate of the last way is smaller than the one tuned on other seeds.
    """

    def best(rate: float) -> float:
        tuning = [_drawn(seed, rows, features, noise)["fit"] for seed in run.tuning(TUNING_SEEDS)]
        return float(np.mean([_loss(fit, _descent(fit, rate, trainings)).min() for fit in tuning]))

    rate = min(RATES, key=best)
    scores, landscape = [], []
    for seed in run.seeds:
        data = _drawn(seed, rows, features, noise)
        fit = data["fit"]
        tried = {
            DEFAULT: np.array([np.log(1 / rows)]),  # scikit-learn's alpha = 1, which is of sums, here of means
            HAND: np.log(ROUND),
            RANDOM: stream(seed, "random search").uniform(*RANGE, trainings),
            DESCENT: _descent(fit, rate, trainings),
            SLOW: _descent(fit, rate / slower, trainings),
        }
        for way, log_penalties in tried.items():
            losses = _loss(fit, log_penalties)
            chosen = log_penalties[losses.argmin()]
            scores.append({
                "seed": seed, "way": way, "penalty": np.exp(chosen), "val_error": losses.min(),
                "test_error": _test_error(data, chosen), "trainings": len(log_penalties),
            })  # fmt: skip
        if seed == run.seeds[0]:
            line = np.linspace(*RANGE, 61)
            landscape = [pd.DataFrame({"way": "line", "log_penalty": line, "val_error": _loss(fit, line)})]
            landscape += [
                pd.DataFrame({"way": way, "log_penalty": at, "val_error": _loss(fit, at)}) for way, at in tried.items()
            ]
    settings = {
        "rate": rate,
        "slower": slower,
        "rows": rows,
        "features": features,
        "border": rate in (RATES[0], RATES[-1]),
    }
    return {
        "scores": pd.DataFrame(scores),
        "landscape": pd.concat(landscape, ignore_index=True).assign(seed=run.seeds[0]),
        "settings": pd.DataFrame([settings]),
    }


def _drawn(seed: int, rows: int, features: int, noise: float) -> dict:
    """Training and validation rows as `ridge_hypergradient` takes them, and test rows."""
    random = stream(seed, "found automatically")
    true = random.normal(size=features)
    true /= np.linalg.norm(true)
    x = random.normal(size=(12 * rows, features))
    y = x @ true + noise * random.normal(size=len(x))
    fit = {"x": x[:rows], "y": y[:rows], "x_val": x[rows : 2 * rows], "y_val": y[rows : 2 * rows]}
    return {"fit": fit, "x": x[2 * rows :], "y": y[2 * rows :]}


def _loss(fit: dict, log_penalties) -> np.ndarray:
    """The validation error of each penalty."""
    return np.array([ridge_hypergradient(**fit, log_penalty=at).loss for at in np.atleast_1d(log_penalties)])


def _descent(fit: dict, rate: float, trainings: int) -> np.ndarray:
    """Steps of ln λ ← ln λ − rate · slope from the default, one training each."""
    at, path = np.log(1 / len(fit["y"])), []
    for _ in range(trainings):
        path.append(at)
        at = float(np.clip(at - rate * ridge_hypergradient(**fit, log_penalty=at).slope, *RANGE))
    return np.array(path)


def _test_error(data: dict, log_penalty: float) -> float:
    weights = ridge_hypergradient(**data["fit"], log_penalty=log_penalty).weights
    return float(np.mean((data["x"] @ weights - data["y"]) ** 2))


def draw(tables: dict[str, pd.DataFrame]):
    """Left, one seed's validation error over the penalty with what each way tried and kept; right, every seed's test
    error by way.
    """
    landscape, scores, setting = tables["landscape"], tables["scores"], tables["settings"].iloc[0]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.15, 1], size=(7.4, 4.7))
    looks = plots.looks(WAYS)
    line = landscape[landscape.way == "line"]
    left.plot(np.exp(line.log_penalty), line.val_error, color=plots.GREY, marker="", linestyle="-", linewidth=1.3)
    span = np.ptp(line.val_error)
    for row, way in enumerate(WAYS):
        mine = landscape[landscape.way == way]
        height = line.val_error.min() - (0.09 + 0.075 * row) * span
        left.plot(np.exp(mine.log_penalty), np.full(len(mine), height), looks[way]["marker"], color=looks[way]["color"],
                  markersize=5, alpha=0.75)  # fmt: skip
        best = mine.loc[mine.val_error.idxmin()]
        ring = {"color": looks[way]["color"], "markersize": 9, "mfc": "none", "mew": 1.8}
        left.plot(np.exp(best.log_penalty), best.val_error, looks[way]["marker"], **ring)
    plots.log_axis(left, "x", at=(1e-4, 1e-2, 1, 100))
    left.set(xlabel="penalty λ", ylabel="validation error (y²)", title=f"tried (below), seed {landscape.seed.iloc[0]}")
    plots.dots(right, scores, value="test_error", by="way", looks=looks)
    count = scores.groupby("way").trainings.first()
    right.set_yticks(range(len(WAYS)), [f"{way}\n({count[way]})" for way in WAYS])
    right.set(xlabel="test error (y²)", title="what each way ends with")
    plots.caption(
        fig,
        f"Ridge regression, {setting.rows} rows, {setting.features} features; each way keeps its best on validation "
        f"(rings). In brackets: trainings. The descent starts at the default; rate {setting.rate:g}, the best of "
        f"{len(RATES)} on other seeds, and that over {setting.slower:g}. Bars: 95 %; {plots.seeds_text(scores)}.",
    )
    return fig


_ERROR = {"by": "way", "table": "scores", "scale": "log", "delta": 1.02}  # two per cent of a squared error
_AUTOMATIC = {
    "correction": "Training does not find its own hyperparameters, but procedures do: random search, Bayesian "
    "optimisation and hypergradients need a range and a score, and no experience.",
    "reference": "Bergstra & Bengio (2012), JMLR 13:281-305; Lorraine & Duvenaud (2018), arXiv:1802.09419",
}

CLAIMS = (
    Claim(
        "8.2-a",
        "Hyperparameters are found by a person: round numbers tried by hand end with a lower test error than an "
        "automatic search of the penalty.",
        paired("test_error", lower=HAND, than=DESCENT, **_ERROR),
        expected=NO_DIFFERENCE,
        ask="Five round numbers that somebody chose, or a descent that nobody watches: who finds the better penalty?",
        why="Around its minimum the error is flat in ln λ, so that a value nearby is nearly as good as the best.",
        beware="The five round numbers span what is usual for penalties. For a hyperparameter without a tradition "
        "nobody has such a list.",
        **_AUTOMATIC,
    ),
    Claim(
        "8.2-a/random",
        "Random search, with nobody choosing a value, ends with a lower test error than the default does.",
        paired("test_error", lower=RANDOM, than=DEFAULT, **_ERROR),
        expected=HOLDS,
        ask="Ten penalties by lot over six powers of ten, against scikit-learn's default: worth the ten trainings?",
        why="A default is one value for all data; a search looks at these data.",
        beware="Somebody still chose the range and the score. Where the default is good, ten trials by lot gain "
        "nothing.",
    ),
    Claim(
        "8.2-a/settings",
        "An automatic search has settings of its own: with a rate a hundred times too small, descent ends with a "
        "higher test error than with a tuned one.",
        paired("test_error", lower=DESCENT, than=SLOW, **_ERROR),
        expected=HOLDS,
        ask="The search that was to spare us a hyperparameter has a learning rate. What if it is wrong?",
        why="Ten steps along the slope go only as far as the rate lets them.",
        beware="The rate of the descent was tuned once, on other data of the same kind. This is what can be handed on.",
    ),
)
