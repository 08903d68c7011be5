"""How far differences miss the gradient of a real loss, by step, form, activation and precision."""

import numpy as np
import pandas as pd

from chapters.shared.small_network import SmallNetwork
from textbook.checks import numerical_gradient, relative_error
from textbook.experiment import Run
from textbook.seeding import stream

STEPS = tuple(float(f"{10**k:.3g}") for k in np.arange(-13, -0.75, 0.5))
_KINDS = (
    ("tanh", "float64", "forward"),
    ("tanh", "float64", "centred"),
    ("tanh", "float32", "centred"),
    ("relu", "float64", "centred"),
)


def loss_differences(run: Run, *, rows: int = 20, units: int = 20, coordinates: int = 30) -> pd.DataFrame:
    """Differences of a network's loss on digits along some of its weights, with a step of every size.

    Args:
        rows: digits in the loss.
        units: of the one hidden layer.
        coordinates: weights checked, drawn among those whose gradient is not 0.

    Returns: a row per `activation`, `dtype`, `form`, `h` and `seed`: `error`, the length of the gradients' difference
        over the length of the true gradient (along those weights), and `largest`, the largest relative error of one
        weight. The true gradient is the chain rule's, in float64.
    """
    splits, table = run.splits("digits"), []
    for seed in run.seeds:
        part = splits(seed).train
        x, labels = part.x[:rows], part.y[:rows]
        for activation, dtype, form in _KINDS:
            network = SmallNetwork(x, labels, 10, hidden=(units,), activation=activation, dtype=dtype)
            random = stream(seed, "weights")
            weights = network.initial(random)
            true = SmallNetwork(x, labels, 10, hidden=(units,), activation=activation).gradient(weights)
            chosen = random.choice(np.flatnonzero(true), coordinates, replace=False)
            line, true = along(network, weights, chosen), true[chosen]
            for h in STEPS:
                found = numerical_gradient(line, weights[chosen], h=h, form=form)
                error = np.linalg.norm(found - true) / np.linalg.norm(true)
                table.append((activation, dtype, form, h, seed, error, relative_error(true, found).max()))
    return pd.DataFrame(table, columns=["activation", "dtype", "form", "h", "seed", "error", "largest"])


def along(network: SmallNetwork, weights: np.ndarray, chosen: np.ndarray):
    """The loss as a function of the chosen weights alone, (…, chosen) → (…,), as `numerical_gradient` wants it."""

    def value(some):
        full = np.broadcast_to(weights, (*some.shape[:-1], len(weights))).copy()
        full[..., chosen] = some
        # back to float64: the difference of two float32 losses is taken exactly, and all that is lost is in them
        return network.value(full).astype(np.float64)

    return value
