"""One step of evaluation that assigns nothing: the loss in inference mode with its penalties told apart."""

import keras


class InferenceStep:
    """What `evaluate` computes of a batch, as a pure function of the model's variables.

    `evaluate` keeps its sums in the model's own metrics and returns the loss with the penalties in it. Here the same
    calls run in a `keras.StatelessScope`, so that weights, metrics, seeds and batch-norm statistics stay as they are.

    Args:
        model: a compiled Keras model. It is compiled for this step as it is for training: not at all with
            `run_eagerly`, by XLA with `jit_compile`.
        metrics: also return the results of the compiled metrics.
    """

    def __init__(self, model, *, metrics: bool):
        self._model, self._metrics = model, metrics
        self._run = _compiled(self._step, model)

    def start(self) -> tuple[list, list]:
        """(values of the model's variables, values of its metrics after a reset)."""
        with keras.StatelessScope() as scope:
            for metric in self._model.metrics:
                metric.reset_state()
        values = [scope.get_current_value(variable) for variable in self._model.metrics_variables]
        pairs = zip(values, self._model.metrics_variables, strict=True)
        fresh = [variable.value if value is None else value for value, variable in pairs]
        return [variable.value for variable in self._variables()], fresh

    def __call__(self, variables: list, metrics: list, batch: tuple):
        """(objective, penalty, results of the metrics so far, values of the metrics) of a batch (x, y, weights)."""
        return self._run(variables, metrics, *batch)

    def _variables(self) -> list:
        measured = {id(variable) for variable in self._model.metrics_variables}
        every = [*self._model.trainable_variables, *self._model.non_trainable_variables]
        return [variable for variable in every if id(variable) not in measured]

    def _step(self, variables, metrics, x, y, sample_weight):
        model = self._model
        # as Keras's own steps do, because a call without this argument would refuse it
        mode = {"training": False} if "training" in model.call_signature_parameters else {}
        # in full precision even where a layer's penalty on its outputs was computed in half
        precision = "float64" if keras.config.floatx() == "float64" else "float32"
        state = [*zip(self._variables(), variables, strict=True), *zip(model.metrics_variables, metrics, strict=True)]
        with keras.StatelessScope(state_mapping=state, collect_losses=True) as scope:
            outputs = model(x, **mode)
            penalties = [keras.ops.cast(keras.ops.sum(loss), precision) for loss in model.losses]
            objective = model.compute_loss(x, y, outputs, sample_weight, training=False)
            results = model.compute_metrics(x, y, outputs, sample_weight) if self._metrics else {}
            metrics = [scope.get_current_value(variable) for variable in model.metrics_variables]
        return objective, sum(penalties, keras.ops.zeros((), precision)), results, metrics


def _compiled(step, model):
    backend = keras.backend.backend()
    if backend == "torch":
        import torch  # here and below, because each backend does without the others

        return torch.no_grad()(step)
    if model.run_eagerly:
        return step
    if backend == "tensorflow":
        import tensorflow as tf

        run = tf.function(step, reduce_retracing=True, jit_compile=model.jit_compile, autograph=False)
        # a trace a fit is meant; a short fit calls this too seldom to outweigh it in TensorFlow's count of retraces
        run._omit_frequent_tracing_warning = True
        return run
    if backend == "jax" and model.jit_compile:
        import jax

        return jax.jit(step)
    return step
