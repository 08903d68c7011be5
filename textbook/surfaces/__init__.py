"""Losses of a few weights, whose gradients, curvatures and minima are known, and paths over them.

Points are arrays (…, weights); `value(w)` has shape (…), `gradient(w)` (…, weights) and `hessian(w)` (…, weights,
weights), so a whole path or a grid is one call: `surface.value(np.stack(np.meshgrid(w1, w2), axis=-1))` is what a
contour plot wants. All but `Saddle` have a `minimum`.

- `Quadratic`, `LeastSquares`, `LongValley`, `LogisticRegression`: convex
- `DoubleWell`, `Rosenbrock`, `Beale`, `Saddle`: not
- `chord_gaps`, `chord_violations`: the definition of convexity as a test
- `trajectory`: the path of an update rule (`textbook.update_rules`); `updates_until`: how long it takes
- `minibatches`: which rows each update sees, for surfaces made of rows
"""

from textbook.surfaces.batches import minibatches
from textbook.surfaces.convexity import chord_gaps, chord_violations
from textbook.surfaces.double_well import DoubleWell
from textbook.surfaces.least_squares import LeastSquares
from textbook.surfaces.logistic_regression import LogisticRegression
from textbook.surfaces.quadratic import Quadratic
from textbook.surfaces.trajectories import trajectory, updates_until
from textbook.surfaces.two_weights import Beale, LongValley, Rosenbrock, Saddle

__all__ = [
    "Beale",
    "DoubleWell",
    "LeastSquares",
    "LogisticRegression",
    "LongValley",
    "Quadratic",
    "Rosenbrock",
    "Saddle",
    "chord_gaps",
    "chord_violations",
    "minibatches",
    "trajectory",
    "updates_until",
]
