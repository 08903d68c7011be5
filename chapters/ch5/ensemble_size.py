"""5.12 How many networks (앙상블의 크기)

The mean of several networks' predictions is better than one network, and better the more there are. Each further one
adds less: in squared error the expected gain of M networks over one is (1 − 1/M) of all that there is to gain, so half
of it comes with the second network. What all networks get wrong alike no number of them mends.
"""

import numpy as np
import pandas as pd

from chapters.shared.members import members, of_seed
from textbook import plots
from textbook.ensembles import diversity, negative_log_likelihood
from textbook.experiment import EXACT, HOLDS, Claim, Run, exact, paired, trend

ENTRIES = ("5.12-a",)
DATA = "any"


def measure(run: Run, *, networks: int = 10, epochs: int = 20) -> dict[str, pd.DataFrame]:
    """Average the predictions of all ensembles of 1, 2, … that can be made of a seed's networks, trained on 600 rows.

    Args:
        networks: trained for each seed, 5 to 12; ten make 1023 ensembles.
        epochs: of each network.
    """
    if not 5 <= networks <= 12:
        raise ValueError(f"expected 5 to 12 networks, got {networks}; more make too many ensembles")
    predictions = run.shared(members, count=networks, epochs=epochs)["predictions"]
    sizes = pd.concat((_by_size(*of_seed(predictions, seed), seed=seed) for seed in run.seeds), ignore_index=True)
    half = networks // 2
    loss = sizes.pivot(index="seed", columns="networks", values="test_loss")
    gains = {"first half": loss[1] - loss[half], "second half": loss[half] - loss[networks]}
    halves = pd.concat(
        pd.DataFrame({"condition": name, "seed": gain.index, "loss_gain": gain.to_numpy()})
        for name, gain in gains.items()
    )
    return {"sizes": sizes, "halves": halves.reset_index(drop=True)}


def _by_size(of_members: np.ndarray, y: np.ndarray, *, seed: int) -> pd.DataFrame:
    """Mean scores of all ensembles of each size, and the Brier score that the members' spread foretells."""
    count, rows, classes = of_members.shape
    chosen = (np.arange(1, 2**count)[:, None] >> np.arange(count)) & 1  # a row per ensemble
    size = chosen.sum(axis=1)
    flat, target = of_members.reshape(count, -1), np.eye(classes)[y]
    table = []
    for number in range(1, count + 1):
        means = (chosen[size == number] @ flat / number).reshape(-1, rows, classes)
        table.append(
            {
                "seed": seed,
                "networks": number,
                "test_accuracy": (means.argmax(axis=-1) == y).mean(),
                "test_loss": negative_log_likelihood(means, y).mean(),
                "brier": ((means - target) ** 2).sum(axis=-1).mean(),
            }
        )
    found = diversity(of_members, y)
    # all ensembles of M out of N: sampling without replacement
    left = [(1 / number - 1 / count) * count / (count - 1) for number in range(1, count + 1)]
    return pd.DataFrame(table).assign(foretold=found.ensemble_error + found.ambiguity * np.array(left))


def draw(tables: dict[str, pd.DataFrame]):
    """Test accuracy and test loss against the number of networks; beside the loss, 1 − 1/M of the gain."""
    sizes = tables["sizes"]
    shown = sizes.assign(percent=100 * sizes.test_accuracy)
    fig, (left, right) = plots.figure(1, 2)
    plots.band(left, shown, x="networks", y="percent", hue=None, looks={"": plots.look(0)})
    plots.band(right, shown, x="networks", y="test_loss", hue=None, looks={"": plots.look(1)})
    mean = shown.groupby("networks").test_loss.mean()
    least, most = mean.index.min(), mean.index.max()
    share = (1 - 1 / mean.index) / (1 - 1 / most)
    with plots.style():
        right.plot(mean.index, mean[least] - (mean[least] - mean[most]) * share, ":", color="#222222", linewidth=1.6)
        right.annotate(
            "1 − 1/M of the gain",
            (2.2, mean[least] - (mean[least] - mean[most]) * 0.5),
            (25, 28),
            textcoords="offset points",
            fontsize=10,
            arrowprops={"arrowstyle": "-", "color": "#666666"},
        )
    for ax in (left, right):
        ax.set_xlabel("networks in the ensemble (M)")
        ax.set_xticks(range(1, most + 1, 1 if most <= 6 else 3))
    left.set(ylabel="test accuracy (%)", title="accuracy")
    right.set(ylabel="test loss (nats)", title="loss")
    plots.caption(
        fig,
        "600 rows of digits, MLP 64-64-10, SGD with momentum 0.9; networks of one split differ in start and order. "
        f"Mean over all ensembles of a size; bands: 95 %, not of differences; {plots.seeds_text(sizes)}.",
    )
    return fig


CLAIMS = (
    Claim(
        "5.12-a/accuracy",
        "The more networks are averaged, the higher the test accuracy.",
        trend("test_accuracy", over="networks", direction="rises", table="sizes"),
        expected=HOLDS,
        ask="One network gets about 96 of 100 digits right. How many do ten of them get right together?",
        why="Each network errs on samples of its own besides those that all find hard; in the mean the former go.",
        beware="The gain is small here because a single network is already good, and ten cost ten times as much.",
    ),
    Claim(
        "5.12-a/loss",
        "The more networks are averaged, the lower the test loss.",
        trend("test_loss", over="networks", direction="falls", table="sizes"),
        expected=HOLDS,
        ask="Which gains more from averaging, the number of right answers or the quality of the probabilities?",
        why="Trained to the end, one network is nearly sure even where it errs; several that err differently are not.",
        beware="The loss punishes being surely wrong, so it sees the gain long before the accuracy does.",
    ),
    Claim(
        "5.12-a/diminishing",
        "The first half of the networks brings more than the second half.",
        paired("loss_gain", higher="first half", than="second half", unit="nats", delta=0.01, table="halves"),
        expected=HOLDS,
        ask="From one to five networks, or from five to ten: which step lowers the loss more?",
        why="The variance of a mean falls as 1/M: four fifths of it are gone at five, nine tenths at ten.",
        beware="What is left is not noise but what all these networks share: data, architecture, training.",
    ),
    Claim(
        "5.12-a/one-over-m",
        "In squared error the mean over all ensembles of M falls with 1/M, by the spread of the members.",
        exact(measured="brier", expected="foretold", tolerance=1e-12, table="sizes"),
        expected=EXACT,
        ask="Can you tell what three networks will gain from how far ten of them differ?",
        why="Averaging M of N divides their variance by M, with the correction for drawing without putting back.",
        beware="The identity holds for the Brier score, not for accuracy, which may also fall with a further network.",
        correction="It need not go on rising, as the text adds; in expectation the squared error never rises, and its "
        "gain is bounded: 1 − 1/M of the members' variance.",
        reference="Krogh & Vedelsby (1995), Neural network ensembles, cross validation, and active learning, NIPS 7",
    ),
)
