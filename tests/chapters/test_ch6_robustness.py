"""Shifts of images, copies to train on, and what a corruption costs."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch6 import robustness as section


def test_a_shift_moves_every_pixel_and_loses_an_edge():
    image = np.arange(1.0, 65.0).reshape(1, 64)
    down = section.shifted(image, 1, 0).reshape(8, 8)
    assert (down[0] == 0).all() and (down[1:] == image.reshape(8, 8)[:-1]).all()
    left = section.shifted(image, 0, -2).reshape(8, 8)
    assert (left[:, -2:] == 0).all() and (left[:, :-2] == image.reshape(8, 8)[:, 2:]).all()
    assert (section.shifted(image, 0, 0) == image).all()


def test_every_training_has_five_copies_and_the_first_is_the_image():
    x = np.random.default_rng(0).random((3, 64)).astype("float32")
    copies = section._copies(x, 0.2)
    assert {arm: len(stack) for arm, stack in copies.items()} == dict.fromkeys(
        ("plain", "shifted copies", "noisy copies"), 5
    )
    assert all((stack[0] == x).all() and {part.dtype for part in stack} == {x.dtype} for stack in copies.values())
    assert all((part == x).all() for part in copies["plain"])
    assert np.std(copies["noisy copies"][3] - x) == pytest.approx(0.2, rel=0.2)


def test_scores_are_of_the_network_in_the_weights():
    # a network that answers by the brightest of the first ten pixels
    inner, outer = np.eye(64), np.eye(64, 10)
    x, y = np.eye(10, 64), np.arange(10)
    scores = section._scores([part[None] for part in (inner, np.zeros(64), outer, np.zeros(10))], x, y, seed=0)
    assert scores["shift", 0] == scores["noise", 0.0] == 1
    assert scores["shift", 1] < 0.5 and 0.3 < scores["noise", 0.4] < 1


def test_a_corruption_costs_clean_less_corrupted_accuracy():
    networks = pd.DataFrame(
        [
            ("plain", 1, kind, level, value)
            for kind, pairs in (
                ("shift", ((0, 0.9), (1, 0.4), (2, 0.1))),
                ("noise", ((0, 0.9), (0.3, 0.7), (0.4, 0.5))),
            )
            for level, value in pairs
        ],
        columns=["training", "seed", "kind", "level", "accuracy"],
    )
    tables = section._judged(networks)
    assert tables["drops"].set_index("kind").lost_accuracy.to_dict() == pytest.approx({"shift": 0.5, "noise": 0.2})
    assert tables["judged"].set_index("kind").accuracy.to_dict() == {"clean": 0.9, "shift": 0.4, "noise": 0.7}
