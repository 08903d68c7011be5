"""5.11 Judging trials early (일찍 순위 매기기)

A coarse stage is cheap: few epochs, or a part of the training rows, to see what is feasible at all. That works as far
as the order of the settings early on is their order at the end. Over a wide range of rates it is, because most settings
fail visibly at once. Among rates that are good already the early order says much less, and it is unfair to settings
that start slowly.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from scipy.stats import rankdata, spearmanr

from chapters.shared.trial_curves import ends, trial_curves
from textbook import plots
from textbook.experiment import HOLDS, Claim, Run, estimate, paired

ENTRIES = ("5.11-h",)
DATA = "any"

_ALL, _GOOD = "all rates", "good rates"


def measure(
    run: Run,
    *,
    low: float = 0.01,
    high: float = 1.0,
    top: int = 20,
    shares: tuple[float, ...] = (0.125, 0.25, 0.5),
    subset_trials: int = 24,
) -> dict[str, pd.DataFrame]:
    """Rank the pool's trials after each epoch and by training on a part of the rows, and compare with the end.

    Args:
        low, high: the band of good rates, fixed beforehand.
        top: how many of the best count as kept.
        shares: of the training rows, on which the first `subset_trials` of each seed are trained for all epochs.
    """
    pool = run.shared(trial_curves)
    whole = ends(pool)
    parts = {share: ends(run.shared(trial_curves, share=share, count=subset_trials)) for share in shares}
    good = {_ALL: slice(None), _GOOD: (low, high)}
    by_epoch = [
        {"seed": seed, "range": name, "k": k, **_agreement(early, late, top if name == _ALL else None)}
        for seed, mine in pool.groupby("seed")
        for name, rates in good.items()
        for k, early, late in _against_the_end(_within(mine, rates))
    ]
    by_share = []
    for share, part in (parts | {1.0: whole}).items():
        for name, rates in good.items():
            both = part.merge(whole, on=["seed", "trial", "learning_rate"], suffixes=("_part", "_whole"))
            both = _within(both[both.trial < subset_trials], rates)
            by_share += [
                {"seed": seed, "range": name, "share": share, "rho": _rho(mine.val_loss_part, mine.val_loss_whole)}
                for seed, mine in both.groupby("seed")
            ]
    return {
        "epochs": pd.DataFrame(by_epoch),
        "shares": pd.DataFrame(by_share),
        "slow": _slow(pool, low, high),
        "scatter": _scatter(pool[pool.seed == run.seeds[0]], low, high),
    }


def _within(table: pd.DataFrame, rates) -> pd.DataFrame:
    return table[table.learning_rate.between(*rates)] if isinstance(rates, tuple) else table


def _against_the_end(pool: pd.DataFrame):
    """(k, losses after epoch k, losses after the last) for each epoch."""
    wide = pool.pivot(index="trial", columns="epoch", values="val_loss")
    for k in wide.columns:
        yield int(k), wide[k].to_numpy(), wide[wide.columns[-1]].to_numpy()


def _agreement(early, late, top: int | None) -> dict:
    """Spearman's correlation, and the share of the best `top` at the end that were among the best `top` early on."""
    kept = np.nan
    if top is not None:
        kept = len(set(np.argsort(early)[:top]) & set(np.argsort(late)[:top])) / top
    return {"rho": _rho(early, late), "kept": kept}


def _rho(early, late) -> float:
    return float(spearmanr(early, late).statistic)


def _slow(pool: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Within the band: by how much of the ranking the lower half of the rates climbs between epoch 1 and the end."""
    rows = []
    for seed, mine in pool[pool.learning_rate.between(low, high)].groupby("seed"):
        first, last = (mine[mine.epoch == epoch].set_index("trial") for epoch in (1, mine.epoch.max()))
        climb = (rankdata(first.val_loss) - rankdata(last.val_loss.reindex(first.index))) / len(first)
        below = (first.learning_rate < np.sqrt(low * high)).to_numpy()
        rows.append({"seed": seed, "climb_of_low_rates": climb[below].mean() - climb[~below].mean()})
    return pd.DataFrame(rows)


def _scatter(pool: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Ranks after the first and the last epoch, of one seed."""
    wide = pool.pivot(index="trial", columns="epoch", values="val_loss")
    rates = pool.groupby("trial").learning_rate.first()
    ranks = {"first": rankdata(wide[wide.columns[0]]), "last": rankdata(wide[wide.columns[-1]])}
    return pd.DataFrame({"seed": pool.seed.iloc[0], **ranks, "good": rates.between(low, high).to_numpy()})


def draw(tables: dict[str, pd.DataFrame]):
    """Above, ranks of one seed's trials after the first epoch and after the last, and agreement with the final order by
    epochs; below, how many of the best are kept, and agreement by training rows.
    """
    epochs, shares, scatter = tables["epochs"], tables["shares"], tables["scatter"]
    fig, axes = plots.figure(2, 2)
    looks = plots.looks((_ALL, _GOOD))
    ax = axes[0, 0]
    for name, mine in zip((_ALL, _GOOD), (scatter[~scatter.good], scatter[scatter.good]), strict=True):
        look = looks[name]
        label = "good rates" if name == _GOOD else "other rates"
        ax.plot(mine["first"], mine["last"], look["marker"], color=look["color"], markersize=4.5, mew=0, alpha=0.75,
                label=label)  # fmt: skip
    ax.legend(loc="lower right")
    ax.set(xlabel="rank after epoch 1", ylabel=f"rank after epoch {epochs.k.max()}", title="one seed's trials")
    ax = axes[0, 1]
    plots.band(ax, epochs, x="k", y="rho", hue="range", looks=looks, names="none")
    ax.axhline(0.5, color="#555555", linewidth=1)
    ax.set(xlabel="epochs", ylabel="rank correlation with the end", ylim=(None, 1.03), title="fewer epochs")
    _named(ax, looks)
    kept = epochs[epochs.range == _ALL].assign(percent=lambda rows: 100 * rows.kept)
    plots.band(axes[1, 0], kept, x="k", y="percent", hue=None)
    axes[1, 0].set(xlabel="epochs", ylabel="best 20 that are\namong the best 20 (%)", ylim=(0, 103))
    ax = axes[1, 1]
    plots.band(ax, shares, x="share", y="rho", hue="range", looks=looks, names="none")
    plots.log_axis(ax, "x", at=sorted(shares.share.unique()))
    ax.axhline(0.5, color="#555555", linewidth=1)
    ax.set(xlabel="share of the training rows", ylabel="rank correlation with all", ylim=(None, 1.03))
    ax.set_title("fewer rows")
    _named(ax, looks)
    for ax in (axes[0, 1], axes[1, 0]):
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    plots.caption(
        fig,
        "Digits, 512 training images, MLP 64-32-10, SGD; random rate, momentum, weight decay and decay, 128 trials a "
        f"seed (fewer rows: 24). Good rates: 0.01–1 unless set. Bands: 95 %; {plots.seeds_text(epochs)}.",
    )
    return fig


def _named(ax, looks) -> None:
    """Names of the two ranges in the lower right corner."""
    for row, (name, look) in enumerate(looks.items()):
        ax.text(0.97, 0.16 - 0.1 * row, name, transform=ax.transAxes, ha="right", color=look["color"], fontsize=10.5)


CLAIMS = (
    Claim(
        "5.11-h/epochs",
        "Over all rates, the order of the trials after one epoch agrees with their final order: a rank correlation "
        "above 0.5.",
        estimate("rho", above=0.5, unit="correlation", delta=0.05, table="epochs", where={"range": _ALL, "k": 1}),
        expected=HOLDS,
        ask="After one epoch of eight, how well does the order of 128 trials foretell their final order?",
        why="Most of the wide range is far too small or too large a rate, and that shows at once.",
        beware="A high correlation over everything says little about the few best, which are what a search is for.",
    ),
    Claim(
        "5.11-h/band",
        "Among good rates the early order says less about the final one than it does over all rates.",
        paired(
            "rho", lower=_GOOD, than=_ALL, by="range", unit="correlation", delta=0.05, table="epochs", where={"k": 1}
        ),
        expected=HOLDS,
        ask="The search has narrowed to good rates. Is one epoch still enough to rank them?",
        why="What told trials apart was the failures; among settings that all train, the differences at the end come "
        "from the epochs after the first, which it cannot show.",
        beware="A narrower range lowers any rank correlation: it is the ranking that gets harder, not the epoch worse.",
    ),
    Claim(
        "5.11-h/subset",
        "Over all rates, the order found on an eighth of the training rows agrees with that on all: a rank correlation "
        "above 0.5.",
        estimate(
            "rho", above=0.5, unit="correlation", delta=0.05, table="shares", where={"range": _ALL, "share": 0.125}
        ),
        expected=HOLDS,
        ask="64 images instead of 512. Do the same settings come out on top?",
        why="Too small and too large rates fail on a part of the data as well.",
        beware="An epoch on fewer rows has fewer updates too, and regularisation that is right for little data is too "
        "strong for much.",
    ),
    Claim(
        "5.11-h/bias",
        "Among good rates, one epoch is unfair to the lower ones: from it to the end they climb in the ranking.",
        estimate("climb_of_low_rates", above=0, unit="points", delta=5, table="slow"),
        expected=HOLDS,
        ask="Which settings does a ranking after one epoch place too low?",
        why="A smaller rate needs more updates to get as far, and is not done when the first epoch ends.",
        beware="So the range that a coarse stage leaves leans to large rates; let a later stage move it back.",
    ),
)
