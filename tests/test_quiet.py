import subprocess
import sys

from textbook import quiet


def test_what_does_not_train_imports_no_keras():
    script = "import sys; from textbook import quiet; quiet.import_keras({'numpy'}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "keras" not in done.stdout.split()


def test_greetings_are_swallowed_and_a_failure_is_shown(monkeypatch, tmp_path):
    package = tmp_path / "keras.py"
    package.write_text("import os\nos.write(2, b'greetings')\n")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from textbook import quiet\n"
        "quiet.import_keras({'keras'})\n"
        "print('afterwards', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == "afterwards\n"
    package.write_text("import os\nos.write(2, b'greetings')\nraise ImportError('no backend')\n")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.startswith("greetings")
    assert "ImportError: no backend" in done.stderr


def test_keras_that_is_there_is_left_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", object())
    monkeypatch.setattr(quiet.importlib, "import_module", None)
    quiet.import_keras({"keras"})
