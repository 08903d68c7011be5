"""`python -m chapters.ch7`: the figures and verdicts of chapter 7."""

from textbook.experiment.command_line import main

if __name__ == "__main__":
    raise SystemExit(main(__package__))
