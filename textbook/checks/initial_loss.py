"""Does a fresh model start at the loss of a guess? If it does not, what is likely wrong?"""

import math
from dataclasses import dataclass

import keras
import numpy as np

from textbook.checks.guesses import BINARY, CLASSES, REGRESSION, Guess, guess_of
from textbook.checks.lent_model import arrays, lent
from textbook.checks.loss_parts import LossParts, loss_parts, outputs_of
from textbook.checks.symptoms import blindness, labels_off, mismatch, summed

_MOST_ROWS = 1024
_LEAST = 0.5  # of the guess's loss: what lies below knows something


@dataclass(frozen=True)
class InitialLoss:
    """What a fresh model loses, what a guess loses, and what to suspect where the two differ.

    Attributes:
        passed: nothing is suspected.
        loss: of the data, without penalties; NaN where the labels do not fit the loss.
        expected: what a guess loses; `guess` says in words what is guessed.
        lowest, highest: the bounds between which the loss counts as that of a guess.
        penalty: of the weights as they are, apart.
        spread: standard deviation of the outputs (of the logits, for a cross-entropy from logits).
        suspects: what is likely wrong, the likeliest first.
    """

    passed: bool
    loss: float
    expected: float
    guess: str
    lowest: float
    highest: float
    penalty: float
    spread: float
    suspects: tuple[str, ...]

    def __str__(self) -> str:
        verdict = "as it should be" if self.passed else "not as it should be"
        penalty = f", and penalties of {self.penalty:.4g} apart" if self.penalty else ""
        lines = [
            f"Initial loss {verdict}: {self.loss:.4g}{penalty}; a guess loses {self.guess}, and "
            f"{self.lowest:.3g} to {self.highest:.3g} counts as one. The outputs' standard deviation is "
            f"{self.spread:.3g}."
        ]
        return "\n".join([*lines, *(f"- {suspect}" for suspect in self.suspects)])


def check_initial_loss(model, x, y, *, tolerance: float = 2.0) -> InitialLoss:
    """Compare the loss of a fresh model with that of a guess: ln C for C classes, and so on (see `guesses.guess_of`).

    Random weights are not enough for it, the first logits must also be small: small weights, and scaled inputs. A
    softmax that is applied twice hardly moves the first loss, so outputs and loss are also held against each other,
    and labels against outputs. The model is left as it was.

    Args:
        model: a compiled Keras model with one output, not trained yet.
        x, y: data (rows, …) and labels as `fit` takes them; of more than 1,024 rows, 1,024 spread over them are used.
        tolerance: how far above a guess the first loss may lie: in nats for a cross-entropy, in multiples of the guess
            for hinges, of five times the guess in a regression. The default lets He's and Glorot's initialisations on
            standardised inputs pass. A loss below half of that of a guess is suspected too.

    Returns: an `InitialLoss`; `print` shows it.

    Raises: ValueError for a model that is not compiled, has several outputs, or for data without rows.

    Source: chapter 5, 5.5; cs231n, "Neural Networks Part 3", sanity checks.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(10, kernel_initializer="zeros")])
    >>> model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> found = check_initial_loss(model, np.ones((10, 4)), np.arange(10))
    >>> round(found.loss, 4), round(found.expected, 4)
    (2.3026, 2.3026)
    """
    if not 0 < tolerance < math.inf:
        raise ValueError(f"expected a tolerance above 0, got {tolerance!r}; mend by 2.0")
    x, y = arrays(x, y)
    if len(y) > _MOST_ROWS:
        spread_out = np.linspace(0, len(y) - 1, _MOST_ROWS).astype(int)
        x, y = x[spread_out], y[spread_out]
    with lent(model, x, y):
        outputs = outputs_of(model, x[:1])
        misfit = labels_off(model.loss, y, outputs.shape[-1])
        if misfit:
            guess = guess_of(model, np.zeros_like(y), np.zeros((len(y), *outputs.shape[1:])), tolerance=tolerance)
            parts = LossParts(outputs, math.nan, 0.0)
            suspects = [f"labels off: {misfit}"]
        else:
            parts = loss_parts(model, x, y)
            guess = guess_of(model, y, parts.outputs, tolerance=tolerance)
            suspects = _suspects(model, x, y, parts, guess, _LEAST * guess.loss)
    spread = float(parts.outputs.std())
    bounds = (_LEAST * guess.loss, guess.highest)
    return InitialLoss(
        not suspects, parts.data, guess.loss, guess.words, *bounds, parts.penalty, spread, tuple(suspects)
    )


def _suspects(model, x, y, parts: LossParts, guess: Guess, lowest: float) -> list[str]:
    """What is likely wrong, in sentences; none for a loss within its bounds from outputs that fit the loss."""
    if not np.isfinite(np.asarray(x, dtype=float)).all():
        return ["inputs with NaN or infinite values: clean x"]
    if text := mismatch(model.loss, parts.outputs):
        return [text]
    found = [text for text in (blindness(model, x, parts.outputs), _targets(y, parts, guess)) if text]
    if not math.isfinite(parts.data):
        return [*found, "the loss is not a finite number: look for a logarithm of 0 or weights that are not finite"]
    if text := summed(model.loss, parts.data, guess.loss, len(y)):
        return [*found, text]
    if parts.data > guess.highest:
        found += _too_high(model, x, y, parts, guess)
    elif parts.data < lowest and not _at_class_frequencies(guess, y, parts):
        found.append(
            "a loss below that of a guess: the model was trained already, or x contains the label in some form"
        )
    return found


def _targets(y, parts: LossParts, guess: Guess) -> str | None:
    if guess.kind == REGRESSION and _root_mean_square(y) > 10 * max(1.0, _root_mean_square(parts.outputs)):
        return (
            f"unscaled targets: y has mean {y.mean():.3g} and standard deviation {y.std():.3g}, and the outputs are "
            f"about {_root_mean_square(parts.outputs):.3g} in size; standardise y"
        )
    return None


def _too_high(model, x, y, parts: LossParts, guess: Guess) -> list[str]:
    """Tried, not guessed: the loss with scaled inputs tells large inputs from large weights."""
    found, left = [], parts
    size = _root_mean_square(x)
    embeds = any(isinstance(layer, keras.layers.Embedding) for layer in model._flatten_layers())
    if not embeds and size > 2:
        scaled = loss_parts(model, np.asarray(x, dtype=keras.config.floatx()) / size, y)
        if scaled.data - guess.loss < 0.5 * (parts.data - guess.loss):
            left = scaled
            found.append(
                f"unscaled inputs: they are about {size:.3g} in size, and with x / {size:.3g} the loss would be "
                f"{scaled.data:.3g}; scale or standardise x"
            )
    if left.data > guess.highest:
        found.append(
            f"initial weights too large: the outputs' standard deviation is {left.outputs.std():.3g} and should be "
            "below 1; use He's or Glorot's initialisation, or a smaller one for the last layer"
        )
    return found


def _root_mean_square(x) -> float:
    return float(np.sqrt(np.mean(np.asarray(x, dtype=float) ** 2)))


def _at_class_frequencies(guess: Guess, y, parts: LossParts) -> bool:
    """Whether the loss is that of always giving the class frequencies, as a last bias set to them gives it."""
    if guess.kind not in (CLASSES, BINARY):
        return False
    shares = _class_shares(y, parts.outputs, guess.kind)
    shares = shares[shares > 0]
    return abs(parts.data + float(np.sum(shares * np.log(shares)))) < 0.05 * guess.loss


def _class_shares(y, outputs, kind: str) -> np.ndarray:
    if kind == BINARY:
        return np.array([np.mean(y), 1 - np.mean(y)])
    if y.shape == outputs.shape:  # one-hot
        return y.reshape(-1, y.shape[-1]).mean(axis=0)
    return np.bincount(y.astype(int).ravel(), minlength=outputs.shape[-1]) / y.size
