"""A user's losses, refused in words where Keras would train something else without saying so."""

import keras

_WHY = {
    "sum": "a sum over the batch, so that losses of training and evaluation differ by the sizes of their batches",
    "mean_with_sample_weight": "a mean that depends on which samples share a batch",
}
_PASSES_ON = (keras.layers.Activation, keras.layers.Flatten, keras.layers.Reshape, keras.layers.Identity)
_AFFINE = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_PROBABILITIES = (keras.activations.softmax, keras.activations.sigmoid)


def check_loss(loss) -> None:
    """Refuse a Keras loss that is no mean over samples, since its value depends on how samples are put into batches.

    With the reduction "sum" Keras reports, for ten samples of loss 1.09, 3.7 in training with batches of 4 and 10.9 in
    one batch of evaluation. With "none" TensorFlow descends the sum and reports the mean, and JAX raises an error.
    """
    name = type(loss).__name__
    if loss.reduction not in ("sum_over_batch_size", "mean"):
        why = _WHY.get(loss.reduction, "a value per sample, of which TensorFlow descends the sum and reports the mean")
        raise ValueError(
            f"expected a loss with reduction='sum_over_batch_size', got {loss.reduction!r} in {name}, {why}; "
            "leave reduction out, and change the learning rate to take larger steps"
        )
    whole_batch = isinstance(loss, keras.losses.Dice | keras.losses.Tversky) and loss.axis is None
    if whole_batch or isinstance(loss, keras.losses.Circle):
        mend = "give it the axes of one sample, such as axis=(1, 2, 3)" if whole_batch else "train it with model.fit"
        raise ValueError(
            f"expected a loss with a value for each sample, got {name}, which puts those of a batch together; {mend}"
        )


def check_ending(model, losses, *, default: bool) -> None:
    """Refuse an output that its loss takes for something else: logits for probabilities, or the other way round.

    Looked at are models that show their outputs, functional and sequential ones, and endings that leave no doubt.

    Args:
        model: a built model.
        losses: a Keras loss for each output.
        default: whether the losses were left to the trainer.
    """
    if not getattr(model, "outputs", None):
        return
    for output, loss in zip(keras.tree.flatten(model.outputs), losses, strict=True):
        ending, from_logits = _ending(output), getattr(loss, "_fn_kwargs", {}).get("from_logits")
        if ending in ("softmax", "sigmoid") and (default or from_logits):
            raise ValueError(
                f"expected a model that ends in logits, got one that ends in {ending}; drop the last activation, or "
                "pass loss= to say what it is trained with, without from_logits=True"
            )
        if ending == "linear" and (from_logits is False or isinstance(loss, keras.losses.KLDivergence)):
            mend = "end in an activation" if from_logits is None else "give the loss from_logits=True"
            raise ValueError(
                f"expected a model that ends in probabilities for {type(loss).__name__}, got one that ends in "
                f"{type(output._keras_history.operation).__name__} without activation; {mend}"
            )


def _ending(output) -> str | None:
    """What an output has gone through last: "softmax", "sigmoid", "linear", or None where that is open."""
    operation, node, position = output._keras_history
    if isinstance(operation, keras.Model):
        inner = keras.tree.flatten(getattr(operation, "outputs", None) or [])
        return _ending(inner[position]) if inner else None
    activation = getattr(operation, "activation", None)
    if isinstance(operation, _PASSES_ON) and activation in (None, keras.activations.linear):
        return _ending(operation._inbound_nodes[node].input_tensors[0])
    if activation in _PROBABILITIES:
        return activation.__name__
    if isinstance(operation, _AFFINE):
        return "linear" if activation is keras.activations.linear else None
    name = type(operation).__name__.lower()  # the layer Softmax, or keras.ops.softmax between layers
    return name if name in ("softmax", "sigmoid") else None
