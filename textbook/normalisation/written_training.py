"""Where `training=` was written into a call while a graph was built, which Keras 3 overrides."""


def written_training(model, layers) -> dict:
    """Batch norm → the value of `training` that was written into its call, or into that of a model around it.

    Where a functional model is called with `training`, as `fit`, `evaluate` and `predict` do, Keras 3 hands that value
    down to every call in its graph, and what was written into `base(x, training=False)` counts for nothing. Where it is
    called without, what was written counts, and it always does in the `call` of a layer or model of one's own.

    Args:
        layers: the batch norms.

    >>> import keras
    >>> inputs, norm = keras.Input((2,)), keras.layers.BatchNormalization()
    >>> written_training(keras.Model(inputs, norm(inputs, training=False)), [norm]) == {norm: False}
    True
    """
    found = {}
    for part in model._flatten_layers(include_self=True, recursive=True):
        graph = getattr(part, "_functional", None) or part  # a Sequential's graph is inside it
        by_depth = getattr(graph, "_nodes_by_depth", {})
        for node in (node for nodes in by_depth.values() for node in nodes):
            told = node.arguments.kwargs.get("training")
            if told is None or not hasattr(node.operation, "_flatten_layers"):
                continue
            for layer in node.operation._flatten_layers(include_self=True, recursive=True):
                if any(layer is one for one in layers):
                    found[layer] = bool(told)
    return found
