import json

import numpy as np
import pytest

SPLITTING = {
    'DATA = "none"': 'DATA = "any"',
    "rows = []": "rows = []\n    sizes = [len(run.splits()(seed).train) for seed in run.seeds]",
    '"test_loss": loss}': '"test_loss": loss, "train": sizes[0]}',
}


def csv(story, lines, name="mine.csv"):
    (story.folder / name).write_text("\n".join(lines) + "\n")
    return ("--data", name, "--target", "y")


def rows(count, classes=3):
    rng = np.random.default_rng(0)
    return ["a,b,y", *(f"{a:.4f},{b:.4f},k{i % classes}" for i, (a, b) in enumerate(rng.normal(size=(count, 2))))]


@pytest.fixture
def splitting(story):
    story.coin(changes=SPLITTING)
    return story


def test_a_file_of_ones_own_takes_the_place_of_the_sections_data(splitting):
    arguments = csv(splitting, rows(300))
    status, out, err = splitting.main(*arguments)
    assert status == 0
    assert err.startswith("mine.csv: 300 rows")
    assert "classification" in err.splitlines()[0]
    assert "  1.2-a  holds  0.3 nats [0.3, 0.3]  n=16\n" in out
    table = (splitting.out / "1.2-coin.csv").read_text().splitlines()
    assert table[1].endswith(f",{round(1024 / 1797 * 300)}")
    record = (splitting.out / "1.2-coin.json").read_text()
    assert '"mine.csv": ' in record
    assert '"second": null' in record
    assert str(splitting.folder) not in record
    assert "(cached)" in splitting.main(*arguments)[2]


def test_other_values_in_the_file_are_other_data(splitting):
    splitting.main(*csv(splitting, rows(300)))
    assert "measuring" in splitting.main(*csv(splitting, rows(303)))[2]


def test_a_registered_data_set_by_name(splitting):
    status, _, err = splitting.main("--data", "wine")
    assert status == 0
    assert err.startswith("wine: ")
    assert "178 rows, classification into 3 classes" in err


def test_digits_by_name_are_the_default(splitting):
    splitting.main()
    _, out, err = splitting.main("--data", "digits")
    assert "measuring" not in err
    assert "as expected" in out


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,b,z", "1,2,0", "3,4,1"], "'y'"),
        ([*rows(50), "one,2,k0"], "one"),
        ([*rows(50), "nan,2,k0"], "expected"),
        ([*rows(50), ",2,k0"], "expected"),
        (rows(50, classes=1), "class"),
        (rows(2, classes=2), "expected"),
        ([""], "expected"),
    ],
)
def test_a_bad_file_is_bad_input(splitting, lines, message):
    status, out, err = splitting.main(*csv(splitting, lines))
    last = err.splitlines()[-1]
    assert (status, out) == (2, "")
    assert last.startswith("error: ")
    assert "mine.csv" in last
    assert message in last
    assert "Traceback" not in err


def test_a_file_asks_for_its_target(splitting):
    csv(splitting, rows(50))
    status, _, err = splitting.main("--data", "mine.csv")
    assert status == 2
    assert err == "error: expected --target COLUMN with --data mine.csv: which column is to be predicted?\n"


def test_sections_that_need_something_else_are_left_out_in_one_line_each(story):
    story.coin("pixels", number="1.3", changes={'DATA = "none"': 'DATA = "digits"'})
    story.coin("own", number="1.4", changes=SPLITTING)
    story.sections("coin", "pixels", "own")
    status, out, err = story.main("--data", "iris")
    assert status == 0
    assert "1.2 coin is left out: it uses no data set\n" in err
    assert "1.3 pixels is left out: it needs digits\n" in err
    assert "1.4-own.png" in out
    assert "1.2-coin.png" not in out


def test_a_regression_goes_where_it_is_welcome(story):
    story.coin("classes", number="1.3", changes=SPLITTING)
    story.coin("either", number="1.4", changes={**SPLITTING, 'DATA = "none"': 'DATA = "any task"'})
    story.sections("classes", "either")
    status, out, err = story.main("--data", "diabetes")
    assert status == 0
    assert "1.3 classes is left out: it needs classes, and diabetes is a regression\n" in err
    assert "1.4-either.png" in out
    assert story.main("classes", "--data", "diabetes")[2].splitlines()[-1] == (
        "error: classes cannot take diabetes: it needs classes, and diabetes is a regression"
    )


FOR_IRIS = {**SPLITTING, 'DATA = "none"': 'DATA = "any"\nFOR_DATA = {"iris": {"throws": 9, "load": 0.5}}'}


def knobs(story, stem):
    return json.loads((story.out / f"{stem}.json").read_text())["knobs"]


def test_settings_for_a_data_set_take_the_place_of_the_defaults_and_yield_to_the_user(story):
    story.coin("own", number="1.4", changes=FOR_IRIS)
    story.sections("own")
    story.main("--data", "iris", "--set", "load=0.4")
    assert knobs(story, "1.4-own") == {"load": 0.4, "throws": 9, "name": "loaded"}
    story.main("--data", "wine")
    assert knobs(story, "1.4-own") == {"load": 0.3, "throws": 50, "name": "loaded"}


def test_only_sections_with_settings_for_a_data_set_run_on_it_unless_others_are_named(story):
    story.coin("general", number="1.3", changes=SPLITTING)
    story.coin("own", number="1.4", changes=FOR_IRIS)
    story.coin(
        "pixels", number="1.5", changes={**FOR_IRIS, 'DATA = "none"': 'DATA = "digits"\nFOR_DATA = {"iris": {}}'}
    )
    story.sections("general", "own", "pixels")
    status, out, err = story.main("--data", "iris")
    assert status == 0
    assert "1.3 general is left out: it has no settings for iris; name the section to run it all the same\n" in err
    assert "1.4-own.png" in out and "1.5-pixels.png" in out and "1.3-general.png" not in out
    assert "1.3-general.png" in story.main("general", "--data", "iris")[1]
    assert "1.3-general.png" in story.main("--data", "wine")[1]
    assert "name=loaded  [--data iris]\n" in story.main("--list")[1].replace("'", "")


def test_settings_for_a_data_set_must_be_knobs(story):
    story.coin(changes={**SPLITTING, 'DATA = "none"': 'DATA = "any"\nFOR_DATA = {"iris": {"weight": 9}}'})
    status, _, err = story.main("--data", "iris")
    assert status != 0
    assert "expected knobs of " in err and "['weight']" in err
