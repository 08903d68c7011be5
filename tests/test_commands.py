"""Every command of README.md and CONTRIBUTING.md is run: Python's here, make's here or by `.ci/run`.

What would take minutes is run with --quick, on two seeds where it must train, beside a quick run of the book
(QUICK_BOOK, as `.ci/run` makes it), whose tables it then finds.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_COMMAND = re.compile(r"(\.venv/bin/)?(python|pip|make|\.ci/run|[A-Z_]+=)\b.*")


def documented(*pages: str) -> list[str]:
    """The commands of some pages: lines of code blocks that name no language, and spans of code in the prose."""
    found = []
    for page in pages:
        text = (ROOT / page).read_text("utf-8")
        blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
        prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        lines = [line for language, block in blocks if language in ("", "sh") for line in block.splitlines()]
        for line in [*lines, *re.findall(r"`([^`]+)`", prose)]:
            parts = [part.strip() for part in line.partition(" #")[0].split("&&")]
            # a word such as `make` or `FOLDER` by itself is a name, and `python -m` no whole command
            found += [" ".join(part.split()) for part in parts if _COMMAND.fullmatch(part) and " " in part]
            found += [part for part in parts if part == ".ci/run"]
    return list(dict.fromkeys(found))


COMMANDS = documented("README.md", "CONTRIBUTING.md")
OF_PYTHON = [command.removeprefix(".venv/bin/") for command in COMMANDS if "python" in command.split()[0]]
OF_MAKE = [command for command in COMMANDS if command.startswith("make ")]
CI = [line.partition("#")[0].strip() for line in (ROOT / ".ci/run").read_text("utf-8").splitlines()]


def shortened(command: str) -> list[str]:
    """The words of a Python command, with what would take long made short."""
    words = shlex.split(command)[1:]
    if "--seeds" in words:
        at = words.index("--seeds") + 1
        first, dash, _ = words[at].partition("-")
        words[at] = f"{first}-{int(first) + 1}" if dash else "2"
    elif {"--set", "--data", "--engine"} & set(words):
        words += ["--seeds", "2"]
    runs = words[1].startswith("chapters") and not {"--list", "--notebook", "--verify"} & set(words)
    return [*words, "--quick"] if runs and "--quick" not in words else words


def furnished(folder: Path, *, chapters: str = "ch*") -> Path:
    """A reader's folder: the book, a table of their own, and what QUICK_BOOK has of some chapters, with its cache."""
    (folder / "chapters").symlink_to(ROOT / "chapters")
    rows = "".join(f"{i % 7},{i % 5},{(i % 7 + i % 5) % 3}\n" for i in range(200))
    (folder / "wine.csv").write_text(f"alcohol,acid,quality\n{rows}")
    (folder / "figures").mkdir()
    if book := os.environ.get("QUICK_BOOK"):
        for chapter in Path(book).glob(chapters):
            shutil.copytree(chapter, folder / "figures" / chapter.name)
        (folder / "figures" / ".cache").symlink_to(Path(book).resolve() / ".cache")
    return folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return furnished(tmp_path_factory.mktemp("reader"))


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


# several commands may be the same when they are short
@pytest.mark.parametrize("short", list(dict.fromkeys(" ".join(shortened(c)) for c in OF_PYTHON if "-m venv" not in c)))
def test_a_command_of_python_does_what_it_is_there_for(short, reader, tmp_path):
    words = short.split()
    whole = words[:2] == ["-m", "chapters"] or (len(words) < 4 and "--quick" in words)
    if whole and not os.environ.get("QUICK_BOOK"):
        pytest.skip("a whole chapter takes minutes: run with QUICK_BOOK=FOLDER, as .ci/run does")
    if "--verify" in words:
        # of a chapter as it was made: of results on a reader's own file --verify says that it needs the file
        reader = furnished(tmp_path, chapters="ch6")
    done = run(words, reader)
    assert done.returncode == 0, done.stderr[-3000:]
    if "--verify" in words:
        assert "15 of 15 sections in figures stand" in done.stdout
    elif "--notebook" in words:
        assert done.stdout.count(".ipynb") == (1 if "step_decay" in words else 23)
    elif "--list" not in words and words[1].startswith("chapters"):
        assert (reader / "figures" / "index.html").stat().st_size > 5000


@pytest.mark.parametrize("command", OF_MAKE)
def test_a_target_of_make_exists_and_is_run_here_or_by_ci(command, reader, tmp_path):
    # a fresh folder for its environment: what sets that up is shown as well
    words = [*shlex.split(command), f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run([words[0], "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and f"-m venv {tmp_path}" in done.stdout, done.stderr
    in_ci = any(re.search(rf"\b{' '.join(shlex.split(command)[:2])}\b", line) for line in CI)
    python = [line.partition("/bin/python ")[2].strip() for line in done.stdout.splitlines()]
    calls = [f"python {line}" for line in python if line.startswith(("-m chapters", "-m textbook"))]
    assert in_ci or calls
    for call in calls:
        if call.startswith("python -m textbook"):
            assert run(shlex.split(call)[1:], reader).returncode == 0
        elif not in_ci:
            assert call in OF_PYTHON, "the same without make is not documented, so that no test runs it"


def test_setting_up_without_make_is_what_make_does_in_ci(tmp_path):
    by_hand = [command for command in COMMANDS if "-m venv" in command or "pip install" in command]
    assert by_hand == ["python -m venv .venv", ".venv/bin/pip install -e '.[test]'"]
    done = subprocess.run(["make", "-n", f"VENV={tmp_path}/venv", "test"], cwd=ROOT, capture_output=True, text=True)
    assert "-m pip install --quiet --editable '.[test]'" in done.stdout and "python -m pytest" in done.stdout
    assert any(line.endswith("make test") for line in CI)


def test_the_commands_are_found():
    assert len(OF_PYTHON) > 15 and len(OF_MAKE) > 4 and ".ci/run" in COMMANDS
    assert "python -m chapters --verify figures --list" in OF_PYTHON
    assert "python -m chapters.ch8" in OF_PYTHON


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("python -m chapters.ch4", "-m chapters.ch4 --quick"),
        ("python -m chapters.ch4 x --set every=8 --seeds 8", "-m chapters.ch4 x --set every=8 --seeds 2 --quick"),
        ("python -m chapters.ch4 4.7.1 --seeds 3000-3031", "-m chapters.ch4 4.7.1 --seeds 3000-3001 --quick"),
        ("python -m chapters.ch4 x --quick --engine fit", "-m chapters.ch4 x --quick --engine fit --seeds 2"),
        ("python -m chapters.ch4 --list", "-m chapters.ch4 --list"),
    ],
)
def test_long_commands_are_shortened_and_nothing_else_about_them_changes(command, words):
    assert shortened(command) == words.split()
