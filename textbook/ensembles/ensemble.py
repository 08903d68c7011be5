"""Averaging predictions: several Keras models with the same inputs and outputs answer as one."""

import keras
import numpy as np

from textbook.ensembles import probability as of
from textbook.schedules.arguments import whole


class Ensemble:
    """p(x) = (1/M) Σ p_m(x): the mean of the members' probabilities.

    All members run in one compiled pass, whatever their architectures; they are neither copied nor changed, and need
    not be compiled.

    Args:
        models: built Keras models, one or more, with the same inputs and one output of the same shape.
        logits: the models end in logits, so each member's go through a softmax (a sigmoid where there is one column)
            before the mean. False averages outputs as they are: right for models that end in a softmax, and for
            regression. The mean of logits is another thing: the geometric mean of probabilities, up to a factor.

    Raises: ValueError for no model, or models whose inputs or outputs differ in shape.

    Source: Hansen & Salamon (1990), Neural network ensembles; Lakshminarayanan, Pritzel, Blundell (2017), Simple and
        scalable predictive uncertainty estimation using deep ensembles, arXiv:1612.01474.

    >>> def tilted(bias):
    ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    ...     model.layers[0].bias.assign([0.0, bias])
    ...     return model
    >>> both = Ensemble([tilted(0.0), tilted(np.log(3.0))], logits=True)  # a half, and three quarters
    >>> both.predict(np.ones((1, 1))).round(4).tolist()
    [[0.375, 0.625]]
    >>> {name: round(value, 3) for name, value in both.evaluate(np.ones((4, 1)), np.array([1, 1, 1, 0])).items()}
    {'accuracy': 0.75, 'loss': 0.598}
    """

    def __init__(self, models, *, logits: bool):
        self.models = tuple(models)
        self.logits = bool(logits)
        if not self.models:
            raise ValueError("expected at least one model, got none; mend by a list of trained models")
        shapes = [_shapes(model) for model in self.models]
        for number, shape in enumerate(shapes):
            if None not in (*shape, *shapes[0]) and shape != shapes[0]:
                raise ValueError(
                    f"expected models with the same inputs and outputs, got {_said(shapes[0])} for the first and "
                    f"{_said(shape)} for number {number + 1}; mend by leaving that one out"
                )
        self._together = None

    def __len__(self) -> int:
        return len(self.models)

    def __repr__(self) -> str:
        return f"Ensemble({len(self)} models, {'logits' if self.logits else 'outputs as they are'})"

    def member_predictions(self, x, *, batch_size: int = 256, temperature: float = 1.0) -> np.ndarray:
        """Each member's probabilities (or outputs), (members, samples, …) float64.

        Args:
            x: inputs as `model.predict` takes them.
            temperature: T of softmax(z/T), for `distill`.
        """
        whole("batch_size", batch_size, least=1, mend="mend by 256")
        if self._together is None:
            self._together = _Together(self.models)
        outputs = self._together.predict(x, batch_size=batch_size, verbose=0)
        outputs = np.moveaxis(outputs, 1, 0)  # predict wants samples first
        if not self.logits and temperature == 1:
            return outputs.astype(np.float64)
        return of.probabilities(outputs, logits=self.logits, temperature=temperature)

    def predict(self, x, *, batch_size: int = 256, temperature: float = 1.0) -> np.ndarray:
        """The mean of the members' probabilities (or outputs), (samples, …) float64."""
        return self.member_predictions(x, batch_size=batch_size, temperature=temperature).mean(axis=0)

    def evaluate(self, x, y, *, batch_size: int = 256) -> dict[str, float]:
        """Of classes: "accuracy" (a share) and "loss", −ln p(y) in nats; of floats y: "loss", the mean squared error.

        Args:
            y: (samples,) classes from 0, whole numbers; or (samples, …) values, floats.

        Raises: ValueError for classes that the members do not have, and values of another shape than theirs.
        """
        predicted, y = self.predict(x, batch_size=batch_size), np.asarray(y)
        if y.dtype.kind == "f":
            if y.size != predicted.size:
                raise ValueError(
                    f"expected values of shape {predicted.shape}, got floats {y.shape}; mend by y.astype(int)"
                )
            return {"loss": float(np.mean((predicted - y.reshape(predicted.shape)) ** 2))}
        loss = of.negative_log_likelihood(predicted, y).mean()
        correct = of.labels(predicted) == y.reshape(-1)
        return {"accuracy": float(correct.mean()), "loss": float(loss)}

    def as_model(self):
        """One uncompiled Keras model that gives the mean, of copies of the members; it can be saved and loaded.

        The file needs Keras alone to be read: softmax and mean are layers of Keras. Its outputs are probabilities where
        `logits` is set, so compile it with `from_logits=False`.

        Raises: ValueError for a member that Keras cannot clone, such as a subclassed model without `get_config`, and
            where the first one, being subclassed, does not say what its inputs are.
        """
        if getattr(self.models[0], "inputs", None) is None:
            raise ValueError(
                f"expected a first model that knows its inputs, got {type(self.models[0]).__name__}, a subclassed one; "
                "mend by a functional or sequential model, or use predict"
            )
        copies = []
        for number, model in enumerate(self.models):
            try:
                copy = keras.models.clone_model(model)
            except (NotImplementedError, TypeError, ValueError) as error:
                raise ValueError(
                    f"expected models that Keras can clone, got {type(model).__name__} {model.name!r}: {error}; "
                    "mend by get_config in its class, or use predict"
                ) from error
            copy.set_weights(model.get_weights())
            copy.name = f"member_{number}"
            copies.append(copy)
        inputs = keras.tree.map_structure(
            lambda one: keras.Input(one.shape[1:], dtype=one.dtype, name=one.name), _inputs(self.models[0])
        )
        outputs = [copy(inputs) for copy in copies]
        if self.logits:
            single = outputs[0].shape[-1] == 1
            turn = keras.layers.Activation("sigmoid") if single else keras.layers.Softmax()
            outputs = [turn(output) for output in outputs]
        mean = keras.layers.Average()(outputs) if len(outputs) > 1 else outputs[0]
        return keras.Model(inputs, mean, name="ensemble")


class _Together(keras.Model):
    """The outputs of all members side by side, (samples, members, …), in one compiled pass."""

    def __init__(self, models):
        super().__init__(name="members_together")
        self.members = models

    def call(self, inputs, training=False):
        return keras.ops.stack([member(inputs, training=False) for member in self.members], axis=1)


class Averaging(_Together):
    """The mean of the members' probabilities (or outputs), in one compiled pass; for clocks, since nothing is copied.

    Args:
        ensemble: whose members it lends.
    """

    def __init__(self, ensemble: Ensemble):
        super().__init__(ensemble.models)
        self.logits = ensemble.logits

    def call(self, inputs, training=False):
        outputs = super().call(inputs)
        if self.logits:
            single = outputs.shape[-1] == 1
            outputs = keras.ops.sigmoid(outputs) if single else keras.ops.softmax(outputs, axis=-1)
        return keras.ops.mean(outputs, axis=1)


def _shapes(model) -> tuple:
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"expected built Keras models, got {model!r}; mend by model.build(shape) or a call")
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if inputs is None or outputs is None:  # a subclassed model says nothing of its shapes
        return None, None
    if len(outputs) != 1:
        raise ValueError(f"expected models with one output, got {len(outputs)}; mend by an ensemble for each output")
    return tuple(tuple(one.shape) for one in inputs), tuple(outputs[0].shape)


def _inputs(model):
    """The inputs in the structure that the model is called with."""
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _said(shapes: tuple) -> str:
    return f"{shapes[0]} → {shapes[1]}"
