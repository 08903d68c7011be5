"""What a gradient check found."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from textbook.checks import verdicts
from textbook.checks.relative import relative_error
from textbook.checks.slopes import Slopes
from textbook.checks.verdicts import Limits

# a gradient that is this many times the data's hides a data gradient that is wrong by all of its size
_OVERWHELMING = 100.0


@dataclass(frozen=True)
class GradientCheck:
    """Gradients beside centred differences, weight by weight, and a verdict for each tensor.

    Attributes:
        table: a row per checked weight and term: `tensor`, `index` within it, `term` ("data", "penalty"; "total" where
            they cannot be told apart), `analytic`, `numeric`, `relative_error`, `rounding` (how far rounding may put
            `numeric` off), `step`, `crossed_kink` (at the first step), `state`: "checked", "both zero", or why it says
            nothing: "kink" (one lies between the two points, at the smallest step too), "unseen kink", "below
            rounding", "not finite".
        tensors: a row per tensor and term: `tensor`, `term`, `shape`, `verdict` ("pass", "suspicious", "wrong", "could
            not be checked"), of the weights that count the `worst` relative error beyond what rounding explains and
            the `median` relative error, how many were `checked` (zeros included), and set apart by `kinks`, by
            `rounding`, or as `not_finite`, and a `note`.
        dtype: precision that was computed in.
        step: the first step h.
        limits: `passing` and `wrong`, the relative errors between the verdicts.
        noise: of each term, by rounding: its standard deviation, the largest over tensors.
        notes: what concerns the whole check.
    """

    table: pd.DataFrame
    tensors: pd.DataFrame
    dtype: str
    step: float
    limits: Limits
    noise: dict[str, float]
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether every tensor was checked and passed."""
        return bool((self.tensors["verdict"] == verdicts.PASS).all())

    @property
    def alarms(self) -> pd.DataFrame:
        """The tensors found wrong or suspicious."""
        return self.tensors[self.tensors["verdict"].isin((verdicts.WRONG, verdicts.SUSPICIOUS))]

    def plot(self, ax=None):
        """Draw each weight's relative error on a log axis, a row for each tensor, with its verdict; returns the axes.

        Args:
            ax: axes of `plots.figure`; by default those of a new figure with room for every row.
        """
        from textbook.checks.gradient_picture import draw

        return draw(self, ax)

    def __str__(self) -> str:
        columns = ["tensor", "term", "verdict", "worst", "median", "checked", "kinks", "rounding", "note"]
        shown = self.tensors[columns].to_string(index=False, float_format="{:.1e}".format)
        return "\n".join([shown, *self.notes])


def judged(names, shapes, chosen, terms, analytic, slopes: Slopes, *, limits: Limits, whole) -> tuple:
    """The table and the tensors of a check.

    Args:
        names, shapes: of the tensors.
        chosen: for each tensor the flat indices within it.
        terms: names of the loss's terms.
        analytic: (weights, terms), in the order of `chosen`.
        slopes: of the same weights.
        whole: the analytic gradients of all weights, for each tensor (terms, size).
    """
    rows, summary, start = [], [], 0
    scale = [max((np.abs(part[t]).max(initial=0) for part in whole), default=0) for t in range(len(terms))]
    for name, shape, indices, gradient in zip(names, shapes, chosen, whole, strict=True):
        here = slice(start, start + len(indices))
        start += len(indices)
        for t, term in enumerate(terms):
            a, n, error = analytic[here, t], slopes.numeric[here, t], slopes.error[here, t]
            if term == verdicts.PENALTY and not gradient[t].any() and (np.abs(n) <= error).all():
                continue  # no penalty on this tensor
            state = verdicts.states(
                a, n, error, apart=slopes.apart[here], unseen=slopes.open[here, t], scale=scale[t], limits=limits
            )
            beyond = verdicts.excess(a, n, error)
            places = list(zip(*np.unravel_index(indices, shape), strict=True)) if shape else [()] * len(indices)
            rows.append(
                pd.DataFrame(
                    {
                        "tensor": name,
                        "index": [tuple(int(i) for i in place) for place in places],
                        "term": term,
                        "analytic": a,
                        "numeric": n,
                        "relative_error": relative_error(a, n),
                        "rounding": error,
                        "step": slopes.step[here],
                        "crossed_kink": slopes.crossed[here],
                        "state": state,
                    }
                )
            )
            broken = not np.isfinite(gradient[t]).all()
            summary.append(
                {"tensor": name, "term": term, "shape": tuple(shape)}
                | _summary(state, relative_error(a, n), beyond, limits, broken=broken)
                | {"note": _note(term, terms, gradient, state, broken)}
            )
    return pd.concat(rows, ignore_index=True), pd.DataFrame(summary)


def _summary(state, relative, beyond, limits: Limits, *, broken: bool) -> dict:
    used = np.isin(state, (verdicts.CHECKED, verdicts.ZERO))
    counted = beyond[used]
    return {
        "verdict": verdicts.verdict(state, beyond, limits, broken=broken),
        "worst": counted.max() if len(counted) else np.nan,
        "median": np.median(relative[used]) if used.any() else np.nan,
        "checked": len(counted),
        "kinks": int(np.isin(state, (verdicts.KINK, verdicts.OPEN)).sum()),
        "rounding": int((state == verdicts.NOISE).sum()),
        "not_finite": int((state == verdicts.BROKEN).sum()),
    }


def _note(term: str, terms, gradient, state, broken: bool) -> str:
    notes = []
    if broken:
        notes.append("its gradient is not finite")
    elif (state == verdicts.ZERO).all():
        notes.append("all zero: dead, or not used")
    elif not np.isin(state, (verdicts.CHECKED, verdicts.ZERO)).any():
        reasons = {
            verdicts.KINK: "a kink lies between the two points: use fewer rows",
            verdicts.OPEN: "an unseen kink: use fewer rows",
            verdicts.NOISE: "its gradient is below rounding: use float64, or a larger h",
            verdicts.BROKEN: "the loss is not finite beside these weights: use a smaller h",
        }
        notes += [text for word, text in reasons.items() if (state == word).any()]
    if term == verdicts.PENALTY and len(terms) == 2:
        data, penalty = (np.linalg.norm(part) for part in gradient)
        if penalty > _OVERWHELMING * data:
            times = f"{penalty / data:.0f} times" if data else "not 0 but"
            notes.append(f"{times} the data's gradient: in their sum no error of the data's would show")
    return "; ".join(notes)
