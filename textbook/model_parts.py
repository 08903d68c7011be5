"""What is in a Keras model: parameters that training learns, numbers that somebody chose, and what is neither."""

import keras
import pandas as pd

PARAMETER, FROZEN, STATISTIC = "parameter", "frozen parameter", "statistic"
RANDOM, OPTIMIZER, HYPERPARAMETER = "random state", "optimizer state", "hyperparameter"


def model_parts(model: keras.Model) -> pd.DataFrame:
    """Every number of a model by what changes it.

    - "parameter": a weight that the gradient moves, γ and β of batch normalisation included; "frozen parameter": one
      whose layer has `trainable = False`.
    - "statistic": a float weight that layers set from the data, without a gradient, such as the moving mean of batch
      normalisation. Keras counts these among the non-trainable parameters.
    - "random state": of dropout and other layers that draw.
    - "optimizer state", if it is compiled: momenta, squared gradients, the count of updates.
    - "hyperparameter": a number that nothing in training learns: units and rates of layers, and, if it is compiled, the
      optimizer's numbers. Batch size and epochs are arguments of `fit`, and not in the model.

    Returns: columns kind, name, count (of scalars), value (of a hyperparameter; else NaN); parameters first, in order.
    Raises: ValueError for a model without weights, which still has to be built.
    """
    if not model.weights:
        raise ValueError(
            "expected a built model, got one without weights; mend by model.build(input_shape) or an Input"
        )
    learned = {id(variable) for layer in model._flatten_layers() for variable in layer._trainable_variables}
    rows = []
    for variable in model.variables:
        if id(variable) in learned:
            kind = PARAMETER if variable.trainable else FROZEN
        else:
            kind = STATISTIC if "float" in str(variable.dtype) else RANDOM
        rows.append((kind, variable.path, _size(variable), float("nan")))
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        states = [v for v in optimizer.variables if v is not getattr(optimizer, "_learning_rate", None)]
        rows += [(OPTIMIZER, variable.path, _size(variable), float("nan")) for variable in states]
    rows += [(HYPERPARAMETER, name, 1, value) for name, value in hyperparameters(model).items()]
    table = pd.DataFrame(rows, columns=["kind", "name", "count", "value"])
    order = [PARAMETER, FROZEN, STATISTIC, RANDOM, OPTIMIZER, HYPERPARAMETER]
    return table.sort_values("kind", key=lambda kind: kind.map(order.index), kind="stable", ignore_index=True)


def hyperparameters(model: keras.Model) -> dict[str, float]:
    """Units, filters, rates, momenta and epsilons of the layers, and the numbers of the optimizer, as they are now.

    Other settings of layers, such as kernel sizes and penalties, are not looked at.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="hidden"), keras.layers.Dropout(0.3)])
    >>> model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    >>> hyperparameters(model)["hidden.units"], round(hyperparameters(model)["optimizer.learning_rate"], 6)
    (8.0, 0.1)
    """
    found = {}
    for layer in model._flatten_layers(include_self=False):
        for name in ("units", "filters", "rate", "momentum", "epsilon"):
            value = getattr(layer, name, None)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[f"{layer.name}.{name}"] = float(value)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        settings = optimizer.get_config() | {"learning_rate": float(optimizer.learning_rate)}
        numbers = {name: v for name, v in settings.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        found |= {f"optimizer.{name}": float(value) for name, value in numbers.items()}
    return found


def _size(variable) -> int:
    size = 1
    for length in variable.shape:
        size *= int(length)
    return size
