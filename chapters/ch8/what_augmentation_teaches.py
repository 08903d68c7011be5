"""8.4.2 What augmentation teaches (증강이 가르치는 것)

The text says that augmentation is no new knowledge and mainly makes the optimisation easier. It is the other way round.
Every copy says "this is still a three", which is knowledge that the images do not hold and the designer does. And the
optimisation gets harder: there is more to fit, and it keeps changing, so that the training loss stays higher after
equally many updates. What can fall is the loss on new images.
"""

import functools

import pandas as pd

from chapters.shared.augmented_images import AS_THEY_ARE, with_copies
from chapters.shared.members import outputs, stacked
from textbook import plots
from textbook.experiment import HOLDS, REVERSED, Claim, Run, paired, trend
from textbook.models import mlp
from textbook.replicas import Condition

ENTRIES = ("8.4.2-d",)
DATA = "digits"

STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0)
_COPIES, _PASSES = 40, 16  # copies of each image to draw from; passes over the images, each with other copies
_BATCH = 32


def measure(
    run: Run, *, rows: int = 400, updates: int = 800, learning_rate: float = 0.05, momentum: float = 0.9
) -> dict[str, pd.DataFrame]:
    """Train on images moved by up to 0, ½, 1, 1½ and 2 pixels with equal updates.

    Nothing is chosen here, so the part called validation holds the training images as they are: their loss and that of
    the moved images are then both known after every epoch.

    Args:
        rows: training images.
        updates: of every network; after sixteen passes over the images the same copies come again.
    """
    from textbook.augmentation import consistency, neighbours  # here, because a cached run loads no Keras
    from textbook.replicas import ReplicaTrainer

    splits = run.splits("digits", (rows, 473, 300))
    policies = {f"{strength:g} px": {"pixels": strength} for strength in STRENGTHS[1:]}
    pool = with_copies(run.data("digits"), policies, copies=_COPIES)
    names = dict(zip(STRENGTHS, (AS_THEY_ARE, *policies), strict=True))

    def parts(policy):
        def of(seed):
            train, _, test = splits(seed).rows
            return pool.split(pool.passes(policy, train, count=_PASSES, seed=seed), train, test, seed=seed)

        return of

    result = ReplicaTrainer(
        functools.partial(mlp, hidden=(64,)),
        parts(AS_THEY_ARE),
        conditions={
            name: Condition(learning_rate=learning_rate, momentum=momentum, splits=parts(name))
            for name in names.values()
        },
        seeds=run.seeds,
        updates=run.epochs(updates),
        batch_size=_BATCH,
        keep_state=True,
    ).run()
    kept = {"clean_loss": "train_loss", "val_loss": "original_loss"}
    curves = result.table.rename(columns=kept)
    for name in kept.values():
        curves[name] = curves[name].where(~curves.diverged, curves.chance_loss)
    strength = {name: value for value, name in names.items()}
    curves = curves.assign(strength=curves.condition.map(strength))
    last = curves[curves.epoch == curves.groupby(["condition", "seed"]).epoch.transform("max")]
    runs = last[["strength", "seed", "train_loss", "original_loss", "test_loss", "test_accuracy", "diverged"]]
    agreements = []
    for seed in run.seeds:
        images = splits(seed).test.x.reshape(-1, 8, 8)
        changed = neighbours(images)
        for value, name in names.items():
            stacks = stacked(result, name, [seed])
            found = consistency(lambda x, s=stacks: outputs(s, x)[0], images, changed=changed)
            agreements.append({"strength": value, "seed": seed, "consistency": found.share})
    runs = runs.merge(pd.DataFrame(agreements), on=["strength", "seed"]).assign(rows=rows, updates=last.updates.max())
    return {"runs": runs, "curves": curves[["strength", "seed", "updates", "train_loss", "original_loss"]]}


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the training loss by update on the moved images and on the same images unmoved; below, losses, and the
    share of answers that stay the same, against the largest shift.
    """
    runs, curves = tables["runs"], tables["curves"]
    fig, ((moved, original), (losses, agreement)) = plots.figure(2, 2, size=(7, 6.6))
    few = curves[curves.strength.isin(STRENGTHS[::2])]
    shown = few.assign(name=few.strength.map(lambda value: f"{value:g} px" if value else AS_THEY_ARE))
    looks = plots.looks(list(dict.fromkeys(shown.name)))
    for ax, metric, title in (
        (moved, "train_loss", "images trained on"),
        (original, "original_loss", "the same, not moved"),
    ):
        plots.band(ax, shown, x="updates", y=metric, hue="name", looks=looks, names="legend", log=True)
        ax.set_yscale("log")
        plots.log_axis(ax, "y")
        ax.set(xlabel="updates", ylabel="training loss (nats)", title=title)
    original.sharey(moved)
    original.get_legend().remove()
    moved.legend(fontsize=9.5, loc="center right", bbox_to_anchor=(1, 0.42))  # between the lines
    parts = {"new images": "test_loss", "trained on": "train_loss", "the same, not moved": "original_loss"}
    lines = pd.concat([runs.assign(part=part, loss=runs[name]) for part, name in parts.items()])
    plots.band(losses, lines, x="strength", y="loss", hue="part", names="legend", log=True)
    losses.set_yscale("log")
    plots.log_axis(losses, "y")
    losses.set(xlabel="largest shift (pixels)", ylabel="loss (nats)", title="after the last update")
    losses.set_ylim(None, 12 * losses.get_ylim()[1])  # room for the names
    losses.legend(fontsize=9.5, loc="upper left")
    percent = {"same answer when moved": "consistency", "right as they are": "test_accuracy"}
    lines = pd.concat([runs.assign(part=part, share=100 * runs[name]) for part, name in percent.items()])
    look = {name: plots.look(place + 3) for place, name in enumerate(percent)}
    plots.band(agreement, lines, x="strength", y="share", hue="part", looks=look, names="legend")
    agreement.set(
        xlabel="largest shift (pixels)", ylabel="of new images (%)", title="answers on new images", ylim=(0, 100)
    )
    agreement.legend(fontsize=9.5, loc="lower right")
    first = runs.iloc[0]
    plots.caption(
        fig,
        f"Digits of 8 × 8 pixels, {first['rows']:g} training images moved by up to the pixels given, MLP 64-64-10, SGD "
        f"with momentum, {first.updates:g} updates of {_BATCH}. Same answer: for a new image and the same moved by one "
        f"pixel, eight directions. Mean, 95 % band; {plots.seeds_text(runs)}.",
    )
    return fig


_KNOWLEDGE = (
    "Augmentation puts in what its designer knows: which changes leave the label as it is. It does not ease the "
    "optimisation; the training loss rises with it. It regularises."
)
_REFERENCE = "Chen, Dobriban and Lee (2020), arXiv:1907.10905; Hernández-García and König (2018), arXiv:1806.03852"

CLAIMS = (
    Claim(
        "8.4.2-d/optimisation",
        "Augmentation mainly eases the optimisation: after equally many updates the loss on the images trained on is "
        "lower with shifts of up to a pixel than without.",
        paired("train_loss", lower=1.0, than=0.0, by="strength", table="runs"),
        expected=REVERSED,
        ask="Two networks make as many updates, one on images that move. Which has the lower training loss?",
        why="There is more to fit: the same number of weights has to answer for every place that an image may be "
        "moved to.",
        beware="All have one learning rate. A training loss that is higher than without augmentation is no fault to be "
        "mended by a larger one. Compare it among networks with the same augmentation only.",
        correction=_KNOWLEDGE,
        reference=_REFERENCE,
    ),
    Claim(
        "8.4.2-d/originals",
        "Measured on the training images as they are, the loss is lower too, after equally many updates with shifts "
        "of up to a pixel.",
        paired("original_loss", lower=1.0, than=0.0, by="strength", table="runs"),
        expected=REVERSED,
        ask="The moved images may just be harder. Which network is better on the images before they were moved?",
        why="Both are now asked about the same images. One network has seen nothing else; the other has seen them "
        "pushed about, and spends its weights on that.",
        beware="A lower loss on images that are known by heart is worth nothing by itself. What counts is the loss on "
        "new images, in the same figure.",
        correction=_KNOWLEDGE,
        reference=_REFERENCE,
    ),
    Claim(
        "8.4.2-d/strength",
        "The further images are moved, the higher is the training loss after equally many updates.",
        trend("train_loss", over="strength", direction="rises", log=False, table="runs"),
        expected=HOLDS,
        ask="From no shift to two pixels: does the training loss change steadily, or is there a step?",
        why="With the largest shift grows the variety that has to be fitted, and from a pixel on, parts of the digit "
        "leave the image.",
        beware="The loss on new images need not follow: look for the strength at which it is lowest.",
        correction=_KNOWLEDGE,
        reference=_REFERENCE,
    ),
    Claim(
        "8.4.2-d/knowledge",
        "Something is learnt that the images alone do not teach: on new images moved by a pixel, the answer stays more "
        "often with augmentation (up to a pixel) than without.",
        paired("consistency", higher=1.0, than=0.0, by="strength", unit="points", delta=0.5, table="runs"),
        expected=HOLDS,
        ask="No digit of the training part is off its centre. How often does a network keep its answer when a digit "
        "moves by one pixel of eight?",
        why="To a network of dense layers a moved image is another image, pixel by pixel. That it means the same must "
        "be shown, and the transform shows it.",
        beware="A network that always answers the same is perfectly consistent. Read it together with accuracy. And "
        "where a change does alter the label, this would be teaching a mistake.",
        correction=_KNOWLEDGE,
        reference=_REFERENCE,
    ),
)
