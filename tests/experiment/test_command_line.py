import json
import subprocess

import pytest

from textbook.experiment.command_line import parser


def test_a_section_becomes_a_figure_a_table_a_record_and_results(story):
    status, out, _ = story.main()
    assert status == 0
    assert {path.name for path in story.out.iterdir()} == {
        "1.2-coin.png",
        "1.2-coin.csv",
        "1.2-coin.json",
        "results.json",
        "index.html",
        "index.ko.html",
    }
    assert "  out/one/1.2-coin.png  " in out
    assert "  1.2-a  holds  0.3 nats [0.3, 0.3]  n=16  as expected\n" in out
    results = json.loads((story.out / "results.json").read_text())
    (section,) = results["sections"]
    assert (results["chapter"], results["quick"]) == ("one", False)
    assert (section["number"], section["name"], section["title"]) == ("1.2", "coin", "A loaded coin (동전)")
    assert (section["figure"], section["table"]) == ("1.2-coin.png", "1.2-coin.csv")
    assert section["entries"] == ["1.2-a"]
    assert section["knobs"] == {"load": 0.3, "throws": 50, "name": "loaded"}
    (claim,) = section["claims"]
    assert claim["effect"] == pytest.approx(0.3)
    assert (claim["verdict"], claim["expected"], claim["n"], claim["unit"]) == ("holds", "holds", 16, "nats")
    assert results["provenance"]["seeds"] == list(range(1000, 1016))


def test_list_shows_knobs_and_loads_nothing_heavy(story):
    done = story.python(
        "import sys\n"
        "from textbook.experiment.command_line import main\n"
        f"status = main('{story.package}.one', ['--list'])\n"
        "heavy = {'numpy', 'pandas', 'matplotlib', 'scipy', 'rich', 'keras', 'tensorflow', 'textbook.replicas'}\n"
        f"print(status, heavy & set(sys.modules), '{story.package}.one.coin' in sys.modules)\n"
    )
    assert "1.2  coin  A loaded coin (동전)" in done.stdout
    assert "load=0.3  throws=50  name='loaded'" in done.stdout
    assert done.stdout.endswith("0 set() False\n")


def test_mistyped_words_load_nothing_heavy_either(story):
    done = story.python(
        "import sys\n"
        "from textbook.experiment.command_line import main\n"
        f"print(main('{story.package}.one', ['coin', '--set', 'lod=1']), 'numpy' in sys.modules)\n"
    )
    assert done.stdout == "2 False\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["coins"], "expected a section's name or number, got 'coins'; did you mean coin?"),
        (["9.9.9"], "expected a section's name or number, got '9.9.9'; see --list"),
        (["--set", "lod=1"], "expected a knob of coin, got 'lod'; did you mean load?"),
        (["--set", "load=much"], "expected float for knob 'load', got 'much'; its default is 0.3"),
        (["--set", "throws=2.5"], "expected int for knob 'throws', got '2.5'; its default is 50"),
        (["--set", "load"], "expected --set KNOB=VALUE, got 'load'; write for instance --set every=8"),
        (["--seeds", "0"], "expected seeds as a count from 1 to 1000 such as 16"),
        (["--seeds", "many"], "got 'many'"),
        (["--seeds", "5-3"], "got '5-3'"),
        (["--seeds", "1,1"], "got '1,1'"),
        (["--seeds", "-4"], "expected"),
        (["--format", "jpg"], "expected --format png or svg or pdf, got 'jpg'; did you mean png?"),
        (["--engine", "fast"], "expected --engine replicas or fit, got 'fast'"),
        (["--quik"], "expected an option of this command, got --quik; did you mean --quick?"),
        (["--data", "digitz"], "expected a data set's name or a .csv file, got --data digitz; did you mean digits?"),
        (["--data", "nowhere.csv", "--target", "y"], "expected a file, got --data nowhere.csv: there is none"),
        (["--target", "y"], "expected --target together with --data file.csv"),
        (["coin", "--data", "iris"], "coin cannot take iris: it uses no data set"),
        (["--data", "iris"], "no section can take iris: it uses no data set"),
    ],
)
def test_bad_input_is_one_line_and_status_2(story, arguments, message):
    status, out, err = story.main(*arguments)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith("error: ")
    assert message in err
    assert "Traceback" not in err
    assert not story.out.exists()


def test_bad_input_in_a_process_of_its_own(story):
    done = story.process("coins")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: expected a section's name or number, got 'coins'; did you mean coin?\n"


def test_a_number_picks_all_its_sections_and_options_may_stand_anywhere(story):
    story.coin("fair_coin", number="1.2")
    story.coin("third", number="1.3")
    story.sections("coin", "fair_coin", "third")
    status, out, _ = story.main("--quick", "1.2", "--format", "svg")
    assert status == 0
    assert "1.2-coin.svg" in out
    assert "1.2-fair-coin.svg" in out
    assert "1.3" not in out
    assert "1.2-fair-coin.svg" in story.main("fair-coin", "--format", "svg")[1]


def test_the_book_runs_all_its_chapters(story):
    two = story.chapter.with_name("two")
    two.mkdir()
    (two / "__init__.py").write_text('"""Chapter two."""\n\nSECTIONS = ("coin",)\n')
    (two / "coin.py").write_text((story.chapter / "coin.py").read_text(encoding="utf-8"), encoding="utf-8")
    status, out, _ = story.main(chapter=None)
    assert status == 0
    assert "out/one/1.2-coin.png" in out
    assert "out/two/1.2-coin.png" in out


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as stop:
        parser("chapters.ch4").parse_intermixed_args(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--list", "--quick", "--seeds", "--data", "--target", "--set", "--engine", "--format", "--out"):
        assert option in shown
    assert "python -m chapters.ch4 --data file.csv" in shown


def test_a_closed_pipe_does_not_stop_the_work(story):
    with subprocess.Popen(
        story.command(),
        cwd=story.folder,
        env=story.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        running.stdout.close()
        errors = running.stderr.read()
        assert running.wait(120) == 0
    assert "BrokenPipe" not in errors
    assert (story.out / "results.json").is_file()


def test_titles_survive_a_terminal_without_hangul(story):
    done = subprocess.run(
        story.command("--list"),
        cwd=story.folder,
        env={**story.environment, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "A loaded coin (??)" in done.stdout
