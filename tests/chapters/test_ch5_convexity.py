"""Chords, minima and curvatures that the section judges, with a curve planted that is not what it says."""

import numpy as np
import pytest

from chapters.ch5 import convexity


def test_curvatures_are_those_of_the_curves():
    x, h = np.array([-1.6, -0.4, 0.3, 1.3]), 1e-4
    for value, curvature, _ in convexity.CURVES.values():
        assert curvature(x) == pytest.approx((value(x + h) - 2 * value(x) + value(x - h)) / h**2, abs=1e-5)


def test_every_function_is_what_it_is_said_to_be():
    tried = convexity._tried(5, 60, 1.5)
    assert tried.function.tolist() == list(convexity.CONVEX)
    assert (tried.violated != tried.convex).all() and (tried.semidefinite == tried.convex).all()
    definite = tried.set_index("function").positive_definite
    assert definite["x²"] and not definite["x⁴"] and not definite["max(|x| − 1, 0)²"]


def test_a_dent_is_found(monkeypatch):
    dented = (lambda x: x**2 - 0.5 * np.exp(-20 * x**2), lambda x: np.full_like(x, 2.0), (-1.0, 1.0))
    monkeypatch.setitem(convexity.CURVES, "x²", dented)
    tried = convexity._tried(5, 200, 1.5).set_index("function")
    assert tried.violated["x²"] and not tried.violated["x⁴"]


def test_minima():
    minima = convexity._minima().set_index("function")
    assert minima.width.to_dict() == {"x²": 0.0, "max(|x| − 1, 0)²": 2.0, "x⁴": 0.0}
    assert minima.strict.to_dict() == {"x²": True, "max(|x| − 1, 0)²": False, "x⁴": True}
    assert minima.curvature_positive.to_dict() == {"x²": True, "max(|x| − 1, 0)²": False, "x⁴": False}


def test_the_proof_gets_equality():
    proof = convexity._proof()
    assert proof.at_most.all() and not proof.below.any()
