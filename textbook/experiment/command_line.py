"""The command line of every chapter: `python -m chapters.ch4 [SECTION …]`, and of the whole book.

Standard output carries the report, standard error the progress and what went wrong.
"""

import argparse
import os
import sys
from pathlib import Path

from textbook.experiment import book, knobs, report, seed_blocks
from textbook.experiment.errors import UsageError, nearest
from textbook.experiment.streams import note

_FORMATS = ("png", "svg", "pdf")
_ENGINES = ("replicas", "fit")
_INTERRUPTED = 130

_EPILOG = """\
examples:
  python -m {package}                               every figure, table and verdict, in figures/
  python -m {package} --list                        sections with their knobs
  python -m {package} SECTION --set KNOB=VALUE      one section with a knob changed
  python -m {package} --data file.csv --target COL  on data of your own

exit status: 0 done; 1 a section crashed (or --strict found a surprise); 2 bad input; 130 interrupted.
"""


class _Parser(argparse.ArgumentParser):
    """argparse with mistakes in one line, and the nearest word for a mistyped option."""

    def error(self, message: str):
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            options = [option for action in self._actions for option in action.option_strings]
            message = f"expected an option of this command, got {unknown}{nearest(unknown.split()[0], options)}"
        raise UsageError(message)


def parser(package: str) -> argparse.ArgumentParser:
    """The options of a chapter's (or the whole book's) command line."""
    options = _Parser(
        prog=f"python -m {package}",
        description="Draw the figures of the book, with the numbers behind them and a verdict for every claim.",
        epilog=_EPILOG.format(package=package),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = options.add_argument
    add("sections", nargs="*", metavar="SECTION", help="names or book numbers (default: all)")
    add("--list", action="store_true", help="list the sections with their titles and knobs, and stop")
    add("--quick", action="store_true", help="fewer seeds and epochs; verdicts say so")
    add("--seeds", metavar="SEEDS", help="a count (16: 1000-1015), a range (2000-2031) or a list (1,2,3)")
    add("--data", metavar="NAME|FILE.csv", help="another data set, or a CSV file of your own (with --target)")
    add("--target", metavar="COLUMN", help="the column of the CSV file to predict: its name, or its number from 0")
    add("--set", action="append", default=[], metavar="KNOB=VALUE", dest="settings", help="a knob (see --list)")
    add("--engine", metavar="|".join(_ENGINES), help="how to train: all replicas at once, or one by one with fit")
    add("--format", default="png", metavar="|".join(_FORMATS), help="of the figures (default: png)")
    add("--out", type=Path, default=Path("figures"), metavar="DIR", help="output folder (default: figures)")
    add("--verify", type=Path, metavar="DIR", help="say which results in DIR are stale, and run those again")
    add("--notebook", action="store_true", help="write a Jupyter notebook of each section, and run nothing")
    add("--strict", action="store_true", help="exit with 1 if a decided verdict differs from what was expected")
    add("--no-second-judging", action="store_true", help="do not judge surprises again on 32 other seeds")
    return options


def main(package: str, arguments: list[str] | None = None) -> int:
    """Run the command line of a chapter's package, or of the package that holds the chapters; returns the exit status.

    Bad input gives one line on standard error and status 2; Ctrl-C one line and 130.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # titles have Hangul; a terminal that cannot show it must not stop a run
            stream.reconfigure(errors="replace")
    # TensorFlow's greetings would break the progress lines
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # NumPy's threads wait for one another; beside processes that measure, a small solution takes them ten times as long
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return _run(package, parser(package).parse_intermixed_args(arguments))
    except UsageError as error:
        note(f"error: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt:
        note("interrupted; what was finished is kept, and the next run goes on from there")
        return _INTERRUPTED


def _run(package: str, asked: argparse.Namespace) -> int:
    chapters = book.chapters(package)
    sections = [section for chapter in chapters for section in chapter.sections]
    if asked.verify is not None:
        return _verify(package, chapters, asked)
    if asked.list:
        for chapter in chapters:
            report.listing(chapter)
        return 0
    _one_of("--format", asked.format, _FORMATS)
    if asked.engine is not None:
        _one_of("--engine", asked.engine, _ENGINES)
    if asked.notebook and (asked.strict or asked.no_second_judging or asked.format != "png"):
        raise UsageError("expected --notebook without --strict, --no-second-judging and --format: it runs nothing")
    chosen = book.choose(sections, asked.sections)
    seeds = seed_blocks.default(quick=asked.quick) if asked.seeds is None else seed_blocks.parse(asked.seeds)
    settings = knobs.assign(asked.settings, chosen)

    # from here on NumPy and pandas load, which --list and mistyped words need not wait for
    from textbook.experiment import data_argument, progress, running
    from textbook.experiment.request import Request

    dataset = data_argument.load(asked.data, asked.target)
    if dataset is not None:
        note(data_argument.describe(dataset))
        chosen = data_argument.fitting(chosen, dataset, named=bool(asked.sections), line=note)
    request = Request(
        out=running.output_folder(asked.out),
        format=asked.format,
        seeds=seeds,
        quick=asked.quick,
        engine=asked.engine,
        strict=asked.strict,
        second_judging=not asked.no_second_judging,
        chosen=dataset,
        data=asked.data,
        target=asked.target,
        settings=settings,
    )
    if asked.notebook:
        from textbook.experiment import notebook

        notebook.write(chapters, chosen, request)
        return 0
    with progress.make(len(chosen)) as bars:
        outcomes = running.run(chapters, chosen, request, bars)
    _write_pages(request.out, package)
    return running.exit_status(outcomes, strict=asked.strict and not asked.quick)


def _verify(package: str, chapters: tuple[book.Chapter, ...], asked: argparse.Namespace) -> int:
    """`--verify DIR`: each section keeps the seeds, knobs and options that its record names."""
    own = {"--set": asked.settings, "--seeds": asked.seeds, "--quick": asked.quick, "--engine": asked.engine}
    own |= {"--notebook": asked.notebook}
    if given := [option for option, value in {"a section": asked.sections, **own}.items() if value]:
        raise UsageError(f"expected --verify DIR alone or with --list or --data, got {given[0]}; leave that out")
    if not asked.verify.is_dir():
        raise UsageError(f"expected --verify with a folder of results, got {str(asked.verify)!r}; run something first")
    from textbook.experiment import data_argument, verify

    chosen = data_argument.load(asked.data, asked.target)
    status = verify.verify(chapters, asked.verify, chosen=chosen, only_say=asked.list)
    if not asked.list:
        _write_pages(asked.verify, package)
    return status


def _write_pages(out: Path, package: str) -> None:
    from textbook.experiment.pages import site

    note(f"the book's pages: {site.write(out, package)}")


def _one_of(option: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise UsageError(f"expected {option} {' or '.join(known)}, got {word!r}{nearest(word, known)}")
