"""Members of one training: files that it left behind, and snapshots."""

from collections.abc import Sequence

from textbook.ensembles.ensemble import Ensemble


def from_files(paths: Sequence, *, logits: bool, model=None) -> Ensemble:
    """An ensemble of checkpoints, such as `keras.callbacks.ModelCheckpoint` writes them.

    Args:
        paths: `.keras` files, whole models; or `.weights.h5` files, with `model` to load them into copies of.
        logits: as for `Ensemble`.
        model: a built model of the weights' architecture; it is not changed.

    Raises: ValueError for weights without a model; Keras's own errors for files that cannot be read.

    Checkpoints of one training at a constant rate differ little, and so does their mean from the last one. Take them
    where each cycle of a cyclic rate ends: `textbook.callbacks.SnapshotEnsemble`, then `from_snapshots`.
    """
    import keras

    models = []
    for path in map(str, paths):
        if not path.endswith(".weights.h5"):
            models.append(keras.models.load_model(path, compile=False))
            continue
        if model is None:
            raise ValueError(f"expected a model for {path}, which holds weights alone; mend by model=…")
        copy = keras.models.clone_model(model)
        copy.load_weights(path)
        models.append(copy)
    return Ensemble(models, logits=logits)


def from_snapshots(snapshots) -> Ensemble:
    """An ensemble of the members that a `SnapshotEnsemble` took, each a model of its own.

    The callback predicts by itself as well, lending one model to each member in turn: slower, in less memory.
    """
    return Ensemble(snapshots.models(), logits=snapshots.logits)
