"""Everything that training changes in a compiled Keras model: remembered, and put back to the last bit."""

import contextlib

import numpy as np

from textbook.random_state import RandomState


class ModelState:
    """A compiled model's state at one moment, and the global random numbers' with it.

    It holds the weights and the other variables of the layers (batch-norm statistics, the seeds of dropout), the
    optimizer's slots, iterations and rate, the metrics, `stop_training`, `_initial_epoch`, and which optimizer,
    schedule and compiled train function the model had. What follows `restore` is what would have followed `of`, bit
    for bit. What lies outside the model is not covered: the position of a data set that shuffles itself, a Python
    attribute that a layer of your own counts in.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mse")
    >>> state = ModelState.of(model)
    >>> _ = model.train_on_batch(np.ones((4, 1)), np.zeros((4, 1)))
    >>> float(model.get_weights()[0][0, 0]) < 1
    True
    >>> state.restore(model)
    >>> float(model.get_weights()[0][0, 0])
    1.0
    """

    def __init__(self, model, *, complete: bool):
        self._model, self._complete = model, complete
        self._values = [(variable, _copied(variable)) for variable in _variables(model)]
        self._attributes = {name: getattr(model, name, None) for name in ("stop_training", "_initial_epoch")}
        self._optimizer, self._rate = model.optimizer, rate_of(model.optimizer)
        self._train_function = model.train_function
        self._modes = _modes(model)
        self._random = RandomState.now()

    @classmethod
    def of(cls, model, *, batch=None) -> "ModelState":
        """The state of a compiled, built model. An optimizer that has no slots yet gets them, as `fit` would do first.

        Args:
            batch: (x, y) or (x, y, sample_weight) to build a model from that is not built; the random numbers that
                this takes are those that `fit` would take.

        Raises: ValueError for a model that is not compiled, or not built where there is no batch.
        """
        if not getattr(model, "compiled", False) or model.optimizer is None:
            raise ValueError(
                "expected a model compiled with an optimizer, got one that is not; "
                "mend by model.compile(optimizer, loss)"
            )
        if batch is None and not model.built:
            raise ValueError(
                "expected a built model, got one whose weights do not exist yet; mend by model.build(shape) or by "
                "calling it on a batch"
            )
        if hasattr(model, "jax_state_sync"):
            model.jax_state_sync()  # in the midst of JAX's fit the variables are empty until asked for
        complete = _complete(model)
        scope = model.distribute_strategy.scope() if hasattr(model, "distribute_strategy") else contextlib.nullcontext()
        with scope:
            if batch is not None:
                model._symbolic_build(data_batch=batch)
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
        return cls(model, complete=complete)

    def restore(self, model) -> None:
        """Put everything back into the model that it was taken from.

        Raises: ValueError for another model.
        """
        if model is not self._model:
            raise ValueError(
                f"expected the model whose state this is, {self._model.name!r}, got {getattr(model, 'name', model)!r}; "
                "mend by ModelState.of of that model"
            )
        if hasattr(model, "_jax_state_synced"):
            model._jax_state, model._jax_state_synced = None, True  # what JAX's trainer still holds is out of date
        swapped = model.optimizer is not self._optimizer or rate_of(self._optimizer) is not self._rate
        if swapped:
            set_optimizer(model, self._optimizer)
            set_rate(self._optimizer, self._rate)
        if swapped or self._train_function is not None:
            model.train_function = self._train_function
        known = set()
        for variable, value in self._values:
            variable.assign(value)
            known.add(id(variable))
        for metric in model.metrics:  # those that training made first start anew, as they would have
            if any(id(variable) not in known for variable in metric.variables):
                metric.reset_state()
        for name, value in self._attributes.items():
            setattr(model, name, value)
        for module, training in self._modes:
            module.training = training
        if self._modes:
            model.zero_grad()
        if not self._complete:
            _let_fit_look_again(model)
        self._random.restore()


def inner(optimizer):
    """The optimizer that holds rate and slots: the one inside a `LossScaleOptimizer`, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def rate_of(optimizer):
    """The object that the optimizer takes its rate from: a `keras.Variable`, a schedule or a function."""
    return inner(optimizer)._learning_rate


def set_rate(optimizer, rate) -> None:
    """Make an object the source of the rate: a schedule or a function by Keras's own setter, or a `keras.Variable`.

    Keras offers no way from a schedule back to a number, so a variable is put in its place as the constructor does it.
    A train function that was compiled before still uses the former one.
    """
    import keras

    holder = inner(optimizer)
    if not isinstance(rate, keras.Variable):
        holder.learning_rate = rate  # takes a former variable out of the optimizer's list as well
    elif rate is not holder._learning_rate:
        holder._track_variable(rate)
        holder._learning_rate = rate


def set_optimizer(model, optimizer) -> None:
    """Give a compiled model another optimizer, without the bookkeeping that Keras's `compile` avoids as well."""
    object.__setattr__(model, "optimizer", optimizer)


def _complete(model) -> bool:
    """Whether `fit` would train at once, without building layers, loss or metrics from a batch."""
    parts = [*model._flatten_layers(), model._compile_loss, model._compile_metrics]
    return all(part.built for part in parts if part is not None)


def _let_fit_look_again(model) -> None:
    """Have the next `fit` build the loss again, as it would have done if nothing had been built.

    On JAX and torch `fit` draws an order of the samples for the batch that it builds from, and another to train on;
    without that first look it would train on the first order. On TensorFlow it builds while it trains.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        return
    if model._compile_loss is not None:
        model._compile_loss.built = False
        model._compile_loss._metrics.clear()  # one for each of several outputs, which building appends
    elif model._compile_metrics is not None:
        model._compile_metrics.built = False


def _variables(model) -> list:
    every = [*model.variables, *model.optimizer.variables]
    for metric in model.metrics:
        every += metric.variables
    return list({id(variable): variable for variable in every}.values())


def _copied(variable) -> np.ndarray:
    import keras

    # a copy of its own: what the backends hand out may be a view of memory that training overwrites or gives away
    return np.array(keras.ops.convert_to_numpy(variable))


def _modes(model) -> list:
    """Torch's modules with their training mode, which `train` and `eval` switch; none on the other backends."""
    import keras

    if keras.backend.backend() != "torch":
        return []
    return [(module, module.training) for module in model.modules()]
