"""The books' update rules in NumPy, each small enough to hold in one's head.

A rule is stateless: from `state = rule.init(w)` on, take the gradient at `rule.point(w, state)` (w itself, but for
look-ahead), then `change, state = rule.update(gradient, state)` and w + change. Rules with `needs_hessian` want
`update(gradient, state, hessian=…)`. `textbook.surfaces.trajectory` does all this over a surface. Arrays may have any
shape, and the rules of first order treat each coordinate by itself. Rates are numbers, or a function of the number of
updates done, such as a schedule (one unit of its t is then one update). Where Keras has the rule, its form is followed
and a test holds both equal over 50 updates. A rule of one's own is a subclass of `UpdateRule`. `family.FAMILY` is the
family tree of these and others: year, idea, parents, Keras's class.

| rule | step | in Keras |
| --- | --- | --- |
| `GradientDescent` | −lr·g | `SGD` |
| `HeavyBall` | v ← μv − lr·g | `SGD(momentum=…)` |
| `TorchMomentum` | −lr·v, v ← μv + g | no (torch's `SGD`) |
| `AveragedMomentum` | −lr·v, v ← βv + (1 − β)g | no |
| `Nesterov` | μv − lr·g, v ← μv − lr·g | `SGD(momentum=…, nesterov=True)` |
| `NesterovLookAhead` | v ← μv − lr·g(w + μv) | no |
| `Adagrad` | −lr·g/√(s + ε), s ← s + g² | `Adagrad` |
| `RMSprop` | −lr·g/√(s + ε), s ← ρs + (1 − ρ)g² | `RMSprop` |
| `Adam` | −α·m/(√s + ε̂) | `Adam` |
| `Rprop` | −Δ·sign(g), Δ by the signs before | no (torch's `Rprop`) |
| `Newton`, `DampedNewton`, `SaddleFreeNewton` | −H⁻¹g, −(H + δI)⁻¹g, −(\\|H\\| + δI)⁻¹g | no |
"""

from textbook.update_rules.adam import Adam
from textbook.update_rules.adaptive import Adagrad, RMSprop
from textbook.update_rules.gradient_descent import GradientDescent
from textbook.update_rules.momentum import AveragedMomentum, HeavyBall, TorchMomentum
from textbook.update_rules.nesterov import Nesterov, NesterovLookAhead
from textbook.update_rules.rprop import Rprop
from textbook.update_rules.rule import UpdateRule
from textbook.update_rules.second_order import DampedNewton, Newton, SaddleFreeNewton

__all__ = [
    "Adagrad",
    "Adam",
    "AveragedMomentum",
    "DampedNewton",
    "GradientDescent",
    "HeavyBall",
    "Nesterov",
    "NesterovLookAhead",
    "Newton",
    "RMSprop",
    "Rprop",
    "SaddleFreeNewton",
    "TorchMomentum",
    "UpdateRule",
]
