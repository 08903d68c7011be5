"""`--verify DIR`: what is stale is said with its reason, and only that is run again, as it was run."""

import json
import shutil

import pytest

from textbook.experiment import documented, verify

# the loaded coin costs more: unlike expected
UNFAVOURABLE = {"load: float = 0.3": "load: float = -0.3"}


@pytest.fixture
def run(story):
    story.coin("second", number="1.3", changes={"luck(seed)": "2 * luck(seed)"})
    story.sections("coin", "second")
    story.main("--seeds", "12")
    return story


def test_what_stands_is_left_alone(run):
    before = {path.name: path.stat().st_mtime_ns for path in run.out.iterdir()}
    status, out, err = run.main("--verify", "out")
    assert (status, out) == (0, "2 of 2 sections in out stand\n")
    assert "measuring" not in err and "drawing" not in err
    assert {path.name: path.stat().st_mtime_ns for path in run.out.iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "reason", "work"),
    [
        ({"-load)": "-load - 0.1)"}, "the code that measured it has changed", ["measuring", "drawing"]),
        ({'"o")': '"x")'}, "the code that draws it has changed", ["drawing"]),
        ({"Its load.": "Its weight."}, "its texts have changed", []),
        (
            {'lower="loaded", than="fair"': 'lower="fair", than="loaded"'},
            "judged again, its verdicts differ: 1.2-a",
            [],
        ),
    ],
)
def test_what_is_older_than_its_code_is_run_again(run, changes, reason, work):
    run.coin(changes=changes)
    status, out, err = run.main("--verify", "out")
    assert status == 0
    assert f"1.2 coin: {reason}" in out and "1 of 2 sections in out stand\n" in out
    assert "1.3 second" not in out
    assert [word for word in ("measuring", "drawing") if word in err] == work
    # as it was run: with these seeds
    record = json.loads((run.out / "1.2-coin.json").read_text("utf-8"))
    assert record["provenance"]["seeds"] == list(range(1000, 1012))
    assert run.main("--verify", "out")[1] == "2 of 2 sections in out stand\n"


def test_a_new_default_of_a_knob_counts_and_a_knob_that_was_set_keeps_its_value(run):
    run.main("second", "--set", "load=0.2", "--seeds", "12")
    for name, number in (("coin", "1.2"), ("second", "1.3")):
        run.coin(
            name, number=number, changes={"load: float = 0.3, throws: int = 50": "load: float = 0.4, throws: int = 60"}
        )
    _, out, _ = run.main("--verify", "out")
    assert "1.2 coin: the code that measured it has changed; knobs have other defaults now: load, throws" in out
    assert "1.3 second: the code that measured it has changed; knobs have other defaults now: throws" in out
    knobs = [json.loads((run.out / f"{stem}.json").read_text("utf-8"))["knobs"] for stem in ("1.2-coin", "1.3-second")]
    assert knobs == [{"load": load, "throws": 60, "name": "loaded"} for load in (0.4, 0.2)]


@pytest.mark.parametrize("file", ["1.2-coin.png", "1.2-coin.csv"])
def test_lost_and_altered_files_are_made_again(run, file):
    path = run.out / file
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert f"1.2 coin: {file} was altered" in run.main("--verify", "out")[1]
    assert path.read_bytes() == whole
    path.unlink()
    assert f"1.2 coin: {file} is missing" in run.main("--verify", "out")[1]
    assert path.read_bytes() == whole


def test_an_altered_verdict_is_found_out(run):
    path = run.out / "1.2-coin.json"
    right = path.read_text("utf-8")
    altered = {
        "verdict": "fails",
        "decided": "fails",
        "as_expected": False,
        "effect": 0.31,
        "interval": [0.1, 0.5],
        "differences": [0.31] * 12,
        "delta": 0.02,
        "p": 0.2,
        "n": 16,
        "diverged": 1,
        "note": "All is well.",
        "test": "Believe me.",
        "quick": True,
    }
    for name, value in altered.items():
        record = json.loads(right)
        assert record["claims"][0][name] != value
        record["claims"][0][name] = value
        path.write_text(json.dumps(record), "utf-8")
        told = run.main("--verify", "out", "--list")[1]
        assert "1.2 coin: judged again, its verdicts differ: 1.2-a\n" in told, name
    run.main("--verify", "out")
    assert json.loads(path.read_text("utf-8"))["claims"] == json.loads(right)["claims"]


def test_another_rule_is_found_out_where_the_verdict_stays_and_where_the_tables_are_lost(run):
    run.coin(changes={'than="fair"': 'than="fair", delta=0.02'})
    for lost in (False, True):
        if lost:
            shutil.rmtree(run.folder / "out" / ".cache")
        assert "1.2 coin: judged again, its verdicts differ: 1.2-a\n" in run.main("--verify", "out", "--list")[1]


def test_another_last_digit_is_rounding(run):
    path = run.out / "1.2-coin.json"
    record = json.loads(path.read_text("utf-8"))
    record["claims"][0]["p"] += 1e-12
    path.write_text(json.dumps(record), "utf-8")
    assert run.main("--verify", "out", "--list")[1] == "2 of 2 sections in out stand\n"


def test_an_altered_second_judging_is_found_out(story):
    story.coin(changes=UNFAVOURABLE)
    story.main()
    assert story.main("--verify", "out", "--list")[1] == "1 of 1 sections in out stand\n"
    path = story.out / "1.2-coin.json"
    record = json.loads(path.read_text("utf-8"))
    right = record["claims"][0]["second"]["effect"]
    record["claims"][0]["second"]["effect"] = 2 * right
    path.write_text(json.dumps(record), "utf-8")
    assert "judged again, its verdicts differ: 1.2-a" in story.main("--verify", "out")[1]
    assert json.loads(path.read_text("utf-8"))["claims"][0]["second"]["effect"] == right


def test_a_run_that_was_stopped_between_its_two_judgings_is_finished(story):
    story.coin(changes=UNFAVOURABLE)
    story.main("--no-second-judging")
    status, out, _ = story.main("--verify", "out")
    assert status == 0 and "1.2 coin: unlike expected, and not judged again yet: 1.2-a\n" in out
    assert json.loads((story.out / "1.2-coin.json").read_text("utf-8"))["claims"][0]["second"]["n"] == 32
    assert story.main("--verify", "out")[1] == "1 of 1 sections in out stand\n"


def test_on_seeds_of_one_s_own_nothing_is_judged_twice(story):
    story.coin(changes=UNFAVOURABLE)
    story.main("--seeds", "12")
    assert story.main("--verify", "out", "--list")[1] == "1 of 1 sections in out stand\n"


def test_another_documented_run_is_noticed(run, monkeypatch):
    claim = json.loads((run.out / "1.2-coin.json").read_text("utf-8"))["claims"][0]
    assert claim["documented"] is None
    monkeypatch.setattr(documented, "_claims", lambda chapter: {"1.2-a": claim} if chapter == "one" else {})
    assert "1.2 coin: beside the documented run, another word for 1.2-a\n" in run.main("--verify", "out")[1]
    record = json.loads((run.out / "1.2-coin.json").read_text("utf-8"))
    assert record["claims"][0]["documented"] == "as documented"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"import sys": "import )"}, "coin.py does not parse: line "),
        ({'DATA = "none"': 'DATA = "none"\n1 / 0'}, "it cannot be loaded (ZeroDivisionError: division by zero)"),
    ],
)
def test_a_section_that_cannot_be_loaded_is_told_and_the_others_are_checked(changes, reason, run):
    run.coin(changes=changes)
    status, out, _ = run.main("--verify", "out")
    assert status == 1
    assert f"coin: {reason}" in out and "1 of 2 sections in out stand\n" in out and "not run yet" not in out


def test_other_versions_are_named(run, monkeypatch):
    from textbook import versions

    real = versions.of
    monkeypatch.setattr(versions, "of", lambda names: {**real(names), "numpy": "9.9"})
    status, out, _ = run.main("--verify", "out", "--list")
    assert status == 1
    assert "measured with other versions: numpy " in out and "→ 9.9" in out


def test_listing_runs_nothing_and_exits_with_one(run):
    run.coin(changes={"-load)": "-load - 0.1)"})
    status, out, err = run.main("--verify", "out", "--list")
    assert status == 1 and "the code that measured it" in out and "measuring" not in err


def test_a_record_that_lacks_a_part_is_reported(run):
    path = run.out / "1.2-coin.json"
    record = json.loads(path.read_text("utf-8"))
    for name, value in {
        "provenance": {},
        "drawing": None,
        "claims": [{"second": None, "p": None}],
        "set": None,
    }.items():
        broken = {key: value if key == name else own for key, own in record.items() if key != "set" or name != "set"}
        path.write_text(json.dumps(broken), "utf-8")
        status, out, _ = run.main("--verify", "out", "--list")
        assert status == 1 and "1.2 coin: its record is of an older form" in out, name


@pytest.mark.parametrize(
    "content",
    ["{", "{}", "[]", '{"name": "coin"}', '{"name": "coin", "quick": false, "provenance": {}, "claims": ["1.2-a"]}'],
)
def test_a_record_that_cannot_be_read_is_reported_not_guessed(run, content):
    (run.out / "1.2-coin.json").write_text(content, "utf-8")
    status, out, _ = run.main("--verify", "out")
    assert status == 1
    assert "1.2 coin: its record is damaged" in out and "1 of 2 sections in out stand" in out
    # nor does it stop another section's run
    assert run.main("second", "--seeds", "12")[0] == 0


def test_sections_that_were_never_run_are_named(run):
    run.coin("third", number="1.4")
    run.sections("coin", "second", "third")
    status, out, _ = run.main("--verify", "out")
    assert status == 0 and "not run yet: third\n" in out


def test_results_on_a_reader_s_data_need_these_data(run):
    path = run.out / "1.2-coin.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(record | {"replaced_by": "mine"}), "utf-8")
    status, out, _ = run.main("--verify", "out")
    assert status == 1 and "made on mine: give that --data again to have it checked" in out


def test_changed_data_are_noticed(run, monkeypatch):
    monkeypatch.setattr(verify, "same_data", lambda digests: False)
    assert "1.2 coin: the data have changed" in run.main("--verify", "out", "--list")[1]


@pytest.mark.parametrize("arguments", [["coin"], ["--seeds", "3"], ["--set", "load=1"], ["--quick"]])
def test_each_section_keeps_its_own_options(run, arguments):
    status, _, err = run.main("--verify", "out", *arguments)
    assert status == 2 and "expected --verify DIR alone" in err


def test_a_folder_that_is_not_there(run):
    status, _, err = run.main("--verify", "elsewhere")
    assert status == 2 and "expected --verify with a folder of results, got 'elsewhere'" in err
