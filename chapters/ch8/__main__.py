"""`python -m chapters.ch8`: the figures and verdicts of chapter 8."""

from textbook.experiment.command_line import main

if __name__ == "__main__":
    raise SystemExit(main(__package__))
