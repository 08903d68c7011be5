"""5.12 Averaging predictions, or weights (예측의 평균과 가중치의 평균)

Networks that differ in their start alone might end with similar parameters, says the text, and then an ensemble of
them has little effect. Their parameters do not come near each other: trained weights of two starts are almost at right
angles, and on the straight line between them the loss climbs over a barrier. So the mean of their weights is no good
network, while the mean of their predictions is better than any one of them should be. Reordering the hidden units of
one network, which leaves its function as it is, brings the two nearer and lowers the barrier.
"""

import numpy as np
import pandas as pd

from chapters.shared.members import MOST_MEMBERS, members, of_seed, outputs, split_of_seed, unpacked
from textbook import plots
from textbook.ensembles import negative_log_likelihood, probabilities
from textbook.experiment import HOLDS, REVERSED, Claim, Run, estimate, paired

ENTRIES = ("5.12-c",)
DATA = "digits"

SHAPES = ((64, 64), (64,), (64, 10), (10,))
ONE, PREDICTIONS, WEIGHTS, MATCHED = "one network", "mean of predictions", "mean of weights", "weights, units matched"
AS_TRAINED, REORDERED = "as trained", "units matched"
_POINTS = 21


def measure(run: Run, *, networks: int = 10, epochs: int = 20) -> dict[str, pd.DataFrame]:
    """Average predictions and weights of networks from different starts; walk from the first to the second.

    Args:
        networks: from different starts, for each seed, at least 2.
        epochs: of each network.
    """
    if networks < 2:
        raise ValueError(f"expected at least 2 networks, got {networks}")
    tables = run.shared(members, count=networks, epochs=epochs)
    splits, arms, paths, similar = split_of_seed(run), [], [], []
    for seed in run.seeds:
        each, y = of_seed(tables["predictions"], seed)
        x = splits(seed * MOST_MEMBERS).test.x
        mine = tables["weights"][tables["weights"].seed == seed]
        flat = mine[[f"m{number}" for number in range(networks)]].to_numpy(np.float64).T
        matched = np.stack([flat[0], *(reordered_units(flat[0], other) for other in flat[1:])])
        arms += [
            {"condition": ONE, "seed": seed, **_mean_scores(each, y)},
            {"condition": PREDICTIONS, "seed": seed, **_scores(each.mean(axis=0), y)},
            {"condition": WEIGHTS, "seed": seed, **_scores(_predicted(flat.mean(axis=0), x), y)},
            {"condition": MATCHED, "seed": seed, **_scores(_predicted(matched.mean(axis=0), x), y)},
        ]
        for name, own in ((AS_TRAINED, flat), (REORDERED, matched)):
            similar.append({"condition": name, "seed": seed, "cosine": _mean_cosine(own)})
            paths.append(_path(own[0], own[1], x, y).assign(condition=name, seed=seed))
    path = pd.concat(paths, ignore_index=True)
    return {"arms": pd.DataFrame(arms), "path": path, "barrier": _barriers(path), "similar": pd.DataFrame(similar)}


def reordered_units(reference: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """The second network's weights with its hidden units in the order that fits the reference's best.

    Units are paired so that the sum of the products of their weights, in and out, is largest (Ainsworth et al. 2022,
    Git Re-Basin). The function stays the same.
    """
    from scipy.optimize import linear_sum_assignment

    into, bias, out, last = (part[0] for part in unpacked(flat, SHAPES))
    into_reference, bias_reference, out_reference, _ = (part[0] for part in unpacked(reference, SHAPES))
    fit = into_reference.T @ into + np.outer(bias_reference, bias) + out_reference @ out.T
    _, order = linear_sum_assignment(-fit)
    return np.concatenate([into[:, order].ravel(), bias[order], out[order].ravel(), last])


def _predicted(flat: np.ndarray, x) -> np.ndarray:
    return probabilities(outputs(unpacked(flat, SHAPES), x)[0], logits=True)


def _scores(predicted: np.ndarray, y) -> dict:
    loss = negative_log_likelihood(predicted, y).mean()
    return {"test_accuracy": (predicted.argmax(axis=-1) == y).mean(), "test_loss": loss}


def _mean_scores(each: np.ndarray, y) -> dict:
    """Scores of one network, the mean over the networks."""
    return pd.DataFrame([_scores(one, y) for one in each]).mean().to_dict()


def _mean_cosine(flat: np.ndarray) -> float:
    """Mean cosine of all weights between the first network, to which the others are matched, and each other."""
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return float((unit[1:] @ unit[0]).mean())


def _path(start: np.ndarray, end: np.ndarray, x, y) -> pd.DataFrame:
    rows = []
    for alpha in np.linspace(0, 1, _POINTS):
        rows.append({"alpha": alpha, **_scores(_predicted((1 - alpha) * start + alpha * end, x), y)})
    return pd.DataFrame(rows)


def _barriers(path: pd.DataFrame) -> pd.DataFrame:
    """How far the loss rises above the straight line between the losses of the two ends."""
    rows = []
    for (name, seed), mine in path.groupby(["condition", "seed"], sort=False):
        loss, alpha = mine.test_loss.to_numpy(), mine.alpha.to_numpy()
        rows.append({"condition": name, "seed": seed, "barrier": (loss - loss[0] - alpha * (loss[-1] - loss[0])).max()})
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Left, the loss from one solution to another; right, accuracy of one network and of the means."""
    arms, path, similar = tables["arms"], tables["path"], tables["similar"]
    fig, (left, right) = plots.figure(1, 2, size=(7.0, 5.0))
    looks = {AS_TRAINED: plots.look(1), REORDERED: plots.look(2)}
    plots.band(left, path, x="alpha", y="test_loss", looks=looks, names="none")
    cosines = similar.groupby("condition").cosine.mean()
    with plots.style():
        middle = path[path.alpha == 0.5].groupby("condition").test_loss.mean()
        height = middle[AS_TRAINED] - path[path.alpha == 0].test_loss.mean()
        for name, shift, side in ((AS_TRAINED, 0.22, "bottom"), (REORDERED, -0.14, "top")):
            text = f"{name},\ncosine of weights {round(cosines[name], 2) + 0:.2f}"  # + 0: no minus before 0.00
            left.text(0.5, middle[name] + shift * height, text, ha="center", va=side, fontsize=10)
        left.set_ylim(middle[REORDERED] - 0.35 * height, middle[AS_TRAINED] + 0.6 * height)
    left.set(xlabel="from one network to another (α)", ylabel="test loss (nats)", title="weights in between")
    shown = arms.assign(percent=100 * arms.test_accuracy)
    order = {ONE: plots.look(3), PREDICTIONS: plots.look(0), WEIGHTS: plots.look(1), MATCHED: plots.look(2)}
    plots.dots(right, shown, value="percent", looks=order)
    right.set_yticks(range(4), ["one\nnetwork", "mean of\npredictions", "mean of\nweights", "weights,\nmatched"])
    right.set(xlabel="test accuracy (%)", title="ten networks in one")
    plots.caption(
        fig,
        "600 rows of digits, MLP 64-64-10, SGD with momentum 0.9; networks of one split differ in start and order. "
        f"Bands and bars: 95 %; {plots.seeds_text(arms)}.",
    )
    return fig


_REFERENCE = (
    "Lakshminarayanan, Pritzel & Blundell (2017), Deep ensembles, arXiv:1612.01474; Fort, Hu & Lakshminarayanan "
    "(2019), Deep ensembles: a loss landscape perspective, arXiv:1912.02757"
)

CLAIMS = (
    Claim(
        "5.12-c/similar",
        "Networks of one model from different starts end with similar parameters: a cosine of one half or more.",
        estimate("cosine", above=0.5, unit="cosine", delta=0.05, table="similar", where={"condition": AS_TRAINED}),
        expected=REVERSED,
        ask="Same data, same settings, other initial weights. How similar are the trained weights: 0.9, 0.5, near 0?",
        why="In 4810 dimensions two random starts are at right angles, and training moves each only some way.",
        beware="Weights are compared as they stand. Hidden units can be renumbered, so a small cosine alone does not "
        "prove another function; but even the best renumbering leaves them far from equal.",
        correction="Networks from different starts find different solutions, and ensembles of them are among the "
        "strongest known; their parameters never coincide.",
        reference=_REFERENCE,
    ),
    Claim(
        "5.12-c/gain",
        "The mean of the predictions of networks that differ in their start is more accurate than one of them.",
        paired("test_accuracy", higher=PREDICTIONS, than=ONE, table="arms"),
        expected=HOLDS,
        ask="Does it pay to train the same model ten times and to average the answers?",
        why="Different solutions err on different samples.",
        beware="The order of the batches differs as well. Either of the two is enough to part the networks, and the "
        "order alone parts them further than the start alone (see the section on variety).",
        correction="A different start is no weak source of variety; for neural networks it is usually enough.",
        reference=_REFERENCE,
    ),
    Claim(
        "5.12-c/weights",
        "The mean of their weights is less accurate than one of them.",
        paired("test_accuracy", lower=WEIGHTS, than=ONE, table="arms"),
        expected=HOLDS,
        ask="One network with the mean weights would be as cheap as one. How accurate is it?",
        why="Unit 7 of one network has nothing to do with unit 7 of another; their mean does neither one's work.",
        beware="Along one training, or from one pretrained start, averaging weights is a good idea: there the weights "
        "are close.",
    ),
    Claim(
        "5.12-c/barrier",
        "On the straight line between two of the solutions the test loss climbs over a barrier.",
        estimate("barrier", above=0, unit="nats", delta=0.01, table="barrier", where={"condition": AS_TRAINED}),
        expected=HOLDS,
        ask="Both ends have a loss of about 0.14 nats. What is it halfway?",
        why="The two ends lie in different basins, at least with the hidden units in the order they came in.",
        beware="A straight line is not the only way: curved paths of low loss join such solutions.",
    ),
)
