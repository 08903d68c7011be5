"""5.11 Bayesian optimisation (베이지안 최적화)

A Gaussian process predicts the score of settings not yet tried, with an uncertainty, and the next trial is where the
expected improvement is largest. The text names exploration and leaves its counterpart out: the trade-off is exploration
against *exploitation*. It ends by saying that careful random search still wins. The course notes of 2015 said only that
random search in carefully chosen intervals is hard to beat; in the 2020 black-box challenge Bayesian optimisation beat
random search clearly. Both can be true: one is about ranges that a person has chosen well.
"""

import warnings

import numpy as np
import pandas as pd

from chapters.shared.trial_curves import UNITS, trial_curves
from textbook import plots
from textbook.experiment import HOLDS, NO_DIFFERENCE, Claim, Run, paired
from textbook.seeding import stream

ENTRIES = ("5.11-i",)
DATA = "any"

_RANDOM, _CAREFUL, _BAYES, _HALVING = "random", "random, good rates", "Bayesian", "halving"
_REFITS = (8, 16, 28)  # at these numbers of trials the process learns its length scales anew


def measure(
    run: Run,
    *,
    trials: int = 40,
    initial: int = 8,
    repeats: int = 2,
    low: float = 0.01,
    high: float = 1.0,
    best_percent: float = 2.0,
) -> dict[str, pd.DataFrame]:
    """Replay searches over the pool of all seeds' trials; a seed draws its searches, not its pool.

    A trial's score is its validation loss over the mean of the ten best on its split, so that no easy split wins.

    Args:
        trials: of each search.
        initial: random trials before the Gaussian process takes over.
        repeats: of each search for each seed.
        low, high: the interval of rates of the careful random search, fixed beforehand.
        best_percent: of the pool, which counts as the target.
    """
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    pool = run.shared(trial_curves)
    scores = _relative(pool)
    settings = pool[pool.epoch == pool.epoch.max()].reset_index(drop=True)
    units, last = settings[list(UNITS)].to_numpy(), scores[:, -1]
    good = np.flatnonzero(settings.learning_rate.between(low, high))
    trials = min(trials, len(good), len(last))
    target = np.quantile(last, best_percent / 100)
    rows, finals = [], []
    # matrices of forty rows: more threads than one would wait for each other most of the time
    with threadpool_limits(1):
        for seed in run.seeds:
            for repeat in range(repeats):
                rng = stream(seed, f"searches {repeat}")
                tried = {
                    _RANDOM: rng.permutation(len(last))[:trials],
                    _CAREFUL: rng.permutation(good)[:trials],
                    _BAYES: _bayesian(units, np.log(last), trials=trials, initial=initial, rng=rng),
                }
                tried[_HALVING], epochs = _halved(scores, trials, rng)
                for method, chosen in tried.items():
                    found = last[chosen]
                    best = np.minimum.accumulate(found)
                    hits = np.flatnonzero(found <= target)
                    about = {"seed": seed, "repeat": repeat, "method": method}
                    finals.append(about | {
                        "relative_loss": best[-1], "trials_to_target": hits[0] + 1 if len(hits) else trials + 1,
                        "pool": len(last), "target": target, "trials": trials, "halved_epochs": epochs,
                    })  # fmt: skip
                    if method != _HALVING:
                        rows += [about | {"trial": t, "relative_loss": best[t - 1]} for t in range(1, trials + 1)]
    return {"curves": pd.DataFrame(rows), "finals": pd.DataFrame(finals)}


def _relative(pool: pd.DataFrame) -> np.ndarray:
    """Validation losses over the mean of the ten best final ones of the same seed; (trials, epochs)."""
    final = pool[pool.epoch == pool.epoch.max()]
    best = final.groupby("seed").val_loss.apply(lambda losses: losses.nsmallest(10).mean())
    scores = pool.assign(score=pool.val_loss / pool.seed.map(best))
    return scores.pivot(index=["seed", "trial"], columns="epoch", values="score").to_numpy()


def _bayesian(units, scores, *, trials: int, initial: int, rng) -> np.ndarray:
    """Rows of the pool in the order in which a Gaussian process with expected improvement tries them.

    Matérn 5/2 with a length scale for each coordinate, and noise (Snoek et al., 2012).

    Args:
        units: (settings, coordinates) in the unit cube.
        scores: (settings,), lower is better; on a log scale, so that failures do not drown the differences.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    tried = list(rng.permutation(len(scores))[: min(initial, trials)])
    kernel = Matern(np.full(units.shape[1], 0.5), (0.05, 20), nu=2.5) + WhiteKernel(0.01, (1e-4, 1))
    while len(tried) < trials:
        learn = len(tried) in _REFITS or len(tried) == initial
        process = GaussianProcessRegressor(
            kernel, normalize_y=True, optimizer="fmin_l_bfgs_b" if learn else None, random_state=0
        )
        with warnings.catch_warnings():
            # a length scale at the end of its range: a hyperparameter that does not matter
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(units[tried], scores[tried])
            mean, deviation = process.predict(units, return_std=True)
        kernel = process.kernel_
        gain = expected_improvement(mean, deviation, scores[tried].min())
        gain[tried] = -1
        tried.append(int(gain.argmax()))
    return np.array(tried)


def expected_improvement(mean, deviation, best: float) -> np.ndarray:
    """E[max(best − Y, 0)] for Y normal with these means and deviations: (best − m)·Φ(z) + s·φ(z), z = (best − m)/s.

    The first term exploits what is predicted to be good, the second explores where the prediction is unsure.
    """
    from scipy.stats import norm

    z = (best - mean) / np.maximum(deviation, 1e-12)
    return (best - mean) * norm.cdf(z) + deviation * norm.pdf(z)


def _halved(scores, trials: int, rng) -> tuple[np.ndarray, int]:
    """Successive halving for as many epochs as that many full trials: the settings of the last round, best last.

    Rounds end after 1, 2, 4, … epochs; half of the settings go on.
    """
    last = scores.shape[1]
    rungs = [2**i for i in range(last.bit_length()) if 2**i < last] + [last]
    cost = sum((epoch - before) / 2**i for i, (before, epoch) in enumerate(zip([0, *rungs], rungs, strict=False)))
    alive = rng.permutation(len(scores))[: int(trials * last / cost)]
    spent = before = 0
    for epoch in rungs:
        spent, before = spent + len(alive) * (epoch - before), epoch
        order = alive[np.argsort(scores[alive, epoch - 1], kind="stable")]
        alive = order[: max(1, len(order) // 2)] if epoch < last else order
    return alive[::-1], spent


def draw(tables: dict[str, pd.DataFrame]):
    """Best score so far of each search; trials until a setting of the target was found."""
    curves, finals = tables["curves"], tables["finals"]
    fig, (left, right) = plots.figure(1, 2, width_ratios=[1.35, 1])
    looks = plots.looks(finals.method.unique())
    means = curves.groupby(["method", "seed", "trial"], as_index=False, sort=False).relative_loss.mean()
    shown = means[means.trial >= min(4, means.trial.max())]
    plots.band(left, shown, x="trial", y="relative_loss", hue="method", log=True, looks=looks, names="none")
    ends = finals.groupby(["method", "seed"], sort=False).relative_loss.mean().groupby("method", sort=False).mean()
    trials = int(finals.trials.iloc[0])
    left.plot(trials, ends[_HALVING], looks[_HALVING]["marker"], color=looks[_HALVING]["color"], markersize=9,
              clip_on=False, label=f"{_HALVING} (same epochs)")  # fmt: skip
    plots.log_axis(left, "y", at=(0.7, 0.8, 1, 1.5, 2, 3, 5, 10))
    left.axhline(finals.target.iloc[0], color="#555555", linewidth=1)
    left.legend(loc="upper right")
    left.set(xlabel="trials", ylabel="best validation loss\n(1: mean of a split's ten best)", title="best so far")
    wait = finals[finals.method != _HALVING].groupby(["method", "seed"], as_index=False, sort=False)
    plots.dots(right, wait.trials_to_target.mean(), value="trials_to_target", by="method", looks=looks)
    right.set_yticks(right.get_yticks(), [name.replace(", ", ",\n") for name in looks if name != _HALVING])
    right.set(xlabel="trials to the target", xlim=(0, None), title="how soon")
    plots.caption(
        fig,
        f"Searches replayed over one pool of {int(finals.pool.iloc[0])} trials (digits, MLP 64-32-10). Line: target, "
        f"the pool's best 2 % unless set; never found counts {trials + 1}. Good rates: 0.01–1. Mean of two searches a "
        f"seed; bands: 95 %, of searches, not of pools; {plots.seeds_text(finals)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.11-i/sooner",
        "In the same space, Bayesian optimisation finds one of the best settings in fewer trials than random search.",
        paired(
            "trials_to_target", lower=_BAYES, than=_RANDOM, by="method", scale="log", mean_over="repeat", table="finals"
        ),
        expected=HOLDS,
        ask="Forty trials over seven decades of rates. How soon does each search find one of the best settings?",
        why="After a few trials the process knows which rates fail, and spends the rest where it pays. Until then it "
        "is random search itself, and a lucky random search is there sooner.",
        beware="It learns from every trial, so its trials have to wait for one another; random ones all run at once.",
    ),
    Claim(
        "5.11-i/ends",
        "In the same space, the best of forty trials of Bayesian optimisation has a lower validation loss than the "
        "best of forty random ones.",
        paired(
            "relative_loss", lower=_BAYES, than=_RANDOM, by="method", scale="log", mean_over="repeat", table="finals"
        ),
        expected=HOLDS,
        ask="Both have had forty trials. Is the difference in the loss of what they found as large?",
        why="Near the optimum the surface is flat: random search comes late, but what it finds is not much worse.",
        beware="The smallest score of a noisy pool is partly luck, for both searches alike.",
    ),
    Claim(
        "5.11-i/careful",
        "Random search in a carefully chosen interval of rates ends at a lower validation loss than Bayesian "
        "optimisation over the whole range.",
        paired(
            "relative_loss", lower=_CAREFUL, than=_BAYES, by="method", scale="log", mean_over="repeat", table="finals"
        ),
        expected=NO_DIFFERENCE,
        ask="One search knows the good interval of rates beforehand, the other learns it. Who ends lower?",
        why="Learning the interval costs the Gaussian process about ten trials; with thirty left it catches up.",
        beware="Whoever chose the interval did so from earlier trials. These are not counted here.",
        correction="The notes of 2015 called random search in carefully chosen intervals hard to beat, not better; "
        "where no one has chosen well, Bayesian optimisation wins. The trade-off is exploration against exploitation.",
        reference="Stanford CS231n notes, Neural networks 3 (2015); Turner et al. (2021), arXiv:2104.10201",
    ),
)
