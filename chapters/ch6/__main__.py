"""`python -m chapters.ch6`: the figures and verdicts of chapter 6."""

from textbook.experiment.command_line import main

if __name__ == "__main__":
    raise SystemExit(main(__package__))
