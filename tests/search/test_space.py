"""Spaces: what is refused, how a point of the unit cube becomes values and back, momentum on its own scale."""

import math

import keras_tuner
import numpy as np
import pytest

from textbook.search.space import COLUMNS, check_space, one_minus, steps, unit_of, value_at, values_at


def single(kind: str, *args, **options):
    hp = keras_tuner.HyperParameters()
    getattr(hp, kind)("it", *args, **options)
    return hp


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (lambda: single("Float", 0.5, 0.5), r"a range for 'it', got 0\.5 only; mend by hp\.Fixed\('it', 0\.5\)"),
        (lambda: single("Int", 3, 3), "a range for 'it', got 3 only"),
        (lambda: single("Float", 0.0, math.inf), "a finite range for 'it', got 0.0 to inf"),
        (lambda: single("Float", math.nan, 1.0), "a finite range for 'it', got nan to 1.0"),
        (lambda: single("Float", 0.0, 1.0, step=0), "a step above 0 for 'it', got 0"),
        (lambda: single("Float", 0.0, 1.0, step=-0.1), r"a step above 0 for 'it', got -0\.1"),
        (lambda: single("Int", 1, 9, step=-2), "a step above 0 for 'it', got -2"),
        # refused by keras-tuner, as soon as they are declared
        (lambda: single("Float", 1.0, 0.1), "min_value 1.0 is greater than the max_value 0.1"),
        (lambda: single("Float", 0.0, 1.0, sampling="log"), "sampling='log' does not support"),
        (lambda: single("Float", -1.0, 1.0, sampling="reverse_log"), "sampling='reverse_log' does not support"),
        (lambda: single("Choice", []), "`values` must be provided"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(space, message):
    with pytest.raises(ValueError, match=message):
        check_space(space())


@pytest.mark.parametrize("name", [*COLUMNS, "tuner/epochs"])
def test_a_name_that_the_table_uses_is_refused(name):
    hp = keras_tuner.HyperParameters()
    hp.Choice(name, [1, 2])
    with pytest.raises(ValueError, match=f"that no column of the table has, got '{name}'"):
        check_space(hp)


def test_ordinary_spaces_pass():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    hp.Int("units", 8, 64, step=8)
    hp.Choice("optimizer", ["sgd"])
    hp.Fixed("epochs of warm-up", 2)
    one_minus(hp, "momentum", 0.5, 0.99)
    check_space(hp)


def test_one_minus_is_uniform_in_the_logarithm_of_the_distance():
    hp = keras_tuner.HyperParameters()
    assert one_minus(hp, "momentum", 0.9, 0.999, default=0.95) == 0.95
    for unit in (0.0, 0.25, 0.5, 1.0):
        hp.values["1 - momentum"] = value_at(hp.space[0], unit)
        assert one_minus(hp, "momentum", 0.9, 0.999) == pytest.approx(1 - 10 ** (-3 + 2 * unit), abs=1e-12)
    # keras-tuner's scale of nearly that name is another one: see the docstring
    theirs = keras_tuner.engine.hyperparameters.Float("momentum", 0.9, 0.999, sampling="reverse_log")
    assert np.mean([theirs.prob_to_value(unit) < 0.99 for unit in np.linspace(0, 1, 1001)]) == pytest.approx(
        0.905, abs=2e-3
    )


def test_one_minus_respects_a_conditional_scope():
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        assert one_minus(hp, "momentum", 0.0, 0.9) is None
    assert [one.name for one in hp.space] == ["optimizer", "1 - momentum"]


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.9), (0.9, 0.5), (0.9, 1.0), (math.nan, 0.9)])
def test_one_minus_refuses_a_range_that_reaches_one(low, high):
    with pytest.raises(ValueError, match="expected low < high < 1 for 'momentum'"):
        one_minus(keras_tuner.HyperParameters(), "momentum", low, high)


SCALES = {
    "linear": ("Float", (-1.0, 3.0), {}),
    "log": ("Float", (1e-4, 1.0), {"sampling": "log"}),
    "reverse log": ("Float", (0.1, 1.0), {"sampling": "reverse_log"}),
    "stepped": ("Float", (0.0, 1.0), {"step": 0.1}),
    "log stepped": ("Float", (1e-3, 10.0), {"sampling": "log", "step": 10}),
    "reverse log stepped": ("Float", (1.0, 8.0), {"sampling": "reverse_log", "step": 2}),
    "whole": ("Int", (1, 7), {}),
    "whole stepped": ("Int", (6, 13), {"step": 3}),
    "whole log": ("Int", (8, 64), {"sampling": "log"}),
    "whole reverse log": ("Int", (8, 64), {"sampling": "reverse_log"}),
    "choice": ("Choice", (["a", "b", "c"],), {}),
    "boolean": ("Boolean", (), {}),
    "fixed": ("Fixed", (3,), {}),
}


@pytest.mark.parametrize("name", SCALES)
def test_values_and_coordinates_are_inverse_and_stay_in_range(name):
    kind, args, options = SCALES[name]
    parameter = single(kind, *args, **options).space[0]
    values = [value_at(parameter, unit) for unit in np.linspace(0, 1, 201).tolist()]
    for value in values:
        assert 0 <= unit_of(parameter, value) <= 1
        assert value_at(parameter, unit_of(parameter, value)) == pytest.approx(value)
    if hasattr(parameter, "sampling"):
        assert parameter.min_value <= min(values) and max(values) <= parameter.max_value
        assert values == sorted(values)
        assert {type(value) for value in values} == {int if kind == "Int" else float}
    if steps(parameter):
        assert sorted(set(values)) == steps(parameter)


@pytest.mark.parametrize(
    ("low", "high", "step", "count"),
    [(0, 1, 0.1, 11), (0, 1, 0.2, 6), (0, 0.9, 0.3, 4), (0, 1, 0.3, 4), (0.1, 0.7, 0.1, 7)],
)
def test_the_last_step_is_kept(low, high, step, count):
    parameter = single("Float", low, high, step=step).space[0]
    assert steps(parameter) == pytest.approx([low + i * step for i in range(count)])
    assert value_at(parameter, 0.9999) == steps(parameter)[-1]


def test_a_branch_moves_no_other_value():
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Choice("kind", ["plain", "nesterov"])
        with hp.conditional_scope("kind", ["nesterov"]):
            hp.Float("momentum", 0.0, 1.0)
    hp.Float("decay", 0.0, 1.0)
    at = [0.9, 0.9, 0.25, 0.75]
    assert values_at(hp.space, at) == {"optimizer": "sgd", "kind": "nesterov", "momentum": 0.25, "decay": 0.75}
    assert values_at(hp.space, [0.9, 0.1, *at[2:]]) == {"optimizer": "sgd", "kind": "plain", "decay": 0.75}
    assert values_at(hp.space, [0.1, *at[1:]]) == {"optimizer": "adam", "decay": 0.75}
