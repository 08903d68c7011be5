"""Counts of weights and bytes against arithmetic by hand."""

import pytest

from chapters.ch5 import hessian_size


def test_networks_have_the_weights_of_their_layers():
    networks = hessian_size._networks().set_index("network")
    batch_norm = 2 * (200 + 100 + 50)
    assert networks.weights.to_dict() == {
        "MLP-64": 65 * 64 + 65 * 10,
        "MLP-128": 65 * 128 + 129 * 10,
        "chapter 8's": 301 * 200 + 201 * 100 + 101 * 50 + 51 * 10 + batch_norm,
    }
    assert networks.weights["chapter 8's"] == 86_560
    assert networks.mib.to_numpy() == pytest.approx(networks.known.to_numpy(), rel=1e-3)


def test_a_convolutional_network_does_not_grow_with_its_images():
    images = hessian_size._images()
    assert images.weights.tolist() == [9 * 8 + 8 + 9 * 8 * 16 + 16 + 17 * 10] * 3
    assert images.pixels_squared.iloc[-1] == 2**40


def test_a_million_weights():
    row = hessian_size._million().iloc[0]
    assert row.entries == 1e12 and row.gib == pytest.approx(3725.29, abs=0.01)
