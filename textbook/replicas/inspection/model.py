"""A user's model, refused in words where training a stack of its copies would not be what `fit` does."""

import itertools

import keras

# What `fit` goes through; a stack has a loop of its own, which cannot know what these would do.
_LOOP = (
    "train_step",
    "test_step",
    "compute_loss",
    "compute_metrics",
    "stateless_compute_loss",
    "compute_loss_and_updates",
    "make_train_function",
    "make_test_function",
    "train_on_batch",
    "test_on_batch",
    "fit",
    "evaluate",
)


def check_model(model, again) -> None:
    """Refuse what a builder returned where copies of it cannot be trained as one stack.

    Args:
        model: what the user's builder returned, built if it has to be.
        again: what a second call returned.

    Raises: ValueError for anything but two uncompiled, built `keras.Model`s of equal structure that share no variable,
    have trainable weights, compute in at least bfloat16 and leave the training loop to Keras.
    """
    for one in (model, again):
        if not isinstance(one, keras.Model):
            raise ValueError(
                f"expected build() to return a keras.Model, got {type(one).__name__}; return the model itself"
            )
    if model is again:
        raise ValueError(
            f"expected build() to return a new model at each call, got {model.name!r} twice; "
            "make the model inside build()"
        )
    if model.compiled:
        raise ValueError(
            f"expected build() to return an uncompiled model, got {model.name!r} compiled; leave compile() out and "
            "pass Condition(loss=…, optimizer=…) and the trainer's metrics="
        )
    _check_loop(model)
    _check_layers(model)
    if not model.trainable_variables:
        raise ValueError(
            f"expected a model with trainable weights, got none in {model.name!r}; leave at least one layer trainable, "
            "and make layers in __init__ or build, since those made in call are never trained"
        )
    _check_shared(model, again)
    _check_same(model, again)


def _check_loop(model) -> None:
    # of nested models `fit` calls none of these either
    for name in _LOOP:
        theirs, keras_own = getattr(model, name, None), getattr(keras.Model, name, None)
        if getattr(theirs, "__func__", theirs) is not keras_own:
            raise ValueError(
                f"expected a model that leaves {name} to Keras, got a {name} of its own in {type(model).__name__}; "
                "train it with model.fit, or write what it does as layers, add_loss or a loss function"
            )


def _check_layers(model) -> None:
    for layer in model._flatten_layers():
        if not layer.built:
            # Keras would draw the layer's weights at every call, train none of them and say nothing
            raise ValueError(
                f"expected every layer to have its weights, got {layer.name!r} of {model.name!r} unbuilt; call the "
                "model on a batch inside build(), build the layer in the model's own build method, or drop it"
            )
        if layer.compute_dtype == "float16":
            raise ValueError(
                f"expected a model that computes in float32 or bfloat16, got float16 in {layer.name!r}, for which "
                "Keras scales the loss; use the dtype 'mixed_bfloat16'"
            )


def _check_shared(model, again) -> None:
    known = {id(thing) for thing in (*model._flatten_layers(), *model.variables)}
    layers = [layer.name for layer in again._flatten_layers() if layer.variables and id(layer) in known]
    weights = [variable.path for variable in again.variables if id(variable) in known]
    for name in (*layers, *weights):  # of layers the outermost is the first, and says most
        raise ValueError(
            f"expected build() to make everything anew, got {name!r} in two models; make it, and load what it is to "
            "start from, inside build()"
        )


def _check_same(model, again) -> None:
    shapes, others = ([tuple(v.shape) for v in one.variables] for one in (model, again))
    for first, second in itertools.zip_longest(shapes, others, fillvalue="none"):
        if first != second:
            raise ValueError(
                f"expected build() to return the same structure at each call, got a weight of shape {first}, then "
                f"{second}; let nothing in it depend on chance or on earlier calls"
            )
