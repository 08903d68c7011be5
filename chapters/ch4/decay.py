"""4.7.2 Learning-rate decay (학습률 감쇠)

A large rate early is fast, a small one late lets the weights settle; the text promises time saved without missing the
minimum. The promise rests on the comparison. Against the same large rate held constant, every schedule wins. Against a
constant rate that has been tuned as carefully as the schedule's, little or no loss is saved, at most some epochs. And
what decay does at the end, an average of the last weights does as well: both take the mean of the jumping around the
minimum. On a bowl with noisy gradients the stalling and the settling can be computed exactly.
"""

import numpy as np
import pandas as pd

from textbook import plots
from textbook.experiment import EXACT, HOLDS, NO_DIFFERENCE, Claim, Run, contrast, exact, paired
from textbook.learning_curves import epochs_to_target
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.schedules import Constant, CosineDecay, ExponentialDecay, InverseTimeDecay, StepDecay
from textbook.statistics import mean_interval
from textbook.surfaces import Quadratic

ENTRIES = ("4.7.2-a",)
DATA = "any"
DECAYED = ("step", "exponential", "1/t", "cosine")
BATCH_SIZE, TUNING_SEEDS = 32, 3
CURVATURES = (1.0, 25.0)


def _schedules(initial: float, epochs: int) -> dict:
    return {
        "constant": Constant(initial),
        "step": StepDecay(initial, factor=0.5, every=5),
        "exponential": ExponentialDecay(initial, factor=0.1, every=8),
        "1/t": InverseTimeDecay(initial, rate=0.2),
        "cosine": CosineDecay(initial, total=epochs),
    }


def measure(
    run: Run,
    *,
    large: float = 0.3,
    rates: tuple[float, ...] = (0.025, 0.05, 0.1, 0.2, 0.4),
    average: float = 0.99,
) -> dict[str, pd.DataFrame]:
    """Train each schedule from one large first rate, and from its own best of `rates`, found on the tuning seeds.

    Args:
        large: first rate of all arms in the first comparison.
        rates: first rates that each arm tries.
        average: weight of the past in the running average of the weights, per update; that arm's rate is constant.
    """
    splitter, epochs = run.splits("digits"), run.epochs(20)
    updates = epochs * -(-len(splitter(run.seeds[0]).train.indices) // BATCH_SIZE)

    def condition(arm: str, initial: float) -> Condition:
        if arm == "average":
            return Condition(learning_rate=initial, optimizer=_averaging(average, updates))
        return Condition(learning_rate=_schedules(initial, epochs)[arm], momentum=0.9)

    def train(pairs, seeds) -> pd.DataFrame:
        arms = {f"{arm} from {initial:g}": (arm, initial) for arm, initial in dict.fromkeys(pairs)}
        curves = train_replicas(
            mlp,
            splitter,
            conditions={name: condition(*pair) for name, pair in arms.items()},
            seeds=seeds,
            epochs=epochs,
            batch_size=BATCH_SIZE,
        )
        return curves.assign(
            arm=[arms[name][0] for name in curves.condition], initial=[arms[name][1] for name in curves.condition]
        )

    names = tuple(_schedules(large, epochs))
    best = _best(train([(arm, rate) for arm in names for rate in rates], run.tuning(TUNING_SEEDS)))
    same = dict.fromkeys((*names, "average"), large)
    found = train([*same.items(), *best.items()], run.seeds)
    judged = [
        found[(found.arm == arm) & (found.initial == initial)].assign(setting=setting)
        for setting, chosen in (("large", same), ("tuned", best))
        for arm, initial in chosen.items()
    ]
    curves = pd.concat(judged)
    curves["kind"] = curves.arm.where(~curves.arm.isin(DECAYED), "decayed")
    run_columns = ["setting", "kind", "arm", "initial", "seed"]
    last = curves[curves.epoch == epochs]
    return {
        "curves": curves[curves.setting == "large"][["arm", "seed", "epoch", "val_loss", "diverged"]],
        "ends": last[[*run_columns, "test_loss", "chance_loss", "diverged"]].assign(epochs=epochs),
        "arrival": epochs_to_target(curves, metric="val_loss", target=0.15, by=run_columns),
        "bowl": _bowl(),
        "levels": _levels(),
    }


def _averaging(weight: float, updates: int):
    """SGD that averages its weights as it goes and puts the average in their place at the last update."""
    import keras  # here, because a run that finds its tables in the cache loads no TensorFlow

    return keras.optimizers.SGD(momentum=0.9, use_ema=True, ema_momentum=weight, ema_overwrite_frequency=updates)


def _best(trials: pd.DataFrame) -> dict[str, float]:
    """The first rate with the lowest mean validation loss of each arm; a diverged run counts as a guess."""
    last = trials[trials.epoch == trials.epoch.max()]
    loss = last.val_loss.where(~last.diverged, last.chance_loss)
    means = loss.groupby([last.arm, last.initial], sort=False).mean()
    return {arm: means[arm].idxmin() for arm in dict.fromkeys(last.arm)}


def _bowl(*, initial=0.06, updates=400) -> pd.DataFrame:
    """Expected loss by update on ½(w₁² + 25 w₂²), each gradient with noise of standard deviation 1: exact."""
    at = np.arange(updates) * 20 / updates  # the schedules of twenty epochs, spread over the updates
    rates = {name: schedule(at) for name, schedule in _schedules(initial, 20).items()}
    rates["small constant"] = np.full(updates, initial / 10)
    losses = {name: _expected_loss(path) for name, path in rates.items()}
    constants = min(losses["constant"][-1], losses["small constant"][-1])
    return pd.concat(
        pd.DataFrame(
            {
                "arm": name,
                "update": np.arange(updates + 1),
                "expected_loss": loss,
                "decayed": name in DECAYED,
                "ends_lower": bool(loss[-1] < constants),
            }
        )
        for name, loss in losses.items()
    )


def _expected_loss(rates):
    return Quadratic(CURVATURES).expected_loss(rates, start=(10.0, 10.0), noise=1.0)


def _levels(rates=(0.005, 0.01, 0.02, 0.04, 0.06)) -> pd.DataFrame:
    """Where constant rates end on the bowl: after 5000 updates, and ½ Σ η/(2 − ηλ), where noise and descent balance."""
    levels = [0.5 * sum(rate / (2 - rate * curvature) for curvature in CURVATURES) for rate in rates]
    ends = [_expected_loss(np.full(5_000, rate))[-1] for rate in rates]
    return pd.DataFrame({"rate": rates, "end": ends, "level": levels})


def _gains(ends: pd.DataFrame) -> pd.DataFrame:
    """Test loss that each arm saves against the constant rate of its setting: mean over seeds and 95 % interval."""
    loss = ends.assign(loss=ends.test_loss.where(~ends.diverged, ends.chance_loss))
    wide = loss.pivot(index=["setting", "seed"], columns="arm", values="loss")
    saved = wide.rsub(wide["constant"], axis=0).drop(columns="constant")
    rows = []
    for setting, table in saved.groupby("setting"):
        for arm, values in table.dropna(axis=1).items():
            low, high = mean_interval(values.to_numpy())
            rows.append({"setting": setting, "arm": arm, "saved": values.mean(), "low": low, "high": high})
    return pd.DataFrame(rows)


def draw(tables: dict[str, pd.DataFrame]):
    """Above, validation loss by epoch for each schedule, and the loss in a bowl with noisy gradients; below, the test
    loss that decay saves against a constant rate, from the same rate and each at its best.
    """
    curves, ends, bowl = tables["curves"], tables["ends"], tables["bowl"]
    looks = plots.looks(["constant", *DECAYED, "average", "small constant"])
    looks["small constant"] |= {"color": plots.COLOURS[0], "linestyle": (0, (1, 1))}
    large = ends[ends.setting == "large"].initial.iloc[0]
    with plots.style():
        fig, axes = plots.figure(2, 2, height_ratios=[1.15, 1])
        for ax in axes[1]:
            ax.remove()
        digits, noisy = axes[0]
        shown = curves[curves.arm != "average"]
        plots.band(digits, shown, x="epoch", y="val_loss", hue="arm", log=True, looks=looks, names="none")
        plots.log_axis(digits, "y")
        digits.set(xlabel="epochs completed", ylabel="validation loss (nats)")
        digits.set_title(f"digits, all from rate {large:g}")
        for name, rows in bowl.groupby("arm", sort=False):
            noisy.plot(rows["update"], rows.expected_loss, **{**looks[name], "marker": ""}, label=name)
        plots.log_axis(noisy, "y")
        noisy.set(xlabel="update", ylabel="expected loss", ylim=(1e-3, 200))
        noisy.set_title("bowl with noisy gradients")
        fig.legend(*noisy.get_legend_handles_labels(), loc="outside upper left", ncols=3)
        below = fig.add_subplot(axes[1, 0].get_gridspec()[1, :])
        _draw_gains(below, _gains(ends), large)
    plots.caption(
        fig,
        f"MLP 64-64-10, SGD with momentum 0.9, {ends.epochs.iloc[0]} epochs, mean and 95 % interval; tuned on "
        f"{TUNING_SEEDS} other seeds. * constant rate, weights averaged. {plots.seeds_text(ends)}",
    )
    return fig


def _draw_gains(ax, gains: pd.DataFrame, large: float):
    arms = [*DECAYED, "average"]
    settings = (("large", f"all from rate {large:g}"), ("tuned", "each at its best rate"))
    for number, (setting, label) in enumerate(settings):
        rows = gains[gains.setting == setting]
        heights = rows.arm.map(arms.index) + 0.3 * number - 0.15
        errors = [rows.saved - rows.low, rows.high - rows.saved]
        colour = plots.COLOURS[5 + number]  # not one of the schedules'
        look = {"fmt": plots.look(number)["marker"], "color": colour, "markersize": 7}
        ax.errorbar(rows.saved, heights, xerr=errors, **look, label=label)
    ax.axvline(0, color=plots.GREY, lw=1)
    ax.set_yticks(range(len(arms)), [f"{arm} *" if arm == "average" else arm for arm in arms])
    ax.set(ylim=(len(arms) - 0.5, -0.5), xlabel="test loss saved against a constant rate (nats)")
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1)


_BY = ("setting", "kind")
_ENDS = {"by": _BY, "mean_over": "arm", "table": "ends"}

CLAIMS = (
    Claim(
        "4.7.2-a/same-rate",
        "From the same large rate, decayed runs end with a lower test loss than the rate held constant.",
        paired("test_loss", lower=("large", "decayed"), than=("large", "constant"), **_ENDS),
        expected=HOLDS,
        ask="All start at 0.3. Which ends lower: holding the rate, or letting it fall in any of four ways?",
        why="Near the minimum a large constant rate keeps jumping over it; a falling one settles.",
        beware="This pair flatters decay: nobody would keep a constant rate that large.",
    ),
    Claim(
        "4.7.2-a/tuned",
        "When each has its own tuned rate, decayed runs end with a lower test loss than a constant rate.",
        paired("test_loss", lower=("tuned", "decayed"), than=("tuned", "constant"), **_ENDS),
        expected=NO_DIFFERENCE,
        ask="Now the constant rate may be chosen as well, in as many trials. How much of the gain is left?",
        why="A smaller constant rate settles too; it only needs some more epochs at the start.",
        beware="A tie on this data at twenty epochs is no law: on long runs of large networks decay is standard.",
        correction="Decay beats the same rate held constant; against a tuned constant rate its gain can vanish.",
        reference="Bengio (2012), Practical recommendations for gradient-based training of deep architectures, 3.1",
    ),
    Claim(
        "4.7.2-a/depends",
        "What decay gains depends on the rate it is compared with: more at the large rate than with tuned ones.",
        contrast(
            "test_loss",
            first=(("large", "constant"), ("large", "decayed")),
            second=(("tuned", "constant"), ("tuned", "decayed")),
            **_ENDS,
        ),
        expected=HOLDS,
        ask="Is the gain of decay one number?",
        why="Decay repairs a rate that is too large for the end; the larger the excess, the more there is to repair.",
        beware="A comparison with an untuned baseline measures the baseline.",
    ),
    Claim(
        "4.7.2-a/time",
        "When each has its own tuned rate, decayed runs reach a validation loss of 0.15 in fewer epochs.",
        paired(
            "epochs",
            lower=("tuned", "decayed"),
            than=("tuned", "constant"),
            by=_BY,
            mean_over="arm",
            scale="log",
            table="arrival",
        ),
        expected=NO_DIFFERENCE,
        ask="Does decay save time once the constant rate is tuned?",
        why="Once tuned, all start from similar rates. A rate that falls within the first epochs jumps less, and may "
        "come below the target a little sooner.",
        beware="Runs that never arrive count as one epoch more than they had.",
    ),
    Claim(
        "4.7.2-a/average",
        "At the same large constant rate, averaging the weights also lowers the test loss.",
        paired("test_loss", lower=("large", "average"), than=("large", "constant"), **_ENDS),
        expected=HOLDS,
        ask="Keep the rate at 0.3, but judge the running average of the weights. Does it need decay?",
        why="The jumps around the minimum cancel in the mean, which is what a falling rate achieves as well.",
        beware="Averaging changes what is judged, not the run; an average over too long a past lags behind.",
    ),
    Claim(
        "4.7.2-a/level",
        "On a noisy bowl a constant rate stalls at ½ Σ ησ²/(2 − ηλ), a level in proportion to a small rate.",
        exact(measured="end", expected="level", tolerance=1e-9, relative=True, table="levels"),
        expected=EXACT,
        ask="Halve a small constant rate. What becomes of the loss at which it stalls?",
        why="There the noise that each step adds and the share that it removes are in balance.",
        beware="The level is an expectation: one run wanders about it.",
    ),
    Claim(
        "4.7.2-a/bowl",
        "On the bowl every schedule ends below both constant rates, the large one and one a tenth of it.",
        exact(measured="ends_lower", expected="decayed", table="bowl"),
        expected=EXACT,
        ask="After 400 updates: who is lowest, large, small, or falling?",
        why="The large rate stalls early, the small one is still on its way; the falling one did both in turn.",
        beware="Some constant rate between the two beats both. Finding it is the tuning in the last panel.",
    ),
)
