"""5.2 The precision of a number (부동소수점)

A floating-point number has a sign, an exponent, which sets its range, and a mantissa, which sets how fine it is. The
text's table gives single and double precision the same exponent of 8 bits; double precision has 11, beside a mantissa
of 52. And it takes the matter for a side issue of deep learning. A gradient check shows that it is none: the best
centred difference errs by about ε^⅔, so that in single precision even a correct gradient fails the usual limits. Half
precision, in which large networks are trained, has so narrow a range that their losses have to be scaled.
"""

import numpy as np
import pandas as pd

from chapters.shared.loss_differences import loss_differences
from textbook import plots
from textbook.checks import centred_difference
from textbook.experiment import EXACT, FAILS, HOLDS, VIOLATED, Claim, Run, exact, share

ENTRIES = ("5.2-a",)
DATA = "digits"

NAMES = ("float16", "bfloat16", "float32", "float64")
STEPS = tuple(float(f"{10**k:.3g}") for k in np.arange(-11, 0.01, 0.5))


def measure(
    run: Run,
    *,
    point: float = 0.7,
    rows: int = 20,
    units: int = 20,
    coordinates: int = 30,
    limit: float = 1e-4,
) -> dict[str, pd.DataFrame]:
    """The bits of four kinds of numbers, the errors of a slope in each, and of a network's loss in two.

    Args:
        point: where e^x·sin 3x is differentiated; errors are averaged over its neighbourhood.
        rows, units, coordinates: digits in the network's loss, its hidden units, and how many weights are checked.
        limit: relative error that every weight has to stay below.
    """
    loss = run.shared(loss_differences, rows=rows, units=units, coordinates=coordinates)
    errors = pd.concat([_errors(name, point) for name in NAMES], ignore_index=True)
    return {
        "bits": pd.DataFrame([_bits(name) for name in NAMES]),
        "errors": errors,
        "best": _best(errors),
        "checks": _checks(loss[(loss.activation == "tanh") & (loss.form == "centred")], limit).assign(
            rows=rows, weights=coordinates
        ),
    }


def _dtype(name: str) -> np.dtype:
    import ml_dtypes  # NumPy has no bfloat16 of its own; Keras and TensorFlow bring this package with them

    return np.dtype(getattr(ml_dtypes, name) if name == "bfloat16" else name)


def _bits(name: str) -> dict:
    """Bits read off the bit patterns of numbers, beside what the library's description of the type says.

    The bits of 1.0 are 0, then 0 and ones (the biased exponent), then zeros (the mantissa); those of −0.0 a sign.
    """
    import ml_dtypes

    dtype, described = _dtype(name), ml_dtypes.finfo(_dtype(name))
    size = 8 * dtype.itemsize
    one, minus_zero = (int(np.array(v, dtype).view(f"u{dtype.itemsize}")) for v in (1.0, -0.0))
    mantissa = (one & -one).bit_length() - 1  # zeros below the exponent's last one
    exponent = one.bit_length() - mantissa + 1  # the ones, and the zero above them
    return {
        "dtype": name,
        "bits": size,
        "sign": minus_zero.bit_count(),
        "exponent": exponent,
        "mantissa": mantissa,
        "described_exponent": int(described.nexp),
        "described_mantissa": int(described.nmant),
        "sum": minus_zero.bit_count() + exponent + mantissa,
        "epsilon": float(described.eps),
        "largest": float(described.max),
    }


def _errors(name: str, point: float) -> pd.DataFrame:
    """Centred differences of e^x·sin 3x whose numbers x ± h and f(x ± h) have the precision."""
    dtype = _dtype(name)
    x = point + np.linspace(-0.02, 0.02, 101)
    true = np.exp(x) * (np.sin(3 * x) + 3 * np.cos(3 * x))

    def f(at):
        at = at.astype(dtype)
        wave = np.exp(at) * np.sin(np.asarray(3, dtype) * at)
        return wave.astype(np.float64)  # the difference of two such values is then exact: all that is lost is in them

    found = [centred_difference(f, x, h) for h in STEPS]
    errors = [np.linalg.norm(slopes - true) / np.linalg.norm(true) for slopes in found]
    return pd.DataFrame({"dtype": name, "h": STEPS, "error": errors, "point": point})


def _best(errors: pd.DataFrame) -> pd.DataFrame:
    """The least error of each kind of number, beside ε^⅔."""
    best = errors.loc[errors.groupby("dtype", sort=False).error.idxmin()].reset_index(drop=True)
    epsilon = np.array([_bits(name)["epsilon"] for name in best.dtype])
    return best.assign(epsilon=epsilon, log10_error=np.log10(best.error), log10_theory=2 / 3 * np.log10(epsilon))


def _checks(loss: pd.DataFrame, limit: float) -> pd.DataFrame:
    """For each seed and precision the step at which the worst weight errs least: does every weight pass there?"""
    best = loss.loc[loss.groupby(["dtype", "seed"]).largest.idxmin()]
    return (
        best[["dtype", "seed", "h", "largest"]].assign(limit=limit, passes=best.largest < limit).reset_index(drop=True)
    )


def draw(tables: dict[str, pd.DataFrame]):
    """Above, the bits of each kind of number, with the text's beside them; below, the error of a difference against h
    for each kind, and the worst weight of a correct network in float32 and in float64.
    """
    fig, ((above, unused), (errors, checks)) = plots.figure(2, 2, size=(7.4, 6.9), height_ratios=[1, 1.25])
    grid = above.get_gridspec()
    above.remove()
    unused.remove()
    with plots.style():
        wide = fig.add_subplot(grid[0, :])
    _draw_bits(wide, tables["bits"])
    best = tables["best"].set_index("dtype")
    for number, (name, rows) in enumerate(tables["errors"].groupby("dtype", sort=False)):
        look = plots.look(number) | {"marker": ""}
        errors.plot(rows.h, rows.error, **look, label=name)
        errors.plot(best.h[name], best.error[name], "*", color=look["color"], markersize=13, mec="white")
    plots.log_axis(errors, "x", at=(1e-10, 1e-7, 1e-4, 0.1))
    plots.log_axis(errors, "y", at=(1e-9, 1e-6, 1e-3, 1))
    errors.set(xlabel="step h", ylabel="relative error", ylim=(1e-11, 3e6), title="slope of e$^x$ sin 3x (★ best)")
    errors.legend(loc="upper right", fontsize=9.5, ncols=2, handlelength=1.8, columnspacing=1)
    seen = tables["checks"]
    looks = {"float32": plots.look(2), "float64": plots.look(3)}
    limit = np.log10(seen.limit.iloc[0])
    plots.dots(checks, seen.assign(decades=np.log10(seen.largest)), value="decades", by="dtype", looks=looks)
    checks.axvline(limit, color="#222222", linewidth=1.2)
    checks.annotate(f"limit\n{plots.plain(10**limit)}", (limit, 0.5), (5, 0), va="center",
                    textcoords="offset points", fontsize=9.5)  # fmt: skip
    checks.set_xlim(min(-9, checks.get_xlim()[0]), max(0, checks.get_xlim()[1]))
    checks.set_xticks((-8, -6, -4, -2, 0), [plots.plain(10.0**decade) for decade in (-8, -6, -4, -2, 0)])
    checks.set(xlabel="relative error of the worst weight", title="a correct network, checked")
    plots.caption(
        fig,
        f"Below left: centred differences, points around {tables['errors'].point.iloc[0]:g}. Below right: tanh "
        f"network with one hidden layer, {seen.rows.iloc[0]} digits, {seen.weights.iloc[0]} weights, for each seed "
        "the h that is best for it; dots: seeds, bars: 95 % of the geometric mean. "
        f"{plots.seeds_text(seen)}.",
    )
    return fig


def _draw_bits(ax, bits: pd.DataFrame) -> None:
    """Each kind of number as a strip of its bits; where the text has other numbers, these beside it."""
    parts = (("sign", "#666666"), ("exponent", plots.COLOURS[1]), ("mantissa", plots.COLOURS[5]))
    for row, kind in bits.iterrows():
        start = 0
        for part, colour in parts:
            ax.barh(
                row,
                kind[part],
                left=start,
                height=0.6,
                color=colour,
                edgecolor="white",
                label=part if not row else None,
            )
            if part != "sign":
                ax.text(start + kind[part] / 2, row, kind[part], ha="center", va="center", fontsize=10)
            start += kind[part]
    double = bits.index[bits.dtype == "float64"][0]
    ax.text(65.5, double, "text: 8 + 52", va="center", fontsize=10)
    ax.set_yticks(range(len(bits)), bits.dtype)
    ax.set(xlabel="bits", xlim=(0, 79), xticks=(0, 16, 32, 48, 64), ylim=(len(bits) - 0.5, -0.6))
    ax.set_title("sign, exponent, mantissa")
    ax.legend(loc="upper right")
    ax.grid(visible=False, axis="y")


CLAIMS = (
    Claim(
        "5.2-a/table",
        "Single and double precision both have an exponent of 8 bits.",
        exact(measured="exponent", expected=8, table="bits", where={"dtype": ("float32", "float64")}),
        expected=VIOLATED,
        ask="A double has 64 bits: one for the sign and 52 for the mantissa. How many are left for the exponent?",
        why="1 + 8 + 52 is 61: three bits would be missing.",
        beware="bfloat16 does have the exponent of single precision, and so its range, with a mantissa of 7 bits.",
        correction="Single precision is 1 + 8 + 23 bits, double precision 1 + 11 + 52.",
        reference="IEEE 754-2019, Standard for Floating-Point Arithmetic, binary interchange formats",
    ),
    Claim(
        "5.2-a/exponent",
        "The exponents read off the numbers' bits are those of the types' descriptions.",
        exact(measured="exponent", expected="described_exponent", table="bits"),
        expected=EXACT,
        ask="Which bits of 1.0 are ones, and what do they tell about the type?",
        why="The exponent is stored with half its range added, so that of 1.0 is a zero and then all ones.",
        beware="More exponent is more range, not more digits.",
    ),
    Claim(
        "5.2-a/mantissa",
        "The mantissas read off the numbers' bits are those of the types' descriptions.",
        exact(measured="mantissa", expected="described_mantissa", table="bits"),
        expected=EXACT,
        ask="How many digits does a float32 have, and a float16?",
        why="23 bits and the leading 1, which is not stored, are 24 binary or 7 decimal digits; 11 bits are 3.",
        beware="The leading 1 is why ε is 2 to the minus 23, and why the bits add up without it.",
    ),
    Claim(
        "5.2-a/sum",
        "Sign, exponent and mantissa add up to all the bits.",
        exact(measured="sum", expected="bits", table="bits"),
        expected=EXACT,
        ask="Do the text's 1, 8 and 52 bits fill a double?",
        why="They leave three over. The three numbers of each type in the table here fill it.",
        beware="Some hardware has types of other sizes, such as TensorFloat-32, which has 19 bits.",
    ),
    Claim(
        "5.2-a/error",
        "The best centred difference errs by about ε^⅔, to within a factor of 10.",
        exact(measured="log10_error", expected="log10_theory", tolerance=1.0, table="best"),
        expected=EXACT,
        ask="Single precision has seven digits. How many of them does the best centred difference keep?",
        why="Rounding gives ε/h and the formula h²; where they are alike, at h = ε^⅓, both are ε^⅔.",
        beware="In float64 that is 10⁻¹⁰, in float32 10⁻⁵ to 10⁻⁴, in bfloat16 some per cent.",
    ),
    Claim(
        "5.2-a/single",
        "Precision hardly matters: checked in single precision, every weight of a correct network stays below 10⁻⁴.",
        share("passes", table="checks", where={"dtype": "float32"}),
        expected=FAILS,
        ask="The gradient is right, and the loss is computed in float32, as Keras does. Does the check pass?",
        why="A float32 loss of 2.3 is known to about 10⁻⁷. Over an h of 0.01 that is 10⁻⁵; slopes are 10⁻² or less.",
        beware="The error is the difference's, not the gradient's: backpropagation in float32 is good to 10⁻⁶. And a "
        "limit decides: with 10⁻² about half of these networks would pass.",
        correction="Precision matters. Check gradients in float64; train in lower precision with care for range and "
        "rounding, by scaling the loss, for instance.",
        reference="Micikevicius et al. (2018), Mixed Precision Training, arXiv:1710.03740",
    ),
    Claim(
        "5.2-a/double",
        "Checked in double precision, every weight of a correct smooth network stays below 10⁻⁴.",
        share("passes", table="checks", where={"dtype": "float64"}),
        expected=HOLDS,
        ask="And with the loss in float64?",
        why="Nine more digits in the loss are six more in the best difference.",
        beware="Kinks are another matter: no precision mends a difference across one.",
    ),
)
