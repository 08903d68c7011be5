"""8.4.3 Weight scaling at inference (추론할 때의 가중치 보정)

At inference every node takes part, and the text multiplies the weights by 1 − p to make up for it. For a linear layer
that is the mean over all masks, exactly; behind a ReLU it is not, and a network's answer with scaled weights only
approximates the mean answer of its thinned networks. Keras and torch have the inverted form: kept nodes are divided by
1 − p in training, and at inference nothing is scaled. Who scales the weights of a Keras model all the same halves
at p = 0.5 what every layer behind a dropout gets.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.dropout import at_inference, dropped, every_mask, mask_probabilities
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, VIOLATED, Claim, Run, equivalent, exact, paired
from textbook.models import mlp
from textbook.seeding import stream, word

ENTRIES = ("8.4.3-b",)
DATA = "any"

_SCALED, _MANY, _ONE, _TWICE = "weight scaling", "many masks", "one mask", "scaled twice"
_INPUTS = (1.0, 2.0, 3.0)
_RATES = (0.2, 0.5, 0.8)  # enumerated beside the network's own, since at 0.5 all masks are equally probable
_NUMBERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def measure(run: Run, *, rate: float = 0.5, hidden: int = 128, epochs: int = 20) -> dict[str, pd.DataFrame]:
    """Enumerate the masks of three inputs, and predict the test part by scaling and under many masks.

    Args:
        rate: p of dropout, in the enumeration as in the network.
        hidden: units of the hidden layer, which dropout follows.
    """
    from textbook.replicas import Condition, ReplicaTrainer

    trainer = ReplicaTrainer(
        functools.partial(mlp, hidden=(hidden,), dropout=rate),
        run.splits("digits"),
        conditions={"dropout": Condition(learning_rate=0.1, momentum=0.9)},
        seeds=run.seeds,
        epochs=run.epochs(epochs),
    )
    trained = trainer.run()
    columns = {"rate": rate, "hidden": hidden, "epochs": run.epochs(epochs)}
    answers, approach = [], []
    last = trained.table[trained.table.epoch == trained.table.epoch.max()].set_index("seed")
    for seed in run.seeds:
        of_model, by_number = _answers(trained.trained("dropout", seed), run.splits("digits")(seed).test, rate, seed)
        answers.append(of_model.assign(seed=seed, **last.loc[seed, ["diverged", "chance_loss", "chance_accuracy"]]))
        approach.append(by_number.assign(seed=seed))
    rates = dict.fromkeys((rate, *_RATES))
    masks = pd.concat([_enumerated(run.seeds, each) for each in rates], ignore_index=True)
    return {
        "answers": pd.concat(answers, ignore_index=True).assign(**columns),
        "approach": pd.concat(approach, ignore_index=True),
        "masks": masks,
        "means": _means(masks),
        "keras": _by_keras(run.seeds, rate),
    }


def _answers(model, test, rate: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Loss and accuracy of one network's four ways to predict; and how far the mean over K masks is from scaling."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    from textbook.dropout import monte_carlo
    from textbook.ensembles import probabilities
    from textbook.ensembles.probability import labels, negative_log_likelihood

    def predicted() -> np.ndarray:
        return probabilities(keras.ops.convert_to_numpy(model(test.x, training=False)), logits=True)

    scaled = predicted()
    found = monte_carlo(model, test.x, logits=True, passes=_NUMBERS[-1], seed=seed, batch_size=32 * len(test))
    last = model.layers[-1]
    kernel, bias = last.get_weights()
    last.set_weights([(1 - rate) * kernel, bias])
    twice = predicted()
    last.set_weights([kernel, bias])
    rows = [
        {
            "way": way,
            "test_loss": float(negative_log_likelihood(p, test.y).mean()),
            "test_accuracy": float((labels(p) == test.y).mean()),
        }
        for way, p in ((_SCALED, scaled), (_MANY, found.mean), (_ONE, found.predictions[0]), (_TWICE, twice))
    ]
    apart = [np.abs(found.predictions[:k].mean(axis=0) - scaled).sum(axis=1).mean() / 2 for k in _NUMBERS]
    return pd.DataFrame(rows), pd.DataFrame({"masks": _NUMBERS, "apart": apart})


def _enumerated(seeds, rate: float) -> pd.DataFrame:
    """w·(mask ∘ x) and its ReLU under each of the eight masks of three inputs, in the classic form; w is drawn.

    Weights with one sign would leave nothing for the ReLU to cut off, so the second has another sign than the others.
    """
    masks, x, tables = every_mask(3), np.array(_INPUTS), []
    for seed in seeds:
        w = np.abs(stream(seed, "three inputs").normal(size=3)) * (1, -1, 1)
        output = dropped(x, masks, rate=rate, form="classic") @ w
        names = ["".join("●" if kept else "○" for kept in mask) for mask in masks]
        table = pd.DataFrame({"mask": names, "probability": mask_probabilities(masks, rate), "output": output})
        scaled = float(at_inference(x, rate=rate, form="classic") @ w)
        tables.append(table.assign(relu=np.maximum(output, 0), scaled=scaled, seed=seed, rate=rate))
    return pd.concat(tables, ignore_index=True)


def _means(masks: pd.DataFrame) -> pd.DataFrame:
    """Means over the masks, by their probabilities, beside the output of the weights times 1 − p."""
    weighted = masks.assign(linear=masks.output * masks.probability, bent=masks.relu * masks.probability)
    sums = weighted.groupby(["rate", "seed"], as_index=False)[["linear", "bent"]].sum()
    scaled = masks.groupby(["rate", "seed"]).scaled.first().to_numpy()
    return sums.assign(scaled=scaled, scaled_bent=np.maximum(scaled, 0))


def _by_keras(seeds, rate: float) -> pd.DataFrame:
    """What Keras's Dropout makes of ones: kept units' least and largest factor in training, all units' at inference."""
    import keras

    rows, phases = [], {"training": (1.0, 1 / (1 - rate)), "inference": (1 - rate, 1.0)}
    for seed in seeds:
        layer = keras.layers.Dropout(rate, seed=word(seed, "masks"))
        training, inference = (
            keras.ops.convert_to_numpy(layer(np.ones((1, 1000), "float32"), training=mode)) for mode in (True, False)
        )
        for phase, factors in (("training", training[training != 0]), ("inference", inference)):
            text, inverted = phases[phase]
            rows += [(seed, phase, float(factor), text, inverted) for factor in (factors.min(), factors.max())]
    return pd.DataFrame(rows, columns=["seed", "phase", "factor", "text", "inverted"])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the output under each of the eight masks of three inputs, with their mean and that of scaled weights;
    below, the mean over K masks against scaling, and the loss of each way to predict.
    """
    masks, answers, approach = tables["masks"], tables["answers"], tables["approach"]
    fig, axes = plots.figure(2, 2, height_ratios=[1, 1], width_ratios=[1, 1.1])
    one = masks[(masks.seed == masks.seed.min()) & (masks.rate == answers.rate.iloc[0])]
    _draw_masks(axes[0], one)
    apart, loss = axes[1]
    plots.band(apart, approach, x="masks", y="apart", hue=None, log=True, looks={"": plots.look(0)})
    plots.log_axis(apart, "x", at=(1, 4, 16, 64, 256))
    plots.log_axis(apart, "y")
    apart.set(xlabel="masks K", ylabel="probability moved,\nmean of K masks to scaling")
    finite = answers.assign(loss=answers.test_loss.mask(answers.diverged, answers.chance_loss))
    right = answers.groupby("way").test_accuracy.mean()
    named = finite.assign(way=[f"{way}\n{100 * right[way]:.1f} % right" for way in finite.way])
    plots.dots(loss, named, value="loss", by="way")
    loss.set(xlabel="test loss (nats)")
    loss.set_xlim(0, 1.04 * loss.get_xlim()[1])
    first = answers.iloc[0]
    plots.caption(
        fig,
        f"Above: x = {', '.join(f'{x:g}' for x in _INPUTS)}, classic dropout, p = {first.rate:g}, ● kept, one draw of "
        f"w; bars: each mask's output. Below: digits, MLP 64-{first.hidden:.0f}-10, {first.epochs:.0f} epochs; many: "
        f"{approach.masks.max():.0f} masks; probability moved: half the summed differences. "
        f"{plots.seeds_text(answers)}",
    )
    return fig


def _draw_masks(axes, one: pd.DataFrame) -> None:
    """Outputs under each mask without and with ReLU; their mean, and the output with scaled weights."""
    rows = np.arange(len(one))
    scaled = one.scaled.iloc[0]
    for ax, column, title in ((axes[0], "output", "linear: w·x"), (axes[1], "relu", "behind a ReLU")):
        ax.barh(rows, one[column], height=0.6, color=plots.look(0)["color"], alpha=0.45)
        mean = float((one[column] * one.probability).sum())
        at = scaled if column == "output" else max(scaled, 0.0)
        ax.axvline(mean, color="#222222", linestyle="-", linewidth=1.8, label="mean over masks")
        ax.axvline(at, color=plots.COLOURS[1], linestyle="--", linewidth=2.2, label="weights × (1 − p)")
        ax.set(xlabel="output", title=title, yticks=rows, yticklabels=one["mask"], ylim=(len(one) - 0.5, -0.5))
        ax.grid(visible=False, axis="y")
        ax.set_ylabel("inputs kept")
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)


CLAIMS = (
    Claim(
        "8.4.3-b/linear",
        "Behind a linear layer the mean over all masks is the output with the weights times 1 − p.",
        exact(measured="linear", expected="scaled", tolerance=1e-12, table="means"),
        expected=EXACT,
        ask="Three inputs have eight masks. What is the mean of the eight outputs, at p = 0.5?",
        why="Every term wᵢxᵢ is there with probability 1 − p, and the mean of a sum is the sum of the means.",
        beware="The mean weighs each mask by its probability; away from p = 0.5 they are not equal.",
    ),
    Claim(
        "8.4.3-b/relu",
        "Behind a ReLU the mean over all masks is the output with the weights times 1 − p, too.",
        exact(measured="bent", expected="scaled_bent", tolerance=1e-12, table="means"),
        expected=VIOLATED,
        ask="Cut all negative outputs off. Do mean and scaled output still agree?",
        why="A ReLU bends upwards: a mean of cut values is at least the cut mean, and above it where signs differ.",
        beware="A network has such bends in every layer, so for it scaling is an approximation, if often a good one.",
        correction="Scaling the weights gives the mean over the masks exactly for a linear map only.",
        reference="Srivastava et al. (2014), JMLR 15, 1929–1958, section 7.5; Baldi and Sadowski (2013), Understanding "
        "dropout",
    ),
    Claim(
        "8.4.3-b/keras",
        "Kept nodes pass on their values in training, and at inference all are multiplied by 1 − p, in Keras too.",
        exact(measured="factor", expected="text", tolerance=1e-6, table="keras"),
        expected=VIOLATED,
        ask="Feed ones into Keras's Dropout with p = 0.5. What comes out in training, and what at inference?",
        why="Keras divides what is kept by 1 − p in training, so that the mean is right already there.",
        beware="A paper's formula and a framework's layer may both be right and yet not fit together.",
        correction="Keras and torch have inverted dropout: ×1/(1 − p) in training, nothing at inference. The weights "
        "are not to be multiplied by 1 − p.",
        reference="Keras: Dropout; Srivastava et al. (2014), section 10",
    ),
    Claim(
        "8.4.3-b/inverted",
        "Keras's Dropout multiplies kept nodes by 1/(1 − p) in training and leaves all as they are at inference.",
        exact(measured="factor", expected="inverted", tolerance=1e-6, table="keras"),
        expected=EXACT,
        ask="Then which two factors are they?",
        why="Scaling in training costs nothing where it matters, in the network that is in use.",
        beware="Only the layer in training mode does so: `predict` and `evaluate` switch it off by themselves.",
    ),
    Claim(
        "8.4.3-b/many-masks",
        "On the test part weight scaling is as accurate as the mean of 256 masks.",
        equivalent("test_accuracy", conditions=(_SCALED, _MANY), bad=_ONE, by="way", table="answers"),
        expected=HOLDS,
        ask="One pass with all nodes, or 256 with masks: which is right more often?",
        why="Where the masks' answers spread little, the bend that scaling leaves out hardly counts.",
        beware="As accurate is not as good in every respect: a mean over masks is less sure of itself, which changes "
        "the loss (see the figure), and it comes with a spread, which a single pass does not have.",
    ),
    Claim(
        "8.4.3-b/twice",
        "Multiplying the weights of a trained Keras model by 1 − p all the same raises the test loss.",
        paired("test_loss", higher=_TWICE, than=_SCALED, by="way", table="answers"),
        expected=HOLDS,
        ask="A Keras model, and somebody who follows the text. What does it do to the loss?",
        why="The logits become smaller by the same factor, and the network less sure of what it knows.",
        beware="A network that is much too sure of itself can gain by it, as by any temperature above 1.",
    ),
    Claim(
        "8.4.3-b/unseen",
        "Multiplying them so costs accuracy as well.",
        paired("test_accuracy", lower=_TWICE, than=_SCALED, by="way", table="answers"),
        expected=NO_DIFFERENCE,
        ask="And to the accuracy?",
        why="Logits that all shrink alike keep their order; only the biases do not shrink with them, which can turn a "
        "close call.",
        beware="A few tenths of a point could have many causes and lead nobody to this one. Compare the outputs of a "
        "layer in both modes instead.",
    ),
)
