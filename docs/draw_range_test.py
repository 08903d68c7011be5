"""Draw the figures of range_test.md: python docs/draw_range_test.py"""

from pathlib import Path

import keras
import numpy as np

from textbook import datasets, plots, splits
from textbook.models import mlp
from textbook.range_test import (
    learning_rate_range_test,
    learning_rate_range_test_over_seeds,
    momentum_range_test,
    weight_decay_range_test,
)

FIGURES = Path(__file__).parent / "figures"
DATA = "digits, MLP 64-64-10, batch 32, SGD"


def build():
    return mlp((64,), 10)


def main() -> None:
    splitter = splits.Splitter(datasets.load("digits"))
    part = splitter(0).train
    x, y = np.asarray(part.x), np.asarray(part.y)
    keras.utils.set_random_seed(0)
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss)
    save("rates", learning_rate_range_test(model, x, y), f"{DATA} with momentum 0.9, 100 rates, one seed")
    save("momentum", momentum_range_test(model, x, y), f"{DATA}, 60 rates, one seed")
    decays = weight_decay_range_test(model, x, y, values=(0.0, 1e-4, 1e-3, 1e-2, 1e-1))
    save("weight_decay", decays, f"{DATA} with momentum 0.9, 60 rates, one seed")
    many = learning_rate_range_test_over_seeds(build, splitter, seeds=range(16), momentum=0.9)
    save("seeds", many, f"{DATA} with momentum 0.9; {plots.seeds_text(many.table)}; 95 % band")


def save(name: str, result, text: str) -> None:
    with plots.style():
        fig, ax = plots.figure()
        result.plot(ax)
        plots.caption(fig, text)
        fig.savefig(FIGURES / f"range_test-{name}.png")


if __name__ == "__main__":
    main()
