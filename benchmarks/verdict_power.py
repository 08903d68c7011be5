"""How often the rules of judgement find an effect, and how often they err: the tables of docs/verdicts.md.

    python benchmarks/verdict_power.py [--tables 40000] [--check]

Writes the tables into docs/verdicts.md, or with --check only prints them. About a minute.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, from anywhere

from benchmarks.synthetic_arms import POPULATIONS, lopsided
from textbook.statistics import (
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    NO_DIFFERENCE,
    REVERSED,
    five_way,
    mean_interval,
    wilson_interval,
)

DOCUMENT = Path(__file__).parent.parent / "docs" / "verdicts.md"
SEEDS = (12, 16, 32)
SPREADS = (0.5, 1.0, 2.0, 3.0)
EFFECTS = (-4, -2, -1, 0, 1, 2, 4)
LOPSIDED = {0.25: 0.78, 0.5: 1.75}  # σ of the lognormal: its skewness


def words(arms) -> np.ndarray:
    """The verdict of every table, by the functions that the table tests call."""
    differences = arms.differences
    low, high = mean_interval(differences)
    return five_way(differences.mean(axis=1), low, high, arms.delta)


def shares(population, n, effect, spread, *, tables, seed=0) -> dict[str, float]:
    """Share of each verdict, and the true effect in δ."""
    cell = (seed, n, 100 + int(10 * effect), int(10 * spread))  # each cell has its own stream
    arms = population(np.random.default_rng(cell), (tables, n), effect, spread)
    found = words(arms)
    counted = {word: float((found == word).mean()) for word in (HOLDS, REVERSED, FAILS, NO_DIFFERENCE, INCONCLUSIVE)}
    return counted | {"truth": arms.truth}


def error_rates(population, n, *, tables, seed=0, spreads=SPREADS) -> dict[str, float]:
    """The worst rate of each error over effects and spreads.

    "Holds" is false where the truth is 0 or below, "reversed" where it is 0 or above, "no difference" where the true
    effect is δ or more in size.
    """
    worst = {"false holds": 0.0, "false reversed": 0.0, "wrong no difference": 0.0}
    for effect in EFFECTS:
        for spread in spreads:
            cell = shares(population, n, effect, spread, tables=tables, seed=seed)
            for error, word, counts in (
                ("false holds", HOLDS, cell["truth"] <= 0),
                ("false reversed", REVERSED, cell["truth"] >= 0),
                ("wrong no difference", NO_DIFFERENCE, abs(cell["truth"]) >= 1),
            ):
                if counts:
                    worst[error] = max(worst[error], cell[word])
    return worst


def skewness_allowance(skewness: float, n: int) -> float:
    """How much more than 2.5 % one end of the t interval misses, by Edgeworth: γ(2z² + 1)φ(z) / 6√n."""
    z = stats.norm.ppf(0.975)
    return skewness * (2 * z**2 + 1) * stats.norm.pdf(z) / (6 * np.sqrt(n))


def share_errors(n: int, threshold: float = 0.5) -> tuple[float, float]:
    """Exact probabilities that rule R4 says "holds", or "fails", when the true share is the threshold."""
    counts = np.arange(n + 1)
    low, high = np.array([wilson_interval(int(k), n) for k in counts]).T
    chances = stats.binom.pmf(counts, n, threshold)
    return float(chances[low > threshold].sum()), float(chances[high < threshold].sum())


def power_rows(tables: int, seed: int = 0) -> list[list[str]]:
    header = ["n", "spread", "holds at 0", "at δ", "at 2δ", "at 4δ", "no difference at 0", "inconclusive at 0", "at δ",
              "at 2δ"]  # fmt: skip
    rows = [header]
    for n in SEEDS:
        for spread in SPREADS:
            cells = {e: shares(POPULATIONS["normal"], n, e, spread, tables=tables, seed=seed) for e in (0, 1, 2, 4)}
            found = [cells[e][HOLDS] for e in (0, 1, 2, 4)] + [cells[0][NO_DIFFERENCE]]
            found += [cells[e][INCONCLUSIVE] for e in (0, 1, 2)]
            rows.append([str(n), f"{spread:g} δ", *map(_percent, found)])
    return rows


def error_rows(tables: int, seed: int = 0) -> list[list[str]]:
    rows = [["population", "n", "false holds", "false reversed", "wrong no difference"]]
    for name, population in POPULATIONS.items():
        for n in SEEDS:
            rows.append([name, str(n), *map(_percent, error_rates(population, n, tables=tables, seed=seed).values())])
    return rows


def lopsided_rows(tables: int, seed: int = 0) -> list[list[str]]:
    rows = [["skewness", "n", "false holds", "false reversed", "wrong no difference", "one end misses, by Edgeworth"]]
    for sigma, skewness in LOPSIDED.items():
        for n in SEEDS:
            rates = error_rates(partial(lopsided, sigma=sigma), n, tables=tables, seed=seed)
            expected = 0.025 + skewness_allowance(skewness, n)
            rows.append([str(skewness), str(n), *map(_percent, rates.values()), _percent(expected)])
    return rows


def share_rows(tables: int = 0, seed: int = 0) -> list[list[str]]:
    rows = [["threshold", "n", "false holds", "false fails"]]
    for threshold, counts in ((0.5, (*SEEDS, 64)), (0.9, (35, 64)), (0.95, (73, 128))):
        for n in counts:
            rows.append([f"{threshold:.0%}", str(n), *map(_percent, share_errors(n, threshold))])
    return rows


TABLES = {"power": power_rows, "errors": error_rows, "lopsided": lopsided_rows, "shares": share_rows}


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def markdown(rows: list[list[str]]) -> str:
    lines = [" | ".join(row) for row in (rows[0], ["---"] * len(rows[0]), *rows[1:])]
    return "\n".join(f"| {line} |" for line in lines)


def replaced(text: str, name: str, table: str) -> str:
    """The document with the table between its two marks replaced."""
    before, mark, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"\n<!-- end of {name} -->")
    if not mark or not end:
        raise ValueError(f"expected the marks of table {name!r} in {DOCUMENT.name}, got none: put them back")
    return before + mark + table + end + after


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tables", type=int, default=40_000, help="simulated tables for each cell")
    arguments.add_argument("--check", action="store_true", help="print, write nothing")
    given = arguments.parse_args()
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, rows in TABLES.items():
        table = markdown(rows(given.tables))
        print(f"{name}\n{table}\n")
        text = replaced(text, name, table)
    if not given.check:
        DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
