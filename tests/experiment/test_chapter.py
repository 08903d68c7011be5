import errno
import json

import pytest

from textbook.experiment import saving


def results(story):
    return json.loads((story.out / "results.json").read_text(encoding="utf-8"))


def record(story, stem="1.2-coin"):
    return json.loads((story.out / f"{stem}.json").read_text(encoding="utf-8"))


def without(record):
    """A record without what measures the run and not the result."""
    if isinstance(record, dict):
        return {key: without(value) for key, value in record.items() if key not in ("seconds", "cached")}
    return [without(value) for value in record] if isinstance(record, list) else record


def files(story):
    return {path.name: path.read_bytes() for path in story.out.iterdir() if path.suffix not in (".json", ".html")}


UNFAVOURABLE = {'lower="loaded", than="fair"': 'lower="fair", than="loaded"'}


def test_a_second_run_measures_and_draws_nothing(story):
    _, _, first = story.main()
    before = files(story), without(results(story))
    _, _, second = story.main()
    assert "measuring" in first and "drawing" in first
    assert "measuring" not in second and "drawing" not in second
    assert "(cached)" in second
    assert record(story)["cached"] is True
    assert (files(story), without(results(story))) == before


def test_the_same_command_elsewhere_gives_the_same_bytes(story):
    story.main()
    before = files(story), without(results(story)), without(record(story))
    story.main("--out", "elsewhere")
    there = story.folder / "elsewhere" / "one"
    assert {
        path.name: path.read_bytes() for path in there.iterdir() if path.suffix not in (".json", ".html")
    } == before[0]
    assert without(json.loads((there / "results.json").read_text(encoding="utf-8"))) == before[1]
    assert without(json.loads((there / "1.2-coin.json").read_text(encoding="utf-8"))) == before[2]


@pytest.mark.parametrize(
    ("old", "new", "measures", "draws"),
    [
        ('"Two coins."', '"Two metal coins."', False, False),
        ('"Their losses."', '"The losses of both."', False, False),
        ('"The loaded coin costs less."', '"It costs less."', False, False),
        ('"seed"], table["test_loss"], "o"', '"seed"], table["test_loss"], "x"', False, True),
        ("shift + luck(seed)", "shift + 2 * luck(seed)", True, True),
        ('"""1.2 A loaded coin', '"""1.2 Another coin', False, True),
    ],
)
def test_what_a_change_of_the_section_repeats(story, old, new, measures, draws):
    story.main()
    story.coin(changes={old: new})
    _, _, err = story.main()
    assert ("measuring" in err, "drawing" in err) == (measures, draws)


def test_a_change_of_a_reached_function_measures_again(story):
    story.main()
    luck = story.folder / story.package / "shared" / "luck.py"
    luck.write_text(luck.read_text().replace('"""A number."""', '"""Any number."""'))
    assert "measuring" not in story.main()[2]
    luck.write_text(luck.read_text().replace("return 1 +", "return 2 +"))
    assert "measuring" in story.main()[2]


def test_a_spoilt_or_lost_file_is_made_again(story):
    story.main()
    whole = files(story)
    for name in whole:
        (story.out / name).write_bytes(b"spoilt")
    story.main()
    assert files(story) == whole
    (story.out / "1.2-coin.png").unlink()
    story.main()
    assert files(story) == whole


def test_a_damaged_cache_is_noticed_and_rebuilt(story):
    story.main()
    whole = files(story)
    (csv,) = (story.folder / "out" / ".cache").glob("*/0.csv")
    csv.write_bytes(csv.read_bytes()[:-20])
    status, _, err = story.main()
    assert status == 0
    assert "is damaged (0.csv was changed); measuring again\n" in err
    assert "measuring" in err
    assert files(story) == whole
    assert "damaged" not in story.main()[2]


def test_a_damaged_record_is_noticed(story):
    story.main()
    (story.out / "1.2-coin.json").write_text("{")
    status, _, err = story.main()
    assert status == 0
    assert "1.2-coin.json is damaged" in err
    assert record(story)["name"] == "coin"


def test_running_one_section_loses_none_of_the_others(story):
    story.coin("second", number="1.3")
    story.sections("second", "coin")
    story.main()
    assert [section["name"] for section in results(story)["sections"]] == ["second", "coin"]
    story.main("coin", "--set", "load=0.2", "--quick")
    merged = results(story)
    assert [section["name"] for section in merged["sections"]] == ["second", "coin"]
    assert [section["knobs"]["load"] for section in merged["sections"]] == [0.3, 0.2]
    assert merged["quick"] is True
    assert "seeds" not in merged["provenance"]
    assert [len(section["provenance"]["seeds"]) for section in merged["sections"]] == [16, 4]
    assert "numpy" in merged["provenance"]["versions"]


def test_results_mark_discoveries(story):
    story.main()
    (claim,) = results(story)["sections"][0]["claims"]
    assert claim["discovery"] is True


def test_discoveries_rest_on_the_judging_that_decides(story):
    # clear on the first block, nothing at all on the second
    story.coin(changes={"loss = shift": "loss = (-shift if seed < 2000 else 0) * (1 if seed % 2 else 1.2)"})
    story.main()
    (claim,) = results(story)["sections"][0]["claims"]
    assert claim["p"] < 1e-6 < 0.5 < claim["second"]["p"]
    assert claim["discovery"] is False


def test_each_seed_s_difference_stands_in_the_section_s_own_record_alone(story):
    story.coin(changes=UNFAVOURABLE)
    story.main()
    (claim,) = record(story)["claims"]
    assert claim["differences"] == pytest.approx([-0.3] * 16)
    assert len(claim["second"]["differences"]) == 32
    (claim,) = results(story)["sections"][0]["claims"]
    assert "differences" not in claim and "differences" not in claim["second"]


def test_a_record_says_what_its_figure_shows_and_which_knobs_were_set(story):
    story.main("--set", "throws=9")
    found = record(story)
    assert (found["shows"], found["set"], found["replaced_by"]) == ("Their losses.", {"throws": 9}, None)


def test_a_knob_reaches_measure_and_silences_the_expectation(story):
    status, out, _ = story.main("--set", "load=-0.3", "--strict")
    assert status == 0
    assert "  1.2-a  reversed  -0.3 nats [-0.3, -0.3]  n=16\n" in out
    (claim,) = record(story)["claims"]
    assert (claim["expected"], claim["as_expected"], claim["second"]) == ("holds", None, None)
    assert record(story)["knobs"]["load"] == -0.3


def test_a_knob_set_to_its_default_is_the_default(story):
    story.main()
    _, out, err = story.main("--set", "load=0.3")
    assert "as expected" in out
    assert "measuring" not in err


def test_quick_shrinks_seeds_and_epochs_and_says_so(story):
    status, out, _ = story.main("--quick")
    assert status == 0
    assert "n=4  as expected  quick\n" in out
    assert "1000,2,0" in (story.out / "1.2-coin.csv").read_text().replace("fair,", "")
    assert results(story)["quick"] is True
    assert record(story)["claims"][0]["quick"] is True


def test_a_quick_surprise_is_neither_loud_nor_strict(story):
    story.coin(changes=UNFAVOURABLE)
    status, out, err = story.main("--quick", "--strict")
    assert status == 0
    assert "reversed" in out and "expected holds  quick" in out
    assert "UNLIKE" not in out
    assert "unlike" not in err
    assert "second" not in out


def test_a_surprise_is_judged_again_and_strict_fails(story):
    story.coin(changes=UNFAVOURABLE)
    status, out, err = story.main("--strict")
    assert status == 1
    assert "  1.2-a  reversed  -0.3 nats [-0.3, -0.3]  n=16  UNLIKE EXPECTED: holds\n" in out
    assert "1.2-a  second judging, which decides: reversed  -0.3 nats" in out
    assert "n=32  UNLIKE EXPECTED: holds\n" in out
    assert "unlike expected: 1.2-a\n" in err
    (claim,) = results(story)["sections"][0]["claims"]
    assert (claim["verdict"], claim["n"]) == ("reversed", 16)
    assert (claim["second"]["verdict"], claim["second"]["n"]) == ("reversed", 32)
    assert claim["second"]["seeds"] == list(range(2000, 2032))
    assert (claim["decided"], claim["as_expected"]) == ("reversed", False)
    assert story.main()[0] == 0


def test_the_second_judging_alone_decides(story):
    story.coin(changes={"loss = shift": "loss = shift * (-1 if seed < 2000 else 1)"})
    status, out, err = story.main("--strict")
    assert status == 0
    assert "n=16  UNLIKE EXPECTED: holds\n" in out
    assert "n=32  as expected\n" in out
    assert "unlike" not in err
    claim = record(story)["claims"][0]
    assert (claim["verdict"], claim["decided"], claim["as_expected"]) == ("reversed", "holds", True)


def test_the_second_judging_comes_from_the_cache_too(story):
    story.coin(changes=UNFAVOURABLE)
    story.main()
    before = without(results(story))
    _, _, err = story.main()
    assert "measuring" not in err
    assert without(results(story)) == before


@pytest.mark.parametrize("arguments", [["--no-second-judging"], ["--seeds", "2000-2015"], ["--seeds", "12"]])
def test_no_second_judging_where_it_is_not_wanted(story, arguments):
    story.coin(changes=UNFAVOURABLE)
    status, out, _ = story.main("--strict", *arguments)
    assert status == 1
    assert "second" not in out
    assert record(story)["claims"][0]["second"] is None


def test_a_crash_is_told_and_the_others_run(story):
    story.coin("crash", number="1.1", changes={"rows = []": "rows = 1 / 0"})
    story.coin("bug", number="1.3", changes={"rows = []": 'raise ValueError("expected five")'})
    story.sections("crash", "coin", "bug", "missing")
    status, out, err = story.main()
    assert status == 1
    assert "1.2-a  holds" in out
    assert "ZeroDivisionError: division by zero" in err
    assert "ValueError: expected five" in err
    assert "Traceback" in err
    assert err.endswith("crashed: crash, bug, missing\n")
    assert [section["name"] for section in results(story)["sections"]] == ["coin"]


def test_a_crash_keeps_what_an_earlier_run_recorded(story):
    story.main()
    story.coin(changes={"rows = []": "rows = 1 / 0"})
    assert story.main()[0] == 1
    assert [section["name"] for section in results(story)["sections"]] == ["coin"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ENTRIES = ", "OTHERS = ", "to have measure, draw, CLAIMS and ENTRIES, it lacks ['ENTRIES']"),
        ('DATA = "none"', 'DATA = "all"', "expected DATA of"),
        ('("1.2-a",)\n', '("1.3-a",)\n', "expected claims with ids of their own below ('1.3-a',)"),
        ('("1.2-a",)\n', "()\n", "expected claims with ids of their own below ()"),
        ("throws: int = 50", "throws: int = 0.5", "expected an annotation that fits knob throws=0.5"),
        ("throws: int = 50", "throws: int", "expected a default for every knob"),
        ("return pd.DataFrame(rows)", "return rows", "expected measure to return a DataFrame or a dict of them"),
    ],
)
def test_a_section_is_held_to_its_contract(story, old, new, message):
    story.coin(changes={old: new})
    status, _, err = story.main()
    assert status == 1
    assert message in err


def test_the_librarys_refusal_of_the_users_knob_is_bad_input(story):
    refusal = {"rows = []": 'rows = []\n    if throws < 1:\n        raise ValueError("expected throws of 1 or more")'}
    story.coin(changes=refusal)
    status, _, err = story.main("--set", "throws=0")
    assert status == 2
    assert err.splitlines()[-1] == "error: coin: expected throws of 1 or more"
    assert "Traceback" not in err


def test_any_other_error_under_the_users_knob_is_a_crash(story):
    story.coin(changes={"rows = []": "rows = [1 // throws]"})
    status, _, err = story.main("--set", "throws=0")
    assert status == 1
    assert "ZeroDivisionError" in err


def test_an_unwritable_folder_is_bad_input(story):
    (story.folder / "out").write_text("a file")
    status, _, err = story.main()
    assert status == 2
    assert err == "error: cannot write out: file exists; choose another folder with --out\n"


def test_a_full_disk_is_bad_input_and_loses_nothing(story, monkeypatch):
    story.coin("second", number="1.3")
    story.sections("coin", "second")
    story.main("coin")
    before = {path.name: path.read_bytes() for path in story.out.iterdir()}
    write = saving.write

    def full(path, content):
        if "second" in path.name:
            raise saving.StorageError.of(OSError(errno.ENOSPC, "No space left on device"), path)
        write(path, content)

    monkeypatch.setattr(saving, "write", full)
    status, _, err = story.main()
    assert status == 2
    assert err.splitlines()[-1].startswith("error: no space left on the disk for out/one/1.3-second.csv; free some")
    assert "Traceback" not in err
    monkeypatch.undo()
    story.monkeypatch.syspath_prepend(str(story.folder))
    assert {name: (story.out / name).read_bytes() for name in before if name.endswith((".csv", ".png"))} == {
        name: content for name, content in before.items() if name.endswith((".csv", ".png"))
    }
    assert story.main()[0] == 0
    assert [section["name"] for section in results(story)["sections"]] == ["coin", "second"]


def test_a_disk_that_fills_while_measuring_is_bad_input(story):
    story.coin(changes={"rows = []": 'raise OSError(28, "No space left on device")'})
    status, _, err = story.main()
    assert status == 2
    assert "no space left on the disk for out" in err


def test_several_tables_get_a_file_each(story):
    both = 'a = pd.DataFrame({"a": [0.3]})\n    return {"losses": pd.DataFrame(rows), "a": a}'
    story.coin(
        changes={
            "return pd.DataFrame(rows)": both,
            "def draw(table: pd.DataFrame)": "def draw(tables)",
            "figure = Figure()": 'figure, table = Figure(), tables["losses"]',
            'than="fair")': 'than="fair", table="losses")',
        }
    )
    assert story.main()[0] == 0
    assert record(story)["table"] == {"losses": "1.2-coin.losses.csv", "a": "1.2-coin.a.csv"}
    assert (story.out / "1.2-coin.a.csv").read_text() == "a\n0.3\n"


def test_measured_columns_are_named(story):
    story.coin(changes={'DATA = "none"': 'DATA = "none"\nMEASURED = ("memory",)'})
    story.main()
    assert record(story)["measured"] == ["memory", "seconds"]


def test_provenance_says_how_to_make_it_again_and_not_whose_machine_it_was(story):
    story.main("--set", "load=0.2", "--seeds", "3")
    provenance = record(story)["provenance"]
    assert provenance["seeds"] == [1000, 1001, 1002]
    assert provenance["knobs"] == {"load": 0.2, "throws": 50, "name": "loaded"}
    assert {"tensorflow", "keras", "numpy", "pandas"} <= set(provenance["versions"])
    assert provenance["backend"] == "tensorflow"
    assert len(provenance["code"]) == 64
    import platform

    text = json.dumps(provenance)
    assert platform.node() not in text
    assert str(story.folder) not in text
