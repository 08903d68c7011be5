"""The best trials of a search as members of an ensemble."""

from textbook.ensembles.ensemble import Ensemble
from textbook.schedules.arguments import whole


def top_k(result, k: int, *, logits: bool, data: tuple | None = None, batch_size: int | None = None) -> Ensemble:
    """An ensemble of the k best trials of a `textbook.search` result, best first.

    A search keeps the models of its `keep` best trials, with the weights of each one's best epoch: ask for keep=k. A
    trial whose model was not kept is built by the search's builder and trained anew on `data`, as many epochs as its
    best one; its initial weights and order are drawn anew, so its score is another one.

    Args:
        result: a `textbook.search.SearchResult`.
        k: at least 1, at most the number of completed trials.
        logits: as for `Ensemble`.
        data: (x, y) of training, for trials whose models were not kept.
        batch_size: of that training; None is the trial's hyperparameter "batch_size", or 32.

    Raises: ValueError for more trials than were completed, and for a trial without a model where data or builder are
        missing.

    Members are chosen by the score that their search minimised, on the validation part: judge the ensemble on another.
    """
    k = whole("k", k, least=1, mend="mend by 5")
    best = result.best(k)
    if len(best) < k:
        raise ValueError(f"expected {k} completed trials, got {len(best)}; mend by k={len(best)}, or more trials")
    values = result.best_hyperparameters(k)
    models = []
    for row, own in zip(best.itertuples(), values, strict=True):
        model = _kept(result, int(row.trial))
        models.append(_trained(result, row, own, data, batch_size) if model is None else model)
    return Ensemble(models, logits=logits)


def _kept(result, trial: int):
    """The trial's model, or None where the search kept none."""
    if result.models is None:
        return None
    try:
        return result.models(trial)
    except ValueError as error:
        if "whose model was kept" not in str(error):  # such as a search that was written over
            raise
        return None


def _trained(result, row, values: dict, data, batch_size):
    if data is None or result.build is None:
        raise ValueError(
            f"expected a kept model of trial {row.trial}, got none; mend by a search with a larger keep=, or by "
            "data=(x, y) to train it again"
        )
    build = getattr(result.build, "build", result.build)
    model = build(result.hyperparameters(values))
    x, y = data
    size = int(values.get("batch_size", 32)) if batch_size is None else batch_size
    model.fit(x, y, epochs=int(row.best_epoch), batch_size=size, verbose=0)
    return model
