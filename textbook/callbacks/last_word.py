"""Something done after every callback's `on_train_end`, wherever in the list the one stands that asks for it."""

from collections.abc import Callable


def after_all_callbacks(callback, finish: Callable[[], None]) -> bool:
    """Call `finish` once, after all callbacks of the present `fit` have ended; False where that cannot be had.

    `EarlyStopping(restore_best_weights=True)` and others write weights in `on_train_end`, and the order of the list
    would decide whose stay. Keras puts its own `History` behind the user's callbacks, so its end of training comes
    last. A loop of the user's own that makes no `History` has no such place: then the answer is False, and the caller
    has to do with its own `on_train_end`. A `History` that the user puts into the list holds its place there.

    Raises: ValueError where another callback has asked for the last word already.
    """
    history = getattr(callback.model, "history", None)
    # one dict of parameters is handed to all callbacks of a run; an older run's History has another
    if history is None or getattr(history, "params", None) is not callback.params:
        return False
    if "on_train_end" in vars(history):
        raise ValueError(
            "expected one callback that puts averaged weights into the model at the end, got two; "
            "mend by swap=False for one of them"
        )

    def on_train_end(logs=None):
        del history.on_train_end
        history.on_train_end(logs)
        finish()

    history.on_train_end = on_train_end
    return True
