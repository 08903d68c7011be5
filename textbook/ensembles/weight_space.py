"""Mixing the weights of models of one architecture."""

import keras
import numpy as np

from textbook.batch_statistics import batch_norms, estimate_batch_statistics


def average_weights(models, *, data=None, batch_size: int = 256):
    """A new, uncompiled model with w = (1/M) Σ w_m; batch-norm statistics are estimated anew for it.

    Right for models that lie in one basin: checkpoints of a training (`textbook.callbacks.WeightAverage` takes them on
    the way), or trainings that started from the same pretrained weights. Models from different initial weights have
    their hidden units in different orders and in different roles, and the mean of such weights is no network that
    anyone trained: average their predictions (`Ensemble`), and look at `linear_path` first.

    Args:
        models: built Keras models of one architecture, which are not changed.
        data: training inputs for `textbook.batch_statistics.estimate_batch_statistics`; needed where there is batch
            norm, since statistics of other weights do not fit the mean.
        batch_size: rows at once, for `data`.

    Raises: ValueError for no model, for weights of different shapes, and for batch norm without data.

    Source: Izmailov et al. (2018), arXiv:1803.05407; Wortsman et al. (2022), Model soups, arXiv:2203.05482.

    >>> def line(slope):
    ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    ...     model.set_weights([np.array([[slope]])])
    ...     return model
    >>> average_weights([line(1.0), line(4.0)]).get_weights()[0].tolist()
    [[2.5]]
    """
    models = list(models)
    if not models:
        raise ValueError("expected at least one model, got none; mend by a list of trained models")
    return interpolated(models, [1 / len(models)] * len(models), data=data, batch_size=batch_size)


def interpolated(models, shares, *, data=None, batch_size: int = 256):
    """A new, uncompiled model with w = Σ share_m · w_m; shares may lie outside 0…1 and should sum to 1.

    Args, Raises: as for `average_weights`; shares are numbers, one for each model.
    """
    models, shares = list(models), [float(share) for share in shares]
    if len(models) != len(shares):
        raise ValueError(f"expected a share for each of {len(models)} models, got {len(shares)}")
    weights = [model.get_weights() for model in models]
    shapes = [[part.shape for part in parts] for parts in weights]
    for number, own in enumerate(shapes):
        if own != shapes[0]:
            raise ValueError(
                f"expected weights of the same shapes, got {own} for model {number + 1} and {shapes[0]} for the first; "
                "mend by models of one architecture, or average their predictions with Ensemble"
            )
    mixed = keras.models.clone_model(models[0])
    norms = batch_norms(mixed)
    if norms and data is None:
        raise ValueError(
            f"expected the training data, since {norms[0].name!r} is a batch norm, whose statistics belong to other "
            "weights; mend by data=x"
        )
    mixed.set_weights([_mixed(parts, shares) for parts in zip(*weights, strict=True)])
    if norms:
        estimate_batch_statistics(mixed, data, batch_size=batch_size)
    return mixed


def _mixed(parts, shares) -> np.ndarray:
    """Σ share · part in float64, then in the parts' own type; what is no float, such as a counter, is the first's."""
    if "float" not in parts[0].dtype.name:  # bfloat16 is of no kind of NumPy's
        return parts[0]
    return sum(share * part.astype(np.float64) for share, part in zip(shares, parts, strict=True)).astype(
        parts[0].dtype
    )
