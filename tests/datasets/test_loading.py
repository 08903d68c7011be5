"""The registered data sets are what their cards say."""

import numpy as np
import pytest

from textbook import datasets
from textbook.datasets import loading

LOCAL = [name for name in datasets.names() if datasets.registry.entry(name)["source"] != "keras"]


@pytest.mark.parametrize("name", LOCAL)
def test_values_are_those_of_the_registry(name):
    data = datasets.load(name)
    assert data.digest == data.card.sha256
    assert data.x.shape == (data.card.rows, *data.card.shape)
    assert not data.card.features or len(data.card.features) == data.x.shape[1]
    assert data is datasets.load(name)
    if data.card.task == "classification":
        assert np.array_equal(np.unique(data.y), np.arange(data.classes))
    else:
        assert data.y.dtype == np.float32


def test_digits_are_grey_levels_from_0_to_1():
    data = datasets.load("digits")
    assert (data.x.min(), data.x.max()) == (0, 1)
    assert np.array_equal(np.unique(data.x * 16), np.arange(17))
    assert np.prod(data.card.image) == 64


def test_feature_and_class_names_agree_with_scikit_learn():
    from sklearn import datasets as bundled

    for name in ("iris", "wine", "breast_cancer"):
        card, known = datasets.card(name), getattr(bundled, f"load_{name}")()
        assert [f.replace("_", " ").replace(" (cm)", "") for f in known.feature_names] == list(card.features)
        assert [str(c).replace("_", " ") for c in known.target_names] == list(card.class_names)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match=r"expected a data set among digits, .*got 'digit'; did you mean 'digits'\?"):
        datasets.load("digit")
    with pytest.raises(ValueError, match="from_csv"):
        datasets.card("housing")


def test_other_values_are_noticed(monkeypatch):
    """The planted failure: one grey level of one picture."""

    def tampered(name):
        x, y = loading._bundled(name)
        x[17, 30] += 1 / 16
        return x, y

    monkeypatch.setitem(loading._READERS, "scikit-learn", tampered)
    with pytest.raises(ValueError, match=r"expected the values of 'digits' with sha256 ad6f.*reinstall"):
        loading.load.__wrapped__("digits")
