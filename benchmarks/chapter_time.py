"""How long chapter 4 takes: the list, a quick run, the same from the cache, and a full run with 16 seeds.

Each is a process of its own, started from an empty output folder, one after another. Seconds are those of this computer
now; the last column sets them beside one plain `fit` of the book's network, measured in the same run.

    python benchmarks/chapter_time.py [--chapter ch4] [--quick-only]
"""

import argparse
import subprocess
import sys
import tempfile
import time

from replicas import SIZES, seconds_of_fit

from textbook import datasets, splits


def seconds_of(*arguments: str) -> float:
    """Wall time of one command, Python's start included."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapter", default="ch4")
    parser.add_argument("--quick-only", action="store_true", help="leave the full run out")
    arguments = parser.parse_args()
    package = f"chapters.{arguments.chapter}"
    with tempfile.TemporaryDirectory() as quick, tempfile.TemporaryDirectory() as full:
        runs = {
            "--list": (package, "--list"),
            "--quick": (package, "--quick", "--out", quick),
            "--quick again, from the cache": (package, "--quick", "--out", quick),
        }
        if not arguments.quick_only:
            # without the second judging, which has no bound: its length depends on how many verdicts surprise
            runs["16 seeds"] = (package, "--no-second-judging", "--out", full)
            runs["16 seeds again, from the cache"] = (package, "--no-second-judging", "--out", full)
        taken = {name: seconds_of(*command) for name, command in runs.items()}
    splitter = splits.Splitter(datasets.load("digits"), sizes=SIZES)
    seconds_of_fit(splitter(0))  # TensorFlow's own start
    fit = seconds_of_fit(splitter(0))
    print(f"{'run':<32}  {'seconds':>8}  {'plain fits':>10}")
    for name, seconds in taken.items():
        print(f"{name:<32}  {seconds:>8.2f}  {seconds / fit:>10.1f}")


if __name__ == "__main__":
    main()
