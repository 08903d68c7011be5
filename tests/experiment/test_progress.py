import io
import re
import sys

from textbook.experiment import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_lines_where_there_is_no_terminal(capsys):
    with progress.make(2) as lines:
        assert type(lines) is progress.Lines
        lines.section("4.6 batches")
        lines.within(1, 10)
        lines.advance("cached")
        lines.section("4.7 rates")
        lines.advance()
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[1/2] 4.6 batches (cached)\n[2/2] 4.7 rates\n"


def test_long_work_is_heard_of_now_and_then(capsys, monkeypatch):
    now = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    lines = progress.Lines(3)
    lines.section("4.6 batches")
    lines.within(1, 10)
    lines.within(5, 10)
    lines.within(6, 10)
    assert capsys.readouterr().err == "[1/3] 4.6 batches: 5 of 10 updates\n"


def test_bars_on_a_terminal_and_nothing_of_them_on_standard_output(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.make(2) as bars:
        assert type(bars) is progress.Bars
        bars.section("4.6 batches [weights]")
        bars.within(3, 10)
        bars.line("a [bold] warning")
        print("the report")
        bars._progress.refresh()
        bars.advance("cached")
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    assert "4.6 batches [weights]" in shown
    assert "3/10" in shown
    assert "a [bold] warning" in shown
    assert "the report" not in shown
    assert capsys.readouterr().out == "the report\n"
