"""The figure of docs/schedules.md: every family over thirty epochs, in small panels."""

from pathlib import Path

from textbook import plots
from textbook.schedules import (
    Chain,
    Constant,
    CosineDecay,
    ExponentialDecay,
    ExpRange,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    ScaledByBatch,
    StepDecay,
    Triangular,
    Triangular2,
    WarmRestarts,
    Warmup,
)

EPOCHS, STEPS = 30, 20
FIGURES = Path(__file__).parent / "figures"
COSINE = CosineDecay(0.2, total=24)

FAMILIES = {
    "Constant": Constant(0.2),
    "StepDecay": StepDecay(0.2, factor=0.5, every=5),
    "PiecewiseConstant": PiecewiseConstant([0.05, 0.2, 0.1, 0.02], boundaries=[3, 12, 22]),
    "ExponentialDecay": ExponentialDecay(0.2, factor=0.5, every=5),
    "InverseTimeDecay": InverseTimeDecay(0.2, rate=0.25),
    "PolynomialDecay": PolynomialDecay(0.2, total=30, power=2),
    "CosineDecay": CosineDecay(0.2, total=30),
    "WarmRestarts": WarmRestarts(0.2, period=4.3, growth=2, shrink=0.8),
    "Warmup": Warmup(COSINE, length=6),
    "Triangular": Triangular(0.02, 0.2, step_size=5, momentum_range=(0.85, 0.95)),
    "Triangular2": Triangular2(0.02, 0.2, step_size=5, momentum_range=(0.85, 0.95)),
    "ExpRange": ExpRange(0.02, 0.2, step_size=5, gamma=0.93, momentum_range=(0.85, 0.95)),
    "OneCycle": OneCycle(0.2, total=30),
    "OneCycle.smith": OneCycle.smith(0.2, total=30),
    "OneCycle.fastai": OneCycle.fastai(0.2, total=30),
    "ScaledByBatch": ScaledByBatch(CosineDecay(0.1, total=30), batch_size=64, base_batch_size=32),
    "Chain": Chain([Constant(0.05), Constant(0.2), PolynomialDecay(0.2, total=8)], lengths=[4, 18]),
    "Chain of cycles": Chain([OneCycle(0.2, total=18), OneCycle(0.1, total=12)], lengths=[18]),
}


def draw():
    """Six rows of three panels: the rate as a line and, where there is a momentum, that as dashes on the right."""
    fig, axes = plots.figure(6, 3, size=(7.2, 11.4), sharex=True, sharey=True)
    for i, (ax, (name, schedule)) in enumerate(zip(axes.flat, FAMILIES.items(), strict=True)):
        schedule.plot(ax, epochs=EPOCHS, steps_per_epoch=STEPS)
        ax.set_title(name, fontsize=11.5)
        ax.set(ylim=(0, 0.22), xlim=(0, EPOCHS), yticks=[0, 0.1, 0.2], xlabel="epoch" if i >= 15 else "")
        ax.set_ylabel("rate" if i % 3 == 0 else "")
        if schedule.has_momentum:
            right = fig.axes[-1]  # the one that was made last
            right.set(ylim=(0.8, 1.0), yticks=[0.85, 0.95], ylabel="momentum" if i % 3 == 2 else "")
            right.tick_params(labelright=i % 3 == 2)
    plots.caption(
        fig,
        f"Solid: the learning rate; dashed, right axis: the momentum, where there is one. {STEPS} updates an epoch, "
        "each value held for its update. Drawn from the formulas; nothing was trained.",
    )
    return fig


if __name__ == "__main__":
    with plots.style():
        draw().savefig(FIGURES / "schedules-families.png", dpi=110)
