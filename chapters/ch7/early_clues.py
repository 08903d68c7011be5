"""7.2 Clues in the first epochs (손실 곡선의 초기 단서)

Training and validation loss are said to show early whether a setting underfits or overfits, and a curve that falls
steeply and then stays level to be the good sign. Over a wide range of rates the loss after a few epochs does foretell
the final one, because failures show at once. That is a statement about the range: among good rates it foretells less,
and where some training labels are wrong, the settings that look best early are those that will learn the wrong labels
first.
"""

import functools

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from scipy.stats import spearmanr

from chapters.shared.trial_curves import trial_curves
from textbook import plots
from textbook.experiment import FAILS, HOLDS, Claim, Run, estimate, paired
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.seeding import stream

ENTRIES = ("7.2-b",)
DATA = "any"

_ALL, _GOOD, _WRONG = "all rates", "good rates", "wrong labels"
_SIGN, _REST = "steep, then level", "the others"
_FAST, _SLOW = "fast start", "slow start"
_TRIALS = 16
_MOST_TRIALS = 1000


def measure(
    run: Run,
    *,
    trials: int = 64,
    low: float = 0.01,
    high: float = 1.0,
    rows: int = 256,
    label_noise: float = 0.2,
    epochs: int = 30,
) -> dict[str, pd.DataFrame]:
    """Read clues from the first quarter of the shared trial curves, and from the first tenth of trials on wrong labels.

    Args:
        trials: shared trials of each seed; chapter 5 takes 128.
        low, high: the band of good rates of the shared trials, fixed beforehand.
        rows, label_noise, epochs: of the trials on wrong labels, whose rates are log-uniform from 0.003 to 0.3.
    """
    pool = run.shared(trial_curves, count=trials)
    band = pool[pool.learning_rate.between(low, high)]
    signs = _with_signs(band)
    noisy = _noisy_trials(run, rows=rows, label_noise=label_noise, epochs=run.epochs(epochs))
    traits = _traits(noisy)
    early = pd.concat(
        [_foretold(pool, _ALL), _foretold(band, _GOOD), _rank(traits, "early_loss", "final_loss", _WRONG)]
    )
    return {
        "early": early.reset_index(drop=True).assign(low=low, high=high),
        "signs": signs.groupby(["look", "seed"]).test_loss.mean().reset_index(),
        "overfitting": _rank(traits, "early_fall", "later_rise", _WRONG),
        "traits": traits.assign(rows=rows, label_noise=label_noise),
        "curves": _shown(
            {_GOOD: band.merge(signs[["seed", "trial", "look"]]), _WRONG: noisy.merge(traits)}, run.seeds[0]
        ),
    }


def _noisy_trials(run: Run, *, rows: int, label_noise: float, epochs: int) -> pd.DataFrame:
    """Curves of random rates on few rows, some of whose training labels are wrong: `_TRIALS` for each seed."""
    splits = run.splits("digits", (rows, 473, 300), label_noise=label_noise)
    parts = {seed: splits(seed) for seed in run.seeds}
    rates = {
        seed * _MOST_TRIALS + trial: 0.003 * 100**unit
        for seed in run.seeds
        for trial, unit in enumerate(stream(seed, "rates on wrong labels").random(_TRIALS))
    }
    curves = train_replicas(
        functools.partial(mlp, hidden=(32,)),
        lambda number: parts[number // _MOST_TRIALS],
        conditions={"": Condition(learning_rate=rates, momentum=0.9)},
        seeds=tuple(rates),
        epochs=epochs,
        batch_size=32,
    )
    curves["trial"], curves["seed"] = curves.seed % _MOST_TRIALS, curves.seed // _MOST_TRIALS
    for name in ("clean_loss", "val_loss"):
        curves[name] = curves[name].where(~curves.diverged, curves.chance_loss)
    return curves[["seed", "trial", "epoch", "learning_rate", "clean_loss", "val_loss", "chance_loss"]]


def _foretold(pool: pd.DataFrame, name: str) -> pd.DataFrame:
    """Per seed: rank correlation of the validation loss after a quarter of the epochs with the final test loss."""
    last = pool.epoch.max()
    early = pool[pool.epoch == max(1, last // 4)][["seed", "trial", "epoch", "val_loss"]]
    both = early.merge(pool[pool.epoch == last][["seed", "trial", "test_loss"]], on=["seed", "trial"])
    return _rank(both.rename(columns={"epoch": "after"}).assign(epochs=last), "val_loss", "test_loss", name)


def _rank(table: pd.DataFrame, clue: str, fate: str, name: str) -> pd.DataFrame:
    """Spearman's correlation of two columns for each seed, with the epochs that it was read after."""
    rows = [
        {"seed": seed, "range": name, "rho": _rho(mine[clue], mine[fate]), "trials": len(mine),
         "after": mine.after.iloc[0], "epochs": mine.epochs.iloc[0]}
        for seed, mine in table.groupby("seed")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _rho(clue, fate) -> float:
    """Spearman's correlation; 0 where one of the two is the same for all trials, and so tells nothing."""
    return float(spearmanr(clue, fate).statistic) if clue.nunique() > 1 and fate.nunique() > 1 else 0.0


def _with_signs(band: pd.DataFrame) -> pd.DataFrame:
    """Final test loss of each trial, and whether its curve has the good sign.

    Steep: after a quarter of the epochs, among the half with the lower validation loss. Then level: among those, the
    half whose loss in the second half of the epochs is never far, as a factor, from the final one.
    """
    wide = band.pivot(index=["seed", "trial"], columns="epoch", values="val_loss")
    last = wide.columns.max()
    late = wide.columns[wide.columns >= last // 2]
    traits = pd.DataFrame({
        "early": wide[max(1, last // 4)],
        "late_change": np.log(wide.loc[:, late].div(wide[last], axis=0)).abs().max(axis=1),
        "test_loss": band[band.epoch == last].set_index(["seed", "trial"]).test_loss,
    })  # fmt: skip
    by_seed = traits.groupby("seed")
    steep = traits.early <= by_seed.early.transform("median")
    middle = traits.late_change.where(steep).groupby("seed").transform("median")
    traits["look"] = np.where(steep & (traits.late_change <= middle), _SIGN, _REST)
    return traits.reset_index()


def _traits(curves: pd.DataFrame) -> pd.DataFrame:
    """What a trial's first tenth shows, and what becomes of it; losses and falls in nats."""
    last = curves.epoch.max()
    after = max(1, last // 10)
    by = ["seed", "trial"]
    early, end = (curves[curves.epoch == epoch].set_index(by) for epoch in (after, last))
    best = curves.groupby(by).val_loss.min()
    table = pd.DataFrame({
        "learning_rate": end.learning_rate, "early_loss": early.val_loss, "final_loss": end.val_loss,
        "early_fall": early.chance_loss - early.clean_loss, "later_rise": end.val_loss - best,
        "after": after, "epochs": last,
    }).reset_index()  # fmt: skip
    fast = table.early_fall >= table.groupby("seed").early_fall.transform("median")
    return table.assign(look=np.where(fast, _FAST, _SLOW))


def _shown(kinds: dict[str, pd.DataFrame], seed: int) -> pd.DataFrame:
    """The curves of one seed, of both kinds of trials."""
    kept = ["seed", "trial", "epoch", "val_loss", "look"]
    return pd.concat([table[table.seed == seed][kept].assign(kind=kind) for kind, table in kinds.items()])


def draw(tables: dict[str, pd.DataFrame]):
    """Above, one seed's validation curves, and the rank correlation of early and final loss; below, curves with wrong
    labels, and the later rise of the validation loss by how fast the training loss fell.
    """
    early, traits, curves = (tables[name] for name in ("early", "traits", "curves"))
    fig, ((good, agreement), (wrong, rise)) = plots.figure(2, 2)
    seed = curves.seed.iloc[0]
    _lines(good, curves[curves.kind == _GOOD], (_REST, _SIGN), corner="lower left")
    good.set_ylim(0.4 * good.get_ylim()[0], None)
    good.set_title(f"good rates, seed {seed}")
    _lines(wrong, curves[curves.kind == _WRONG], (_SLOW, _FAST), corner="upper right")
    wrong.set_title(f"{traits.label_noise.iloc[0]:.0%} wrong labels, seed {seed}")
    plots.dots(agreement, early, value="rho", by="range")
    agreement.axvline(0.5, color="#555555", linewidth=1)
    agreement.set(xlabel="rank correlation of early\nand final loss", title="early order, final order")
    rise.plot(traits.early_fall, traits.later_rise, "o", color=plots.COLOURS[0], markersize=3.5, mew=0, alpha=0.5)
    after = traits.after.iloc[0]
    rise.set(
        xlabel=f"fall of the training loss\nby epoch {after} (nats)", ylabel="later rise of the\nvalidation loss (nats)"
    )
    rise.set_title("wrong labels, all seeds")
    read = early[early.range == _ALL].iloc[0]
    plots.caption(
        fig,
        f"Digits, MLP 64-32-10, SGD. Above: random rate, momentum, weight decay and decay, good rates from "
        f"{read.low:g} to {read.high:g}; validation loss after {read.after} of {read.epochs} epochs against the final "
        f"test loss. Wrong labels: {traits.rows.iloc[0]} training images, random rate, after {after} of "
        f"{traits.epochs.iloc[0]} against the final validation loss. Mean, 95 % interval; {plots.seeds_text(early)}.",
    )
    return fig


def _lines(ax, curves: pd.DataFrame, names: tuple[str, str], *, corner: str) -> None:
    """A line a trial; those of the second name stand out."""
    for name, colour, width in zip(names, ("#999999", plots.COLOURS[1]), (0.9, 2.0), strict=True):
        dashes = "--" if colour == "#999999" else "-"
        for _, mine in curves[curves.look == name].groupby("trial"):
            ax.plot(mine.epoch, mine.val_loss, dashes, color=colour, linewidth=width, marker="", alpha=0.85)
        ax.plot([], [], dashes, color=colour, linewidth=width, marker="", label=name)
    plots.log_axis(ax, "y")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set(xlabel="epochs completed", ylabel="validation loss (nats)")
    ax.legend(fontsize=9.5, loc=corner)


CLAIMS = (
    Claim(
        "7.2-b/early",
        "Over all rates, the validation loss after a quarter of the epochs foretells the final order of the trials: a "
        "rank correlation above 0.5 with the final test loss.",
        estimate("rho", above=0.5, unit="correlation", delta=0.05, table="early", where={"range": _ALL}),
        expected=HOLDS,
        ask="Two of eight epochs are done. How much is known of where each trial will end?",
        why="Rates over seven powers of ten: most are far too small or too large, and that shows at once.",
        beware="The number is made by the range. Add hopeless trials, and it rises without any clue getting better.",
    ),
    Claim(
        "7.2-b/band",
        "The clue holds among good rates as well: the rank correlation is above 0.5 there too.",
        estimate("rho", above=0.5, unit="correlation", delta=0.05, table="early", where={"range": _GOOD}),
        expected=HOLDS,
        ask="Only the trials with rates from 0.01 to 1 are left. Is the loss after two epochs still a good clue?",
        why="A part of these fails too: a large rate with much momentum never recovers. Among the rest, what differs "
        "after two epochs is mostly how far each has got.",
        beware="A rank correlation of 0.7 can leave the best trial anywhere among the better half.",
    ),
    Claim(
        "7.2-b/sign",
        "Among good rates, the trials that fall steeply and then stay level end lower on held-out data than the "
        "others.",
        paired("test_loss", lower=_SIGN, than=_REST, by="look", table="signs"),
        expected=HOLDS,
        ask="Of all curves, the one that drops steeply and then runs level is called the good sign. Is it?",
        why="Steep says that much was learnt early. Level says that little more will come, which is good news only if "
        "the level is low.",
        beware="Level is meant in comparison: of the steep half, the half that changes least, wherever it has got to. "
        "A rate that decays makes every curve level in the end. And most of the others started slowly: among the steep "
        "curves, the level and the moving ones end so near each other that 16 seeds do not tell them apart.",
    ),
    Claim(
        "7.2-b/wrong-labels",
        "Early order is final order also where a fifth of the training labels are wrong: the validation loss after a "
        "tenth of the epochs and after the last have a rank correlation above 0.5.",
        estimate("rho", above=0.5, unit="correlation", delta=0.05, table="early", where={"range": _WRONG}),
        expected=FAILS,
        ask="Some labels are wrong, and training goes on until they are learnt. Which trials look best after three "
        "epochs, and which at the end?",
        why="What makes a trial fast at the beginning makes it fast at learning wrong labels too.",
        beware="With early stopping the early order would count again: judge a setting by what will be used of it.",
    ),
    Claim(
        "7.2-b/overfitting",
        "Overfitting announces itself: the further the training loss has fallen after a tenth of the epochs, the more "
        "the validation loss rises later, with a rank correlation above 0.5.",
        estimate("rho", above=0.5, unit="correlation", delta=0.05, table="overfitting"),
        expected=HOLDS,
        ask="Three of thirty epochs, and no validation loss rises yet. Can one tell which ones will?",
        why="A run can only learn the wrong labels after the right ones; those that are done with these soon have the "
        "time for it.",
        beware="It tells which runs will get there within these epochs. Given more, the slow ones follow.",
    ),
)
