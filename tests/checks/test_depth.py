"""A right model of ten ReLU layers raises no alarm in float32, at a hundred random draws of its weights."""

import keras
import numpy as np
import pytest

from textbook.checks import model_check
from textbook.checks.objective import Objective
from textbook.models import mlp

DRAWS, WIDTH, ROWS = 100, 20, 8


@pytest.mark.slow
def test_ten_layers_in_float32_raise_no_alarm():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(ROWS, WIDTH)), random.integers(10, size=ROWS)
    model = mlp((WIDTH,), 10, hidden=(WIDTH,) * 10)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    shapes = [variable.shape for variable in model.trainable_variables]
    given = {"sample_weight": None, "training": False, "loss": None, "dtype": "float32"}
    with Objective(model, x, y, **given) as objective:
        evaluation = model_check._evaluation(objective)
        evaluation.trace()  # once: it is what takes the time
        for draw in range(DRAWS):
            parts = [
                random.normal(size=shape) * (np.sqrt(2 / shape[0]) if len(shape) == 2 else 0.1) for shape in shapes
            ]
            evaluation.weights = np.concatenate([part.ravel() for part in parts])
            found = model_check._first_look(evaluation, "float32")
            check = model_check._compared(objective, evaluation, *found, 8, seed=draw, h=None, memory=2**28)
            assert not len(check.alarms), f"draw {draw}\n{check}"
            assert (check.tensors["verdict"] == "pass").mean() > 0.8, f"draw {draw}\n{check}"
