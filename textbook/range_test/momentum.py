"""Which momentum the training bears, by short range tests."""

from textbook.range_test.over_values import RangeTestOverValues, over_values
from textbook.range_test.steps import check
from textbook.range_test.trial_optimizer import momentum_of
from textbook.schedules.arguments import weight


def momentum_range_test(
    model,
    x,
    y=None,
    *,
    values=(0.8, 0.9, 0.95, 0.99),
    sample_weight=None,
    batch_size: int = 32,
    start: float = 1e-5,
    end: float = 10.0,
    rates: int = 60,
    smoothing: float = 0.9,
    stop_factor: float | None = 4.0,
    seed: int = 0,
) -> RangeTestOverValues:
    """Runs the range test of the rate at each momentum (beta_1 for optimizers of Adam's kind), and undoes it all.

    A momentum is judged together with the rate, since v = momentum·v − rate·g goes rate/(1 − momentum) far along a
    steady gradient. Growing the momentum within one run tells nothing: the loss goes on falling.

    Args:
        model: a compiled `keras.Model`, put back to the last bit as by `learning_rate_range_test`.
        x, y, sample_weight, batch_size, start, end, rates, smoothing, stop_factor, seed: as there.
        values: momenta, from 0 and below 1.

    Returns: a `RangeTestOverValues` with `.tests`, `.table`, `.best` and `.plot(ax)`.

    Raises: ValueError where an argument does not fit, or for an optimizer without momentum.

    Source: Smith (2018), "A disciplined approach to neural network hyper-parameters", section 4.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mse")
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> momentum_range_test(model, x, 3 * x, values=[0, 0.9], batch_size=64).name
    'momentum'
    """
    check(model)
    values = [weight("a momentum", value) for value in values]
    return over_values(
        model,
        x,
        y,
        name=momentum_of(model.optimizer),
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
