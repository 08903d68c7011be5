"""`python -m chapters.ch5`: the figures and verdicts of chapter 5."""

from textbook.experiment.command_line import main

if __name__ == "__main__":
    raise SystemExit(main(__package__))
