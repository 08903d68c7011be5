"""7.1 Descending on a hyperparameter (하이퍼파라미터에 대한 기울기)

The review says that Lorraine and Duvenaud differentiate the gradient by the hyperparameter. What they differentiate is
the validation loss. It does not hold the penalty λ, but its weights come from a training that does, so it has a slope
in λ through them: the hypergradient. The derivative of the training gradient by λ is one factor of it, the training
loss's curvature another. Where training has no closed form they have a second network, the hypernetwork, learn which
weights belong to which λ. Ridge regression has one, so that everything can be checked: the slope against differences,
descent on ln λ against a grid, and what a penalty for every single feature is worth, which no grid could find. So many
penalties are parameters by another name, fitted to the validation rows; those rows can also simply be trained on.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from textbook import plots
from textbook.checks import centred_difference
from textbook.experiment import EXACT, FAILS, HOLDS, NO_DIFFERENCE, Claim, Run, contrast, exact, paired
from textbook.hypergradient import ridge_hypergradient
from textbook.seeding import stream

ENTRIES = ("7.1-d",)
DATA = "none"

RATES = (1.0, 3.0, 10.0, 30.0, 100.0)
TUNING_SEEDS = 8
RANGE = np.log([1e-3, 1e2])  # of ln λ: training loss and penalty in the units of y²
GRID, DESCENT, EACH, BOTH = "one λ, grid", "one λ, descent", "a λ for each", "one λ, both parts"
FEW, ALL = "few features matter", "all features matter"
_STEP = 1e-4  # of the differences


def measure(
    run: Run, *, rows: int = 100, features: int = 60, relevant: int = 6, noise: float = 1.0, trainings: int = 11
) -> dict[str, pd.DataFrame]:
    """Fit ridge regressions to fresh data for each seed, with penalties from a grid and from descent.

    Args:
        rows: in the training part and in the validation part; the test part has ten times as many.
        features: independent and normal, with variance 1.
        relevant: features with a weight, where few matter; weights are normal, scaled to length 1.
        noise: standard deviation of what the features do not say.
        trainings: values in the grid, and steps of the descent.
    """
    if not 1 <= relevant <= features:
        raise ValueError(f"expected 1 to {features} relevant features, got {relevant}; mend by a number in that range")

    def data(seed: int, matter: str) -> dict:
        return _drawn(seed, rows, features, relevant if matter == FEW else features, noise)

    def best(rate: float) -> float:
        tuning = run.tuning(TUNING_SEEDS)
        return np.mean([_descent(data(seed, FEW)["fit"], rate, trainings).val_loss.min() for seed in tuning])

    rate = min(RATES, key=best)
    tables = {"slopes": [], "response": [], "paths": [], "scores": []}
    for seed in run.seeds:
        few = data(seed, FEW)
        tables["slopes"].append(_slopes(few["fit"]).assign(seed=seed))
        tables["response"].append(_response(few["fit"]).assign(seed=seed))
        tables["paths"].append(_descent(few["fit"], rate, trainings).assign(seed=seed))
        for matter, drawn in ((FEW, few), (ALL, data(seed, ALL))):
            scores = _scores(drawn, rate=rate, trainings=trainings)
            tables["scores"].append(scores.assign(seed=seed, matter=matter))
    settings = {"rate": rate, "trainings": trainings, "rows": rows, "features": features, "relevant": relevant}
    joined = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    return joined | {"settings": pd.DataFrame([settings])}


def _drawn(seed: int, rows: int, features: int, relevant: int, noise: float) -> dict:
    """Training and validation rows as `ridge_hypergradient` takes them, and test rows, all drawn afresh."""
    random = stream(seed, "ridge")
    true = np.zeros(features)
    true[:relevant] = random.normal(size=relevant)
    true /= np.linalg.norm(true)
    x = random.normal(size=(12 * rows, features))
    y = x @ true + noise * random.normal(size=len(x))
    fit = {"x": x[:rows], "y": y[:rows], "x_val": x[rows : 2 * rows], "y_val": y[rows : 2 * rows]}
    return {"fit": fit, "x": x[2 * rows :], "y": y[2 * rows :]}


def _slopes(fit: dict) -> pd.DataFrame:
    """Validation loss over ln λ, its slope in closed form, and the slope from trainings at ln λ ± h."""
    at = np.linspace(*RANGE, 26)
    found = [ridge_hypergradient(**fit, log_penalty=each) for each in at]
    losses = np.vectorize(lambda each: ridge_hypergradient(**fit, log_penalty=each).loss)
    return pd.DataFrame(
        {
            "log_penalty": at,
            "val_loss": [each.loss for each in found],
            "slope": [each.slope for each in found],
            "difference": centred_difference(losses, at, _STEP),
        }
    )


def _response(fit: dict) -> pd.DataFrame:
    """How the weights answer to ln λ, from differences of trainings, and from differences of the training gradient.

    Training holds its gradient g at 0, so that H·dw/d ln λ + ∂g/∂ln λ = 0, where H is the curvature of its loss.
    """
    x, y, tables = fit["x"], fit["y"], []
    for at in (np.log(0.01), 0.0, np.log(10.0)):

        def gradient(log_penalty, weights):
            return 2 * x.T @ (x @ weights - y) / len(x) + 2 * np.exp(log_penalty) * weights

        def weights(log_penalty):
            return ridge_hypergradient(**fit, log_penalty=log_penalty).weights

        held = weights(at)
        mixed = (gradient(at + _STEP, held) - gradient(at - _STEP, held)) / (2 * _STEP)
        curvature = 2 * x.T @ x / len(x) + 2 * np.exp(at) * np.eye(x.shape[1])
        response = (weights(at + _STEP) - weights(at - _STEP)) / (2 * _STEP)
        foretold = -np.linalg.solve(curvature, mixed)
        tables.append(pd.DataFrame({"log_penalty": at, "response": response, "foretold": foretold}))
    return pd.concat(tables)


def _descent(fit: dict, rate: float, trainings: int) -> pd.DataFrame:
    """Steps of ln λ ← ln λ − rate·slope from the middle of the range, one training each."""
    at, rows = RANGE.mean(), []
    for step in range(trainings):
        found = ridge_hypergradient(**fit, log_penalty=at)
        rows.append({"step": step, "log_penalty": at, "val_loss": found.loss})
        at = np.clip(at - rate * found.slope, *RANGE)
    return pd.DataFrame(rows)


def _scores(drawn: dict, *, rate: float, trainings: int) -> pd.DataFrame:
    """Validation and test loss of the penalties that each way finds, and its number of trainings."""
    fit = drawn["fit"]
    grid = np.linspace(*RANGE, trainings)
    common = min(grid, key=lambda at: ridge_hypergradient(**fit, log_penalty=at).loss)
    path = _descent(fit, rate, trainings)
    features = fit["x"].shape[1]

    def value_and_slope(log_penalties):
        found = ridge_hypergradient(**fit, log_penalty=log_penalties)
        return found.loss, found.slope

    each = minimize(
        value_and_slope, np.full(features, common), jac=True, method="L-BFGS-B", bounds=[tuple(RANGE)] * features,
        options={"maxiter": 100},
    )  # fmt: skip
    ways = {
        GRID: (common, trainings),
        DESCENT: (path.log_penalty[path.val_loss.idxmin()], trainings),
        EACH: (each.x, trainings + each.nfev),
    }
    rows = []
    for name, (log_penalty, count) in ways.items():
        found = ridge_hypergradient(**fit, log_penalty=log_penalty)
        rows.append((name, "validation", found.loss, count))
        rows.append((name, "test", _error(drawn, found.weights), count))
    # trained once more on both parts, with as strong a penalty against the sum of the squares: half of it on the mean's
    both = {"x": np.concatenate([fit["x"], fit["x_val"]]), "y": np.concatenate([fit["y"], fit["y_val"]])}
    again = ridge_hypergradient(**fit | both, log_penalty=common - np.log(2))
    rows.append((BOTH, "test", _error(drawn, again.weights), trainings + 1))
    return pd.DataFrame(rows, columns=["condition", "part", "squared_error", "trainings"])


def _error(drawn: dict, weights: np.ndarray) -> float:
    return float(np.mean((drawn["x"] @ weights - drawn["y"]) ** 2))


def draw(tables: dict[str, pd.DataFrame]):
    """Above, one seed's validation loss by λ with the points of grid and descent, and its slope; below, every seed's
    test error by each way, where few features matter and where all do.
    """
    setting, scores = tables["settings"].iloc[0], tables["scores"]
    seed = scores.seed.min()
    one, path = (tables[name][tables[name].seed == seed] for name in ("slopes", "paths"))
    fig, ((landscape, slope), below) = plots.figure(2, 2)
    hollow = {"markerfacecolor": "white", "linestyle": "", "markersize": 5.5}
    with plots.style():
        penalty, grid = np.exp(one.log_penalty), np.linspace(*RANGE, int(setting.trainings))
        landscape.plot(penalty, one.val_loss, color=plots.GREY, marker="", linewidth=1.4)
        at_grid = np.interp(grid, one.log_penalty, one.val_loss)
        landscape.plot(np.exp(grid), at_grid, label="grid", **{**plots.look(0), **hollow})
        look = {**plots.look(1), "linewidth": 1.2, "markersize": 5}
        landscape.plot(np.exp(path.log_penalty), path.val_loss, label="descent", **look)
        start = (np.exp(path.log_penalty.iloc[0]), path.val_loss.iloc[0])
        pointer = {"arrowstyle": "-", "color": plots.GREY}
        landscape.annotate("start", start, (12, 12), textcoords="offset points", fontsize=10, arrowprops=pointer)
        slope.axhline(0, color=plots.GREY, linewidth=0.9)
        slope.plot(penalty, one.slope, label="closed form", **{**plots.look(0), "marker": ""})
        slope.plot(penalty, one.difference, label="differences", **{**plots.look(3), **hollow})
        for ax, corner in ((landscape, "upper right"), (slope, "upper left")):
            plots.log_axis(ax, "x", at=(0.001, 0.1, 10))
            ax.set_xlabel("penalty λ")
            ax.legend(loc=corner, fontsize=9.5)
        landscape.set(ylabel="validation loss (y²)", title=f"one penalty, seed {seed}")
        slope.set(ylabel="slope in ln λ (y²)", title="its slope")
    below[1].sharey(below[0])
    test = scores[scores.part == "test"]
    ends = (0.97 * test.squared_error.min(), 1.03 * test.squared_error.max())
    for ax, (matter, rows) in zip(below, test.groupby("matter", sort=False), strict=True):
        plots.dots(ax, rows, value="squared_error")
        ax.set(xlabel="test error (y²)", title=matter, xlim=ends)
    below[1].tick_params(labelleft=False)
    each = scores[scores.condition == EACH].trainings.mean()
    plots.caption(
        fig,
        f"Ridge regression, {setting.features:g} normal features, {setting.rows:g} training and as many validation "
        f"rows, drawn afresh for each seed; where few matter, {setting.relevant:g} have a weight. Grid and descent: "
        f"{setting.trainings:g} trainings each, descent from the middle of the range at a tuned rate of "
        f"{setting.rate:g}; a λ for each: {each:.0f} trainings on average; both parts: trained once more, on training "
        f"and validation rows. Below: a dot a seed, mean and 95 % interval. {plots.seeds_text(scores)}",
    )
    return fig


_LOSS = {"scale": "log", "delta": 1.02, "table": "scores"}  # two per cent of a squared error

CLAIMS = (
    Claim(
        "7.1-d/slope",
        "The slope of the validation loss in ln λ, taken through the trained weights, is the one that differences of "
        "whole trainings have.",
        exact(measured="slope", expected="difference", tolerance=1e-7, table="slopes"),
        expected=EXACT,
        ask="The validation loss is a mean of squared errors, without any λ. How can it have a slope in λ?",
        why="Another λ ends training at other weights, and those change the loss: the chain rule through the minimum "
        "gives −λ·w·a, with one more linear system for a.",
        beware="The formula holds at a minimum of the training loss. A training that is broken off early is elsewhere.",
        correction="They differentiate the validation loss by the hyperparameters, not the gradient: a hypernetwork "
        "learns which weights belong to which hyperparameters, and the loss is differentiated through it.",
        reference="Lorraine & Duvenaud (2018), Stochastic Hyperparameter Optimization through Hypernetworks, "
        "arXiv:1802.09419",
    ),
    Claim(
        "7.1-d/ingredient",
        "The training gradient differentiated by ln λ, divided by the curvature, tells how the trained weights answer.",
        exact(measured="response", expected="foretold", tolerance=1e-7, table="response"),
        expected=EXACT,
        ask="So what is the derivative of the gradient by the hyperparameter good for?",
        why="Training ends where the gradient is 0, and has to stay there: the weights move so that what λ adds to the "
        "gradient is taken back by the curvature.",
        beware="In a large network nobody can divide by the curvature; approximations of it are what papers differ in.",
    ),
    Claim(
        "7.1-d/grid",
        "With equally many trainings, descent on ln λ finds a penalty with a lower validation loss than a grid does.",
        paired("squared_error", lower=DESCENT, than=GRID, where={"part": "validation", "matter": FEW}, **_LOSS),
        expected=NO_DIFFERENCE,
        ask="Trainings along the slope, or as many spread over the whole range: which finds the better λ?",
        why="Around its minimum the loss is flat in ln λ, and a grid of one dimension has a value near it.",
        beware="Descent knows only the valley that it starts in, and its rate is a hyperparameter as well.",
    ),
    Claim(
        "7.1-d/each",
        "Where few features matter, a penalty for each feature, found by the hypergradient, lowers the test error "
        "against one common penalty.",
        paired("squared_error", lower=EACH, than=GRID, where={"part": "test", "matter": FEW}, **_LOSS),
        expected=HOLDS,
        ask="Of many features only a few matter. What do as many penalties as features gain over one?",
        why="Features that do not help on the validation rows get a penalty so large that they are gone.",
        beware="A grid with five values for each of 60 penalties would have 5⁶⁰ points; slopes scale, grids do not.",
    ),
    Claim(
        "7.1-d/optimism",
        "What a penalty for each feature gains on the validation rows is more than what it gains on test rows.",
        contrast(
            "squared_error",
            first=((GRID, "validation"), (EACH, "validation")),
            second=((GRID, "test"), (EACH, "test")),
            by=("condition", "part"),
            where={"matter": FEW},
            **_LOSS,
        ),
        expected=HOLDS,
        ask="With a penalty for each, the validation error falls a long way. How much of that do new rows see?",
        why="As many numbers as there are features were fitted to the validation rows, noise included.",
        beware="One penalty can hardly overfit its validation rows, many can: keep rows that nothing was chosen by.",
    ),
    Claim(
        "7.1-d/rows",
        "Where all features matter, a penalty for each has a lower test error than one common penalty that is chosen "
        "on the validation rows and then trained on both parts.",
        paired("squared_error", lower=EACH, than=BOTH, where={"part": "test", "matter": ALL}, **_LOSS),
        expected=FAILS,
        ask="Use the validation rows for a penalty each, or for one penalty and then as training rows?",
        why="No feature can be spared, so that all the penalties can bring is what the validation rows tell of the "
        "weights; training on these rows tells it directly.",
        beware="Without the last arm the gain of the many penalties looks like the gain of a better method.",
    ),
)
