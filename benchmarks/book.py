"""How long the whole book takes: with 16 seeds, with the second judging, from the cache; and seconds by section.

Then a section of each chapter, drawn by chance, is measured alone, with all replicas at once and one by one with `fit`,
on the same seeds. `fit` gets two and four of them; what it would take for all is extrapolated along that line, and for
the book from the ratio of these sections. Seconds are those of this computer now.

    python benchmarks/book.py [--quick] [--draw 0] [--sections NAME …] [--no-fit]
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from textbook.experiment import book, fingerprint

# of the second judging's block, but not it: a section that asks for more seeds than these gets none
FIRST, FEW, SOME = 2000, 2, 4


def command(*arguments: str) -> tuple[float, float]:
    """Run the book's command line; (seconds, CPU seconds of all its processes).

    Raises: RuntimeError where it fails.
    """
    started, before = time.perf_counter(), _cpu()
    done = subprocess.run([sys.executable, "-m", "chapters", *arguments], capture_output=True, text=True)
    if done.returncode:
        asked = " ".join(arguments)
        raise RuntimeError(f"expected `python -m chapters {asked}` to work, it said\n{done.stderr[-2000:]}")
    return time.perf_counter() - started, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def records(out: Path) -> dict[str, dict]:
    """{section: its record} of what lies in an output folder."""
    found = [json.loads(path.read_bytes()) for path in sorted(out.glob("*/[0-9]*.json"))]
    return {record["name"]: record for record in found}


def trained(package: str = "chapters") -> dict[str, list[str]]:
    """{chapter: names of the sections that train replicas and read no clock}, which an engine can be chosen for."""
    return {
        chapter.name: [
            outline.name
            for outline in chapter.sections
            if not outline.measured
            and "textbook.replicas.training" in fingerprint.reach(outline.module, "measure").modules
        ]
        for chapter in book.chapters(package)
    }


def alone(section: str, engine: str, seeds: int, *extra: str) -> float:
    """Seconds of a section's measurement in a process of its own, from an empty cache."""
    with tempfile.TemporaryDirectory() as out:
        block = f"{FIRST}-{FIRST + seeds - 1}"
        command(section, "--engine", engine, "--seeds", block, "--no-second-judging", "--out", out, *extra)
        return records(Path(out))[section]["seconds"]


def run_the_book(extra: list[str]) -> dict[str, dict]:
    """Print what the whole book takes; returns its records."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {"16 seeds": ["--no-second-judging"], "and the second judging of surprises": []}
        if extra:
            runs = {"--quick": []}
        print(f"{'the whole book':<36}  {'seconds':>8}  {'minutes':>7}  {'CPU seconds':>11}", flush=True)
        for name, arguments in {**runs, "again, from the cache": []}.items():
            seconds, cpu = command(*arguments, *extra, "--out", folder)
            print(f"{name:<36}  {seconds:>8.1f}  {seconds / 60:>7.1f}  {cpu:>11.1f}", flush=True)
        print(f"largest process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:,.0f} MiB")
        return records(Path(folder))


def print_sections(found: dict[str, dict]) -> None:
    """Seconds of every section's measurement, the slowest first; what sections share counts where it was measured."""
    print(f"\n{'section':<34}  {'seconds':>8}")
    for record in sorted(found.values(), key=lambda record: -record["seconds"]):
        print(f"{record['number']:<7}  {record['name']:<25}  {record['seconds']:>8.2f}")


def compare(sections: list[str], extra: list[str]) -> float:
    """Print what each section takes by either engine; returns the ratio of the sums."""
    seeds = 4 if extra else 16
    print(f"\n{seeds} seeds, a section alone; fit extrapolated from {FEW} and {SOME} seeds")
    print(f"{'section':<28}  {'replicas s':>10}  {f'fit, {FEW}':>8}  {f'fit, {SOME}':>8}  {'fit s':>8}  {'ratio':>6}")
    sums = [0.0, 0.0]
    for name in sections:
        fast = alone(name, "replicas", seeds, *extra)
        few, some = (alone(name, "fit", count, *extra) for count in (FEW, SOME))
        slow = some + (seeds - SOME) * max(some - few, 0.0) / (SOME - FEW)
        sums = [sums[0] + fast, sums[1] + slow]
        row = f"{fast:>10.2f}  {few:>8.1f}  {some:>8.1f}  {slow:>8.1f}  {slow / fast:>5.1f}×"
        print(f"{name:<28}  {row}", flush=True)
    return sums[1] / sums[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="everything with --quick, four seeds")
    parser.add_argument("--draw", type=int, default=0, metavar="SEED", help="of the sections measured with fit")
    parser.add_argument("--sections", nargs="+", metavar="NAME", help="measure these with fit")
    parser.add_argument("--no-fit", action="store_true", help="the whole book alone")
    arguments = parser.parse_args()
    extra = ["--quick"] if arguments.quick else []
    found = run_the_book(extra)
    print_sections(found)
    if arguments.no_fit:
        return
    eligible = trained()
    draw = random.Random(arguments.draw)
    ratio = compare(arguments.sections or [draw.choice(names) for names in eligible.values()], extra)
    mine = sum(found[name]["seconds"] for names in eligible.values() for name in names)
    rest = sum(record["seconds"] for record in found.values()) - mine
    print(
        f"\nmeasured with replicas: {mine:,.0f} s of training sections and {rest:,.0f} s of others\n"
        f"by fit, extrapolated with the ratio of these sections, {ratio:.1f}×: {ratio * mine + rest:,.0f} s"
    )


if __name__ == "__main__":
    main()
