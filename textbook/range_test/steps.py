"""Single updates of a compiled model at a rate that is told each time, and the batch's own loss of each."""

import contextlib

import keras
import numpy as np

from textbook.model_state import ModelState, inner, rate_of, set_rate
from textbook.random_state import RandomState
from textbook.range_test.batches import Batches


@contextlib.contextmanager
def untouched(model, batches: Batches):
    """Build what is not built yet, then let anything happen to the model; at the end all is as it was, come what may.

    Building comes first, because the training that follows would do the same at its start and draw the same random
    numbers for it. Yields the state of the built model, to begin again from as often as needed.
    """
    check(model)
    before = RandomState.now()
    batch = batches.first()
    before.restore()
    state = ModelState.of(model, batch=batch)
    try:
        yield ModelState.of(model)
    finally:
        state.restore(model)
        batches.rewind()


def check(model) -> None:
    """Refuse what cannot be trained; ValueError."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"expected a keras.Model, got {type(model).__name__}; mend by passing the model first")
    if not model.compiled or model.optimizer is None:
        raise ValueError(
            "expected a compiled model, got one that is not; mend by model.compile(optimizer, loss) before the test"
        )
    if model.steps_per_execution > 1 and keras.backend.backend() == "torch":
        raise ValueError(
            f"expected steps_per_execution=1 on torch, got {model.steps_per_execution}, which Keras refuses there; "
            "mend by compiling with 1"
        )


def steps(model, *, fresh: bool = False):
    """What makes single updates on the backend at work: `steps(model).update(batch, rate)` returns the batch's loss.

    The train function that `fit` compiled is used, and kept for the next `fit`, unless the rate is not a variable (a
    schedule is part of the compiled function) or `fresh` says that the optimizer is another one than it was compiled
    for. With `steps_per_execution` above 1, updates are still made one by one.

    To be used inside `untouched`, which puts the model back.
    """
    if not isinstance(rate_of(model.optimizer), keras.Variable):
        set_rate(model.optimizer, keras.Variable(0.0, dtype="float32", trainable=False, name="learning_rate"))
        fresh = True
    kind = JaxSteps if keras.backend.backend() == "jax" else BatchSteps
    return kind(model, fresh=fresh)


class BatchSteps:
    """Updates by `train_on_batch`, on TensorFlow and torch."""

    def __init__(self, model, *, fresh: bool):
        self._model, self._rate = model, rate_of(model.optimizer)
        if fresh:
            model.train_function = None
        if keras.backend.backend() == "torch":
            model.train()  # as fit does at the start of an epoch, for layers that are torch modules

    def update(self, batch, rate: float) -> float:
        """Train on one batch (x, y, sample_weight) at this rate; its own loss before that, penalties included."""
        self._rate.assign(rate)
        return float(_loss(self._model.train_on_batch(*batch, return_dict=True)))


class JaxSteps:
    """Updates by the compiled train function itself: `train_on_batch` would copy all variables in and out each time."""

    def __init__(self, model, *, fresh: bool):
        import jax

        self._model = model
        if fresh:
            # a function of its own, because JAX recognises `model.train_step` and would give back what it compiled for
            # the former optimizer
            compiled = model.jit_compile and not model.run_eagerly
            step = _step_of(model)
            step = jax.jit(step, donate_argnums=0) if compiled else step
            self._function = lambda state, data: step(state, next(data))
        else:
            model.make_train_function()
            self._function = model.train_function
        model.reset_metrics()
        kinds = ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables")
        self._state = model._get_jax_state(**dict.fromkeys(kinds, True))
        # as arrays of NumPy, which are not given away with the rest of the state, and so serve for every update
        self._metrics = [np.array(value) for value in self._state[3]]
        rate = rate_of(model.optimizer)
        self._place = next(i for i, variable in enumerate(model.optimizer.variables) if variable is rate)
        self._dtype = rate.dtype

    def update(self, batch, rate: float):
        """As `BatchSteps.update`; the loss is an array that JAX may still be computing, so that nobody waits for it."""
        trainable, others, optimizer, _ = self._state
        optimizer = list(optimizer)
        optimizer[self._place] = np.asarray(rate, self._dtype)
        logs, self._state = self._function((trainable, others, optimizer, list(self._metrics)), iter([batch]))
        return _loss(logs)


def accumulation(optimizer) -> tuple[int, int]:
    """(batches of one update, those of them that are already in): (1, 0) without gradient accumulation."""
    optimizer = inner(optimizer)
    count = optimizer.gradient_accumulation_steps or 1
    return count, int(keras.ops.convert_to_numpy(optimizer._iterations)) % count


def _step_of(model):
    return lambda state, data: model.train_step(state, data)


def _loss(logs):
    if "loss" not in logs:
        raise ValueError(
            f"expected the model's train_step to return a 'loss', got {', '.join(logs)}; "
            "mend by adding the batch's loss to what it returns"
        )
    return logs["loss"]
