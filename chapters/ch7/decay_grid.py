"""7.6 Which weight decays to try (가중치 감쇠)

For an unknown weight decay the text tries 0.001, 0.0001 and 0.000001. The paper's list is another one: 10⁻³, 10⁻⁴, 10⁻⁵
and 0, after which the exponent is halved. The text lacks the 0, and with it the control that says whether weight decay
helps at all; its 10⁻⁶ may come from the list that the paper gives for complex data, 10⁻⁴, 10⁻⁵, 10⁻⁶ and 0. What a list
costs is its regret: the test loss of what the validation part picks from it, less that of what it picks from a fine
grid. And a number alone is no weight decay: the paper's λ is an L2 penalty with the gradient λw, which momentum makes
1/(1 − μ) times stronger, while Keras's `weight_decay=λ` is decoupled and takes rate·λ·w whatever the momentum.
"""

import functools

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, exact, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas

ENTRIES = ("7.6-a",)
DATA = "any"
FOR_DATA = {
    "fashion_mnist": {"hidden": (100, 100, 100), "batch_size": 128, "epochs": 1, "rows": 0, "rates": (0.1,)},
}

L2, DECOUPLED = "L2", "decoupled"
FINE = (0.0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
LISTS = {
    "fine grid": FINE,
    "text's list": (1e-3, 1e-4, 1e-6),
    "paper's list": (1e-3, 1e-4, 1e-5, 0.0),
    "paper, complex data": (1e-4, 1e-5, 1e-6, 0.0),
    "no decay": (0.0,),
}


def measure(
    run: Run,
    *,
    rows: int = 300,
    rates: tuple[float, ...] = (0.1, 0.3),
    momentum: float = 0.9,
    hidden: tuple[int, ...] = (64,),
    batch_size: int = 32,
    epochs: int = 30,
) -> dict[str, pd.DataFrame]:
    """Train with every value of the fine grid, as an L2 penalty and decoupled, and let validation pick from each list.

    Args:
        rows: of the training part, few enough for weight decay to matter; 0 takes the book's usual split.
        rates: constant ones; verdicts average over them.
        momentum, hidden, batch_size, epochs: of the training.
    """
    splits = run.splits("digits", sizes=(rows, 473, 1024) if rows else None)
    build = functools.partial(mlp, hidden=hidden, l2=1e-3)  # any number: each condition has its own
    conditions, arms = {}, {}
    for rate in rates:
        for value in FINE:
            settings = {"learning_rate": rate, "momentum": momentum}
            # the gradient of l·Σw² is 2l·w, and the paper's λ is what stands before w; the other kind is there with 0,
            # so that all are one graph
            both = {
                L2: Condition(strengths={"l2": value / 2}, weight_decay=0.0, **settings),
                DECOUPLED: Condition(strengths={"l2": 0.0}, weight_decay=value, **settings),
            }
            for kind, condition in both.items():
                arms[f"{kind}|{rate}|{value}"] = (kind, rate, value)
                conditions[f"{kind}|{rate}|{value}"] = condition
    epochs = run.epochs(epochs)
    curves = train_replicas(build, splits, conditions=conditions, seeds=run.seeds, epochs=epochs, batch_size=batch_size)
    last = curves[curves.epoch == curves.epoch.max()]
    ends = pd.DataFrame([arms[name] for name in last.condition], columns=["kind", "rate", "decay"], index=last.index)
    for part in ("val", "test"):  # without the penalty: losses with different penalties do not compare
        ends[f"{part}_loss"] = last[f"{part}_clean_loss"].where(~last.diverged, last.chance_loss)
    ends = ends.assign(seed=last.seed, diverged=last.diverged, chance_loss=last.chance_loss)
    facts = {"rows": len(splits(run.seeds[0]).train), "epochs": epochs, "momentum": momentum}
    facts |= {"batch_size": batch_size, "hidden": "-".join(map(str, hidden))}
    return {"ends": ends.assign(**facts), "picked": picked(ends), "shrinkage": _shrinkage(momentum)}


def picked(ends: pd.DataFrame) -> pd.DataFrame:
    """For each kind, rate, seed and list the value with the lowest validation loss, and its test loss."""
    tables = []
    for name, values in LISTS.items():
        offered = ends[ends.decay.isin(values)]
        best = offered.loc[offered.groupby(["kind", "rate", "seed"]).val_loss.idxmin()]
        tables.append(best.assign(choice=name))
    table = pd.concat(tables, ignore_index=True)
    key = ["kind", "rate", "seed"]
    fine = table[table.choice == "fine grid"].set_index(key).test_loss
    table["regret"] = table.test_loss.to_numpy() - fine.loc[pd.MultiIndex.from_frame(table[key])].to_numpy()
    return table


def _shrinkage(momentum: float, rate: float = 0.1, decay: float = 0.01, updates: int = 200) -> pd.DataFrame:
    """By which factor Keras shrinks a weight in an update where the data have no gradient, beside its closed form.

    Decoupled: 1 − rate·λ. As a penalty through a velocity: the larger root r of r² − (1 + μ − rate·λ)·r + μ = 0.
    """
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    step = rate * decay
    middle = (1 + momentum - step) / 2
    forms = {DECOUPLED: 1 - step, L2: middle + np.sqrt(middle**2 - momentum)}
    found = []
    for kind in (DECOUPLED, L2):
        weight = keras.Variable([1.0], dtype="float64")
        optimizer = keras.optimizers.SGD(rate, momentum=momentum, weight_decay=decay if kind == DECOUPLED else None)
        size = [1.0]
        for _ in range(updates):
            gradient = weight * decay if kind == L2 else keras.ops.zeros_like(weight)
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
            size.append(float(weight.numpy()[0]))
        found.append({"kind": kind, "shrinkage": 1 - size[-1] / size[-2], "closed_form": 1 - forms[kind]})
    return pd.DataFrame(found)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, test loss by weight decay at two learning rates, with the lists of text and paper as markers; below, what
    each list costs against the fine grid.
    """
    ends, lists = tables["ends"], tables["picked"]
    values = sorted(ends.decay.unique())
    ends = ends.assign(place=ends.decay.map({value: place for place, value in enumerate(values)}))
    ends["rate"] = ends.rate.map(lambda rate: f"rate {rate:g}")
    fig, axes = plots.figure(2, 2, size=(8.6, 7.0), sharey="row", height_ratios=[1.5, 1])
    titles = {L2: "λ as an L2 penalty", DECOUPLED: "weight_decay=λ (decoupled)"}
    for (above, below), (kind, title) in zip(axes.T, titles.items(), strict=True):
        plots.band(above, ends[ends.kind == kind], x="place", y="test_loss", hue="rate", log=True, names="none")
        above.set(title=title, xlabel="weight decay λ")
        ticks = [f"{value:.0e}".replace("e-0", "e-") if value else "0" for value in values]
        above.set_xticks(range(len(values)), ticks)
        above.tick_params(axis="x", labelsize=9)
        shown = lists[(lists.kind == kind) & ~lists.choice.isin(["fine grid"])]
        regret = shown.groupby(["choice", "seed"], sort=False, as_index=False).regret.mean()
        plots.dots(below, regret, value="regret", by="choice")
        below.axvline(0, color=plots.GREY, lw=1, ls="-")
        below.set(xlabel="regret against the fine grid (nats)")
    plots.log_axis(axes[0, 0], "y")
    axes[0, 0].set_ylabel("test loss, no penalty (nats)")
    _mark_lists(axes[0], values)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    facts = ends.iloc[0]
    plots.caption(
        fig,
        f"Digits, {facts.rows} training rows, MLP with hidden units {facts.hidden}, SGD with momentum "
        f"{facts.momentum:g}, batches of {facts.batch_size}, epochs: {facts.epochs}. Above: geometric mean and 95 % "
        f"band; ▲ text's list, ■ paper's. Below: mean over the rates, one dot a seed. {plots.seeds_text(ends)}",
    )
    return fig


def _mark_lists(axes, values) -> None:
    """A row of markers for each list at its values, in room made for them at the bottom."""
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(low / (high / low) ** 0.16, high)
    for ax in axes:
        for height, (name, marker) in zip((0.04, 0.10), (("text's list", "^"), ("paper's list", "s")), strict=True):
            at = [place for place, value in enumerate(values) if value in LISTS[name]]
            ax.plot(
                at, [height] * len(at), marker, color="#222222", markersize=7, ls="", transform=ax.get_xaxis_transform()
            )


def _lower(choice: str, than: str, kind: str = L2):
    return paired(
        "test_loss", lower=choice, than=than, by="choice", mean_over="rate", table="picked", where={"kind": kind}
    )


_CORRECTION = (
    "The paper's list is 10⁻³, 10⁻⁴, 10⁻⁵ and 0; the text's 10⁻⁶ may come from its list for complex data, 10⁻⁴, 10⁻⁵, "
    "10⁻⁶ and 0. Without 0 nothing says whether weight decay helps."
)
_REFERENCE = "Smith (2018), arXiv:1803.09820, section 4.4"

CLAIMS = (
    Claim(
        "7.6-a/text",
        "A fine grid up to 0.03 finds a weight decay (L2) with a lower test loss than the text's list of three does.",
        _lower("fine grid", "text's list"),
        expected=HOLDS,
        ask="Try 0.001, 0.0001 and 0.000001, and take the best on validation. How much is lost?",
        why="A list can cost something only where the loss is not flat: below some value weight decay does nothing, "
        "and above the largest value of the list nobody looked.",
        beware="In the paper 10⁻³ was too much in one case and 10⁻⁴ right. Both are of its large networks.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.6-a/paper",
        "That grid also finds one with a lower test loss than the paper's list does.",
        _lower("fine grid", "paper's list"),
        expected=HOLDS,
        ask="And with 0.001, 0.0001, 0.00001 and 0?",
        why="Both lists end at 10⁻³, whatever they have below it.",
        beware="The list is only the first step: the paper goes on by halving the exponent, as from 10⁻⁴ to 10⁻³·⁵. "
        "For small data and networks it asks for larger values.",
    ),
    Claim(
        "7.6-a/lists",
        "The paper's list ends with a lower test loss than the text's.",
        _lower("paper's list", "text's list"),
        expected=NO_DIFFERENCE,
        ask="Does it matter whether the smallest value is 10⁻⁶, or 10⁻⁵ and 0?",
        why="10⁻⁶, 10⁻⁵ and 0 differ by less than rate·λ·updates/(1 − μ), the share of a weight that the penalty takes "
        "in the whole training.",
        beware="Longer training and higher rates make small values count.",
        correction=_CORRECTION,
        reference=_REFERENCE,
    ),
    Claim(
        "7.6-a/control",
        "The weight decay that the fine grid finds ends with a lower test loss than none.",
        _lower("fine grid", "no decay"),
        expected=HOLDS,
        ask="Does weight decay help here at all? Which of the two lists could have told?",
        why="A penalty on weights keeps few rows from being learnt with ever larger confidence.",
        beware="This is what 0 is in the list for. Choosing on validation among many values has a price of its own "
        "where all are alike.",
    ),
    Claim(
        "7.6-a/decoupled",
        "Given to Keras as weight_decay, with momentum 0.9, the grid finds a value with a lower test loss than the "
        "paper's list does.",
        _lower("fine grid", "paper's list", DECOUPLED),
        expected=HOLDS,
        ask="The same list, written as SGD(momentum=0.9, weight_decay=…). Does it still reach the good values?",
        why="With momentum 0.9 a penalty is ten times as strong as a decoupled decay of the same number, so the same "
        "list reaches only a tenth as far.",
        beware="Before trying a paper's value, ask which of the two it means. Caffe's, the paper's, is the penalty.",
        correction="A list of values means something only together with the kind of decay, the rate and the momentum.",
        reference="Loshchilov and Hutter (2019), arXiv:1711.05101",
    ),
    Claim(
        "7.6-a/keras",
        "With momentum Keras's weight_decay=λ shrinks a weight by the share rate·λ an update, an L2 penalty with the "
        "gradient λw by about rate·λ/(1 − μ).",
        exact(measured="shrinkage", expected="closed_form", tolerance=1e-4, relative=True, table="shrinkage"),
        expected=EXACT,
        ask="A paper says weight decay 0.0001, momentum 0.9. What belongs into Keras's SGD(weight_decay=…)?",
        why="The penalty's gradient goes through the velocity, which adds up 1/(1 − μ) of them; the decoupled decay "
        "goes straight to the weight. With momentum 0.9 the same effect takes a number ten times as large.",
        beware="`weight_decay` takes the biases with it, and Keras's L2(l) has the gradient 2l·w: λ is 2l.",
        correction="A list of values means something only together with the kind of decay, the rate and the momentum.",
        reference="Loshchilov and Hutter (2019), arXiv:1711.05101",
    ),
)
