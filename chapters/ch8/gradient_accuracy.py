"""8.1 How true a mini-batch's gradient is (미니배치 크기와 기울기)

One page of the text says that a large mini-batch has nearly the true gradient and a small one strays; another says that
a small mini-batch makes the direction more accurate. The first is right. Each row's gradient is the true one plus a
deviation of its own; B rows average B deviations, whose variance falls as 1/B. What a small batch has more of is
updates, not truth. Against the length of the full gradient, rows disagree least before training, most at its end.
"""

import pandas as pd

from chapters.shared.batch_gradients import batch_gradients
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, paired, slope, trend

ENTRIES = ("8.1-e",)
DATA = "any"


def measure(run: Run) -> dict[str, pd.DataFrame]:
    """Directions of batch gradients at three stages of a training, and the two batch sizes that are compared."""
    single = run.shared(batch_gradients)["single"]
    sizes = sorted(single.batch_size.unique())
    arms = {sizes[1]: "small", sizes[-1]: "large"}
    return {"single": single, "arms": single.assign(arm=single.batch_size.map(arms)).dropna(subset="arm")}


def draw(tables: dict[str, pd.DataFrame]):
    """Cosine with the full gradient, and relative variance, by batch size, for each stage."""
    single = tables["single"]
    fig, (left, right) = plots.figure(1, 2, size=(7.6, 4.6))
    plots.band(left, single, x="batch_size", y="cosine", names="legend")
    plots.band(right, single, x="batch_size", y="variance", log=True, names="none")
    for ax in (left, right):
        plots.log_axis(ax, "x", at=sorted(single.batch_size.unique()))
        ax.set(xlabel="batch size (rows)")
    left.set(ylabel="cosine with the full gradient", ylim=(0, 1.02), title="direction")
    plots.log_axis(right, "y")
    right.set(ylabel="variance / length² of the full one", title="scatter")
    epochs = single.groupby("condition").epochs.first()
    plots.caption(
        fig,
        f"Digits, MLP with 64 hidden units before training, early (epoch {epochs['early']}) and late (epoch "
        f"{epochs['late']}): batches drawn without replacement, mean over draws, 95 % bands over seeds. "
        f"{plots.seeds_text(single)}",
    )
    return fig


CLAIMS = (
    Claim(
        "8.1-e/large",
        "The larger the mini-batch, the closer its gradient's direction to that of all rows.",
        trend("cosine", over="batch_size", direction="rises", mean_over="condition", unit="cosine", delta=0.05,
              table="single"),
        expected=HOLDS,
        ask="One row, sixteen rows, 256 rows: how large is the cosine between their gradient and the full one?",
        why="A mean over more rows has less of each row's own deviation.",
        beware="Mean over the three stages. Truth has diminishing returns: four times the rows halve the deviation.",
    ),
    Claim(
        "8.1-e/variance",
        "The variance of the gradient falls as 1/B.",
        slope("variance", over="batch_size", theory=-1.0, mean_over="condition", table="single"),
        expected=HOLDS,
        ask="By what factor does the variance fall from 4 rows to 64?",
        why="Rows drawn independently: the variance of a mean of B is that of one, over B.",
        beware="Drawn without replacement, B rows of N have the factor 1 − B/N as well: with all rows it is 0.",
    ),
    Claim(
        "8.1-e/small",
        "A small mini-batch makes the direction of the gradient more accurate than a large one.",
        paired("cosine", higher="small", than="large", by="arm", table="arms", mean_over="condition", unit="cosine",
               delta=0.05),
        expected=REVERSED,
        ask="And the text's second page: does a small batch point more accurately?",
        why="The same mean, over fewer rows.",
        beware="In an epoch the small batch makes more updates, and many rough steps can get further than few true "
        "ones: that is another claim.",
        correction="It must read: a large mini-batch makes the direction more accurate, at the price of fewer updates "
        "an epoch.",
        reference="The source's own earlier page; McCandlish et al. (2018), arXiv:1812.06162, section 2",
    ),
)  # fmt: skip
