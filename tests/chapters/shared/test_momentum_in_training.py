import numpy as np
import pytest

from chapters.shared.momentum_in_training import momentum_in_training


@pytest.mark.parametrize("way", ["graph", "callback"])
def test_the_momentum_found_in_the_weights_is_the_one_that_trained(way):
    table = momentum_in_training(way, low=0.6, high=0.9, updates=20)
    assert table["update"].tolist() == list(range(1, 20))
    wanted = table.mirror if way == "graph" else 0.9  # Keras's compiled step has the first value in it
    np.testing.assert_allclose(table.momentum, wanted, atol=1e-5)
    # in both the attribute follows the schedule
    np.testing.assert_allclose(table.attribute, table.mirror, atol=1e-6)
    assert table.mirror.min() == pytest.approx(0.6, abs=0.03) and table.mirror.iloc[-1] == 0.9
