"""The family tree holds together, and it has all that Keras has."""

import inspect

import keras
import pytest

from textbook.update_rules.family import BOTH, FAMILY, ONE_RATE, OWN_RATES


def test_parents_are_in_the_family_and_not_younger():
    assert list(FAMILY) == [rule.name for rule in sorted(FAMILY.values(), key=lambda rule: rule.year)]
    names = list(FAMILY)
    for rule in FAMILY.values():
        for parent in rule.parents:
            assert names.index(parent) < names.index(rule.name), f"{parent} before {rule.name}"
    assert [rule.name for rule in FAMILY.values() if not rule.parents] == ["gradient descent"]


def test_every_rule_says_all_about_itself():
    for rule in FAMILY.values():
        assert rule.idea and rule.formula and rule.reference and rule.branch in (ONE_RATE, OWN_RATES, BOTH)


def test_every_optimizer_of_keras_is_in_the_family():
    # these wrap or hold optimizers and have no rule of their own
    wrappers = {"LossScaleOptimizer", "MultiOptimizer", "OptimizerMap", "Optimizer"}
    theirs = {
        name
        for name, found in inspect.getmembers(keras.optimizers, inspect.isclass)
        if issubclass(found, keras.optimizers.Optimizer)
    }
    ours = {rule.keras for rule in FAMILY.values() if rule.keras}
    # the newest may be missing in the oldest Keras that we allow
    assert theirs - wrappers <= ours
    assert ours - theirs <= {"Muon", "ScheduleFreeAdamW"}


def test_keras_builds_them_at_the_rate_asked_for():
    for rule in FAMILY.values():
        if hasattr(keras.optimizers, rule.keras or " "):
            assert float(rule.build(0.03).learning_rate) == pytest.approx(0.03)
    assert FAMILY["Nesterov"].build(0.1).nesterov and FAMILY["AMSGrad"].build(0.1).amsgrad
    with pytest.raises(ValueError, match="expected a rule that Keras has, got Rprop"):
        FAMILY["Rprop"].build(0.1)
