"""6.3 Which values batch norm normalises (배치 정규화)

Batch norm takes every unit by itself and every mini-batch by itself: it subtracts the mini-batch's mean, divides by its
standard deviation, then scales by γ and shifts by β, which are learnt. What leaves it has mean β and variance
γ²σ²/(σ² + ε) over the mini-batch, whatever went in. The text says two things about what goes in. Its definition, and
its paragraph on covariate shift, normalise the values that passed the activation, a; its formulas normalise z, the
values before it, as Ioffe and Szegedy do. Both places are in use, but they are not the same: a normalised z leaves a
ReLU with a mean well above β. Nor is it every layer: the output, whose logits must be free to grow, has none.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, VIOLATED, Claim, Run, exact
from textbook.models import mlp
from textbook.replicas import Condition

ENTRIES = ("6.3-a",)
DATA = "any"
BEFORE, AFTER = "before the activation", "after the activation"
PLACES = {BEFORE: "before", AFTER: "after"}
_IN, _OUT, _OTHER = "into batch norm", "out of batch norm", "elsewhere"
_BINS = 80


def measure(
    run: Run,
    *,
    epochs: int = 3,
    batch_size: int = 64,
    batches: int = 4,
    hidden: tuple[int, ...] = (64, 64, 64),
    activation: str = "relu",
) -> dict[str, pd.DataFrame]:
    """Train a network with batch norm in either place, then look at what every layer passes on, in training mode.

    Args:
        epochs: before looking, so that γ and β are no longer 1 and 0.
        batch_size: rows of a mini-batch, in training and when looking.
        batches: mini-batches looked at.
        hidden: units of each hidden layer.
        activation: of the hidden layers, by Keras's name.
    """
    from textbook.replicas.trainer import ReplicaTrainer  # here, because a cached run loads no TensorFlow

    split = run.splits("digits")
    seed = run.seeds[0]  # an identity: more seeds would only repeat it
    conditions = {
        place: Condition(
            learning_rate=0.1,
            momentum=0.9,
            batch_size=batch_size,
            model=functools.partial(mlp, hidden=hidden, activation=activation, batch_norm=word),
        )
        for place, word in PLACES.items()
    }
    # plain `fit`: two single networks are trained before a stack of them would be compiled
    trained = ReplicaTrainer(
        mlp, split, conditions=conditions, seeds=[seed], epochs=run.epochs(epochs), engine="fit"
    ).run()
    x = split(seed).train.x
    batches = min(batches, max(1, len(x) // batch_size))
    stages = {place: _stages(trained.trained(place, seed=seed)) for place in PLACES}
    values = {
        place: [_passed_on(model, x[b * batch_size : (b + 1) * batch_size]) for b in range(batches)]
        for place, (model, _, _) in stages.items()
    }
    return {
        "moments": pd.concat([_moments(place, *stages[place], values[place]) for place in PLACES]),
        "densities": pd.concat([_densities(place, stages[place][1], values[place], values) for place in PLACES]),
        "settings": pd.DataFrame(
            [(len(x), batch_size, batches, run.epochs(epochs), "-".join(map(str, hidden)), activation, seed)],
            columns=["rows", "batch_size", "batches", "epochs", "hidden", "activation", "seed"],
        ),
    }


def _stages(model):
    """A model of every layer's output; (layer number from 1, name, kind) of each; the batch norm of each layer."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.Flatten)]
    named, norms, number = [], {}, 0
    for i, layer in enumerate(layers):
        number += isinstance(layer, keras.layers.Dense)
        if isinstance(layer, keras.layers.BatchNormalization):
            norms[number] = layer
            named.append((number, "batch norm", _OUT))
        else:
            follows = i + 1 < len(layers) and isinstance(layers[i + 1], keras.layers.BatchNormalization)
            name = "z" if isinstance(layer, keras.layers.Dense) else "activation"
            named.append((number, name, _IN if follows else _OTHER))
    return keras.Model(model.inputs[0], [layer.output for layer in layers]), named, norms


def _passed_on(model, rows) -> list[np.ndarray]:
    return [np.asarray(part, dtype=np.float64) for part in model(rows, training=True)]


def _moments(place, _, named, norms, batches) -> pd.DataFrame:
    """Mean and variance over each mini-batch, of every unit, beside what γ, β and the variance that went in make."""
    tables = []
    for b, values in enumerate(batches):
        at = {(number, kind): part for (number, _, kind), part in zip(named, values, strict=True)}
        activated = {n: part for (n, name, _), part in zip(named, values, strict=True) if name == "activation"}
        for number, norm in norms.items():
            gamma, beta = (np.asarray(w, dtype=np.float64) for w in (norm.gamma, norm.beta))
            spread = at[number, _IN].var(axis=0)
            closed = {"mean": beta, "variance": gamma**2 * spread / (spread + norm.epsilon)}
            for moment, values_of in (("mean", np.mean), ("variance", np.var)):
                tables.append(
                    pd.DataFrame(
                        {
                            "place": place,
                            "batch": b,
                            "layer": number,
                            "unit": range(len(beta)),
                            "moment": moment,
                            "batch_norm": values_of(at[number, _OUT], axis=0),
                            "activation": values_of(activated[number], axis=0),
                            "went_in": values_of(at[number, _IN], axis=0),
                            "closed_form": closed[moment],
                        }
                    )
                )
    return pd.concat(tables, ignore_index=True)


def _densities(place, named, batches, everything) -> pd.DataFrame:
    """A histogram of each stage, all its units and mini-batches together, on bins that both places share."""
    pooled = np.concatenate([part.ravel() for runs in everything.values() for values in runs for part in values])
    edges = np.linspace(*np.quantile(pooled, [0.005, 0.995]), _BINS + 1)
    tables = []
    for i, (number, name, kind) in enumerate(named):
        values = np.concatenate([run[i].ravel() for run in batches])
        counts = np.histogram(values, edges)[0]
        tables.append(
            pd.DataFrame(
                {
                    "place": place,
                    "stage": i,
                    "layer": number,
                    "name": name,
                    "kind": kind,
                    "value": (edges[1:] + edges[:-1]) / 2,
                    "density": counts / (len(values) * (edges[1] - edges[0])),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def draw(tables: dict[str, pd.DataFrame]):
    """Histograms of the values that each stage passes on, ridge by ridge in the network's order, with batch norm before
    (left) and after the activation (right); dashes mark units' means.
    """
    densities, moments, settings = tables["densities"], tables["moments"], tables["settings"].iloc[0]
    fig, axes = plots.figure(1, 2, size=(7.4, 7.2), sharex=True)
    # the hatches tell them apart in grey
    looks = {
        _IN: {"facecolor": plots.COLOURS[0], "alpha": 0.8},
        _OUT: {"facecolor": plots.COLOURS[1], "alpha": 0.8, "hatch": "////", "edgecolor": "#ffffff"},
        _OTHER: {"facecolor": "#c4c4c4", "alpha": 0.8},
    }
    for ax, place in zip(axes, PLACES, strict=True):
        own = densities[densities.place == place]
        names = []
        for stage, rows in own.groupby("stage"):
            kind, number = rows.kind.iloc[0], rows.layer.iloc[0]
            # a ReLU's zeros would press all else flat: the few tallest bins are cut
            heights = 0.78 * (rows.density / rows.density.nlargest(4).iloc[-1]).clip(upper=1)
            ax.fill_between(rows.value, stage, stage - heights, **looks[kind], linewidth=0, zorder=2)
            ax.plot(rows.value, stage - heights, color="#333333", linewidth=0.7, marker="", ls="-", zorder=2)
            names.append("logits" if stage == own.stage.max() else f"{rows['name'].iloc[0]} {number}")
            means = _means(moments, place, number, rows["name"].iloc[0], kind)
            ax.plot(means, np.full(len(means), stage + 0.09), "|", color="#333333", markersize=5, markeredgewidth=0.8)
        ax.set_yticks(sorted(own.stage.unique()), names)
        ax.set(
            ylim=(own.stage.max() + 0.35, -0.95),
            title=f"batch norm\n{place}",
            xlabel="value",
            xlim=(own.value.min(), own.value.max()),
        )
        ax.axvline(0, color="#333333", linewidth=0.9)
        ax.grid(visible=False, axis="y")
    handles = [axes[0].fill_between([], [], [], label=kind, **look) for kind, look in looks.items()]
    fig.legend(handles=handles, loc="outside upper center", ncols=3)
    plots.caption(
        fig,
        f"{settings.batches} mini-batches of {settings.batch_size} of {settings['rows']} training rows, in training "
        f"mode; hidden layers {settings.hidden}, {settings.activation}, after {settings.epochs} epochs; seed "
        f"{settings.seed}. Ridges: all units, each of one height, its tallest bins cut. Dashes: units' means over "
        "one mini-batch.",
    )
    return fig


def _means(moments, place, number, name, kind):
    """Each unit's mean over the first mini-batch, where the stage is on either side of batch norm or an activation."""
    rows = moments[(moments.place == place) & (moments.layer == number) & (moments.moment == "mean")]
    rows = rows[rows.batch == rows.batch.min()]
    if kind == _OTHER and name != "activation":
        return []
    return {_IN: rows.went_in, _OUT: rows.batch_norm, _OTHER: rows.activation}[kind]


_PAPER = "Ioffe and Szegedy (2015), arXiv:1502.03167, section 3.2: the transform stands before the nonlinearity"

CLAIMS = (
    Claim(
        "6.3-a/moments",
        "In training, what leaves batch norm has mean β and variance γ²σ²/(σ² + ε) over every mini-batch and for every "
        "unit, in either place.",
        exact(measured="batch_norm", expected="closed_form", tolerance=1e-4, table="moments"),
        expected=EXACT,
        ask="A unit's values have mean 3 and standard deviation 20 over a mini-batch. What mean and variance do they "
        "leave batch norm with?",
        why="The mini-batch's own mean and standard deviation are taken out, so whatever they were is gone; γ and β "
        "alone say what comes back. ε makes the variance a trifle smaller than γ².",
        beware="Over a mini-batch only. In inference the moving averages stand in for the mini-batch's moments, and a "
        "single mini-batch then has whatever mean it has.",
    ),
    Claim(
        "6.3-a/activations",
        "It is the values that passed the activation that come out normalised: in a network by the text's formulas, "
        "each unit's a has mean β and variance γ²σ²/(σ² + ε).",
        exact(measured="activation", expected="closed_form", tolerance=1e-4, table="moments", where={"place": BEFORE}),
        expected=VIOLATED,
        ask="z is normalised to mean 0 and variance 1, then passes a ReLU. Is what leaves the ReLU normalised too?",
        why="The activation bends what was normalised: a ReLU takes the lower half away, so the mean rises above β and "
        "the variance falls below γ².",
        beware="Batch norm behind the activation does normalise a, and is in use as well; it is another network. Which "
        "of the two a text means has to be read off its formulas.",
        correction="The text defines batch norm by a and computes it with z. The original is by z, before the "
        "activation, and not in every layer: never on the output.",
        reference=_PAPER,
    ),
)
