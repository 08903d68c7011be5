"""The family of the optimizers: who came when, from whom, with which idea, and what Keras calls it."""

from dataclasses import dataclass
from types import MappingProxyType

#: one rate for all weights, a rate for each weight, and memory of the direction joined with a rate for each
ONE_RATE, OWN_RATES, BOTH = "one rate for all", "a rate per weight", "rates and velocity"


@dataclass(frozen=True)
class Relative:
    """One rule of the family.

    Attributes:
        name: as the field calls it.
        year: of the first publication, preprints and lecture notes included.
        branch: `ONE_RATE`, `OWN_RATES` or `BOTH`.
        idea: what it added, in a few words.
        formula: its step in a line; m and v are averages of g and g², s is a sum of g².
        parents: names of the rules that it builds on.
        keras: name of the class in `keras.optimizers`; "" where there is none.
        arguments: what has to be passed to that class to have this rule and not another.
        reference: authors and year.
    """

    name: str
    year: int
    branch: str
    idea: str
    formula: str
    parents: tuple[str, ...] = ()
    keras: str = ""
    arguments: tuple[tuple[str, object], ...] = ()
    reference: str = ""

    def build(self, learning_rate):
        """The rule as a Keras optimizer; ValueError where Keras has none."""
        if not self.keras:
            raise ValueError(f"expected a rule that Keras has, got {self.name}; mend by one whose `keras` is not ''")
        import keras  # here: looking up the family loads no TensorFlow

        return getattr(keras.optimizers, self.keras)(learning_rate=learning_rate, **dict(self.arguments))


_RULES = (
    Relative("gradient descent", 1847, ONE_RATE, "go down the gradient of all the data", "−lr·g", (), "SGD", (),
             "Cauchy (1847)"),
    Relative("SGD", 1951, ONE_RATE, "a gradient from a few samples will do", "−lr·g of a mini-batch",
             ("gradient descent",), "SGD", (), "Robbins and Monro (1951)"),
    Relative("momentum", 1964, ONE_RATE, "keep a velocity", "v ← μv − lr·g", ("gradient descent",), "SGD",
             (("momentum", 0.9),), "Polyak (1964)"),
    Relative("Nesterov", 1983, ONE_RATE, "look ahead before the gradient is taken", "μv − lr·g, v ← μv − lr·g",
             ("momentum",), "SGD", (("momentum", 0.9), ("nesterov", True)), "Nesterov (1983)"),
    Relative("delta-bar-delta", 1988, OWN_RATES, "raise a weight's rate while its gradient keeps its sign",
             "lrᵢ + κ, or lrᵢ·φ", ("gradient descent",), "", (), "Jacobs (1988)"),
    Relative("Rprop", 1993, OWN_RATES, "use the sign only, a step length for each weight", "−Δᵢ·sign(gᵢ)",
             ("delta-bar-delta",), "", (), "Riedmiller and Braun (1993)"),
    Relative("Adagrad", 2011, OWN_RATES, "divide by the root of the sum of squares", "−lr·g/√s", ("SGD",), "Adagrad",
             (), "Duchi, Hazan and Singer (2011)"),
    Relative("Adadelta", 2012, OWN_RATES, "let the sum forget; steps in the weights' own units",
             "−g·√(mean Δ²)/√v", ("Adagrad",), "Adadelta", (), "Zeiler (2012)"),
    Relative("RMSprop", 2012, OWN_RATES, "Rprop for mini-batches: an average of squares", "−lr·g/√v",
             ("Rprop", "Adagrad"), "RMSprop", (), "Tieleman and Hinton (2012)"),
    Relative("FTRL", 2013, OWN_RATES, "Adagrad's rates for sparse linear models", "w from sums of g and g²",
             ("Adagrad",), "Ftrl", (), "McMahan et al. (2013)"),
    Relative("Adam", 2014, BOTH, "average both, and correct the start", "−lr·m̂/√v̂", ("momentum", "RMSprop"), "Adam", (),
             "Kingma and Ba (2015)"),
    Relative("Adamax", 2014, BOTH, "the largest gradient in place of the mean square", "−lr·m̂/u", ("Adam",), "Adamax",
             (), "Kingma and Ba (2015)"),
    Relative("Nadam", 2016, BOTH, "Adam that looks ahead", "−lr·(β₁m̂ + …g)/√v̂", ("Adam", "Nesterov"), "Nadam", (),
             "Dozat (2016)"),
    Relative("AdamW", 2017, BOTH, "decay the weights beside the step, not in the gradient", "Adam's step − lr·λ·w",
             ("Adam",), "AdamW", (), "Loshchilov and Hutter (2019)"),
    Relative("AMSGrad", 2018, BOTH, "never let a rate rise again", "−lr·m/√max v", ("Adam",), "Adam",
             (("amsgrad", True),), "Reddi, Kale and Kumar (2018)"),
    Relative("Adafactor", 2018, BOTH, "keep v as a row and a column", "−lr·g/√(row × column)", ("Adam",), "Adafactor",
             (), "Shazeer and Stern (2018)"),
    Relative("LAMB", 2019, BOTH, "scale each layer's step to its weights", "Adam's step·‖w‖/‖step‖", ("AdamW",), "Lamb",
             (), "You et al. (2020)"),
    Relative("Lion", 2023, ONE_RATE, "the sign of an average: found by a program search", "−lr·sign(m)", ("momentum",),
             "Lion", (), "Chen et al. (2023)"),
    Relative("schedule-free AdamW", 2024, BOTH, "an average of the weights in place of a schedule",
             "AdamW at a mix of w and its mean", ("AdamW",), "ScheduleFreeAdamW", (), "Defazio et al. (2024)"),
    Relative("Muon", 2024, ONE_RATE, "make a matrix's velocity orthogonal", "−lr·orthogonal(v)", ("Nesterov",), "Muon",
             (), "Jordan et al. (2024)"),
)  # fmt: skip

#: name → `Relative`, oldest first
FAMILY = MappingProxyType({rule.name: rule for rule in _RULES})
