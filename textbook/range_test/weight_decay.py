"""Which decoupled weight decay the training bears, by short range tests."""

from textbook.range_test.over_values import RangeTestOverValues, over_values
from textbook.schedules.arguments import nonnegative


def weight_decay_range_test(
    model,
    x,
    y=None,
    *,
    values=(0.0, 1e-5, 1e-4, 1e-3, 1e-2),
    sample_weight=None,
    batch_size: int = 32,
    start: float = 1e-5,
    end: float = 10.0,
    rates: int = 60,
    smoothing: float = 0.9,
    stop_factor: float | None = 4.0,
    seed: int = 0,
) -> RangeTestOverValues:
    """Runs the range test of the rate at each weight decay, w ← w − w·weight_decay·rate, and undoes it all.

    All start from the model's present weights, with empty slots, and see the same batches. `.best` is judged by the
    training loss, which sees what a decay costs and not what it gains on new data: it names the largest decay that
    costs nothing, as Smith advises for large rates.

    Args:
        model: a compiled `keras.Model`, put back to the last bit as by `learning_rate_range_test`.
        x, y, sample_weight, batch_size, start, end, rates, smoothing, stop_factor, seed: as there.
        values: weight decays, 0 or more.

    Returns: a `RangeTestOverValues` with `.tests`, `.table`, `.best` and `.plot(ax)`.

    Raises: ValueError where an argument does not fit.

    Source: Smith (2018), "A disciplined approach to neural network hyper-parameters", section 5.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mse")
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> weight_decay_range_test(model, x, 3 * x, values=[0, 10], batch_size=64).best.value
    0.0
    """
    values = [nonnegative("a weight decay", value) for value in values]
    return over_values(
        model,
        x,
        y,
        name="weight_decay",
        values=values,
        sample_weight=sample_weight,
        batch_size=batch_size,
        start=start,
        end=end,
        rates=rates,
        smoothing=smoothing,
        stop_factor=stop_factor,
        seed=seed,
    )
