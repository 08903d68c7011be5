"""Gradients written by hand: right, wrong, beside kinks, and in several arrays."""

import numpy as np
import pytest

from textbook.checks import gradient_check_function
from textbook.checks.verdicts import Limits

AT = np.array([0.0, 1e-6, -3e-6, 0.5, -0.5, 0.7, 0.9, -1.2, 1.4])


def relu(w):
    return np.maximum(w, 0).sum(axis=-1)


def on(w):
    return (w > 0) * 1.0


def state(check, place):
    return check.table.loc[check.table["index"] == (place,), "state"].item()


def test_kinks_that_winners_name():
    check = gradient_check_function(relu, AT, gradient=on, winners=on, coordinates="all")
    assert check.passed
    assert state(check, 0) == "kink"  # however small the step
    assert state(check, 1) == "checked"  # with a smaller one
    row = check.table.iloc[1]
    assert row.crossed_kink and row.step < 1e-6 and row.numeric == pytest.approx(1)
    assert state(check, 4) == "both zero"
    assert check.tensors["kinks"].item() == 1


def test_kinks_that_nobody_names_are_no_failures():
    check = gradient_check_function(relu, AT, gradient=on, coordinates="all")
    assert check.passed
    assert state(check, 0) == state(check, 1) == "unseen kink"
    assert not check.table["crossed_kink"].any()


def test_a_wrong_gradient_is_not_excused_by_kinks():
    for winners in (on, None):
        check = gradient_check_function(relu, AT, gradient=lambda w: 2 * on(w), winners=winners, coordinates="all")
        assert check.tensors["verdict"].tolist() == ["wrong"]


def test_strong_curvature_is_no_failure():
    at = np.array([1e-4, 2e-4])
    check = gradient_check_function(lambda w: np.sin(w * 1e4).sum(), at, gradient=lambda w: 1e4 * np.cos(w * 1e4))
    assert check.passed
    assert (check.table["relative_error"] < 1e-5).all()  # plain differences are off by 1.7e-3


def test_several_arrays_and_a_scalar():
    at = {"a": np.random.default_rng(0).normal(size=(3, 2)), "b": np.array(2.0)}

    def value(p):
        return np.tanh(p["a"]).sum() * p["b"]

    def gradient(p):
        return {"a": p["b"] * (1 - np.tanh(p["a"]) ** 2), "b": np.asarray(np.tanh(p["a"]).sum())}

    check = gradient_check_function(value, at, gradient=gradient)
    assert check.passed
    assert check.table["index"].tolist()[-2:] == [(2, 1), ()]
    check = gradient_check_function(value, at, gradient=lambda p: gradient(p) | {"b": np.array(0.0)})
    assert check.tensors.set_index("tensor")["verdict"].to_dict() == {"a": "pass", "b": "wrong"}


def test_batched_and_one_by_one_agree():
    kwargs = {"gradient": lambda w: np.cos(w), "coordinates": "all"}
    one, many = (
        gradient_check_function(lambda w: np.sin(w).sum(axis=-1), AT, batched=batched, **kwargs)
        for batched in (False, True)
    )
    np.testing.assert_allclose(one.table["numeric"], many.table["numeric"], rtol=1e-9)


def test_limits_loosen_with_depth_in_float32_alone():
    assert Limits.of("float64", depth=10, kinks=True) == Limits.of("float64", depth=1, kinks=True)
    assert Limits.of("float64", depth=1, kinks=False).passing == 1e-7
    assert Limits.of("float32", depth=10, kinks=True).passing == pytest.approx(1e-3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"at": np.arange(3)}, "floating-point"),
        ({"at": np.ones(0)}, "floating-point"),
        ({"h": 0.0}, "step h above 0"),
        ({"dtype": "float16"}, "'float64' or 'float32'"),
        ({"coordinates": 0}, "from 1, or 'all'"),
        ({"gradient": lambda w: np.ones(2)}, "gradient of shapes"),
        ({"function": lambda w: w}, "a number for each point"),
        ({"function": lambda w: np.nan}, "finite value"),
    ],
)
def test_bad_arguments(arguments, message):
    given = {"function": relu, "at": AT, "gradient": on} | arguments
    with pytest.raises(ValueError, match=message):
        gradient_check_function(given.pop("function"), given.pop("at"), **given)
