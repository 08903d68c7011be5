"""Where the Dropout layers stand, and what the order of two layers changes."""

import keras
import numpy as np

from chapters.ch8 import dropout_position as section


def test_the_network_has_dropout_where_its_name_says():
    model = section._network((4, 4), 3, activation="relu", hidden=5)
    kinds = [layer.name if isinstance(layer, keras.layers.Dropout) else type(layer).__name__ for layer in model.layers]
    assert kinds == ["Flatten", "at-the-inputs", "Dense", "before-activation", "Activation", "after-activation",
                     "Dense"]  # fmt: skip
    names = [layer.name for layer in section._network((16,), 3, activation="sigmoid", hidden=5).layers]
    assert "at-the-inputs" not in names and "before-activation" in names


def test_orders_agree_for_relu_alone_and_use_one_mask():
    orders = section._orders(1, 0.5).set_index("activation")
    relu, sigmoid = orders.loc["relu"], orders.loc["sigmoid"]
    wanted = np.where(relu.dropped, 0, 2 * np.maximum(relu.z, 0))
    np.testing.assert_array_equal(relu.before, wanted)
    np.testing.assert_array_equal(relu.after, wanted)
    np.testing.assert_array_equal(relu.slope_before, np.where(relu.dropped | (relu.z < 0), 0, 2))
    np.testing.assert_array_equal(sigmoid.dropped, relu.dropped)
    np.testing.assert_allclose(sigmoid.before, np.where(relu.dropped, 0.5, 1 / (1 + np.exp(-2 * relu.z))), atol=1e-6)
    np.testing.assert_allclose(sigmoid.after, np.where(relu.dropped, 0, 2 / (1 + np.exp(-relu.z))), atol=1e-6)
