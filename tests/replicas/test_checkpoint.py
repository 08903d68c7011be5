"""A finished group of replicas on the disk that was cut or altered: it is noticed, said, and trained again."""

import functools
import warnings

import pandas as pd
import pytest

from textbook.models import mlp
from textbook.replicas import ReplicaTrainer, session

SMALL = functools.partial(mlp, hidden=(8,))


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def altered(content: bytes) -> bytes:
    """One byte of the weights is another."""
    at = content.index(b"weight 00000") + 400
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("damage", [cut, altered, lambda content: b"", lambda content: b"no archive"])
def test_a_damaged_checkpoint_is_said_to_be_so_and_trained_again(few_digits, tmp_path, damage):
    def train():
        with session(checkpoint=tmp_path):
            return ReplicaTrainer(SMALL, few_digits, seeds=range(2), epochs=2).run()

    first = train()
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(damage(path.read_bytes()))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        second = train()
    (warning,) = (str(each.message) for each in said)
    assert warning.startswith("the checkpoint training-0-group-0.npz is damaged (")
    assert warning.endswith("; training its replicas again")
    pd.testing.assert_frame_equal(first.table.drop(columns="seconds"), second.table.drop(columns="seconds"))
    for a, b in zip(first.trained("default", 1).get_weights(), second.trained("default", 1).get_weights(), strict=True):
        assert (a == b).all()
    pd.testing.assert_frame_equal(train().table, second.table)  # with its seconds: nothing is trained a third time
