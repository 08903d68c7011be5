"""The network whose arms share one graph: each switch does what it says."""

import keras
import numpy as np

from chapters.ch6.scale_and_shift import _line, network


def test_switches_turn_the_learning_and_the_activation():
    layer = network((4,), 2, width=3, depth=1).layers[3]
    x = np.array([[-1.0, 0.5, 2.0]], "float32")
    layer.scale.assign([1.0, 1.0, 1.0])  # γ = 2
    layer.shift.assign([0.5, 0.5, 0.5])
    for learn, sigmoid in ((0, 0), (0, 1), (1, 0), (1, 1)):
        layer.learn.assign(float(learn))
        layer.sigmoid.assign(float(sigmoid))
        z = 2 * x + 0.5 if learn else x
        wanted = 1 / (1 + np.exp(-z)) if sigmoid else np.maximum(z, 0)
        np.testing.assert_allclose(layer(x), wanted, rtol=1e-5)
    assert [variable.name for variable in layer.trainable_variables] == ["scale", "shift"]


def test_the_sigmoids_line_is_steins():
    table = _line().set_index("gamma")
    z = np.linspace(-8, 8, 4001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    for gamma in (0.5, 1.0, 4.0):
        out = 1 / (1 + np.exp(-gamma * z))
        slope = gamma * (density * out * (1 - out)).sum()
        variance = (density * out**2).sum() - (density * out).sum() ** 2
        assert abs(table.slope[gamma] - slope) < 1e-4
        assert abs(table.explained[gamma] - slope**2 / variance) < 1e-3
    assert table.straighter_than_98_percent.tolist() == [True, True, True, False, False, False]
    assert keras.ops.sigmoid(0.0) == 0.5
