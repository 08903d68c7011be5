"""Draw the figure of gradient_check.md: python docs/draw_gradient_check.py"""

from pathlib import Path

import keras
import numpy as np

from textbook import plots
from textbook.checks import gradient_check
from textbook.checks.bug_zoo.gradients import model_with

FIGURES = Path(__file__).parent / "figures"


def main() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 8)), np.eye(4)[random.integers(4, size=12)]
    keras.utils.set_random_seed(1)
    check = gradient_check(model_with("transposed kernel"), x, y)
    with plots.style():
        ax = check.plot()
        text = "12 rows of noise, three layers of 8 units, float64, h = 1e-5; a transposed kernel in the layer “second”"
        plots.caption(ax.figure, text)
        ax.figure.savefig(FIGURES / "gradient_check-wrong.png")


if __name__ == "__main__":
    main()
