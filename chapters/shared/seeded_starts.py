"""Each seed's initial weights with some of them set: one graph for networks that differ in a weight nobody trains.

Every network of its own takes the trainer seconds to compile. Where arms differ in a number that can be a weight of a
layer, such as a switch, they share a graph, and `Condition(initial_weights=seeded_starts(…)[arm])` tells them apart.
"""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np


def seeded_starts(
    build, splits, seeds: Sequence[int], arms: Mapping[Hashable, Mapping[str, float]]
) -> dict[Hashable, dict[int, list[np.ndarray]]]:
    """Arm → seed → `model.get_weights()` of a network drawn from that seed, with the arm's weights filled.

    The other weights are those that the trainer itself draws for the seed.

    Args:
        build: as `train_replicas` takes it.
        splits: seed → split, for the shape of a sample and the classes.
        arms: name → name of a weight (a layer's `add_weight(name=…)`) → the number in all its places.

    Raises: ValueError for a name that no weight has.
    """
    from textbook.replicas.initial import Initializer, build_model  # here, because a cached run loads no TensorFlow

    split = splits(seeds[0])
    shapes = {"input_shape": split.x.shape[1:], "outputs": split.classes}
    model, again = (build_model(build, **shapes, seed=seed) for seed in (0, 1))
    initializer = Initializer(model, again, lambda seed: build_model(build, **shapes, seed=seed))
    names, starts = [variable.name for variable in model.weights], {arm: {} for arm in arms}
    if missing := sorted({name for values in arms.values() for name in values} - set(names)):
        raise ValueError(
            f"expected weights named {', '.join(missing)}, got {', '.join(sorted(set(names)))}; mend by names of these"
        )
    for seed in seeds:
        drawn = [values for part in initializer.draw(weights=seed, masks=seed) for values in part]
        by_variable = dict(zip(map(id, initializer.variables), drawn, strict=True))
        for arm, values in arms.items():
            starts[arm][seed] = [
                np.full(variable.shape, values[variable.name], variable.dtype)
                if variable.name in values
                else by_variable[id(variable)]
                for variable in model.weights
            ]
    return starts
