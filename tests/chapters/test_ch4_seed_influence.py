"""How much the seed decides: a crossed design with known components."""

import numpy as np
import pandas as pd
import pytest

from chapters.ch4.seed_influence import _pairs, _shares


def crossed(effect: str) -> pd.DataFrame:
    """8 × 8 × 4 runs in which one kind of seed decides nearly everything."""
    rng = np.random.default_rng(0)
    grid = pd.MultiIndex.from_product(
        [range(8), range(8), range(4)], names=["split_seed", "weights_seed", "order_seed"]
    ).to_frame(index=False)
    score = 0.9 + 0.02 * rng.normal(size=8)[grid[effect]] + 0.001 * rng.normal(size=len(grid))
    return grid.assign(val_accuracy=score, test_accuracy=score)


@pytest.mark.parametrize(("effect", "word"), [("split_seed", "split"), ("weights_seed", "initial weights")])
def test_the_seed_that_decides_is_found(effect, word):
    shares = _shares(crossed(effect))
    for _, mine in shares.groupby("score"):
        assert mine.share.sum() == pytest.approx(1)
        assert mine.set_index("source").share[word] > 0.9


def test_every_run_is_in_one_pair():
    scores = [0.9, 0.92, 0.95, 0.91, 0.5]
    runs = pd.DataFrame({"seed": range(5), "val_accuracy": scores, "test_accuracy": scores})
    pairs = _pairs(runs)
    assert pairs.seed.tolist() == [0, 2]
    np.testing.assert_allclose(pairs.val_accuracy, [0.02, 0.04])


def test_one_run_cannot_be_compared():
    with pytest.raises(ValueError, match="at least 2 seeds"):
        _pairs(pd.DataFrame({"seed": [0], "val_accuracy": [0.9], "test_accuracy": [0.9]}))
