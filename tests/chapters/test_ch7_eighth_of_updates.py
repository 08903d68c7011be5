"""What the arms of an eighth are: lengths in updates, cuts, and a network whose averages keep up."""

import pytest

from chapters.ch7 import eighth_of_updates as section


def test_steps_are_cut_by_ten_after_a_half_and_three_quarters_of_their_own_length():
    for updates in (1024, 128):
        rates = section._steps(section.SHORT, 0.5, updates, 32).learning_rate.to_numpy()
        assert len(rates) == updates
        assert rates[updates // 2 - 1] == 0.5 and rates[updates // 2] == pytest.approx(0.05)
        assert rates[3 * updates // 4 - 1] == pytest.approx(0.05) and rates[3 * updates // 4] == pytest.approx(0.005)


def test_the_cycle_comes_back_and_ends_far_below_its_start():
    rates = section._steps(section.CYCLE, 0.5, 128, 32).learning_rate.to_numpy()
    assert rates[0] == pytest.approx(0.05) and rates[-1] == pytest.approx(0.00005)
    assert rates.max() == pytest.approx(0.5, rel=0.02) and 50 < rates.argmax() < 60


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_running_averages_follow_the_last_ten_updates(network):
    model = section._network((64,), 10, network=network, hidden=(8, 8), filters=(4, 4), strides=2)
    momenta = [layer.momentum for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    assert momenta == [0.9, 0.9] and model.output_shape == (None, 10)


def test_another_network_is_refused_by_name():
    with pytest.raises(ValueError, match="'mlp' or 'cnn', got 'resnet'"):
        section._network((64,), 10, network="resnet", hidden=(8,), filters=(4,), strides=1)
